"""The Vendi score: how many different samples a set is worth.

Friedman & Dieng (2023), "The Vendi score"; Pasarkar & Dieng (2024), "Cousins of the Vendi score", for other
orders than 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import as_matrix, refuse_zero_rows, row_blocks, unit_rows
from vidgauge.specs import Influence


def vendi_score(features: Any, *, order: float = 1.0) -> float:
    """Effective number of different rows, from 1 (all point one way) to n (all are orthogonal); higher is better.

    features: (n, d), n >= 1, no row zero, any real dtype; arithmetic is float64, memory min(n, d)² values.
    exp of the entropy of the eigenvalues of K / n, K the cosines of all pairs of rows. order: > 0, of the (Rényi)
    entropy; 1 is Shannon's, below 1 rare kinds count more. Eigenvalues too small to be told from rounding are 0.
    Raises ValueError with the shape seen and the shape wanted.

    >>> round(vendi_score([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]]), 12)
    2.0
    """
    x = _directions(features, order)
    values = np.linalg.eigvalsh(_gram(x))
    return _score(_shares(values, x.shape)[1], order)


def vendi_influence(features: Any, *, order: float = 1.0) -> Influence:
    """How much each row moves `vendi_score`, to first order. Arguments, and what is raised, as there.

    The density S = U' U / n of the unit rows U has the eigenvalues of K / n, and a row u moves it by (u u' - S) / n.
    So the effect on the log of the score is (-u' log S u less its mean) / n for order 1, else
    (u' S^(order - 1) u less its mean) order / ((1 - order) n tr S^order).
    """
    x = _directions(features, order)
    values, vectors = np.linalg.eigh(_gram(x))
    kept, p = _shares(values, x.shape)
    if order == 1:
        slopes = -np.log(p)
    else:
        powers = (p / p[-1]) ** (order - 1)  # which themselves may overflow
        slopes = order / (1 - order) * powers / (p @ powers)
    found = np.empty(len(x))
    for rows in row_blocks(len(x)):  # the squared coordinates of unit rows along the eigenvectors of S
        if len(x) <= x.shape[1]:
            found[rows] = vectors[rows, kept] ** 2 @ (values[kept] * slopes)
        else:
            found[rows] = (unit_rows(x[rows]) @ vectors[:, kept]) ** 2 @ slopes
    return Influence(None, _score(p, order) * (found - found.mean()) / len(x))


def _directions(features: Any, order: float) -> np.ndarray:
    if not (math.isfinite(order) and order > 0):
        raise ValueError(f"order: expected a finite number > 0, got {order!r}")
    x = as_matrix(features, "features")
    refuse_zero_rows(x, "features")
    return x


def _shares(values: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Which eigenvalues can be told from rounding, and these divided by their sum. values: ascending."""
    kept = values > max(shape) * np.finfo(float).eps * values[-1]
    p = values[kept]
    p /= p.sum()
    return kept, p


def _score(p: np.ndarray, order: float) -> float:
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
