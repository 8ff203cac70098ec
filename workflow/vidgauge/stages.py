"""The stages that join parts of the package: videos to clips files, clips files to features files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from vidgauge import layout
from vidgauge.digests import manifest_digest
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.manifest.probing import read_shard
from vidgauge.media.clips import make_clips
from vidgauge.specs import Asked, Precision
from vidgauge.store.clips import ClipsWriter

Progress = Callable[[int, int], None]


def make_clips_file(shard: Path, asked: Asked, out: Path, *, workers: int, progress: Progress | None = None) -> None:
    """Decode the clips of a probed shard. With size: native, those of videos of the size that is asked for."""
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
    with ClipsWriter(out, spec=full, shape=asked.shape, attrs=attrs) as writer:
        make_clips(videos, spec, seed=seed, draws=range(draws), writer=writer, workers=workers, progress=progress)


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
    `asked`, are made once more, here.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clips-", dir=out.parent) as folder:  # the system's own may be small
        if not clips and videos is not None and asked is not None:
            clips = [Path(folder, "clips.h5")]
            make_clips_file(videos, asked, clips[0], workers=workers)
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
