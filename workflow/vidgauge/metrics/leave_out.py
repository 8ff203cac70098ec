"""A value without each group of rows, of any reduction: by computing it anew for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import compress
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import as_matrix
from vidgauge.specs import Reduced


def leave_out_by_removal(
    reduce: Callable[..., Reduced],
    reference: Any,
    candidate: Any,
    *,
    groups: tuple[Any, Any],
    seed: int,
    videos: tuple[Sequence[Any] | None, Sequence[Any]] | None = None,
    **options: Any,
) -> tuple[np.ndarray | None, np.ndarray]:
    """Values without each group of the reference's rows, (G,), None if there is none, and of the candidate's, (G,).

    reduce: of a `ReduceSpec`; called once for each group of either side. reference: (n, d) or None; candidate: (m, d).
    groups: of each row, (n,) or None and (m,), whole numbers from 0; G is one more than the largest on either side, and
    a group that has no rows on a side leaves the value as it is. videos: of each row, if `reduce` takes them.
    Raises ValueError for groups that do not fit the rows, and where `reduce` does: too few rows are left, say.

    >>> from vidgauge.metrics.registry import reduction
    >>> x, y = [[0.0], [0.0], [3.0]], [[1.0], [1.0]]
    >>> of_x, of_y = leave_out_by_removal(reduction("mind").reduce, x, y, groups=([0, 0, 1], [0, 1]), seed=0, alpha=1.0)
    >>> of_x.tolist(), of_y.tolist()  # the mean squared step without the zeros, without 3, and without either 1
    ([4.0, 1.0], [2.0, 2.0])
    """
    x = None if reference is None else as_matrix(reference, "reference")
    y = as_matrix(candidate, "candidate")
    of_x, of_y, count = as_groups(groups, 0 if x is None else len(x), len(y))

    def value(in_x: np.ndarray, in_y: np.ndarray) -> float:
        rows = None if x is None else x[in_x]
        given = {} if videos is None else {"videos": (_kept(videos[0], in_x), _kept(videos[1], in_y))}
        return reduce(rows, y[in_y], seed=seed, **given, **options).value

    every_x, every_y = of_x >= 0, of_y >= 0
    whole = cache(lambda: value(every_x, every_y))
    without_x = [value(of_x != g, every_y) if g in of_x else whole() for g in range(count)]
    without_y = [value(every_x, of_y != g) if g in of_y else whole() for g in range(count)]
    return None if x is None else np.array(without_x), np.array(without_y)


def as_groups(groups: tuple[Any, Any], n: int, m: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Both sides' groups, (n,) and (m,) int64, and G, one more than the largest. n = 0: there is no reference.

    Raises ValueError where there is not a whole number >= 0 for each row.
    """
    found = []
    for name, of_side, rows in zip(("reference", "candidate"), groups, (n, m), strict=True):
        side = np.zeros(0, dtype=np.int64) if of_side is None else np.asarray(of_side)
        if side.shape != (rows,) or side.dtype.kind not in "iu" or (side < 0).any():
            raise ValueError(
                f"groups: expected a whole number >= 0 for each of the {rows} rows of the {name}, "
                f"got {side.dtype} of shape {side.shape}"
            )
        found.append(side.astype(np.int64))
    return found[0], found[1], 1 + max(int(side.max(initial=0)) for side in found)


def _kept(keys: Sequence[Any] | None, kept: np.ndarray) -> list[Any] | None:
    return None if keys is None else list(compress(keys, kept))
