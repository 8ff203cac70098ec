"""Colours on a coarse grid: no network, no weights, NumPy only. Ours, of no paper; for smoke tests and pipelines.

It sees where light and colour are and nothing of what is shown. Sums are of whole numbers, so that every row is the
same to the last bit on any machine.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup

if TYPE_CHECKING:
    import numpy as np

FRAME_GRID, CLIP_GRID = (2, 4), (2, 2, 2)  # (h, w), (t, h, w)
INPUT = InputSpec("clip", None, "none: clips are seen in their own size", "0..1")


def build(setup: Setup) -> Network:  # noqa: ARG001 - every extractor's argument
    """The function itself: it has no weights, runs on the CPU, and is exact at any precision."""
    return pixel_grid


def pixel_grid(clips: np.ndarray) -> dict[str, np.ndarray]:
    """(b, t, h, w, 3) uint8 -> frame (b * t, 24), clip (b, 24) float32, values 0..1.

    Averages over the bins of torch's adaptive_avg_pool (which overlap where a size is no multiple), flattened from
    (3, 2, 4) and (3, 2, 2, 2). Raises ValueError for what are no clips.

    >>> import numpy as np
    >>> pixel_grid(np.full((1, 2, 5, 7, 3), 51, np.uint8))["frame"][0, :3].tolist()  # 51 / 255
    [0.20000000298023224, 0.20000000298023224, 0.20000000298023224]
    """
    from vidgauge.extractors._clips import check_clips

    array = check_clips(clips, INPUT)
    b, t, h, w, _ = array.shape
    frames = _pool(array.reshape(b * t, 1, h, w, 3), (1, *FRAME_GRID))
    return {"frame": frames, "clip": _pool(array, CLIP_GRID)}


def _pool(clips: np.ndarray, grid: tuple[int, int, int]) -> np.ndarray:
    """(n, t, h, w, 3) uint8 -> (n, 3 * cells) float32, channel by channel, 0..1."""
    import numpy as np

    sums, counts = clips, np.ones((1,) * 5, np.int64)
    for axis in (2, 3, 1):  # rows of pixels first: they lie together, so that most of the work is fast
        cells = grid[axis - 1]
        edges = bins(clips.shape[axis], cells)
        parts = [_sum(sums, axis, *edge) for edge in edges]
        sums = np.concatenate(parts, axis=axis)
        shape = [1] * 5
        shape[axis] = cells
        counts = counts * np.array([end - first for first, end in edges]).reshape(shape)
    means = sums / (255 * counts)  # (n, t, h, w, 3) float64, one rounding
    return np.moveaxis(means, 4, 1).reshape(len(clips), 3 * prod(grid)).astype(np.float32)


def _sum(x: np.ndarray, axis: int, first: int, end: int) -> np.ndarray:
    """Sum over first .. end - 1 of an axis, which is kept, in int64."""
    import numpy as np

    piece = x[(slice(None),) * axis + (slice(first, end),)]
    return piece.sum(axis=axis, keepdims=True, dtype=np.int64)


def bins(size: int, cells: int) -> list[tuple[int, int]]:
    """First and end of each bin of adaptive average pooling.

    >>> bins(5, 2)
    [(0, 3), (2, 5)]
    """
    return [(cell * size // cells, -(-(cell + 1) * size // cells)) for cell in range(cells)]


EXTRACTOR = ExtractorSpec(
    name="pixel_grid",
    build=build,
    input=INPUT,
    arrays={
        "frame": ArraySpec(24, "frame", "mean colour of 2 x 4 (h, w) cells, 0..1, from (3, 2, 4)"),
        "clip": ArraySpec(24, "clip", "mean colour of 2 x 2 x 2 (t, h, w) cells, 0..1, from (3, 2, 2, 2)"),
    },
    version=1,
    source="vidgauge's own",
    licence="Apache-2.0",
    batch=1,
    uses_gpu=False,
    libraries=(),
    note="pixel_grid is vidgauge's own and sees coarse colour and layout only: no paper's numbers compare with these",
)
