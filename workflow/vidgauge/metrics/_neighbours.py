"""Who is nearer than what: k-nearest-neighbour radii and comparisons of distances, exact to the last tie.

A matrix product gives squared distances fast but with rounding, which breaks ties. Here it gives bounds; the few pairs
that the bounds leave open are decided by direct float64 differences, whose value depends on the two rows alone.
All distances are squared.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b

import numpy as np

from vidgauge.metrics._arrays import BLOCK_ROWS, float64, mean_of_rows, row_blocks

TILE_VALUES = 1 << 24  # distances (128 MiB) held at a time


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


class Tile:
    """Squared distances of every row of one block to every row of another, known within bounds."""

    def __init__(self, x: np.ndarray, y: np.ndarray, centre: np.ndarray) -> None:
        """x: (a, d), y: (b, d); centre: (d,) a point near them, for the bounds grow with the distance from it."""
        self.x, self.y = x, y
        left, right = float64(x) - centre, float64(y) - centre
        x_squares, y_squares = (left * left).sum(axis=1)[:, None], (right * right).sum(axis=1)
        # twice what rounding can do to centring, to d products and their sums, and to the direct differences
        slack = 4 * (x.shape[1] + 8) * np.finfo(float).eps
        left *= -2
        self.lower = left @ right.T  # (a, b)
        self.upper = self.lower + (1 + slack) * x_squares
        self.upper += (1 + slack) * y_squares
        self.lower += (1 - slack) * x_squares
        self.lower += (1 - slack) * y_squares

    def below(self, limit: np.ndarray, *, strict: bool) -> np.ndarray:
        """(a, b) bool: squared distance <= limit, or < limit if strict. limit: (a, 1) or (1, b)."""
        inside = self.upper < limit
        i, j = np.nonzero((self.lower <= limit) & ~inside)
        limits = np.broadcast_to(limit, inside.shape)[i, j]
        distances = squared_distances(self.x, self.y, i, j)
        inside[i, j] = distances < limits if strict else distances <= limits
        return inside


def squared_distances(x: np.ndarray, y: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """(p,) squared distances of the pairs (x[i], y[j]), by direct float64 differences."""
    found = np.empty(len(i))
    for pairs in row_blocks(len(i), max(1, TILE_VALUES // (8 * x.shape[1]))):
        difference = float64(x[i[pairs]]) - float64(y[j[pairs]])
        found[pairs] = (difference * difference).sum(axis=1)
    return found


def nearest(points: np.ndarray, cloud: Cloud) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (position in points, distinct row of the cloud) at that point's smallest distance, and this, squared.

    points: (a, d). Each point is there once for every distinct row that is nearest to it; sorted by point.
    """
    upper, lower = bounds(points, cloud)
    i, j = np.nonzero(lower <= upper.min(axis=1)[:, None])
    distances = squared_distances(points, cloud.points, i, j)
    smallest = np.full(len(points), np.inf)
    np.minimum.at(smallest, i, distances)
    kept = distances == smallest[i]
    return i[kept], j[kept], distances[kept]


def rows_against(cloud: Cloud, n: int) -> Iterator[slice]:
    """Slices of n rows, so few at a time that their distances to the whole cloud fit into a tile."""
    return row_blocks(n, max(1, min(BLOCK_ROWS, TILE_VALUES // len(cloud))))


def squared_radii(cloud: Cloud, k: int) -> np.ndarray:
    """(u,) squared distance of each distinct row to the k-th nearest other row of the set (of more than k rows)."""
    radii = np.zeros(len(cloud))
    crowded = cloud.counts > k  # k rows equal to it: radius 0
    for rows in rows_against(cloud, len(cloud)):
        wanted = rows.start + np.flatnonzero(~crowded[rows])
        if len(wanted):
            radii[wanted] = _radii_of(cloud, wanted, k)
    return radii


def _radii_of(cloud: Cloud, rows: np.ndarray, k: int) -> np.ndarray:
    i, j = _near_pairs(cloud, rows, k)
    distances = squared_distances(cloud.points[rows], cloud.points, i, j)
    order = np.lexsort((distances, i))  # by row, then by distance
    short = k - (cloud.counts[rows] - 1)  # its equals, at distance 0, are neighbours too
    return nth_distances(i, distances[order], cloud.counts[j[order]], short)


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


def _near_pairs(cloud: Cloud, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (position in rows, distinct row), sorted, among which are the k nearest others of each of rows."""
    upper, lower = bounds(cloud.points[rows], cloud)
    own = np.arange(len(rows)), rows
    upper[own], lower[own] = np.inf, np.inf
    nth = min(k, len(cloud) - 1) - 1  # with fewer others than k, all of them
    limit = np.partition(upper, nth, axis=1)[:, nth]
    i, j = np.nonzero(lower <= limit[:, None])
    return i, j


def bounds(points: np.ndarray, cloud: Cloud) -> tuple[np.ndarray, np.ndarray]:
    """(a, u) upper and lower bounds of the squared distances of points (a, d) to the cloud's rows."""
    upper = np.empty((len(points), len(cloud)))
    lower = np.empty_like(upper)
    for columns in row_blocks(len(cloud)):
        tile = Tile(points, cloud.points[columns], cloud.mean)
        upper[:, columns], lower[:, columns] = tile.upper, tile.lower
    return upper, lower
