"""Statistics of frames: what is black, frozen, flickering or banded. No network, no weights, NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup

if TYPE_CHECKING:
    import numpy as np

INPUT = InputSpec("clip", None, "none: clips are seen in their own size", "0..255")
ALONE = "one frame has no successor"
COLUMNS = (
    Column(
        "temporal_flickering",
        "higher",
        "0..1, as in VBench: 1 is no change; motion lowers it too",
        ALONE,
        "temporal_flickering is lowered by motion as well: VBench asks it of still scenes only",
    ),
    Column(
        "motion_smoothness_midpoint",
        "higher",
        "0..1: 1 is even change; vidgauge's own",
        "fewer than three frames",
        "motion_smoothness_midpoint is vidgauge's own, in VBench's formula: it predicts a frame as the mean of its "
        "neighbours, without a network, so that motion lowers it; VBench's numbers do not compare",
    ),
    Column(
        "sharpness",
        "higher",
        "grey levels squared, 0 and more; noise raises it too",
        "frames below 3 pixels",
        "sharpness depends on the size of the frames: numbers of sets of other sizes do not compare",
    ),
    Column("brightness", None, "0..1"),
    Column("static_share", "lower", "0..1, of pairs of frames", ALONE),
    Column("duplicate_frames", "lower", "0..1, of the frames after the first", ALONE),
    Column("black_share", "lower", "0..1, of the frames"),
    Column("banding", "lower", "0..1, of the grey levels of smooth areas"),
    Column("flicker_brightness", "lower", "0..1, per frame", ALONE),
)


def build(setup: Setup) -> Network:  # noqa: ARG001 - every extractor's argument
    """The function itself: it has no weights, runs on the CPU, and is exact at any precision."""
    return frame_statistics


def frame_statistics(clips: np.ndarray) -> dict[str, np.ndarray]:
    """(b, t, h, w, 3) uint8 -> scores (b, 9) float32, the columns of `vidgauge.metrics.frame_statistics`.

    NaN where a clip has too few frames for a column. Raises ValueError for what are no clips.

    >>> import numpy as np
    >>> frame_statistics(np.zeros((2, 3, 9, 9, 3), np.uint8))["scores"].shape
    (2, 9)
    """
    import numpy as np

    from vidgauge.extractors._clips import check_clips
    from vidgauge.metrics.frame_statistics import frame_statistics as of_clip

    rows = [list(of_clip(clip).values()) for clip in check_clips(clips, INPUT)]
    return {"scores": np.array(rows, np.float32).reshape(len(rows), len(COLUMNS))}


EXTRACTOR = ExtractorSpec(
    name="frame_statistics",
    build=build,
    input=INPUT,
    arrays={"scores": ArraySpec(len(COLUMNS), "clip", "what pixels say of a clip", columns=COLUMNS)},
    version=1,
    source="temporal_flickering: VBench (Huang et al. 2024); all else vidgauge's own",
    licence="Apache-2.0",
    batch=1,
    uses_gpu=False,
    libraries=(),
)
