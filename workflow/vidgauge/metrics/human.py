"""Agreement of a score with people's ratings: rank and linear correlations, with intervals over prompts.

Spearman (average ranks), Kendall tau-b and Pearson are SciPy's. Pairs of which a side is missing are left out; where a
side is constant there is no correlation, and the reason is told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import as_count
from vidgauge.wording import counted

LEVEL = 0.95
RESAMPLES = 2000

LEAST_GROUPS = 8
"""Of fewer groups no interval is made: resamples of so few are too alike, and it would be too narrow."""

LEAST_DEFINED = 0.5
"""Part of the resamples that must have a correlation, for an interval of those."""

LEAST_PAIRS = 3
"""Two are always in a line."""

ROWS = 200
"""Resamples at a time: each takes memory for all pairs."""

MOST_KENDALL = 3000
"""Pairs up to which Kendall's tau has an interval."""

BLOCK = 512  # rows of the matrix of pairs that are in memory at a time

ROUNDING = 1e-12
"""A variance below this part of the largest is none."""


@dataclass(frozen=True)
class Agreement:
    """One correlation of a score with ratings: -1..1, and its 95 % interval; None where there is none, and why."""

    value: float | None
    interval: tuple[float, float] | None
    n: int  # pairs that have both sides
    groups: int  # prompts, say, that these are of
    why: str = ""  # there is no value or no interval


def agreement(
    scores: Any,
    ratings: Any,
    groups: Sequence[Hashable] | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Agreement]:
    """Spearman, Kendall tau-b and Pearson of scores (n,) and ratings (n,), by name; NaN where a side is missing.

    groups: of each pair, the prompt of the video, say: the units that are resampled (percentile bootstrap), for videos
    of one prompt are not independent. None: each pair is its own. A resample where a side is constant has no
    correlation and is left out; an interval needs 8 groups, and half of the resamples. resamples: at least 1000. The
    numbers depend on the pairs, the groups' names and the seed alone, not on their order.
    Raises ValueError for shapes that do not fit, with those seen, and for infinite values.

    >>> found = agreement([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], seed=0)
    >>> found["spearman"].value, found["spearman"].why
    (1.0, '3 groups are too few for an interval, at least 8 are needed')
    >>> agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], seed=0)["pearson"].why
    'the scores are constant'
    """
    count = as_count(resamples, "resamples", least=1000)
    x, y, of = _complete(scores, ratings, groups)
    known = len(np.unique(of))
    if why := _no_value(x, y):
        return {name: Agreement(None, None, len(x), known, why) for name in CORRELATIONS}
    values = {name: _point(name, x, y) for name in CORRELATIONS}
    if known < LEAST_GROUPS:
        why = f"{counted(known, 'group is', 'groups are')} too few for an interval, at least {LEAST_GROUPS} are needed"
        return {name: Agreement(value, None, len(x), known, why) for name, value in values.items()}
    found = {}
    for name, correlation in CORRELATIONS.items():
        if name == "kendall" and len(x) > MOST_KENDALL:
            why = f"more than {MOST_KENDALL} pairs: its time grows with their square"
            found[name] = Agreement(values[name], None, len(x), known, why)
            continue
        draws = (_drawn(of, known, (seed, at), min(ROWS, count - at)) for at in range(0, count, ROWS))
        interval = _interval(np.concatenate([correlation(x, y, weights) for weights in draws]))
        why = "" if interval else "in most resamples a side is constant"
        found[name] = Agreement(values[name], interval, len(x), known, why)
    return found


def model_level(scores: Any, ratings: Any, models: Sequence[Hashable]) -> dict[Hashable, tuple[float, float]]:
    """(n,) scores and ratings -> of each model the mean of both over its complete pairs, for `agreement` of models.

    Models without a complete pair are left out. Raises ValueError for shapes that do not fit.

    >>> model_level([1.0, 3.0, 5.0], [1.0, 2.0, 5.0], ["a", "a", "b"])
    {'a': (2.0, 1.5), 'b': (5.0, 5.0)}
    """
    x, y = _vectors(scores, ratings)
    if len(models) != len(x):
        raise ValueError(f"models: expected one for each of {len(x)} pairs, got {len(models)}")
    kept: dict[Hashable, list[int]] = {}
    for row in np.flatnonzero(~(np.isnan(x) | np.isnan(y))).tolist():
        kept.setdefault(models[row], []).append(row)
    return {model: (math.fsum(x[rows]) / len(rows), math.fsum(y[rows]) / len(rows)) for model, rows in kept.items()}


def preferences_met(left: Any, right: Any, prefers_left: Any, prefers_right: Any, *, tie: float = 0.5) -> np.ndarray:
    """(n,) bool: whether two videos' scores go with what people prefer, as VideoScore counts it.

    left, right: (n,) scores of the two videos. prefers_left, prefers_right: (n,) how much people like either; the
    higher counts. Equal ones are met by scores that differ by less than `tie`, others by a higher score of the
    preferred. The mean is the accuracy. Raises ValueError for shapes that do not fit, and for NaN.

    >>> preferences_met([2.0, 2.0], [1.0, 2.4], [1, 1], [0, 1]).tolist()
    [True, True]
    """
    a, b = _vectors(left, right)
    c, d = _vectors(prefers_left, prefers_right)
    if a.shape != c.shape or np.isnan([a, b, c, d]).any():
        raise ValueError(f"expected four vectors of one length without NaN, got {a.shape} and {c.shape}")
    found: np.ndarray = np.where(c == d, np.abs(a - b) < tie, np.where(c > d, a > b, a < b))
    return found


def spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r,) rank correlations of x (n,) and y (n,), where pair i is there weights[j, i] times in resample j."""
    return _linear(_ranks(x, weights), _ranks(y, weights), weights)


def pearson(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r,) linear correlations; arguments as for `spearman`."""
    return _linear(np.broadcast_to(x, weights.shape), np.broadcast_to(y, weights.shape), weights)


def kendall(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r,) tau-b; arguments as for `spearman`. Copies of a pair are tied with one another."""
    concordant = np.zeros(len(weights))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        signs = np.sign(x[rows, None] - x) * np.sign(y[rows, None] - y)
        concordant += np.einsum("ij,ij->i", weights[:, rows], weights @ signs.T)
    total = weights.sum(1)
    apart = [(total**2 - (_counts(side, weights) ** 2).sum(1)) / 2 for side in (x, y)]
    return _divided(concordant / 2, *apart)


CORRELATIONS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "spearman": spearman,
    "kendall": kendall,
    "pearson": pearson,
}


def _point(name: str, x: np.ndarray, y: np.ndarray) -> float:
    from scipy import stats

    call = {"spearman": stats.spearmanr, "kendall": stats.kendalltau, "pearson": stats.pearsonr}[name]
    return float(call(x, y).statistic)


def _ranks(side: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r, n) average ranks of each pair's value within each resample."""
    counts = _counts(side, weights)
    ranks = counts.cumsum(1) - (counts - 1) / 2
    return ranks[:, np.unique(side, return_inverse=True)[1]]


def _counts(side: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r, distinct values) how often each value is there, in ascending order of the values."""
    order = np.argsort(side, kind="stable")
    first = np.flatnonzero(np.diff(side[order], prepend=np.nan) != 0)
    return np.add.reduceat(weights[:, order], first, axis=1)


def _linear(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(r,) weighted linear correlations of the rows of x and y, (r, n)."""
    total = weights.sum(1, keepdims=True)
    x, y = (side - (weights * side).sum(1, keepdims=True) / total for side in (x, y))
    return _divided(*((weights * one * other).sum(1) for one, other in ((x, y), (x, x), (y, y))))


def _divided(both: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """both / sqrt(one other), NaN where a side does not vary but for rounding."""
    varies = (one > ROUNDING * one.max()) & (other > ROUNDING * other.max())
    scale = np.where(varies, np.sqrt(one) * np.sqrt(other), 1)
    return np.where(varies, np.clip(both / scale, -1, 1), np.nan)


def _drawn(of: np.ndarray, groups: int, seed: tuple[int, int], resamples: int) -> np.ndarray:
    """(resamples, n) float64: how often each pair is there when as many groups are drawn, with replacement."""
    draws = np.random.default_rng(seed).integers(0, groups, (resamples, groups))
    flat = draws + groups * np.arange(resamples)[:, None]
    counts = np.bincount(flat.ravel(), minlength=resamples * groups).reshape(resamples, groups)
    return counts[:, of].astype(np.float64)


def _interval(found: np.ndarray) -> tuple[float, float] | None:
    defined = found[np.isfinite(found)]
    if len(defined) < LEAST_DEFINED * len(found):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _no_value(x: np.ndarray, y: np.ndarray) -> str:
    if len(x) < LEAST_PAIRS:
        return f"{counted(len(x), 'complete pair is', 'complete pairs are')} too few, at least {LEAST_PAIRS} are needed"
    constant = [name for name, side in (("scores", x), ("ratings", y)) if np.ptp(side) == 0]
    return f"the {' and the '.join(constant)} are constant" if constant else ""


def _complete(
    scores: Any, ratings: Any, groups: Sequence[Hashable] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Complete pairs and the number of their group, in an order that the caller's does not change."""
    x, y = _vectors(scores, ratings)
    if groups is not None and len(groups) != len(x):
        raise ValueError(f"groups: expected one for each of {len(x)} pairs, got {len(groups)}")
    both = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    x, y = x[both], y[both]
    if groups is None:
        order = np.lexsort((y, x))
        return x[order], y[order], np.arange(len(order))
    names = [str(groups[row]) for row in both.tolist()]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    of = np.array([number[name] for name in names], dtype=np.intp)
    order = np.lexsort((y, x, of))
    return x[order], y[order], of[order]


def _vectors(*sides: Any) -> Iterator[np.ndarray]:
    found = [np.asarray(side, dtype=np.float64) for side in sides]
    shapes = [side.shape for side in found]
    if any(side.ndim != 1 or side.shape != shapes[0] for side in found):
        raise ValueError(f"expected two vectors (n,) of one length, got {shapes[0]} and {shapes[1]}")
    if any(np.isinf(side).any() for side in found):
        raise ValueError(f"expected finite values or NaN in vectors of shape {shapes[0]}, got infinity")
    return iter(found)
