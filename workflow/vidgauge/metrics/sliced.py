"""The sliced Wasserstein distance, which MIND is: optimal transport along random lines, where sorting solves it.

Berthet et al. (2026), "MIND: Monge Inception Distance for generative models evaluation" (arXiv:2605.06797): 3 d times
the squared 2-Wasserstein distance of the projections, averaged over 1000 directions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_pair, float64, mean_of_rows, row_blocks, unit_rows
from vidgauge.specs import Influence

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
    x, y, count = _checked(reference, candidate, projections, order)
    coupling, total = _coupling(len(x), len(y)), 0.0
    for u, v in _projections(x, y, count, seed):
        u.sort()
        v.sort()
        total += coupling.cost(u, v, order)
    return total / count


def sliced_wasserstein_influence(
    reference: Any, candidate: Any, *, projections: int = 1000, order: float = 2.0, seed: int = 0
) -> Influence:
    """How much each row moves `sliced_wasserstein`, to first order. Arguments, and what is raised, as there.

    The effect of a row is the mean over directions of its Kantorovich potential, less the mean of those, over n (del
    Barrio, Loubes 2019, "Central limit theorems for empirical transportation cost in general dimension"). variance: of
    the costs of single directions, over their number.
    """
    x, y, count = _checked(reference, candidate, projections, order)
    coupling, costs = _coupling(len(x), len(y)), np.empty(count)
    effects_x, effects_y = np.zeros(len(x)), np.zeros(len(y))
    for line, (u, v) in enumerate(_projections(x, y, count, seed)):
        of_x, of_y = u.argsort(), v.argsort()
        u, v = u[of_x], v[of_y]
        costs[line] = coupling.cost(u, v, order)
        effects_x[of_x] += _potential(u, v, order) / (len(x) * count)
        effects_y[of_y] += _potential(v, u, order) / (len(y) * count)
    return Influence(effects_x, effects_y, float(costs.var()) / count)


def _checked(reference: Any, candidate: Any, projections: int, order: float) -> tuple[np.ndarray, np.ndarray, int]:
    if not (math.isfinite(order) and order >= 1):
        raise ValueError(f"order: expected a finite number >= 1, got {order!r}")
    count = as_count(projections, "projections")
    return *as_pair(reference, candidate), count


class _Coupling(NamedTuple):
    """The parts of mass that monotone transport moves, from which sorted value to which: (p,) each, p < n + m."""

    of_x: np.ndarray
    of_y: np.ndarray
    mass: np.ndarray

    def cost(self, u: np.ndarray, v: np.ndarray, order: float) -> float:
        """Of moving sorted values u (n,) to v (m,)."""
        return float(self.mass @ np.abs(u[self.of_x] - v[self.of_y]) ** order)


def _coupling(n: int, m: int) -> _Coupling:
    """Of n values of mass 1 / n with m of mass 1 / m; between multiples of these, quantiles are constant."""
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m), so they are exact
    starts = np.concatenate([[0], ends[:-1]])
    return _Coupling(starts // m, starts // n, (ends - starts) / (n * m))


def _potential(u: np.ndarray, v: np.ndarray, order: float) -> np.ndarray:
    """(n,) Kantorovich potential of sorted values u (n,) moved to v (m,), of mean 0.

    Mass that is moved up from one value of u to the next is then met by another distance to v's quantile at that level;
    where this jumps at the level, the two derivatives are averaged.
    """
    levels = np.arange(1, len(u)) * len(v)  # in units of 1 / (n m), so they are exact
    steps = np.zeros(len(u))
    for met in (v[(levels - 1) // len(u)], v[levels // len(u)]):
        steps[1:] += (np.abs(u[1:] - met) ** order - np.abs(u[:-1] - met) ** order) / 2
    potential = np.cumsum(steps)
    potential -= potential.mean()
    return potential


def _projections(x: np.ndarray, y: np.ndarray, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Values (n,) of x and (m,) of y along each of the directions."""
    centre, rng = mean_of_rows(x), np.random.RandomState(seed)
    for lines in row_blocks(count, max(1, TILE_VALUES // (len(x) + len(y)))):
        directions = unit_rows(rng.standard_normal((lines.stop - lines.start, x.shape[1])))
        yield from zip(*(_along(a, directions, centre) for a in (x, y)), strict=True)


def _along(x: np.ndarray, directions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(lines, n): each direction's projections of x. centre: a point near, so that offsets cost no digit."""
    values = np.empty((len(directions), len(x)))
    for rows in row_blocks(len(x)):
        values[:, rows] = directions @ (float64(x[rows]) - centre).T
    return values
