"""The sliced Wasserstein distance, which MIND is: optimal transport along random lines, where sorting solves it.

Berthet et al. (2026), "MIND: Monge Inception Distance for generative models evaluation" (arXiv:2605.06797): 3 d times
the squared 2-Wasserstein distance of the projections, averaged over 1000 directions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_pair, float64, mean_of_rows, row_blocks, unit_rows

TILE_VALUES = 1 << 24  # projected values (128 MiB) held at a time


def sliced_wasserstein(
    reference: Any, candidate: Any, *, projections: int = 1000, order: float = 2.0, seed: int = 0
) -> float:
    """Mean over random directions of the projections' Wasserstein distance to the power `order`; lower is better.

    reference: (n, d), candidate: (m, d), n and m >= 1, any real dtype; arithmetic is float64, in tiles of bounded
    memory. Directions are rows of RandomState(seed).standard_normal((projections, d)), scaled to length 1. Where
    n != m the coupling is still the exact one, of quantile functions: nothing is left out or drawn.
    order: >= 1. Raises ValueError with the shapes seen and wanted.

    >>> sliced_wasserstein([[0.0], [2.0]], [[1.0]], projections=3)  # both move by 1
    1.0
    """
    if not (math.isfinite(order) and order >= 1):
        raise ValueError(f"order: expected a finite number >= 1, got {order!r}")
    count = as_count(projections, "projections")
    x, y = as_pair(reference, candidate)
    coupling, centre, rng = _coupling(len(x), len(y)), mean_of_rows(x), np.random.RandomState(seed)
    total = 0.0
    for lines in row_blocks(count, max(1, TILE_VALUES // (len(x) + len(y)))):
        directions = unit_rows(rng.standard_normal((lines.stop - lines.start, x.shape[1])))
        of_x, of_y = (_sorted_projections(a, directions, centre) for a in (x, y))
        for u, v in zip(of_x, of_y, strict=True):
            total += float(coupling.mass @ np.abs(u[coupling.of_x] - v[coupling.of_y]) ** order)
    return total / count


class _Coupling(NamedTuple):
    """The parts of mass that monotone transport moves, from which sorted value to which: (p,) each, p < n + m."""

    of_x: np.ndarray
    of_y: np.ndarray
    mass: np.ndarray


def _coupling(n: int, m: int) -> _Coupling:
    """Of n values of mass 1 / n with m of mass 1 / m; between multiples of these, quantiles are constant."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m), so they are exact
    starts = np.concatenate([[0], ends[:-1]])
    return _Coupling(starts // m, starts // n, (ends - starts) / (n * m))


def _sorted_projections(x: np.ndarray, directions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(lines, n): each direction's projections of x, in order. centre: a point near, so that offsets cost no digit."""
    values = np.empty((len(directions), len(x)))
    for rows in row_blocks(len(x)):
        values[:, rows] = directions @ (float64(x[rows]) - centre).T
    values.sort(axis=1)
    return values
