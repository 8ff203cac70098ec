"""The stages that join parts of the package: videos to clips files, clips files to features files."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from math import prod
from pathlib import Path

from vidgauge import layout
from vidgauge.digests import manifest_digest
from vidgauge.extractors import loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.gpus import lease
from vidgauge.manifest.probing import read_shard
from vidgauge.media.clips import make_clips
from vidgauge.media.sampling import distinct_clips
from vidgauge.space import check_space
from vidgauge.specs import Asked, Precision
from vidgauge.store import hdf5
from vidgauge.store.clips import ClipsWriter

Progress = Callable[[int, int], None]


def make_clips_file(
    shard: Path,
    asked: Asked,
    out: Path,
    *,
    workers: int,
    contained: bool = True,
    progress: Progress | None = None,
) -> None:
    """Decode the clips of a probed shard. With size: native, those of videos of the size that is asked for.

    contained: in worker processes, which a native crash ends instead of this one.
    """
    spec, seed, draws = asked.spec, asked.seed, asked.draws
    videos, _ = read_shard(shard)
    attrs = {
        "clips": layout.clips_name(spec, seed=seed, draws=draws),
        "manifest_digest": manifest_digest(videos),
        "versions": {"av": version("av")},
    }
    full = layout.resolved(spec, seed=seed, draws=draws)
    if asked.native is not None:
        full["native"] = asked.native  # features of several sizes must not be merged
        videos = [video for video in videos if (video.height, video.width) == asked.native]
    needed = 3 * prod(asked.shape) * sum(distinct_clips(video, spec, draws) for video in videos)
    what = f"the clips of {len(videos)} video{'s' * (len(videos) != 1)}"
    check_space(out.parent, needed, what, "Make room and run the same command again, or lower shard_size.")
    with ClipsWriter(out, spec=full, shape=asked.shape, attrs=attrs) as writer:
        make_clips(
            videos,
            spec,
            seed=seed,
            draws=range(draws),
            writer=writer,
            workers=workers,
            contained=contained,
            progress=progress,
        )


def make_features_file(
    clips: Sequence[Path],
    out: Path,
    *,
    videos: Path | None,
    asked: Asked | None,
    network: NetworkAsked,
    weights: Path | None,
    device: str,
    precision: Precision,
    workers: int,
    progress: Progress | None = None,
) -> None:
    """Run the clips of a shard through a network.

    The workflow names no clips where features look finished, for they were deleted then. Snakemake may run the job all
    the same, for a reason of its own (a changed rule, say): then the clips of the shard `videos`, as
    `asked`, are made once more, here. So they are, and standard error says so, where those given are damaged.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    # beside the features: the system's own folder may be small
    with tempfile.TemporaryDirectory(prefix=".clips-", suffix=".tmp", dir=out.parent) as folder:
        if videos is not None and asked is not None and not _whole(clips):
            clips = [Path(folder, "clips.h5")]
            make_clips_file(videos, asked, clips[0], workers=workers)
        with lease(device, loading.spec_of(network).uses_gpu):  # the first to start CUDA is the network, inside
            extract(
                clips,
                out,
                network=network,
                weights=weights,
                device=device,
                precision=precision,
                workers=workers,
                progress=progress,
            )


def _whole(clips: Sequence[Path]) -> bool:
    """Whether there are clips, and their files hold what was written."""
    damaged = [f"{path} {why}" for path in clips if (why := hdf5.fault(path))]
    for words in damaged:
        print(f"vidgauge: {words}. The clips of this shard are made once more.", file=sys.stderr)
    return bool(clips) and not damaged
