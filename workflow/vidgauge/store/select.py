"""Which rows a metric gets where it asks for fewer than there are: never a matter of order, shards or machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vidgauge.draws import position

if TYPE_CHECKING:
    from vidgauge.store.features import Origin


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


def first_by_name(origin: Origin, samples: int | None) -> np.ndarray:
    """Row numbers of the first samples in order of video and frame, in that order; all where `samples` is None."""
    _, place = np.unique(origin.video.astype(str), return_inverse=True)
    return np.lexsort((origin.start, place))[:samples]


def select_of(origin: Origin, failed: Sequence[Mapping[str, Any]], samples: int | None) -> np.ndarray:
    """`select` of a file's rows, where videos that could not be decoded keep their places in the order."""
    if samples is None or not len(origin) or not failed:
        return select(origin.video, origin.draw, samples)
    most = int(origin.draw.max()) + 1
    draws = [int(entry.get("clips", most)) for entry in failed]  # files of earlier versions do not say
    rows = len(origin) // len(set(zip(origin.video, origin.draw, strict=True)))  # of one clip
    names = [str(entry["video"]) for entry in failed]
    video = np.concatenate([origin.video, np.array(names, dtype=object).repeat([number * rows for number in draws])])
    draw = np.concatenate([origin.draw, *(np.arange(number).repeat(rows) for number in draws)])
    picked = select(video, draw, samples)
    return picked[picked < len(origin)]
