"""Each point's nearest row of a set, exact: equal rows are at distance 0, and of rows as near the first is taken."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from vidgauge.metrics._neighbours import Cloud, bounds, nearest, rows_against, squared_distances


def nearest_rows(points: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row of the reference (a,), Euclidean distance (a,) float64) of each point's nearest.

    points: (a, d), reference: (r, d) with r >= 1, any real dtype, finite; arithmetic is float64. Raises ValueError with
    the shapes seen.
    """
    if points.ndim != 2 or reference.ndim != 2 or points.shape[1:] != reference.shape[1:] or not len(reference):
        raise ValueError(f"expected points (a, d) and reference (r >= 1, d), got {points.shape} and {reference.shape}")
    rows, squares = np.empty(len(points), np.intp), np.empty(len(points))
    cloud, firsts = Cloud(reference), np.unique(_first_equals(reference))
    for block in rows_against(cloud, len(points)):
        i, j, found = nearest(points[block], cloud)
        _, first = np.unique(i, return_index=True)  # pairs are sorted by point, then by row
        rows[block], squares[block] = firsts[j[first]], found[first]
    return rows, np.sqrt(squares)


def nearest_others(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for each row of a set among its other rows. points: (n, d), n >= 2; ValueError otherwise."""
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f"expected points (n >= 2, d), got {points.shape}")
    equal = _first_equals(points)
    cloud, (firsts, place, count) = Cloud(points), np.unique(equal, return_inverse=True, return_counts=True)
    rows, squares = np.empty(len(points), np.intp), np.zeros(len(points))
    for group in np.flatnonzero(count > 1):
        members = np.flatnonzero(place == group)
        rows[members] = members[0]
        rows[members[0]] = members[1]
    alone = np.flatnonzero(count == 1)
    for own, nearest_row, found in _others(cloud, alone):
        rows[firsts[own]], squares[firsts[own]] = firsts[nearest_row], found
    return rows, np.sqrt(squares)


def _others(cloud: Cloud, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(distinct rows, each one's nearest other distinct row, squared distance), some of `wanted` at a time."""
    for block in rows_against(cloud, len(wanted)):
        own = wanted[block]
        upper, lower = bounds(cloud.points[own], cloud)
        itself = np.arange(len(own)), own
        upper[itself], lower[itself] = np.inf, np.inf
        i, j = np.nonzero(lower <= upper.min(axis=1)[:, None])
        found = squared_distances(cloud.points[own], cloud.points, i, j)
        order = np.lexsort((j, found, i))
        _, first = np.unique(i[order], return_index=True)
        yield own, j[order][first], found[order][first]


def _first_equals(x: np.ndarray) -> np.ndarray:
    """(n,) the first row that has the same bytes as each row of (n, d)."""
    found: dict[bytes, int] = {}
    return np.array([found.setdefault(blake2b(row.tobytes(), digest_size=32).digest(), i) for i, row in enumerate(x)])
