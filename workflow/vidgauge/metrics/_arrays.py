"""What every metric asks of its arrays: two axes, the same width, finite values, enough rows. Never imports torch."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from operator import index
from typing import Any

import numpy as np

from vidgauge.wording import counted

BLOCK_ROWS = 1024  # rows that are turned into float64 at a time; the bound on memory, and fixed so that sums repeat


def as_matrix(values: Any, name: str, *, rows: int = 1) -> np.ndarray:
    """`values` as an (n, d) NumPy array of real numbers, without a copy where there is none to make.

    values: a NumPy array, a torch tensor on any device, or nested lists. rows: how many are needed at least.
    Raises ValueError with the shape seen and the shape wanted; also for NaN and infinity.

    >>> as_matrix([[1, 2], [3, 4]], "features").shape
    (2, 2)
    >>> as_matrix([1, 2], "features")
    Traceback (most recent call last):
    ValueError: features: expected shape (n, d) with n >= 1 and d >= 1, got (2,)
    """
    matrix = _from_tensor(values) if hasattr(values, "detach") else np.asarray(values)
    if matrix.ndim != 2 or matrix.shape[0] < rows or matrix.shape[1] < 1:
        raise ValueError(f"{name}: expected shape (n, d) with n >= {rows} and d >= 1, got {matrix.shape}")
    if matrix.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected real numbers of shape (n, d), got {matrix.dtype} of shape {matrix.shape}")
    _refuse_non_finite(matrix, name)
    return matrix


def as_pair(reference: Any, candidate: Any, *, rows: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Both arrays as (n, d) and (m, d). Raises ValueError with both shapes where d differs."""
    x, y = as_matrix(reference, "reference", rows=rows), as_matrix(candidate, "candidate", rows=rows)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"expected reference (n, d) and candidate (m, d) of one width d, got {x.shape} and {y.shape}")
    return x, y


def as_count(value: Any, name: str, *, least: int = 1) -> int:
    """`value` as a whole number of at least `least`; ValueError otherwise."""
    try:
        count = index(value)
    except TypeError:
        count = least - 1
    if isinstance(value, bool) or count < least:
        raise ValueError(f"{name}: expected a whole number >= {least}, got {value!r}")
    return count


def row_blocks(n: int, size: int | None = None) -> Iterator[slice]:
    """Slices that cover range(n) in order, each of `size` rows (default: BLOCK_ROWS) but the last."""
    step = size or BLOCK_ROWS
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def float64(block: np.ndarray) -> np.ndarray:
    """A float64 copy in C order, so that what is done to it in place never reaches the caller's array."""
    return np.array(block, dtype=np.float64, order="C")


def mean_of_rows(x: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(n, d) -> (d,) float64 mean, corrected by the mean of what it leaves, so that a large offset costs no digit.

    weights: (n,) float64; None: all equal.

    >>> mean_of_rows(np.full((7, 1), 0.1)).item()
    0.1
    >>> mean_of_rows(np.array([[0.0], [4.0]]), np.array([3.0, 1.0])).item()
    1.0
    """
    mean, total = np.zeros(x.shape[1]), len(x) if weights is None else weights.sum()
    for _ in range(2):
        left = np.zeros_like(mean)
        for rows in row_blocks(len(x)):
            centred = float64(x[rows])
            centred -= mean  # in place: blocks are large, and fresh memory costs more than the difference
            left += centred.sum(axis=0) if weights is None else weights[rows] @ centred
        mean += left / total
    return mean


def as_weights(weights: Any, n: int, name: str) -> np.ndarray:
    """`weights` as (n,) float64, one for each row. Raises ValueError with the shape seen; also for weights <= 0."""
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (n,) or not (np.isfinite(found) & (found > 0)).all():
        raise ValueError(f"{name}: expected finite weights > 0 of shape ({n},), one for each row, got {found.shape}")
    return found


def unit_rows(block: np.ndarray) -> np.ndarray:
    """(b, d) -> (b, d) float64, each row divided by its Euclidean length.

    >>> unit_rows(np.array([[3, 4]])).tolist()
    [[0.6, 0.8]]
    """
    rows = float64(block)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def rows_by_video(keys: Sequence[Hashable], x: np.ndarray, name: str) -> dict[Hashable, list[int]]:
    """Row numbers of each video, from the video of each row of x (n, d). ValueError where they are not n."""
    if len(keys) != len(x):
        raise ValueError(f"videos: expected a key for each row of {name}, whose shape is {x.shape}, got {len(keys)}")
    found: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    return found


def refuse_zero_rows(x: np.ndarray, name: str) -> None:
    """ValueError where a row has no direction, before `unit_rows` divides by its length."""
    for rows in row_blocks(len(x)):
        zero = np.flatnonzero(~np.linalg.norm(float64(x[rows]), axis=1).astype(bool))
        if len(zero):
            raise ValueError(
                f"{name}: expected rows of a length > 0, for they are divided by it, got shape {x.shape} where row "
                f"{rows.start + zero[0]} is zero"
            )


def _from_tensor(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16 (or float8): float32 holds each of their values exactly
    if tensor.is_floating_point() and str(tensor.dtype) not in ("torch.float16", "torch.float32", "torch.float64"):
        tensor = tensor.float()
    matrix: np.ndarray = tensor.numpy()
    return matrix


def _refuse_non_finite(matrix: np.ndarray, name: str) -> None:
    if matrix.dtype.kind != "f":
        return
    bad = [rows.start + np.flatnonzero(~np.isfinite(matrix[rows]).all(axis=1)) for rows in row_blocks(len(matrix))]
    found = np.concatenate(bad)
    if len(found):
        raise ValueError(
            f"{name}: expected finite values of shape (n, d), got shape {matrix.shape} with NaN or infinity "
            f"in {counted(len(found), 'row')}, the first of them row {found[0]}"
        )
