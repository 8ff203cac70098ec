"""Who is nearer than what: k-nearest-neighbour radii and nearest rows, exact to the last tie. Distances are squared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b

import numpy as np

from vidgauge.metrics import _arrays
from vidgauge.metrics._arrays import mean_of_rows, row_blocks
from vidgauge.metrics._tiles import Block, Tile, half_of_tiles, least_type, squared_distances, tiles

TILE_VALUES = 1 << 24  # distances (128 MiB) held at a time
PENDING = 1 << 20
"""Pairs from which on those are sorted out that nearer ones have made needless, by exact distances if they must be."""


class Cloud:
    """The distinct rows of a set, and how often each occurs.

    Equal rows are put together so that a collapsed generator, whose every pair ties, costs no more than any other.
    """

    def __init__(self, x: np.ndarray) -> None:
        """x: (n, d)."""
        found: dict[bytes, int] = {}
        first: list[int] = []
        row_of = np.empty(len(x), dtype=np.intp)
        for i, row in enumerate(x):
            row_of[i] = found.setdefault(blake2b(row.tobytes(), digest_size=32).digest(), len(found))
            if row_of[i] == len(first):
                first.append(i)
        self.total = len(x)
        self.points = x if len(first) == len(x) else x[first]  # (u, d)
        self.counts = np.bincount(row_of)  # (u,)

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def mean(self) -> np.ndarray:
        """(d,) float64."""
        return mean_of_rows(self.points)


class _Search:
    """The pairs among which are the k nearest of each row, and all that tie with them, gathered tile by tile."""

    def __init__(self, points: np.ndarray, others: np.ndarray, k: int) -> None:
        """points: (n, d) of which the nearest are wanted; others: (u, d) among which they are."""
        self._points, self._others = points, others
        self._k, self._limit = k, np.full(len(points), np.inf)  # squared distances that the k-th do not exceed
        self._pairs = np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0), np.empty(0)
        self._found = [self._pairs]  # rows, others, lower and upper bounds
        self._pending, self._most = 0, PENDING

    def add(self, rows: slice, others: slice, tile: Tile, axis: int = 1) -> None:
        """axis: of the tile along which the others are."""
        limit = self._limit[rows]
        if np.isposinf(limit).any():  # later tiles have few rows nearer than the nearest of the first one
            self._limit[rows] = limit = np.minimum(limit, tile.nth(self._k, axis))
        i, j, lower, upper = tile.candidates(np.expand_dims(limit, axis))
        i, j = (i, j) if axis else (j, i)
        self._found.append((rows.start + i, others.start + j, lower, upper))
        self._pending += len(i)
        if self._pending > self._most:
            self._sort_out()

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and others, (p,) each, sorted by row."""
        self._sort_out()
        return self._found[0][:2]

    def _sort_out(self) -> None:
        i, j, lower, upper = self._within(*(np.concatenate(column) for column in zip(*self._found, strict=True)))
        if len(i) > PENDING:  # nearer to each other than bounds can tell, as in a set that has collapsed
            wide = np.flatnonzero(lower < upper)
            lower[wide] = upper[wide] = squared_distances(self._points, self._others, i[wide], j[wide])
            i, j, lower, upper = self._within(i, j, lower, upper)
        self._found = [(i, j, lower, upper)]
        self._pending = len(i)
        self._most = max(PENDING, 2 * self._pending)

    def _within(
        self, i: np.ndarray, j: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The pairs, sorted by row, without those that k others of their row make needless."""
        order = np.lexsort((upper, i))
        i, j, lower, upper = i[order], j[order], lower[order], upper[order]
        kth = np.arange(len(i)) - np.searchsorted(i, i) == self._k - 1
        self._limit[i[kth]] = np.minimum(self._limit[i[kth]], upper[kth])
        kept = lower <= self._limit[i]
        return i[kept], j[kept], lower[kept], upper[kept]


def nearest(points: np.ndarray, cloud: Cloud) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (row of points, distinct row of the cloud) at that point's smallest distance, and this, squared.

    points: (a, d). Each point is there once for every distinct row that is nearest to it; sorted by point, then by row.
    """
    search = _Search(points, cloud.points, 1)
    for rows, others, tile in tiles(points, cloud.points, cloud.mean):
        search.add(rows, others, tile)
    return _smallest(points, cloud, *search.pairs())


def nearest_others(cloud: Cloud) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of each distinct row of a cloud (of two or more) among the others."""
    return _smallest(cloud.points, cloud, *_near_pairs(cloud, 1))


def squared_radii(cloud: Cloud, k: int) -> np.ndarray:
    """(u,) squared distance of each distinct row to the k-th nearest other row of the set (of more than k rows)."""
    i, j = _near_pairs(cloud, k)
    short = k - (cloud.counts - 1)  # its equals, at distance 0, are neighbours too
    wanted = short[i] > 0
    i, j = i[wanted], j[wanted]
    distances = squared_distances(cloud.points, cloud.points, i, j)
    order = np.lexsort((distances, i))
    radii = np.zeros(len(cloud))
    rows, position = np.unique(i, return_inverse=True)
    radii[rows] = nth_distances(position, distances[order], cloud.counts[j[order]], short[rows])
    return radii


def nth_distances(i: np.ndarray, distances: np.ndarray, counts: np.ndarray, nth: np.ndarray) -> np.ndarray:
    """(a,) the nth smallest distance of each of a points, among its pairs.

    i, distances, counts: (p,) each pair's point, distance, and how often it counts; sorted by point, then by distance.
    nth: (a,) from 1 to what the counts of a point's pairs sum to.
    """
    reached = np.cumsum(counts)  # rows met so far, over all points
    starts = np.searchsorted(i, np.arange(len(nth)))
    before = np.concatenate([[0], reached])[starts]
    found: np.ndarray = distances[np.searchsorted(reached, before + nth)]
    return found


def rows_against(cloud: Cloud, n: int) -> Iterator[slice]:
    """Slices of n rows, so few at a time that their distances to the whole cloud fit into a tile."""
    return row_blocks(n, max(1, min(_arrays.BLOCK_ROWS, TILE_VALUES // len(cloud))))


def bounds(points: np.ndarray, cloud: Cloud) -> tuple[np.ndarray, np.ndarray]:
    """(a, u) lower and upper bounds of the squared distances of points (a, d) to the cloud's rows."""
    lower = np.empty((len(points), len(cloud)))
    upper = np.empty_like(lower)
    least = least_type(points, cloud.points)
    left = Block(points, cloud.mean, least, factor=-2)
    for columns in row_blocks(len(cloud)):
        tile = Tile(left, Block(cloud.points[columns], cloud.mean, least), double=True)
        lower[:, columns], upper[:, columns] = tile.bounds
    return lower, upper


def _near_pairs(cloud: Cloud, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of distinct rows, sorted, among which are the k nearest others of each."""
    search = _Search(cloud.points, cloud.points, k)
    for rows, others, tile in half_of_tiles(cloud.points, cloud.mean):
        search.add(rows, others, tile)
        if rows != others:
            search.add(others, rows, tile, axis=0)
    return search.pairs()


def _smallest(
    points: np.ndarray, cloud: Cloud, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of pairs sorted by point, those at its smallest distance, and this; sorted by point, then by row."""
    distances = squared_distances(points, cloud.points, i, j)
    smallest = np.full(len(points), np.inf)
    np.minimum.at(smallest, i, distances)
    kept = distances == smallest[i]
    i, j, distances = i[kept], j[kept], distances[kept]
    order = np.lexsort((j, i))
    return i[order], j[order], distances[order]
