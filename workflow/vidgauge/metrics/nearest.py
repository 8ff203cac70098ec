"""Each point's nearest row of a set, exact: equal rows are at distance 0, and of rows as near the first is taken."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from vidgauge.metrics import _neighbours
from vidgauge.metrics._neighbours import Cloud


def nearest_rows(points: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row of the reference (a,), Euclidean distance (a,) float64) of each point's nearest.

    points: (a, d), reference: (r, d) with r >= 1, any real dtype, finite; arithmetic is float64. Raises ValueError with
    the shapes seen.
    """
    if points.ndim != 2 or reference.ndim != 2 or points.shape[1:] != reference.shape[1:] or not len(reference):
        raise ValueError(f"expected points (a, d) and reference (r >= 1, d), got {points.shape} and {reference.shape}")
    firsts = np.unique(_first_equals(reference))
    nearest, squares = _first_of_each(*_neighbours.nearest(points, Cloud(reference)))
    return firsts[nearest], np.sqrt(squares)


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
    if len(cloud) > 1:
        nearest, found = _first_of_each(*_neighbours.nearest_others(cloud))
        alone = count == 1
        rows[firsts[alone]], squares[firsts[alone]] = firsts[nearest[alone]], found[alone]
    return rows, np.sqrt(squares)


def _first_of_each(i: np.ndarray, j: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first j of each i, and its square; pairs are sorted by both."""
    _, first = np.unique(i, return_index=True)
    return j[first], squares[first]


def _first_equals(x: np.ndarray) -> np.ndarray:
    """(n,) the first row that has the same bytes as each row of (n, d)."""
    found: dict[bytes, int] = {}
    return np.array([found.setdefault(blake2b(row.tobytes(), digest_size=32).digest(), i) for i, row in enumerate(x)])
