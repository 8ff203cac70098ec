"""MMD², the squared maximum mean discrepancy of two sets, with any kernel: one sum over pairs, in tiles.

Gretton et al. (2012), "A kernel two-sample test": the unbiased estimator leaves out the pairs of a row with itself, the
biased one (a V-statistic) keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from vidgauge.metrics._arrays import float64, row_blocks, rows_by_video
from vidgauge.specs import Influence

PARTNERS = 8192
"""Rows that the effects of larger sets are taken from: pairs of all would take longer than the distance itself."""


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


Videos = tuple[Sequence[Hashable] | None, Sequence[Hashable] | None]
"""The video of each row, of both sets; None: each row is of its own."""


def mmd2_influence(
    x: np.ndarray, y: np.ndarray, kernel: Kernel, *, biased: bool, videos: Videos | None = None
) -> Influence:
    """The effect of each row of x (n, d) and y (m, d) on `mmd2_of_all`, and what it is above that of the two laws.

    To first order a row moves MMD² by twice its mean kernel value within its set less that across, less the mean of
    that difference, over n. It holds for the unbiased estimator too, with weights in both sums over pairs. In sets of
    more than PARTNERS rows the means are those over that many of them, evenly spaced.
    Pairs of rows of one video are no independent ones, nor are those of videos that have one key in both sets, as made
    from one prompt. Without them, and without rows paired with themselves, the estimator is unbiased; what they add is
    the bias, of the estimator that is called unbiased as well.
    """
    partners = _partners(x), _partners(y)
    within = [_means_within(a, chosen, kernel, biased=biased) for a, chosen in zip((x, y), partners, strict=True)]
    across = _row_sums(x, y[partners[1]], kernel), _row_sums(y, x[partners[0]], kernel)
    effects = [_effects(own - other / len(of)) for own, other, of in zip(within, across, partners[::-1], strict=True)]
    bias = sum(
        means.mean() - _mean_between_videos(a, float(means.mean()), kernel, keys, biased=biased)
        for a, means, keys in zip((x, y), within, videos or (None, None), strict=True)
    )
    if videos is not None and videos[0] is not None and videos[1] is not None:
        mean = float(across[0].mean()) / len(partners[1])
        bias -= 2 * (mean - _mean_across_videos(x, y, mean, kernel, videos[0], videos[1]))
    return Influence(effects[0], effects[1], bias=float(bias))


def _mean_between_videos(
    x: np.ndarray, mean: float, kernel: Kernel, videos: Sequence[Hashable] | None, *, biased: bool
) -> float:
    """The mean of the kernel over pairs of rows of different videos, from that over all pairs; nan if none are left."""
    n = len(x)
    own = sum(float(kernel.own(kernel.rows(x[rows])).sum()) for rows in row_blocks(n))
    total, pairs = (mean * n * n - own, n * (n - 1)) if biased else (mean * n * (n - 1), n * (n - 1))
    if videos is not None and len(found := rows_by_video(videos, x, "a set")) < n:
        for rows in found.values():
            block = kernel.rows(x[rows])
            total -= float(kernel.pairs(block, block).sum() - kernel.own(block).sum())
            pairs -= len(rows) * (len(rows) - 1)
    return total / pairs if pairs else float("nan")


def _mean_across_videos(
    x: np.ndarray, y: np.ndarray, mean: float, kernel: Kernel, of_x: Sequence[Hashable], of_y: Sequence[Hashable]
) -> float:
    """The mean of the kernel over pairs of rows of x and y with different keys, from that over all pairs."""
    in_x, in_y = rows_by_video(of_x, x, "reference"), rows_by_video(of_y, y, "candidate")
    total, pairs = mean * len(x) * len(y), len(x) * len(y)
    for key in (key for key in in_x if key in in_y):  # in order: the sum must not depend on hashes
        values = kernel.pairs(kernel.rows(x[in_x[key]]), kernel.rows(y[in_y[key]]))
        total, pairs = total - float(values.sum()), pairs - values.size
    return total / pairs if pairs else float("nan")


def _effects(slopes: np.ndarray) -> np.ndarray:
    found: np.ndarray = 2 * (slopes - slopes.mean()) / len(slopes)
    return found


def _partners(x: np.ndarray) -> np.ndarray:
    """Numbers of the rows of x whose kernel values stand for those of all."""
    return np.arange(len(x)) if len(x) <= PARTNERS else np.linspace(0, len(x) - 1, PARTNERS).round().astype(np.intp)


def _row_sums(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> np.ndarray:
    """(n,) sums of the kernel of each row of x with all of y."""
    sums = np.zeros(len(x))
    for i in row_blocks(len(x)):
        left = kernel.rows(x[i])
        for j in row_blocks(len(y)):
            sums[i] += kernel.pairs(left, kernel.rows(y[j])).sum(axis=1)
    return sums


def _means_within(x: np.ndarray, partners: np.ndarray, kernel: Kernel, *, biased: bool) -> np.ndarray:
    """(n,) means of the kernel of each row with the partners of its set, itself only where biased."""
    sums, counts = _row_sums(x, x[partners], kernel), np.full(len(x), len(partners))
    if not biased:
        for rows in row_blocks(len(partners)):
            sums[partners[rows]] -= kernel.own(kernel.rows(x[partners[rows]]))
        counts[partners] -= 1
    means: np.ndarray = sums / counts
    return means


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
