"""What each metric is, once more and from the papers: plain, slow NumPy and SciPy, with nothing of vidgauge's.

Sets are (n, d) float64, the reference first. A function has the name and the options of the reduction that it repeats,
and gives (value, parts). Which samples a metric takes, and which frames a draw, is here as well.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.linalg
from scipy.spatial.distance import cdist

Result = tuple[float, dict[str, float]]
Videos = Sequence[str] | None
SEED = 42


def hashed(text: str) -> int:
    """The first 64 bits of a text's SHA-256."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16)


def drawn_start(video: str, draw: int, starts: int, seed: int = SEED) -> int:
    """Where a draw with start: random begins, of `starts` places."""
    return hashed(f"{seed}\0{video}\0{draw}") * starts // 2**64


def drawn_once(video: str, starts: int, seed: int = SEED) -> list[int]:
    """Where the draws with start: each begin, one after the other: a shuffle from the front."""
    places = list(range(starts))
    for draw in range(starts):
        other = draw + drawn_start(video, draw, starts - draw, seed)
        places[draw], places[other] = places[other], places[draw]
    return places


def drawn(
    lengths: Mapping[str, int],
    *,
    frames: int,
    stride: int,
    needed: int,
    start: str,
    draws: int,
    per_frame: bool,
    seed: int = SEED,
) -> list[tuple[str, int, int]]:
    """(video, draw, first frame) of each clip, or of each frame of each clip, in the order of the file.

    lengths: frames of each video, of which those of fewer than `needed` are left out. draws: of each video; with
    start: each, as many as there are places to begin at, if these are fewer.
    """
    found = []
    for video in sorted(name for name, length in lengths.items() if length >= needed):
        places = lengths[video] - (frames - 1) * stride
        if start == "each":
            begins = drawn_once(video, places, seed)[:draws]
        else:
            begins = [drawn_start(video, draw, places) if start == "random" else 0 for draw in range(draws)]
        for draw, begin in enumerate(begins):
            found += [(video, draw, begin + stride * i) for i in range(frames if per_frame else 1)]
    return found


def taken_by_hash(video: Sequence[str], draw: Sequence[int], samples: int | None) -> list[int]:
    """Rows: first draws before second ones, videos in the order of their hashes; as they lie in the file."""
    order = sorted(range(len(video)), key=lambda row: (draw[row], hashed(video[row]), row))
    return sorted(order[:samples])


def taken_by_name(video: Sequence[str], start: Sequence[int], samples: int | None) -> list[int]:
    """Rows: videos in the order of their names, frames in that of time; in this order."""
    return sorted(range(len(video)), key=lambda row: (video[row], start[row], row))[:samples]


def frechet(
    x: np.ndarray,
    y: np.ndarray,
    videos: tuple[Videos, Videos] = (None, None),
    *,
    ddof: int = 0,
    weighting: str = "samples",
    fold: str = "none",
) -> Result:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))."""
    if fold == "data-juicer":
        x, y = folded(x), folded(y)
    if len(x) + len(y) < x.shape[1]:  # the distance is that within the space that the rows span
        basis = np.linalg.qr(np.concatenate([x, y]).T)[0]
        x, y = x @ basis, y @ basis
    of_x, of_y = (video_weights(names) if weighting == "videos" else None for names in videos)
    (mean_x, cov_x), (mean_y, cov_y) = gaussian(x, ddof, of_x), gaussian(y, ddof, of_y)
    shift = mean_x - mean_y
    return float(shift @ shift + np.trace(cov_x) + np.trace(cov_y) - 2 * trace_of_root(cov_x, cov_y)), {}


def gaussian(x: np.ndarray, ddof: int = 0, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance, sums of weighted rows divided by the sum of weights."""
    if weights is None:
        return x.mean(0), np.atleast_2d(np.cov(x, rowvar=False, ddof=ddof))
    mean = np.average(x, axis=0, weights=weights)
    return mean, np.atleast_2d(np.cov(x, rowvar=False, aweights=weights, ddof=0))


def trace_of_root(a: np.ndarray, b: np.ndarray) -> float:
    """tr (A B)^(1/2), of singular covariances too: (A B)^(1/2) has the trace of (A^(1/2) B A^(1/2))^(1/2).

    That matrix is symmetric, and its zero eigenvalues are found as zeros within rounding, which are left out.
    """
    values, vectors = scipy.linalg.eigh(a)
    root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    found = scipy.linalg.eigvalsh(root @ b @ root)
    return float(np.sqrt(found[found > 1e-14 * found.max()]).sum())


def folded(x: np.ndarray) -> np.ndarray:
    """data-juicer's fold to a quarter of the width: three blocks, and the fourth's first column."""
    first, second, third, fourth = np.split(np.float32(x), 4, axis=1)
    return np.float64(first + second + third + fourth[:, [0]])


def video_weights(videos: Videos) -> np.ndarray:
    names = list(videos or ())
    return np.array([1 / names.count(name) for name in names])


