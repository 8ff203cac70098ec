"""What is bounded by float32 products, then by float64 ones, is always decided as by direct differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, _neighbours, _tiles
from vidgauge.metrics._neighbours import Cloud, nearest, squared_radii
from vidgauge.metrics._tiles import Block, Tile

KINDS = ["plain", "offset", "ties", "pairs", "outlier", "far", "equal"]


def rows_of(kind: str, n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    if kind == "offset":  # float32 has no digit left for what differs
        return x + 1e9
    if kind == "ties":
        return x.round() + 1000.0
    if kind == "pairs":  # near each other, far from all else
        return np.repeat(x, 2, axis=0)[:n] + 1e-5 * rng.normal(size=(n, d))
    if kind == "outlier":
        return np.concatenate([x[1:], 1e6 * x[:1]])
    if kind == "far":  # two clusters far from their mean
        return 1e-3 * x + np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    if kind == "equal":
        return np.repeat(x[: n // 3], 3, axis=0)
    return x.astype(np.float32)


def direct(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    difference = x[:, None].astype(float) - y[None].astype(float)
    return (difference * difference).sum(axis=2)


def radii(x: np.ndarray, k: int) -> np.ndarray:
    within = direct(x, x)
    np.fill_diagonal(within, np.inf)
    distinct = np.sort(np.unique(x, axis=0, return_index=True)[1])  # in the order of a Cloud
    return np.sort(within, axis=1)[distinct, k - 1]


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 2**16),
    st.integers(6, 30),
    st.sampled_from([1, 3, 40]),
    st.integers(1, 5),
    st.integers(-450, 450),
    st.sampled_from([0, 64, 10**9]),
    st.booleans(),
)
def test_radii_and_nearest_rows_are_those_of_direct_differences(
    kind: str, seed: int, n: int, d: int, k: int, exponent: int, opened: int, small: bool
) -> None:
    """opened: 0, float32 bounds are kept however much they leave open; 10**9, float64 ones replace them at once.

    exponent: many sizes are beyond what float32 can hold, or its products, on either side.
    """
    x, y = (rows_of(kind, n, d, number).astype(float) * 2.0**exponent for number in (seed, seed + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tiles, "OPEN", opened)
        if small:
            patch.setattr(_arrays, "BLOCK_ROWS", 4)
            patch.setattr(_tiles, "STRIP_VALUES", 2 * 4 * d)
            patch.setattr(_tiles, "DIFFERENCES", 3 * d)
            patch.setattr(_neighbours, "PENDING", 5)
        cloud = Cloud(x)
        assert squared_radii(cloud, k).tolist() == radii(x, k).tolist()
        i, j, distances = nearest(y, cloud)
    squares = direct(y, cloud.points)
    expected = np.nonzero(squares == squares.min(axis=1, keepdims=True))
    assert [i.tolist(), j.tolist()] == [side.tolist() for side in expected]
    assert distances.tolist() == squares[expected].tolist()


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 2**16),
    st.sampled_from([2, 50]),
    st.integers(-450, 450),
    st.booleans(),
    st.booleans(),
)
def test_every_comparison_is_that_of_direct_differences(
    kind: str, seed: int, d: int, exponent: int, double: bool, strict: bool
) -> None:
    """Limits are distances that occur, so that most of them tie; and none, and all."""
    x, y = (rows_of(kind, 12, d, number).astype(float) * 2.0**exponent for number in (seed, seed + 1))
    squares, centre = direct(x, y), x.mean(axis=0)
    tile = Tile(Block(x, centre, factor=-2), Block(y, centre), double=double)
    lower, upper = tile.bounds
    assert (lower <= squares).all()
    assert (squares <= upper).all()
    rng = np.random.default_rng(seed)
    for axis in (0, 1):
        limit = np.moveaxis(squares, axis, 0)[rng.integers(0, 12, 12), np.arange(12)]
        limit[:3] = -np.inf, np.inf, 0
        limit = np.expand_dims(limit, axis)
        assert tile.below(limit, strict=strict).tolist() == (squares < limit if strict else squares <= limit).tolist()
        other = 1 - axis
        known = rng.random(12) < 0.2
        found = tile.any_within(limit, other, known)
        assert found.tolist() == (known | (squares <= limit).any(axis=other)).tolist()
        i, j, least, most = tile.candidates(limit)
        assert set(zip(*np.nonzero(squares <= limit), strict=True)) <= set(zip(i, j, strict=True))
        assert (least <= squares[i, j]).all()
        assert (squares[i, j] <= most).all()
        assert (tile.nth(3, axis) >= np.sort(squares, axis=axis).take(2, axis=axis)).all()
        assert np.isinf(tile.nth(13, axis)).all()


def test_many_ties_are_sorted_out_while_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that get ever nearer to the first: each tile has nearer ones than all before."""
    monkeypatch.setattr(_arrays, "BLOCK_ROWS", 5)
    monkeypatch.setattr(_neighbours, "PENDING", 20)
    x = np.concatenate([[0.0], np.arange(200.0, 0, -1) ** 2])[:, None]
    assert squared_radii(Cloud(x), 2).tolist() == radii(x, 2).tolist()
