"""Which rows a metric gets where it asks for fewer than there are: never a matter of order, shards or machine."""

from __future__ import annotations

import numpy as np

from vidgauge.draws import position


def select(video: np.ndarray, draw: np.ndarray, samples: int | None) -> np.ndarray:
    """Row numbers, ascending, of the first `samples` rows in the order: draw, hash position of the video, frame.

    video: (n,) ids, draw: (n,) int64, rows in canonical order. samples: at least 1; None, or more than n: all rows.
    So every video gives a first draw before one gives a second, and rows of n samples are among those of n + 1.
    Raises ValueError for samples < 1.

    >>> select(np.array(["a", "a", "b"], object), np.array([0, 1, 0]), 2).tolist()
    [0, 2]
    """
    if samples is not None and samples < 1:
        raise ValueError(f"samples: expected a whole number >= 1 or None, got {samples}")
    if samples is None or samples >= len(video):
        return np.arange(len(video))
    places = {name: position(name) for name in dict.fromkeys(video)}
    column = np.array([places[name] for name in video], dtype=np.uint64)
    # lexsort is stable: within a clip rows stay in the order of frames, and equal hashes in that of ids
    return np.sort(np.lexsort((column, draw))[:samples])
