"""MMD², the squared maximum mean discrepancy of two sets, with any kernel: one sum over pairs, in tiles.

Gretton et al. (2012), "A kernel two-sample test": the unbiased estimator leaves out the pairs of a row with itself, the
biased one (a V-statistic) keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vidgauge.metrics._arrays import float64, row_blocks


@dataclass(frozen=True)
class Kernel:
    """A kernel, by its values on blocks of rows."""

    pairs: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (b, d), (c, d) float64 -> (b, c)
    own: Callable[[np.ndarray], np.ndarray]  # (b, d) float64 -> (b,): of each row with itself
    rows: Callable[[np.ndarray], np.ndarray] = float64  # (b, d) of any real dtype -> the float64 rows that it is fed


def polynomial(degree: int, gamma: float | None, coef0: float) -> Kernel:
    """(gamma x.y + coef0)^degree; gamma None: 1 / d."""

    def power(products: np.ndarray, d: int) -> np.ndarray:
        base = (products / d if gamma is None else products * gamma) + coef0
        values = base
        for _ in range(degree - 1):  # ** is a power of a float, ten times slower
            values = values * base
        return values

    return Kernel(
        pairs=lambda x, y: power(x @ y.T, x.shape[1]),
        own=lambda x: power((x**2).sum(axis=1), x.shape[1]),
    )


def gaussian(sigma: float, rows: Callable[[np.ndarray], np.ndarray]) -> Kernel:
    """exp(-|x - y|² / (2 sigma²)) - 1: the 1 cancels in MMD², and without it close rows lose no digit.

    rows: makes rows float64 and near the origin, for squared distances are those of a matrix product.
    """

    def pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)
        return np.expm1(np.maximum(squares - 2 * (x @ y.T), 0) / (-2 * sigma**2))

    return Kernel(pairs=pairs, own=lambda x: np.zeros(len(x)), rows=rows)


def mmd2(
    x: np.ndarray, y: np.ndarray, kernel: Kernel, in_x: np.ndarray, in_y: np.ndarray, *, biased: bool = False
) -> np.ndarray:
    """(s,) MMD² of s subsets of x (n, d) and y (m, d), whose rows in_x (s, n) and in_y (s, m) mark with 1."""
    n, m = in_x.sum(axis=1), in_y.sum(axis=1)
    within_x, within_y = _sums(x, x, in_x, in_x, kernel), _sums(y, y, in_y, in_y, kernel)
    if biased:
        within_x, within_y = within_x / n**2, within_y / m**2
    else:
        within_x = (within_x - _own_sums(x, in_x, kernel)) / (n * (n - 1))
        within_y = (within_y - _own_sums(y, in_y, kernel)) / (m * (m - 1))
    found: np.ndarray = within_x + within_y - 2 * _sums(x, y, in_x, in_y, kernel) / (n * m)
    return found


def mmd2_of_all(x: np.ndarray, y: np.ndarray, kernel: Kernel, *, biased: bool) -> float:
    """MMD² of all rows of x (n, d) and y (m, d)."""
    return float(mmd2(x, y, kernel, np.ones((1, len(x))), np.ones((1, len(y))), biased=biased)[0])


def _sums(x: np.ndarray, y: np.ndarray, in_x: np.ndarray, in_y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """(s,) sums of the kernel over the pairs of each subset; all subsets share the kernel values of a tile."""
    sums = np.zeros(len(in_x))
    for i in row_blocks(len(x)):
        left = kernel.rows(x[i])
        for j in row_blocks(len(y)):
            values = kernel.pairs(left, kernel.rows(y[j]))  # (b, c)
            sums += ((in_x[:, i] @ values) * in_y[:, j]).sum(axis=1)
    return sums


def _own_sums(x: np.ndarray, in_x: np.ndarray, kernel: Kernel) -> np.ndarray:
    """(s,) sums of the kernel of each row with itself."""
    sums = np.zeros(len(in_x))
    for i in row_blocks(len(x)):
        sums += in_x[:, i] @ kernel.own(kernel.rows(x[i]))
    return sums
