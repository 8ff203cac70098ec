"""Mean and covariance of features: what a Gaussian fit needs, and what a feature file keeps."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from vidgauge.metrics._arrays import as_matrix, as_weights, float64, mean_of_rows, row_blocks
from vidgauge.wording import counted


class Moments(Protocol):
    """Statistics from anywhere: mean (d,), covariance (d, d) divided by n - ddof; None where that is not known."""

    @property
    def n(self) -> int | None: ...
    @property
    def mean(self) -> np.ndarray: ...
    @property
    def cov(self) -> np.ndarray: ...
    @property
    def ddof(self) -> int | None: ...


class Stats(NamedTuple):
    """Rows counted, their mean (d,) and their population covariance (d, d), both float64."""

    n: int
    mean: np.ndarray
    cov: np.ndarray

    @property
    def ddof(self) -> int:
        """The covariance was divided by n - ddof."""
        return 0


def stats_from_features(features: Any, *, weights: Any = None) -> Stats:
    """Statistics of (n, d) features, n >= 1, of any real dtype; sums are float64 over blocks of a fixed size.

    weights: (n,) numbers > 0, by whose sum the weighted sums are divided; None: all equal.
    The mean comes first and rows are centred on it before they are multiplied, so a mean of 1e3 with a spread of 1
    loses no digit. The result depends on the rows and their order only, not on the shards they came from.
    Raises ValueError with the shape seen and the shape wanted.

    >>> stats = stats_from_features([[1000.0, 0.0], [1002.0, 0.0]])
    >>> stats.n, stats.mean.tolist(), stats.cov.tolist()
    (2, [1001.0, 0.0], [[1.0, 0.0], [0.0, 0.0]])
    """
    x = as_matrix(features, "features")
    w = None if weights is None else as_weights(weights, len(x), "weights")
    mean, total = mean_of_rows(x, w), len(x) if w is None else w.sum()
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for rows in row_blocks(len(x)):
        centred = float64(x[rows])  # (b, d)
        centred -= mean
        weighed = centred if w is None else centred * w[rows, None]
        scatter += weighed.T @ centred  # (d, d)
    return Stats(len(x), mean, (scatter + scatter.T) / (2 * total))


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


def covariance(stats: Moments, ddof: int) -> np.ndarray:
    """The covariance (d, d) as if divided by n - ddof; as it is where its own n or ddof is not known.

    Raises ValueError with the number of samples if there are not more than ddof.

    >>> covariance(stats_from_features([[0.0], [2.0]]), 1).item()
    2.0
    """
    cov = np.asarray(stats.cov, dtype=np.float64)
    if stats.n is None or stats.ddof is None or stats.ddof == ddof:
        return cov
    if stats.n <= ddof:
        raise ValueError(f"expected statistics of more than {counted(ddof, 'sample')} for ddof {ddof}, got {stats.n}")
    scaled: np.ndarray = cov * ((stats.n - stats.ddof) / (stats.n - ddof))
    return scaled
