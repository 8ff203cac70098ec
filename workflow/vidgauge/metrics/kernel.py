"""Kernel distances: MMD² with a polynomial kernel, as KVD, KID and JEDi are, or a Gaussian one, as CMMD is.

Gretton et al. (2012), the estimators; Bińkowski et al. (2018), "Demystifying MMD GANs", the kernel (x.y / d + 1)³ and
subsets; Luo et al. (2024), "Beyond FVD", JEDi; Jayasumana et al. (2024), "Rethinking FID", CMMD.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_pair, float64, mean_of_rows, refuse_zero_rows, unit_rows
from vidgauge.metrics._mmd import Kernel, Videos, gaussian, mmd2, mmd2_influence, mmd2_of_all, polynomial
from vidgauge.specs import Influence

CUBIC = polynomial(degree=3, gamma=None, coef0=1)


class KernelDistance(NamedTuple):
    """Mean of MMD² over the subsets, and their population standard deviation."""

    mean: float
    std: float


def kernel_distance(
    reference: Any,
    candidate: Any,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
    short: Literal["shrink", "refuse"] = "shrink",
) -> KernelDistance:
    """Mean and spread of unbiased MMD² over random subsets; lower is better, around 0 (also below) for equal laws.

    reference: (n, d), candidate: (m, d), any real dtype; arithmetic is float64. Each subset has
    min(n, m, subset_size) >= 2 rows of each side, without replacement, from RandomState(seed): the candidate's rows
    are drawn first, then the reference's, as StyleGAN-V, data-juicer, clean-fid and torch-fidelity do.
    short: what to do where n or m is less than subset_size; torch-fidelity refuses, the others shrink the subsets.
    Not multiplied by 1000. Raises ValueError with the shapes seen and wanted.

    >>> kernel_distance([[0.0], [0.0]], [[1.0], [1.0]], subsets=3)  # 1 + 8 - 2
    KernelDistance(mean=7.0, std=0.0)
    """
    x, y = as_pair(reference, candidate, rows=2)
    wanted, count = as_count(subset_size, "subset_size", least=2), as_count(subsets, "subsets")
    size = min(len(x), len(y), wanted)
    if short == "refuse" and size < wanted:
        raise ValueError(
            f"expected reference (n, d) and candidate (m, d) with n and m >= subset_size {wanted}, "
            f"got {x.shape} and {y.shape}"
        )
    rng = np.random.RandomState(seed)
    draws = []
    for _ in range(count):
        of_y = rng.choice(len(y), size, replace=False)
        draws.append((rng.choice(len(x), size, replace=False), of_y))
    # every kernel value once, if that is less work than those of each subset
    pairs = (len(x) ** 2 + len(y) ** 2 + len(x) * len(y)) * (1 + count / x.shape[1])
    if pairs <= 3 * count * size**2:
        in_x, in_y = (_members(len(a), [draw[side] for draw in draws]) for side, a in enumerate((x, y)))
        values = mmd2(x, y, CUBIC, in_x, in_y)
    else:
        every = np.ones((1, size))
        values = np.concatenate([mmd2(x[of_x], y[of_y], CUBIC, every, every) for of_x, of_y in draws])
    return KernelDistance(float(values.mean()), float(values.std()))


def kernel_distance_influence(
    reference: Any,
    candidate: Any,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
    short: Literal["shrink", "refuse"] = "shrink",
    videos: Videos | None = None,
) -> Influence:
    """How much each row moves `kernel_distance`, averaged over all draws of subsets, and the variance of the draws.

    Arguments, and what is raised, as there. The mean over all subsets is `kernel_distance_exact`, so the effects are
    those on it. A row moves the few subsets of one seed by more or less, which is in the variance: std² / subsets.
    """
    drawn = kernel_distance(reference, candidate, subsets=subsets, subset_size=subset_size, seed=seed, short=short)
    return replace(polynomial_mmd_influence(reference, candidate, videos=videos), variance=drawn.std**2 / subsets)


def kernel_distance_exact(reference: Any, candidate: Any) -> float:
    """Unbiased MMD² over all pairs, no draw; lower is better, around 0 (also below) for equal laws.

    reference: (n, d), candidate: (m, d), n and m >= 2 and not necessarily equal, any real dtype; arithmetic is float64,
    in tiles of bounded memory. Raises ValueError with the shapes seen and wanted.

    >>> kernel_distance_exact([[0.0], [0.0]], [[1.0], [1.0], [1.0]])  # 1 + 8 - 2
    7.0
    """
    return polynomial_mmd(reference, candidate)


def polynomial_mmd(
    reference: Any,
    candidate: Any,
    *,
    degree: int = 3,
    gamma: float | None = None,
    coef0: float = 1.0,
    biased: bool = False,
) -> float:
    """MMD² over all pairs with the kernel (gamma x.y + coef0)^degree; lower is better.

    reference: (n, d), candidate: (m, d), any real dtype; arithmetic is float64, in tiles of bounded memory.
    gamma: None is 1 / d. biased: pairs of a row with itself count (n and m >= 1, never below 0 but for rounding), else
    they do not (n and m >= 2). Raises ValueError with the shapes seen and wanted.

    >>> polynomial_mmd([[0.0]], [[2.0]], degree=2, coef0=0, biased=True)
    16.0
    """
    x, y = as_pair(reference, candidate, rows=1 if biased else 2)
    return mmd2_of_all(x, y, polynomial(as_count(degree, "degree"), gamma, coef0), biased=biased)


def polynomial_mmd_influence(
    reference: Any,
    candidate: Any,
    *,
    degree: int = 3,
    gamma: float | None = None,
    coef0: float = 1.0,
    biased: bool = False,
    videos: Videos | None = None,
) -> Influence:
    """How much each row moves `polynomial_mmd`, to first order, and its bias. Arguments, and what is raised, as there.

    videos: the keys of the rows' videos, (n,) and (m,); None: each row is a video.
    """
    x, y = as_pair(reference, candidate, rows=1 if biased else 2)
    kernel = polynomial(as_count(degree, "degree"), gamma, coef0)
    return mmd2_influence(x, y, kernel, biased=biased, videos=videos)


def gaussian_mmd(
    reference: Any, candidate: Any, *, sigma: float = 10.0, normalize: bool = True, biased: bool = True
) -> float:
    """MMD² over all pairs with the kernel exp(-|x - y|² / (2 sigma²)); lower is better.

    reference: (n, d), candidate: (m, d), any real dtype; arithmetic is float64, in tiles of bounded memory.
    sigma: > 0, in units of the features. normalize: each row is divided by its length first, as CLIP embeddings are.
    biased: pairs of a row with itself count (n and m >= 1, never below 0 but for rounding), else they do not (n and
    m >= 2). Not multiplied by 1000. Raises ValueError with the shapes seen and wanted, and for a zero row to normalise.

    >>> round(gaussian_mmd([[1.0, 0.0]], [[0.0, 1.0]], sigma=1.0), 6)  # 2 - 2 exp(-1)
    1.264241
    """
    x, y, kernel = _gaussian(reference, candidate, sigma, normalize=normalize, biased=biased)
    return mmd2_of_all(x, y, kernel, biased=biased)


def gaussian_mmd_influence(
    reference: Any,
    candidate: Any,
    *,
    sigma: float = 10.0,
    normalize: bool = True,
    biased: bool = True,
    videos: Videos | None = None,
) -> Influence:
    """How much each row moves `gaussian_mmd`, to first order, and its bias. Arguments, and what is raised, as there.

    videos: as for `polynomial_mmd_influence`.
    """
    x, y, kernel = _gaussian(reference, candidate, sigma, normalize=normalize, biased=biased)
    return mmd2_influence(x, y, kernel, biased=biased, videos=videos)


def _gaussian(
    reference: Any, candidate: Any, sigma: float, *, normalize: bool, biased: bool
) -> tuple[np.ndarray, np.ndarray, Kernel]:
    """Both sets and the kernel that they are compared by."""
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma: expected a finite number > 0, got {sigma!r}")
    x, y = as_pair(reference, candidate, rows=1 if biased else 2)
    if normalize:
        refuse_zero_rows(x, "reference")
        refuse_zero_rows(y, "candidate")
        return x, y, gaussian(sigma, unit_rows)
    centre = mean_of_rows(x)
    return x, y, gaussian(sigma, lambda block: float64(block) - centre)


def _members(n: int, draws: list[np.ndarray]) -> np.ndarray:
    """(s, n) float64, 1 where a row is in a subset."""
    inside = np.zeros((len(draws), n))
    for row, draw in zip(inside, draws, strict=True):
        row[draw] = 1
    return inside
