"""Mean and covariance of features: what a Gaussian fit needs, and what a feature file keeps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_matrix, float64, mean_of_rows, row_blocks


class Stats(NamedTuple):
    """Rows counted, their mean (d,) and their population covariance (d, d), both float64."""

    n: int
    mean: np.ndarray
    cov: np.ndarray


def stats_from_features(features: Any) -> Stats:
    """Statistics of (n, d) features, n >= 1, of any real dtype; sums are float64 over blocks of a fixed size.

    The mean comes first and rows are centred on it before they are multiplied, so a mean of 1e3 with a spread of 1
    loses no digit. The result depends on the rows and their order only, not on the shards they came from.
    Raises ValueError with the shape seen and the shape wanted.

    >>> stats = stats_from_features([[1000.0, 0.0], [1002.0, 0.0]])
    >>> stats.n, stats.mean.tolist(), stats.cov.tolist()
    (2, [1001.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    """
    x = as_matrix(features, "features")
    mean = mean_of_rows(x)
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for rows in row_blocks(len(x)):
        centred = float64(x[rows]) - mean  # (b, d)
        scatter += centred.T @ centred  # (d, d)
    return Stats(len(x), mean, (scatter + scatter.T) / (2 * len(x)))


def merge_stats(first: Stats, *others: Stats) -> Stats:
    """Statistics of all rows together, from those of the parts; exact but for rounding.

    Chan, Golub, LeVeque (1983): the parts' scatters add, and so does the scatter of their means.
    Raises ValueError with both shapes where the widths differ.

    >>> merge_stats(stats_from_features([[0.0], [2.0]]), stats_from_features([[1.0], [1.0]]))
    Stats(n=4, mean=array([1.]), cov=array([[0.5]]))
    """
    total = first
    for part in others:
        if part.mean.shape != total.mean.shape:
            raise ValueError(f"expected means of one shape (d,), got {total.mean.shape} and {part.mean.shape}")
        n = total.n + part.n
        share, step = part.n / n, part.mean - total.mean
        cov = (1 - share) * total.cov + share * part.cov + share * (1 - share) * np.outer(step, step)
        total = Stats(n, total.mean + share * step, cov)
    return total
