"""How things move, counted: histograms of block motion between frames. No network, no weights, NumPy only. Ours.

A set of clips is described by the velocities in them and by how these change, whatever they show. The idea is that of
the Fréchet video motion distance (Liu et al., FVMD, 2024, arXiv 2407.16124), which follows keypoints with a trained
tracker and bins their tracks otherwise; here blocks are matched as video encoders do it, and no number compares.

All sums are of whole numbers that their types hold exactly, and the nearest of equally good matches is taken, so that
every row is the same to the last bit on any machine.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup

if TYPE_CHECKING:
    import numpy as np

GRID = 192  # cells of the working grid along the longer side: one is the unit of displacement
BLOCK = 16  # cells along the side of a block
REACH = 8  # displacements are first sought among those of -8..8 pairs of cells, then one cell around the best
LEVELS = 16  # steps of a cell's luma within one of the 256 of a pixel
STILL = BLOCK**2 * LEVELS  # what a displacement must gain over none at all: a grey level for each cell of the block
OUTSIDE = 1 << 21  # luma of cells outside the frame: more than any block of cells within it can differ
DIRECTIONS = 8
FASTER = (1.5, 3.0, 6.0, 12.0)  # cells per frame from which on the next bin of speeds begins
SPEEDS = 1 + len(FASTER)
WIDTH = 2 * (1 + DIRECTIONS * SPEEDS)
INPUT = InputSpec("clip", None, "area averages on a grid of 192 cells along the longer side", "luma", min_frames=3)


def build(setup: Setup) -> Network:  # noqa: ARG001 - every extractor's argument
    """The function itself: it has no weights, runs on the CPU, and is exact at any precision."""
    return block_motion


def block_motion(clips: np.ndarray) -> dict[str, np.ndarray]:
    """(b, t, h, w, 3) uint8, t >= 3 -> motion (b, 82) float32: two histograms, each of which adds up to 1.

    First that of velocities (t - 1 steps), then that of accelerations, the differences of a place's velocities from one
    step to the next (t - 2). Each is the share of still blocks, then 8 directions (right, right and down, down, ...) by
    5 speeds. A constant added to all pixels, if none is clipped, changes nothing. Raises ValueError for what are no
    clips.

    >>> import numpy as np
    >>> block_motion(np.full((1, 3, 9, 9, 3), 51, np.uint8))["motion"][0].nonzero()
    (array([ 0, 41]),)
    """
    import numpy as np

    from vidgauge.extractors._clips import check_clips

    rows = np.zeros((len(check_clips(clips, INPUT)), WIDTH), np.float32)
    for row, clip in zip(rows, np.asarray(clips), strict=True):
        velocity = velocities(luma(clip))
        row[:] = np.concatenate([histogram(velocity), histogram(np.diff(velocity, axis=0))])
    return {"motion": rows}


def luma(clip: np.ndarray) -> np.ndarray:
    """(t, h, w, 3) uint8 -> (t, rows, columns) float32, whole numbers 0..255 * 16: averages over the areas of cells.

    The longer side has 192 cells, the other an even number in proportion, at least a block.
    """
    import numpy as np

    h, w = clip.shape[1:3]
    rows, columns = (max(BLOCK, 2 * round(GRID / 2 * side / max(h, w))) for side in (h, w))
    grey = clip @ np.array([299.0, 587.0, 114.0])  # (t, h, w) float64; BT.601 times 1000, all sums below 2 ** 53
    sums = _shares(h, rows) @ grey @ _shares(w, columns).T  # over the pixels of a cell, times 1000 rows columns
    return (LEVELS * sums // (1000 * h * w)).astype(np.float32)


def _shares(size: int, cells: int) -> np.ndarray:
    """(cells, size) float64: how much of each pixel lies in each cell, in units of 1 / cells of a pixel."""
    import numpy as np

    cell, pixel = np.arange(cells)[:, None] * size, np.arange(size) * cells
    return np.clip(np.minimum(cell + size, pixel + cells) - np.maximum(cell, pixel), 0, None).astype(np.float64)


def velocities(frames: np.ndarray) -> np.ndarray:
    """(t, rows, columns) of `luma` -> (t - 1, blocks down, blocks across, 2) int64: (dy, dx) in cells per frame.

    Where each block of a frame lies in the next one, whole and within it, by the sum of absolute differences: sought on
    pairs of cells by two, then around the best of them on cells.
    """
    import numpy as np

    n, rows, columns = len(frames) - 1, *frames.shape[1:]
    down, across = rows // BLOCK, columns // BLOCK
    top, left = ((size % BLOCK) // 4 * 2 for size in (rows, columns))  # even, for pairs of cells
    here = frames[:-1, top : top + down * BLOCK, left : left + across * BLOCK]
    best = 2 * _coarse(_pairs(here), _pairs(frames[1:]), top // 2, left // 2)  # (n, down, across, 2)

    margin = 2 * REACH + 1
    ahead = np.pad(frames[1:], ((0, 0), (margin, margin), (margin, margin)), constant_values=OUTSIDE)
    windows = np.lib.stride_tricks.sliding_window_view(ahead, (BLOCK, BLOCK), axis=(1, 2))
    blocks = here.reshape(n, down, BLOCK, across, BLOCK).swapaxes(2, 3)
    step, y, x = np.ogrid[:n, :down, :across]
    y, x = y * BLOCK + top + margin, x * BLOCK + left + margin
    tried = [np.zeros_like(best), *(best + shift for shift in _nearest_first(1))]
    costs = []
    for shift in tried:
        there = windows[step, y + shift[..., 0], x + shift[..., 1]]  # (n, down, across, 16, 16)
        costs.append(np.abs(there - blocks).sum((3, 4)) + STILL * shift.any(-1))
    return _cheapest(np.array(costs), np.array(tried))


def _coarse(here: np.ndarray, ahead: np.ndarray, top: int, left: int) -> np.ndarray:
    """The best displacement of each block of 8 x 8 pairs of cells, (n, down, across, 2) int64 in pairs of cells."""
    import numpy as np

    half = BLOCK // 2
    n, rows, columns = here.shape
    down, across = rows // half, columns // half
    padded = np.pad(ahead, ((0, 0), (REACH, REACH), (REACH, REACH)), constant_values=OUTSIDE)
    least, best = np.full((n, down, across), np.inf, np.float32), np.zeros((n, down, across, 2), np.int64)
    ones = np.ones(half, np.float32)
    for shift in _nearest_first(REACH):
        y, x = shift[0] + REACH + top, shift[1] + REACH + left
        apart = np.abs(here - padded[:, y : y + rows, x : x + columns])
        cost = (apart.reshape(-1, half) @ ones).reshape(n, down, half, across).sum(2)
        cost += STILL * shift.any()
        better = cost < least
        least[better], best[better] = cost[better], shift
    return best


def _cheapest(costs: np.ndarray, tried: np.ndarray) -> np.ndarray:
    """(k, ...) and (k, ..., 2) -> (..., 2): the displacement of least cost, of equals the shortest, then the upper."""
    import numpy as np

    dy, dx = tried[..., 0], tried[..., 1]
    first = np.lexsort((dx, dy, dy**2 + dx**2, costs), axis=0)[:1]
    return np.take_along_axis(tried, first[..., None], axis=0)[0]


def _pairs(frames: np.ndarray) -> np.ndarray:
    """(t, rows, columns) -> (t, rows / 2, columns / 2): sums over 2 x 2 cells."""
    t, rows, columns = frames.shape
    return frames.reshape(t, rows // 2, 2, columns // 2, 2).sum((2, 4))


@cache
def _nearest_first(reach: int) -> np.ndarray:
    """All (dy, dx) from -reach to reach, (n, 2) int64, the shortest first."""
    import numpy as np

    dy, dx = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    return np.stack([dy, dx], axis=1)[np.lexsort((dx, dy, dy**2 + dx**2))]


def histogram(vectors: np.ndarray) -> np.ndarray:
    """(..., 2) int64 (dy, dx) -> (41,) float64 shares: of zeros, then of 8 directions by 5 speeds.

    >>> import numpy as np
    >>> histogram(np.array([[0, 0], [0, 4], [2, 2], [2, 2]])).nonzero()
    (array([0, 3, 7]),)
    """
    import numpy as np

    dy, dx = vectors[..., 0].ravel(), vectors[..., 1].ravel()
    squared = dy**2 + dx**2
    speed = np.searchsorted([edge**2 for edge in FASTER], squared, side="right")
    # No whole dy, dx lie on the edge between two directions, so that the last bits of arctan2 do not matter.
    direction = np.rint(np.arctan2(dy, dx) * (DIRECTIONS / 2 / np.pi)).astype(np.int64) % DIRECTIONS
    place = np.where(squared == 0, 0, 1 + direction * SPEEDS + speed)
    return np.bincount(place, minlength=1 + DIRECTIONS * SPEEDS) / len(place)


EXTRACTOR = ExtractorSpec(
    name="block_motion",
    build=build,
    input=INPUT,
    arrays={
        "motion": ArraySpec(
            WIDTH,
            "clip",
            "shares of blocks by velocity, then by acceleration: still, or one of 8 directions by 5 speeds",
            min_frames=3,
        ),
    },
    version=1,
    source="vidgauge's own; histograms of motion are the idea of FVMD (Liu et al. 2024), which follows keypoints",
    licence="Apache-2.0",
    batch=1,
    uses_gpu=False,
    libraries=(),
    note=(
        "block_motion is vidgauge's own and sees the motion of blocks only: no paper's numbers compare with these, "
        "those of FVMD included"
    ),
)
