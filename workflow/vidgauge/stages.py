"""The clips stage: the one that joins reading videos to writing files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vidgauge import layout
from vidgauge.manifest.probing import read_shard
from vidgauge.media.clips import make_clips
from vidgauge.specs import ClipSpec
from vidgauge.store.clips import ClipsWriter


def make_clips_file(
    shard: Path, asked: Mapping[str, Any], out: Path, *, workers: int, progress: Callable[[int, int], None] | None
) -> None:
    """Decode the clips of a probed shard. asked: {"spec": clip spec, "seed", "draws"}."""
    spec, seed, draws = ClipSpec.model_validate(asked["spec"]), int(asked["seed"]), int(asked["draws"])
    videos, _ = read_shard(shard)
    attrs = {"clips": layout.clips_name(spec, seed=seed, draws=draws), "seed": seed}
    full = layout.resolved(spec, seed=seed, draws=draws)
    with ClipsWriter(out, spec=full, shape=(spec.frames, *spec.shape), attrs=attrs) as writer:
        make_clips(videos, spec, seed=seed, draws=range(draws), writer=writer, workers=workers, progress=progress)
