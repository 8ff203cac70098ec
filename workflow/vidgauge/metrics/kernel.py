"""The kernel distance, which KVD and KID are: unbiased MMD² with the kernel (x.y / d + 1)³.

Gretton et al. (2012), the unbiased estimator; Bińkowski et al. (2018), "Demystifying MMD GANs", kernel and subsets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_pair, float64, row_blocks


class KernelDistance(NamedTuple):
    """Mean of MMD² over the subsets, and their population standard deviation."""

    mean: float
    std: float


def kernel_distance(
    reference: Any, candidate: Any, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Mean and spread of unbiased MMD² over random subsets; lower is better, around 0 (also below) for equal laws.

    reference: (n, d), candidate: (m, d), any real dtype; arithmetic is float64. Each subset has
    min(n, m, subset_size) >= 2 rows of each side, without replacement, from RandomState(seed): the candidate's rows
    are drawn first, then the reference's, as StyleGAN-V, data-juicer, clean-fid and torch-fidelity do.
    Not multiplied by 1000. Raises ValueError with the shapes seen and wanted.

    >>> kernel_distance([[0.0], [0.0]], [[1.0], [1.0]], subsets=3)  # 1 + 8 - 2
    KernelDistance(mean=7.0, std=0.0)
    """
    x, y = as_pair(reference, candidate, rows=2)
    size = min(len(x), len(y), as_count(subset_size, "subset_size", least=2))
    count = as_count(subsets, "subsets")
    rng = np.random.RandomState(seed)
    draws = []
    for _ in range(count):
        of_y = rng.choice(len(y), size, replace=False)
        draws.append((rng.choice(len(x), size, replace=False), of_y))
    # every kernel value once, if that is less work than those of each subset
    pairs = (len(x) ** 2 + len(y) ** 2 + len(x) * len(y)) * (1 + count / x.shape[1])
    if pairs <= 3 * count * size**2:
        in_x, in_y = (_members(len(a), [draw[side] for draw in draws]) for side, a in enumerate((x, y)))
        values = _mmd2(x, y, in_x, in_y)
    else:
        every = np.ones((1, size))
        values = np.concatenate([_mmd2(x[of_x], y[of_y], every, every) for of_x, of_y in draws])
    return KernelDistance(float(values.mean()), float(values.std()))


def kernel_distance_exact(reference: Any, candidate: Any) -> float:
    """Unbiased MMD² over all pairs, no draw; lower is better, around 0 (also below) for equal laws.

    reference: (n, d), candidate: (m, d), n and m >= 2 and not necessarily equal, any real dtype; arithmetic is float64,
    in tiles of bounded memory. Raises ValueError with the shapes seen and wanted.

    >>> kernel_distance_exact([[0.0], [0.0]], [[1.0], [1.0], [1.0]])  # 1 + 8 - 2
    7.0
    """
    x, y = as_pair(reference, candidate, rows=2)
    return float(_mmd2(x, y, np.ones((1, len(x))), np.ones((1, len(y))))[0])


def _members(n: int, draws: list[np.ndarray]) -> np.ndarray:
    """(s, n) float64, 1 where a row is in a subset."""
    inside = np.zeros((len(draws), n))
    for row, draw in zip(inside, draws, strict=True):
        row[draw] = 1
    return inside


def _mmd2(x: np.ndarray, y: np.ndarray, in_x: np.ndarray, in_y: np.ndarray) -> np.ndarray:
    """(s,) unbiased MMD² of s subsets, whose rows in_x (s, n) and in_y (s, m) mark."""
    n, m = in_x.sum(axis=1), in_y.sum(axis=1)
    within_x = (_kernel_sums(x, x, in_x, in_x) - _diagonal_sums(x, in_x)) / (n * (n - 1))
    within_y = (_kernel_sums(y, y, in_y, in_y) - _diagonal_sums(y, in_y)) / (m * (m - 1))
    mmd2: np.ndarray = within_x + within_y - 2 * _kernel_sums(x, y, in_x, in_y) / (n * m)
    return mmd2


def _kernel_sums(x: np.ndarray, y: np.ndarray, in_x: np.ndarray, in_y: np.ndarray) -> np.ndarray:
    """(s,) sums of the kernel over the pairs of each subset; all subsets share the kernel values of a tile."""
    sums = np.zeros(len(in_x))
    for i in row_blocks(len(x)):
        left = float64(x[i])
        for j in row_blocks(len(y)):
            values = _cube(left @ float64(y[j]).T, x.shape[1])  # (b, c)
            sums += ((in_x[:, i] @ values) * in_y[:, j]).sum(axis=1)
    return sums


def _diagonal_sums(x: np.ndarray, in_x: np.ndarray) -> np.ndarray:
    """(s,) sums of the kernel of each row with itself."""
    sums = np.zeros(len(in_x))
    for i in row_blocks(len(x)):
        sums += in_x[:, i] @ _cube((float64(x[i]) ** 2).sum(axis=1), x.shape[1])
    return sums


def _cube(products: np.ndarray, d: int) -> np.ndarray:
    values = products / d + 1
    return values * values * values  # ** 3 is a power of a float, ten times slower
