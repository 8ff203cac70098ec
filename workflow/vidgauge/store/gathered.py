"""Rows of features that come in pieces: all of them in the order of features files, or their statistics alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vidgauge.metrics._arrays import BLOCK_ROWS
from vidgauge.metrics.stats import Stats, merge_stats, stats_from_features
from vidgauge.store.features import FeatureArray

Keep = Literal["features", "statistics"]


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows (n, d) float32, the same number for each of the clips, and the ids of their videos if they have any."""

    rows: np.ndarray
    clips: int
    ids: tuple[str, ...] | None = None


class Gathered:
    """keep "features": every row. "statistics": mean and covariance of whole blocks, and the rows of the last one."""

    def __init__(self, keep: Keep, folded: Stats | None = None) -> None:
        self.keep, self.folded = keep, folded
        self.pieces: list[Piece] = []

    def __len__(self) -> int:
        return sum(len(piece.rows) for piece in self.pieces) + (self.folded.n if self.folded else 0)

    @property
    def counted(self) -> bool | None:
        """Whether clips have no ids but are counted; None where there are none, or nobody asks."""
        return self.pieces[0].ids is None if self.pieces and self.keep == "features" else None

    def checked(self, ids: Sequence[str] | None, clips: int) -> tuple[str, ...] | None:
        """The ids of so many clips; ValueError where they are not one per clip, or given for some clips only."""
        if ids is not None and (
            isinstance(ids, str) or len(ids) != clips or not all(isinstance(name, str) for name in ids)
        ):
            raise ValueError(f"ids: expected {clips} texts, one per clip, got {ids!r:.100}")
        if self.counted not in (None, ids is None):
            raise ValueError("ids: expected them for all clips or for none; the clips so far differ from these")
        return None if ids is None else tuple(ids)

    def add(self, piece: Piece) -> None:
        """Take rows up; for statistics, blocks of BLOCK_ROWS are folded, however the rows were cut into pieces."""
        self.pieces.append(piece)
        if self.keep == "features" or sum(len(piece.rows) for piece in self.pieces) < BLOCK_ROWS:
            return
        rows = np.concatenate([piece.rows for piece in self.pieces])
        whole = len(rows) // BLOCK_ROWS * BLOCK_ROWS
        for at in range(0, whole, BLOCK_ROWS):
            self._fold(stats_from_features(rows[at : at + BLOCK_ROWS]))
        self.pieces = [Piece(rows[whole:].copy(), 1)] if len(rows) > whole else []

    def merge(self, other: Gathered) -> None:
        """Take up all that another one has, which stays as it is."""
        if other.folded is not None:
            self._fold(other.folded)
        for piece in list(other.pieces):
            self.add(piece)

    def stats(self) -> Stats:
        """Of all rows: those kept in the order of `rows`, else as they came. ValueError where there are none."""
        self._refuse_empty()
        if self.keep == "features":
            return stats_from_features(self.rows().values)
        rest = [stats_from_features(np.concatenate([piece.rows for piece in self.pieces]))] if self.pieces else []
        return merge_stats(*([self.folded] if self.folded else []), *rest)

    def rows(self) -> FeatureArray:
        """Features by id, then arrival: `draw` counts a video's clips, `start` the rows of its draws.

        ValueError where there are none, or only statistics are kept.
        """
        if self.keep == "statistics":
            raise ValueError("expected features, but only statistics are kept")
        self._refuse_empty()
        blocks = [block for piece in self.pieces for block in np.split(piece.rows, piece.clips)]
        ids = [name for piece in self.pieces for name in piece.ids or ()]
        ids = ids or [f"{number:012d}" for number in range(len(blocks))]
        seen: Counter[str] = Counter()
        keys: list[tuple[str, int, int]] = []  # video, draw, number of the clip
        for number, name in enumerate(ids):
            keys.append((name, seen[name], number))
            seen[name] += 1
        keys.sort()
        counts = [len(blocks[number]) for _, _, number in keys]
        start = [draw * n + row for (_, draw, _), n in zip(keys, counts, strict=True) for row in range(n)]
        return FeatureArray(
            np.concatenate([blocks[number] for _, _, number in keys]),
            np.repeat(np.array([video for video, _, _ in keys], dtype=object), counts),
            np.repeat([draw for _, draw, _ in keys], counts),
            np.array(start),
        )

    def _fold(self, part: Stats) -> None:
        self.folded = merge_stats(self.folded, part) if self.folded else part

    def _refuse_empty(self) -> None:
        if not len(self):
            raise ValueError("expected rows, got none: nothing was added yet")
