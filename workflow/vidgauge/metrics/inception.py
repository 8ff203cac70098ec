"""The Inception score: how sure a classifier is of each sample, and how varied the samples are.

exp of the mean of KL(p(label | sample) || p(label)): Salimans et al. (2016), "Improved techniques for training GANs".
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_matrix, float64, row_blocks
from vidgauge.specs import Influence

SUM_TOLERANCE = 1e-3  # of a row's sum: what a softmax in half precision leaves


class InceptionScore(NamedTuple):
    """Mean of the score over the splits, and their population standard deviation."""

    mean: float
    std: float


def inception_score(
    probabilities: Any,
    *,
    splits: int = 10,
    shuffle_seed: int | None = 42,
    shuffle_by: Literal["numpy", "torch"] = "numpy",
    epsilon: float = 0.0,
) -> InceptionScore:
    """Inception score of class probabilities; higher is better, from 1 to the number of classes.

    probabilities: (n, classes), rows >= 0 that sum to 1, any real dtype; arithmetic is float64 and 0 log 0 is 0.
    splits: consecutive parts, n >= splits; part i is rows i * n // splits up to (i + 1) * n // splits.
    shuffle_seed: the rows are first put in the order of RandomState(shuffle_seed); None keeps their order.
    shuffle_by: torch takes the order of randperm(n) by a fresh CPU generator of that seed, as data-juicer does.
    epsilon: >= 0, added inside the logarithms, as AIGVE does with 1e-10.
    Raises ValueError with the shape seen and the shape wanted, and for rows that are no probabilities.

    >>> inception_score([[1.0, 0.0], [0.0, 1.0]], splits=1, shuffle_seed=None)
    InceptionScore(mean=2.0, std=0.0)
    """
    p, parts = _parts(probabilities, splits, shuffle_seed, shuffle_by, epsilon)
    scores = [_score(p, rows, epsilon) for rows in parts]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)))


def inception_influence(
    probabilities: Any,
    *,
    splits: int = 10,
    shuffle_seed: int | None = 42,
    shuffle_by: Literal["numpy", "torch"] = "numpy",
    epsilon: float = 0.0,
) -> Influence:
    """How much each row moves the mean of `inception_score`, to first order. Arguments, and what is raised, as there.

    Which rows make up a split is taken as it is. A row p moves the log of its split's score by its own divergence from
    the split's mean row less the mean of those, over the split's rows; epsilon adds a small term.
    """
    p, parts = _parts(probabilities, splits, shuffle_seed, shuffle_by, epsilon)
    effects = np.empty(len(p))
    for part in parts:
        q = sum(float64(p[part[rows]]).sum(axis=0) for rows in row_blocks(len(part))) / len(part)
        seen = np.where(q > 0, q, 1)  # a class that no row has moves nothing
        slope = np.log(seen + epsilon) + seen / (seen + epsilon)
        for rows in row_blocks(len(part)):
            block = float64(p[part[rows]])
            effects[part[rows]] = _x_log_x(block, epsilon).sum(axis=1) - block @ slope
        effects[part] -= effects[part].mean()
        effects[part] *= _score(p, part, epsilon) / (len(part) * len(parts))
    return Influence(None, effects)


def probabilities_from_logits(logits: Any) -> np.ndarray:
    """Softmax over the columns of (n, classes) logits of any real dtype, in float64.

    >>> probabilities_from_logits([[0.0, 0.0]]).tolist()
    [[0.5, 0.5]]
    """
    x = as_matrix(logits, "logits")
    p = np.empty(x.shape)
    for rows in row_blocks(len(x)):
        block = float64(x[rows])
        weights = np.exp(block - block.max(axis=1, keepdims=True))
        p[rows] = weights / weights.sum(axis=1, keepdims=True)
    return p


def _parts(
    probabilities: Any, splits: int, seed: int | None, by: Literal["numpy", "torch"], epsilon: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The rows, and which of them each split has."""
    count = as_count(splits, "splits")
    p = as_matrix(probabilities, "probabilities", rows=count)
    _refuse_improbable(p)
    if not (math.isfinite(epsilon) and epsilon >= 0):
        raise ValueError(f"epsilon: expected a finite number >= 0, got {epsilon!r}")
    order = _order(len(p), seed, by)
    bounds = [i * len(p) // count for i in range(count + 1)]
    return p, [order[a:b] for a, b in pairwise(bounds)]


def _order(n: int, seed: int | None, by: Literal["numpy", "torch"]) -> np.ndarray:
    """(n,) rows in the order that a seed gives."""
    order = np.arange(n)
    if seed is None:
        return order
    if by == "torch":
        import torch  # here and only here: no other metric needs it

        return torch.randperm(n, generator=torch.Generator().manual_seed(seed)).numpy()
    np.random.RandomState(seed).shuffle(order)
    return order


def _score(p: np.ndarray, order: np.ndarray, epsilon: float) -> float:
    """The score of some rows: the mean divergence is the entropy of the mean less the mean entropy."""
    total, entropy = np.zeros(p.shape[1]), 0.0
    for rows in row_blocks(len(order)):
        block = float64(p[order[rows]])
        total += block.sum(axis=0)
        entropy -= float(_x_log_x(block, epsilon).sum())
    return float(np.exp(-entropy / len(order) - float(_x_log_x(total / len(order), epsilon).sum())))


def _x_log_x(p: np.ndarray, epsilon: float) -> np.ndarray:
    """p log (p + epsilon), 0 where p is 0."""
    found: np.ndarray = p * np.log(np.where(p > 0, p + epsilon, 1))
    return found


def _refuse_improbable(p: np.ndarray) -> None:
    for rows in row_blocks(len(p)):
        block = float64(p[rows])
        bad = np.flatnonzero((block < 0).any(axis=1) | (np.abs(block.sum(axis=1) - 1) > SUM_TOLERANCE))
        if len(bad):
            raise ValueError(
                f"probabilities: expected shape (n, classes) with rows >= 0 that sum to 1, got shape {p.shape} where "
                f"row {rows.start + bad[0]} has minimum {block[bad[0]].min():.3g} and sum {block[bad[0]].sum():.6g}"
            )
