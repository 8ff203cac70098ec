"""Squared distances of many rows to many: bounds by matrix products, and exact ones where these leave something open.

A matrix product gives squared distances fast but with rounding, which breaks ties. Here it gives bounds, in float32 or,
where those leave too much open, in float64. The few pairs that are open then are decided by direct float64 differences,
whose value depends on the two rows alone. So nothing that is decided depends on how it was bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import float64, row_blocks

STRIP_VALUES = 1 << 25
"""Values of the rows that are kept centred while all others pass by (128 MiB, and twice that in float64)."""

DIFFERENCES = 1 << 15
"""Values that are subtracted at a time: so few that they stay in the cache."""

LARGE = 2.0**100
"""Squared lengths from which on float32 products might overflow."""

OPEN = 64
"""Of so many pairs one may be open: a direct difference takes about as long as so many products."""


def least_type(*sets: np.ndarray) -> np.dtype[Any]:
    """float32 where that holds every value of the sets, else float64, which is what rows are compared in."""
    least = np.result_type(np.float32, *(x.dtype for x in sets))
    return least if least.itemsize <= 8 else np.dtype(np.float64)


class Block:
    """Some rows, and what their products need."""

    def __init__(self, points: np.ndarray, centre: np.ndarray, least: np.dtype[Any], *, factor: int = 1) -> None:
        """points: (a, d); centre: (d,) a point near them, for bounds grow with the distance from it.

        least: as `least_type` of all rows that are compared: their centre must be one. factor: of the rows in
        products, a power of two but for its sign. Raises ValueError where a row is too long for float64 to square.
        """
        self.points, self._factor, self._least = points, factor, least
        # rounded for all types alike, so that squares and products are those of the same centred rows
        self._centre = centre.astype(least)
        self.squares = np.empty(len(points))  # (a,) of the centred rows' lengths
        for rows in _few_rows(len(points), points.shape[1]):
            centred = self._centred(rows, np.dtype(np.float64))
            self.squares[rows] = np.einsum("ij,ij->i", centred, centred)
        if not np.isfinite(self.squares).all():
            raise ValueError(
                f"expected rows whose squared lengths float64 can hold, got {points.shape} with larger ones"
            )

    @cached_property
    def single(self) -> np.ndarray:
        """(a, d) float32, the centred rows times the factor."""
        centred = self._centred(slice(None), self._least).astype(np.float32, copy=False)
        centred *= self._factor
        return centred

    @cached_property
    def double(self) -> np.ndarray:
        """The same in float64."""
        centred = self._centred(slice(None), np.dtype(np.float64))
        centred *= self._factor
        return centred

    def _centred(self, rows: slice, dtype: np.dtype[Any]) -> np.ndarray:
        centred: np.ndarray = np.subtract(self.points[rows], self._centre, dtype=dtype)
        return centred


class Tile:
    """Squared distances of every row of one block to every row of another, known within bounds."""

    def __init__(self, left: Block, right: Block, *, same: bool = False, double: bool = False) -> None:
        """left: of a rows, with factor -2; right: of b. same: they are the same rows; none is near itself then.

        double: bounds are those of float64.
        """
        self._left, self._right, self._same = left, right, same
        d = left.points.shape[1]
        self.is_double = double or max(left.squares.max(), right.squares.max()) > LARGE
        x, y = (left.double, right.double) if self.is_double else (left.single, right.single)
        self.near = x @ y.T  # (a, b) squared distances, about
        self.near += left.squares[:, None].astype(x.dtype)
        self.near += right.squares.astype(x.dtype)
        if same:
            np.fill_diagonal(self.near, np.nan)
        # Twice what rounding can do to centring, to d products and their sums, and, where it is of the same size, to
        # the direct differences; and to numbers so small that products of them vanish.
        of_type = np.finfo(x.dtype)
        slack, least = (4 if self.is_double else 1) * (d + 8) * float(of_type.eps), 64 * d * float(of_type.tiny)
        self._left_slack, self._right_slack = slack * left.squares[:, None] + least, slack * right.squares

    @cached_property
    def sharp(self) -> Tile:
        """The same distances within the bounds of float64."""
        return Tile(self._left, self._right, same=self._same, double=True)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """(a, b) lower and upper bounds."""
        slack = self._left_slack + self._right_slack
        return self.near - slack, self.near + slack

    def below(self, limit: np.ndarray, *, strict: bool) -> np.ndarray:
        """(a, b) bool: squared distance <= limit, or < limit if strict. limit: (a, 1) or (1, b)."""
        inside, maybe = self._certain(limit)
        i, j = _where(inside ^ maybe)
        if self._leaves_open(i):
            return self.sharp.below(limit, strict=strict)
        inside[i, j] = self._decide(i, j, limit, strict=strict)
        return inside

    def any_within(self, limit: np.ndarray, axis: int, known: np.ndarray) -> np.ndarray:
        """Where along the axis any squared distance is <= limit, or it is known. limit: (a, 1) or (1, b)."""
        inside, maybe = self._certain(limit)
        found: np.ndarray = known | inside.any(axis=axis)
        i, j = _where(maybe & ~np.expand_dims(found, axis))
        if self._leaves_open(i):
            return self.sharp.any_within(limit, axis, known)
        decided = self._decide(i, j, limit, strict=False)
        found[(j, i)[axis][decided]] = True
        return found

    def candidates(self, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Pairs i, j whose squared distance may be <= limit, and their lower and upper bounds, (p,) each."""
        i, j = _where(self._certain(limit)[1])
        if self._leaves_open(i):
            return self.sharp.candidates(limit)
        near, slack = self.near[i, j].astype(np.float64), self._left_slack[i, 0] + self._right_slack[j]
        return i, j, near - slack, near + slack

    def nth(self, n: int, axis: int) -> np.ndarray:
        """An upper bound of the nth smallest squared distance along an axis; inf where there are fewer."""
        near = self.near if axis else self.near.T.copy()
        if n > near.shape[1]:
            return np.full(len(near), np.inf)
        reach = (self._left_slack + self._right_slack.max(), self._left_slack.max() + self._right_slack)[1 - axis]
        found = np.partition(near, n - 1, axis=1)[:, n - 1] + reach.ravel()
        return np.where(np.isnan(found), np.inf, found)

    def _certain(self, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(a, b) bool each: which pairs are below the limit for certain, and which are not above it for certain."""
        if limit.shape[1] == 1:
            reach = self._left_slack + self._right_slack.max()
        else:
            reach = self._left_slack.max() + self._right_slack
        most = float(np.finfo(self.near.dtype).max)
        low, high = (np.clip(end, -most, most).astype(self.near.dtype) for end in (limit - reach, limit + reach))
        return self.near < low, self.near <= high

    def _leaves_open(self, pairs: np.ndarray) -> bool:
        return not self.is_double and len(pairs) * OPEN > self.near.size

    def _decide(self, i: np.ndarray, j: np.ndarray, limit: np.ndarray, *, strict: bool) -> np.ndarray:
        distances = squared_distances(self._left.points, self._right.points, i, j)
        limits = np.broadcast_to(limit, self.near.shape)[i, j]
        decided: np.ndarray = distances < limits if strict else distances <= limits
        return decided


def tiles(x: np.ndarray, y: np.ndarray, centre: np.ndarray) -> Iterator[tuple[slice, slice, Tile]]:
    """All distances of x (n, d) to y (m, d), and which rows of both a tile has."""
    least = least_type(x, y)
    for strip in _strips(x):
        lefts = [(rows, Block(x[rows], centre, least, factor=-2)) for rows in strip]
        for columns in row_blocks(len(y)):
            right = Block(y[columns], centre, least)
            for rows, left in lefts:
                yield rows, columns, Tile(left, right)


def half_of_tiles(x: np.ndarray, centre: np.ndarray) -> Iterator[tuple[slice, slice, Tile]]:
    """All distances of rows of x (n, d) to other rows, once: no tile is another's mirror image."""
    least = least_type(x)
    for strip in _strips(x):
        lefts = [(rows, Block(x[rows], centre, least, factor=-2)) for rows in strip]
        for columns in row_blocks(len(x)):
            if columns.start < strip[0].start:
                continue
            right = Block(x[columns], centre, least)
            for rows, left in lefts:
                if rows.start <= columns.start:
                    yield rows, columns, Tile(left, right, same=rows == columns)


def squared_distances(x: np.ndarray, y: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """(p,) squared distances of the pairs (x[i], y[j]), by direct float64 differences."""
    found = np.empty(len(i))
    for pairs in _few_rows(len(i), x.shape[1]):
        difference = float64(x[i[pairs]])
        difference -= float64(y[j[pairs]])
        difference *= difference
        found[pairs] = difference.sum(axis=1)
    return found


def _few_rows(n: int, d: int) -> Iterator[slice]:
    return row_blocks(n, max(1, DIFFERENCES // d))


def _strips(x: np.ndarray) -> Iterator[list[slice]]:
    """Blocks of the rows of x (n, d), as many at a time as may be kept."""
    blocks = list(row_blocks(len(x)))
    if not blocks:
        return iter(())
    many = max(1, STRIP_VALUES // ((blocks[0].stop - blocks[0].start) * x.shape[1]))
    return (blocks[start : start + many] for start in range(0, len(blocks), many))


def _where(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`np.nonzero` of two axes, which is many times as slow."""
    i, j = np.divmod(np.flatnonzero(chosen), chosen.shape[1])
    return i, j