def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def unbiased(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> float:
    """MMD² of the kernel values within and between two sets, pairs of a row with itself left out."""
    n, m = len(xx), len(yy)
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def kernel(
    x: np.ndarray,
    y: np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    subset_seed: int = SEED,
    short: str = "shrink",
    scale: float = 1.0,
) -> Result:
    size = min(len(x), len(y), subset_size)
    if short == "refuse" and size < subset_size:
        return math.nan, {}
    xx, yy, xy = cubic(x, x), cubic(y, y), cubic(x, y)
    rng, values = np.random.RandomState(subset_seed), []
    for _ in range(subsets):
        v, u = (np.bincount(rng.choice(n, size, replace=False), minlength=n) * 1.0 for n in (len(y), len(x)))
        within = u @ xx @ u - u @ np.diag(xx) + v @ yy @ v - v @ np.diag(yy)
        values.append(within / (size * (size - 1)) - 2 * (u @ xy @ v) / size**2)
    return scale * float(np.mean(values)), {"subset_std": scale * float(np.std(values))}


def kernel_exact(x: np.ndarray, y: np.ndarray, *, scale: float = 1.0) -> Result:
    return scale * unbiased(cubic(x, x), cubic(y, y), cubic(x, y)), {}


def estimate(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray, estimator: str) -> float:
    return unbiased(xx, yy, xy) if estimator == "unbiased" else float(xx.mean() + yy.mean() - 2 * xy.mean())


def cmmd(x: np.ndarray, y: np.ndarray, *, estimator: str = "biased") -> Result:
    """Unit rows, sigma 10, times 1000; CMMD's own code counts the pairs of a row with itself."""
    x, y = unit(x), unit(y)
    near = [np.exp(-cdist(a, b, "sqeuclidean") / (2 * 10**2)) for a, b in ((x, x), (y, y), (x, y))]
    return 1000 * estimate(*near, estimator), {}


def jedi(x: np.ndarray, y: np.ndarray, *, estimator: str = "biased") -> Result:
    """(x.y / d)², times 100; videojedi's code counts the pairs of a row with itself."""
    near = [(a @ b.T / x.shape[1]) ** 2 for a, b in ((x, x), (y, y), (x, y))]
    return 100 * estimate(*near, estimator), {}


def mind(x: np.ndarray, y: np.ndarray, *, projections: int = 1000) -> Result:
    """3 d times the mean squared 2-Wasserstein distance of projections; sets of two sizes are repeated to one size."""
    lines = unit(np.random.RandomState(SEED).standard_normal((projections, x.shape[1])))
    size, total = math.lcm(len(x), len(y)), 0.0
    for line in lines:
        u, v = (np.repeat(np.sort(a @ line), size // len(a)) for a in (x, y))
        total += float(np.mean((u - v) ** 2))
    return 3 * x.shape[1] * total / projections, {}


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def inception_score(
    x: None,
    y: np.ndarray,
    *,
    input: str = "logits",  # noqa: A002 - the word of the configuration
    splits: int = 10,
    shuffle_seed: int | None = SEED,
    shuffle_by: str = "numpy",
) -> Result:
    p = softmax(y) if input == "logits" else y
    p = p[shuffled(len(p), shuffle_seed, shuffle_by)]
    parts = [p[i * len(p) // splits : (i + 1) * len(p) // splits] for i in range(splits)]
    scores = [math.exp((part * (np.log(part) - np.log(part.mean(0)))).sum(1).mean()) for part in parts]
    return float(np.mean(scores)), {"mean": float(np.mean(scores)), "std": float(np.std(scores))}


def shuffled(n: int, seed: int | None, by: str) -> np.ndarray:
    if seed is None:
        return np.arange(n)
    if by == "torch":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return torch.randperm(n).numpy()
    return np.random.RandomState(seed).permutation(n)


def softmax(x: np.ndarray) -> np.ndarray:
    odds = np.exp(x - x.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance of each row to its k-th nearest other row."""
    return np.sort(cdist(x, x), axis=1)[:, k]


def precision_recall(x: np.ndarray, y: np.ndarray, *, k: int = 3, radius: str = "float64") -> Result:
    of_x, of_y = (radii(a, k).astype(radius) for a in (x, y))
    between = cdist(x, y)
    precision = float((between <= of_x[:, None]).any(0).mean())
    recall = float((between <= of_y).any(1).mean())
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0, {"precision": precision, "recall": recall}


def density_coverage(x: np.ndarray, y: np.ndarray, *, k: int = 5) -> Result:
    inside = cdist(x, y) < radii(x, k)[:, None]
    coverage = float(inside.any(1).mean())
    return coverage, {"density": float(inside.sum(0).mean() / k), "coverage": coverage}


def authenticity(x: np.ndarray, y: np.ndarray) -> Result:
    """Candidates farther from their nearest reference than this is from its own nearest, in percent."""
    between, alone = cdist(x, y), radii(x, 1)
    nearest = between.argmin(0)
    return 100 * float((between.min(0) > alone[nearest]).mean()), {}


def vendi(x: None, y: np.ndarray) -> Result:
    values = scipy.linalg.eigvalsh(unit(y) @ unit(y).T / len(y))
    values = values[values > 1e-14]
    return math.exp(-(values * np.log(values)).sum()), {}


def pairs(x: np.ndarray, y: np.ndarray, videos: tuple[Videos, Videos]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of each candidate video and of its reference: the one whose name is the same."""
    of_x, of_y = (np.array(names) for names in videos)
    return [(x[of_x == name], y[of_y == name]) for name in sorted(set(of_y))]


def pair_distance(x: np.ndarray, y: np.ndarray, videos: tuple[Videos, Videos]) -> Result:
    found = [float(((b - a) ** 2).sum()) for a, b in pairs(x, y, videos)]
    return float(np.mean(found)), {"pairs": len(found)}


def pair_frechet(x: np.ndarray, y: np.ndarray, videos: tuple[Videos, Videos]) -> Result:
    found = [frechet(a, b, ddof=1)[0] for a, b in pairs(x, y, videos)]
    return float(np.mean(found)), {"pairs": len(found)}


def video_inception_score(x: None, y: np.ndarray, videos: tuple[Videos, Videos]) -> Result:
    scores = []
    for name in sorted(set(videos[1] or ())):
        p = softmax(y[np.array(videos[1]) == name])
        scores.append(math.exp((p * (np.log(p + 1e-10) - np.log(p.mean(0) + 1e-10))).sum(1).mean()))
    return float(np.mean(scores)), {"videos": len(scores)}
