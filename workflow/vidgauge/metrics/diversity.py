"""The Vendi score: how many different samples a set is worth.

Friedman & Dieng (2023), "The Vendi score"; Pasarkar & Dieng (2024), "Cousins of the Vendi score", for other
orders than 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import as_matrix, refuse_zero_rows, row_blocks, unit_rows


def vendi_score(features: Any, *, order: float = 1.0) -> float:
    """Effective number of different rows, from 1 (all point one way) to n (all are orthogonal); higher is better.

    features: (n, d), n >= 1, no row zero, any real dtype; arithmetic is float64, memory min(n, d)² values.
    exp of the entropy of the eigenvalues of K / n, K the cosines of all pairs of rows. order: > 0, of the (Rényi)
    entropy; 1 is Shannon's, below 1 rare kinds count more. Eigenvalues too small to be told from rounding are 0.
    Raises ValueError with the shape seen and the shape wanted.

    >>> round(vendi_score([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), 12)
    2.0
    """
    if not (math.isfinite(order) and order > 0):
        raise ValueError(f"order: expected a finite number > 0, got {order!r}")
    x = as_matrix(features, "features")
    refuse_zero_rows(x, "features")
    values = np.linalg.eigvalsh(_gram(x))
    p = values[values > max(x.shape) * np.finfo(float).eps * values[-1]]
    p /= p.sum()
    if order == 1:
        return float(np.exp(-(p * np.log(p)).sum()))
    log_sum = order * np.log(p[-1]) + np.log(((p / p[-1]) ** order).sum())  # of p^order, which itself may underflow
    return float(np.exp(log_sum / (1 - order)))


def _gram(x: np.ndarray) -> np.ndarray:
    """U U' (n, n) or U' U (d, d) of the unit rows U, whichever is smaller: they have the same non-zero eigenvalues."""
    n, d = x.shape
    if n <= d:
        unit = unit_rows(x)
        return unit @ unit.T
    gram = np.zeros((d, d))
    for rows in row_blocks(n):
        unit = unit_rows(x[rows])
        gram += unit.T @ unit
    return gram
