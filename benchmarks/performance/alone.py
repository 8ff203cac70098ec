"""One metric by itself, as the tools of the field run it: `python -m benchmarks.performance.alone METRIC ...`.

Every frame of every video is decoded to RGB and resized, in one process; the clips that are wanted go through the
network in data-juicer's batches, and NumPy, SciPy and torch reduce the rows. Nothing is kept, nothing is shared with
another metric. Kinder than data-juicer's own loader in one point, unless `--anew` is given: each video is decoded once,
not once for every clip or frame that is taken from it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import torch

PLANS = {  # archive, frames of a clip, frames from one to the next, what is done with the rows
    "fvd2048_16f": ("i3d_styleganv", 16, 1, "frechet"),
    "fvd2048_128f": ("i3d_styleganv", 128, 1, "frechet"),
    "fvd2048_128f_subsample8f": ("i3d_styleganv", 16, 8, "frechet"),
    "kvd2048_16f": ("i3d_styleganv", 16, 1, "kernel"),
    "prv2048_3n_16f": ("i3d_styleganv", 16, 1, "precision_recall"),
    "isv2048_ucf": ("c3d_ucf101", 16, 1, "inception_score"),
    "fid50k": ("inception_nvidia", 1, 1, "frechet"),
    "kid50k": ("inception_nvidia", 1, 1, "kernel"),
    "is50k": ("inception_nvidia", 1, 1, "inception_score"),
    "pr50k_3n": ("vgg16_nvidia", 1, 1, "precision_recall"),
}
SIZE = (320, 240)
KEYWORDS = {
    "i3d_styleganv": {"rescale": True, "resize": True, "return_features": True},
    "inception_nvidia": {"return_features": True},
    "vgg16_nvidia": {"return_features": True},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metric", choices=PLANS)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--samples", type=int, required=True, help="clips, or frames, of each set")
    parser.add_argument("--anew", action="store_true", help="decode a video for each sample, as data-juicer's loader")
    parser.add_argument("folders", type=Path, nargs="+", help="the candidate's videos, then the reference's")
    asked = parser.parse_args()
    archive, length, stride, reduction = PLANS[asked.metric]
    network = torch.jit.load(str(asked.archive)).eval()
    keywords = KEYWORDS.get(archive, {})
    if asked.metric == "is50k":
        keywords = {"no_output_bias": True}
    folders = asked.folders[:1] if reduction == "inception_score" else asked.folders
    sets = []
    for folder in folders:
        clips = samples(sorted(folder.iterdir()), asked.samples, length, stride, anew=asked.anew)
        sets.append(rows(network, keywords, clips, 64 if archive == "c3d_ucf101" else max(1, 64 // length)))
    print(json.dumps(REDUCTIONS[reduction](*sets)))


def decoded(path: Path) -> list[np.ndarray]:
    """Every frame as (240, 320, 3) uint8 RGB."""
    with av.open(str(path)) as container:
        return [cv2.resize(frame.to_ndarray(format="rgb24"), SIZE) for frame in container.decode(video=0)]


def samples(paths: list[Path], count: int, length: int, stride: int, *, anew: bool) -> Iterator[np.ndarray]:
    """`count` clips (length, 240, 320, 3) of random places, the same number of each video, one more of the first."""
    draw = np.random.default_rng(42)
    for number, path in enumerate(paths):
        frames = decoded(path)
        for again in range(count // len(paths) + (number < count % len(paths))):
            if anew and again:
                frames = decoded(path)
            start = draw.integers(len(frames) - (length - 1) * stride)
            yield np.stack(frames[start : start + (length - 1) * stride + 1 : stride])


def rows(network: torch.nn.Module, keywords: dict[str, bool], clips: Iterator[np.ndarray], batch: int) -> np.ndarray:
    """(n, d) float32."""
    found = []
    with torch.inference_mode():
        while stacked := [clip for _, clip in zip(range(batch), clips, strict=False)]:
            x = torch.from_numpy(np.stack(stacked)).permute(0, 4, 1, 2, 3)  # (b, 3, t, h, w)
            x = x[:, :, 0] if x.shape[2] == 1 else x
            found.append(network(x.float().contiguous(), **keywords).numpy())
    return np.concatenate(found)


def frechet(candidate: np.ndarray, reference: np.ndarray) -> float:
    from scipy.linalg import sqrtm

    (m, a), (n, b) = ((x.mean(0), np.cov(x.astype(np.float64), rowvar=False, ddof=0)) for x in (candidate, reference))
    return float(((m - n) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b))))


def kernel(candidate: np.ndarray, reference: np.ndarray) -> float:
    """100 subsets of at most 1000."""
    draw, total = np.random.RandomState(42), 0.0
    width, m = candidate.shape[1], min(len(candidate), len(reference), 1000)
    for _ in range(100):
        x, y = (rows[draw.choice(len(rows), m, replace=False)] for rows in (candidate, reference))
        own = (x @ x.T / width + 1) ** 3 + (y @ y.T / width + 1) ** 3
        across = (x @ y.T / width + 1) ** 3
        total += (own.sum() - np.diag(own).sum()) / (m - 1) - 2 * across.sum() / m
    return float(total / 100 / m)


def precision_recall(candidate: np.ndarray, reference: np.ndarray) -> list[float]:
    """3 neighbours; fewer of a set that has no more."""

    def share(manifold: torch.Tensor, probes: torch.Tensor) -> float:
        radius = torch.cdist(manifold, manifold).kthvalue(min(4, len(manifold))).values.half()
        return float((torch.cdist(probes, manifold) <= radius).any(1).float().mean())

    ours, theirs = torch.from_numpy(candidate), torch.from_numpy(reference)
    return [share(theirs, ours), share(ours, theirs)]


def inception_score(probabilities: np.ndarray) -> float:
    """10 splits."""
    np.random.RandomState(42).shuffle(probabilities)
    scores = []
    for part in np.array_split(probabilities, 10):
        divergence = part * (np.log(part) - np.log(part.mean(0)))
        scores.append(np.exp(divergence.sum(1).mean()))
    return float(np.mean(scores))


REDUCTIONS = {
    "frechet": frechet,
    "kernel": kernel,
    "precision_recall": precision_recall,
    "inception_score": inception_score,
}

if __name__ == "__main__":
    main()
