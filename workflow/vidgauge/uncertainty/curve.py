"""The number over the number of videos, and where it would end: a fit in 1/n.

Chong & Forsyth (2020), "Effectively unbiased FID and Inception score and where to find them", extrapolate so. Here each
size is a part of the same videos, whose chance is taken out by the effects of its groups: what stays is the bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

PARTS = 16
FINE = tuple(range(2, PARTS))
"""Sizes of a curve that is extrapolated, in sixteenths of the set; the whole set comes last. A fit takes those from a
half on: there are nine."""

COARSE = tuple(range(2, PARTS, 2))
"""Sizes of a curve that is only looked at."""

FEW = (4, 8, 12)
"""Sizes of a curve whose form is known."""

TWICE = 12
"""Of a fine curve, sizes below so many parts are taken from both halves of the order, and averaged."""


class Curve(NamedTuple):
    """Shares of the videos (p,), growing, the number at each (p,), and from how many parts that was averaged (p,)."""

    shares: np.ndarray
    values: np.ndarray
    subsets: np.ndarray


class Fit(NamedTuple):
    """value = infinity + bias / share."""

    infinity: float
    error: float  # standard error of infinity, from what the line leaves
    bias: float  # of the number with all videos


def window(groups: int, parts: int, start: int) -> np.ndarray:
    """Numbers of those of `groups` groups that make `parts` sixteenths, from sixteenth `start` on, going round.

    >>> window(32, 2, 15).tolist()
    [30, 31, 0, 1]
    """
    found: np.ndarray = (start * groups // PARTS + np.arange(max(1, round(groups * parts / PARTS)))) % groups
    return found


def curve(number: Callable[[int, int], tuple[float, float]], whole: float, sizes: Sequence[int]) -> Curve:
    """number(parts, start): which share of the rows a part of the sets has, and its number less its effects, or nan.

    whole: the number of all rows. sizes: FINE for a curve that is to be extrapolated, else COARSE or FEW.
    """
    points = []
    for parts in sizes:
        starts = (0, PARTS // 2) if sizes is FINE and parts < TWICE else (0,)
        found = np.array([number(parts, start) for start in starts])
        if np.isfinite(found).all():
            points.append((*found.mean(axis=0), len(found)))
    shares, values, subsets = zip(*points, (1.0, whole, 1), strict=True)
    return Curve(np.array(shares), np.array(values), np.array(subsets))


def fit(shares: np.ndarray, values: np.ndarray) -> Fit:
    """Least squares of values (p,) over 1 / shares (p,), p >= 3."""
    x = np.stack([np.ones(len(shares)), 1 / shares], axis=1)  # (p, 2)
    solution = np.linalg.lstsq(x, values)[0]
    left = values - x @ solution
    variance = left @ left / (len(shares) - 2) * np.linalg.inv(x.T @ x)[0, 0]
    return Fit(float(solution[0]), float(np.sqrt(variance)), float(solution[1]))


def upper(shares: np.ndarray) -> np.ndarray:
    """Which points of a curve the fit takes."""
    found: np.ndarray = shares >= 0.45  # a half, of groups that cannot be halved
    return found


def limits(found: Curve) -> tuple[Fit, Fit] | None:
    """The fits of the sizes from a half on, and of those from a quarter to a half; None where sizes are missing."""
    high, low = upper(found.shares), (found.shares >= 0.2) & (found.shares <= 0.55)
    if high.sum() < PARTS // 2 + 1 or low.sum() < PARTS // 4:
        return None
    return fit(found.shares[high], found.values[high]), fit(found.shares[low], found.values[low])
