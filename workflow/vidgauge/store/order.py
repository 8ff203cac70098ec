"""The order in which the rows of several features files make one: sorted files, merged without their rows in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.store.hdf5 import run_starts
from vidgauge.store.shards import Shards

Clip = tuple[str, int]  # video, draw
ROWS = 1 << 18
"""Rows whose origin is in memory at a time, all files together; of a file there are at least LEAST_ROWS."""
LEAST_ROWS = 64


@dataclass(frozen=True, eq=False)
class Order:
    """Of each clip of the merged array: the number of its file, (k,), and the row after its last, (k,).

    The rows of one file keep their order, so this says where every row comes from.
    """

    source: np.ndarray
    end: np.ndarray

    def __len__(self) -> int:
        """Rows."""
        return int(self.end[-1]) if len(self.end) else 0

    def sources(self, first: int, end: int) -> np.ndarray:
        """(end - first,) the number of the file of each of some rows."""
        clips = slice(int(np.searchsorted(self.end, first, "right")), int(np.searchsorted(self.end, end)) + 1)
        edges = np.concatenate([[first], np.minimum(self.end[clips], end)])
        return np.repeat(self.source[clips], np.diff(edges))


def order_of(shards: Shards, name: str) -> Order:
    """How an array's rows in some files become one array, by video and draw.

    Twelve bytes a clip are kept. Raises VidgaugeError for a file whose rows are not in canonical order, and for a clip
    that is in two files.
    """
    block = max(LEAST_ROWS, ROWS // max(1, len(shards.all)))
    source, end, rows = array("I"), array("q"), 0
    last: Clip | None = None
    for clip, number, count in merge(*(_clips(shards, number, name, block) for number in range(len(shards.all)))):
        if clip == last:
            raise VidgaugeError(
                f"{shards.all[source[-1]].path} and {shards.all[number].path} both have draw {clip[1]} of {clip[0]}; "
                "delete the one that is out of date and run again"
            )
        rows, last = rows + count, clip
        source.append(number)
        end.append(rows)
    return Order(np.array(source), np.array(end))


def _clips(shards: Shards, number: int, name: str, block: int) -> Iterator[tuple[Clip, int, int]]:
    """(clip, the file's number, how many rows) of each clip of a file, whose rows are read a block at a time."""
    last: Clip | None = None
    count = 0
    for at in range(0, shards.all[number].rows[name], block):
        video, draw = (shards.read(number, name, column, slice(at, at + block)) for column in ("video", "draw"))
        starts = np.union1d(run_starts(video), run_starts(draw)).astype(np.int64)
        for first, rows in zip(starts.tolist(), np.diff(starts, append=len(video)).tolist(), strict=True):
            clip = video[first].decode("utf-8", "surrogateescape"), int(draw[first])
            if last is not None and clip < last:
                raise VidgaugeError(
                    f"{shards.all[number].path}: {name}: rows are not in canonical order: {clip} follows {last}; "
                    "delete it and run again"
                )
            if last is not None and clip != last:
                yield last, number, count
                count = 0
            last, count = clip, count + rows
    if last is not None:
        yield last, number, count
