"""What is bounded by float32 products, then by float64 ones, is always decided as by direct differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, _neighbours, _tiles, density_coverage
from vidgauge.metrics._neighbours import Cloud, nearest, squared_radii
from vidgauge.metrics._tiles import Block, Tile, least_type
from vidgauge.metrics.nearest import nearest_rows

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
    least = least_type(x, y)
    tile = Tile(Block(x, centre, least, factor=-2), Block(y, centre, least), double=double)
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


TYPES = ["float16", "float32", "float64", "longdouble", "int8", "int64"]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**16),
    st.sampled_from(TYPES),
    st.sampled_from(TYPES),
    st.sampled_from([0.0, 0.1, 100.1, 1e4]),
    st.sampled_from([0, 64]),
)
def test_sets_of_different_types_are_compared_by_their_values(
    seed: int, of_x: str, of_y: str, offset: float, opened: int
) -> None:
    """On a lattice, where most distances tie; the offset is no number that all of the types have."""
    rng = np.random.default_rng(seed)
    x, y = (
        (rng.integers(0, 3, (30, 6)) + (offset if np.dtype(of).kind == "f" else 0)).astype(of) for of in (of_x, of_y)
    )
    plain, other = x.astype(float), y.astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tiles, "OPEN", opened)
        assert density_coverage(x, y, k=3) == by_hand(plain, other, 3)
        i, j, distances = nearest(y, Cloud(x))
    squares = direct(other, Cloud(x).points.astype(float))
    expected = np.nonzero(squares == squares.min(axis=1, keepdims=True))
    assert [i.tolist(), j.tolist(), distances.tolist()] == [
        *(of.tolist() for of in expected),
        squares[expected].tolist(),
    ]


def by_hand(x: np.ndarray, y: np.ndarray, k: int) -> tuple[float, float]:
    """Density and coverage."""
    within, across = direct(x, x), direct(x, y)
    np.fill_diagonal(within, np.inf)
    inside = across < np.sort(within, axis=1)[:, k - 1, None]
    return inside.sum() / (k * len(y)), inside.any(axis=1).mean()


def test_a_collapsed_set_keeps_no_more_pairs_than_tie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two modes so narrow that no product tells their rows apart."""
    monkeypatch.setattr(_neighbours, "PENDING", 1000)
    monkeypatch.setattr(_arrays, "BLOCK_ROWS", 64)
    rng = np.random.default_rng(0)
    x = (1e-7 * rng.normal(size=(400, 512)) + np.where(np.arange(400) % 2, 1.0, -1.0)[:, None]).astype(np.float32)
    pending: list[int] = []
    sort_out = _neighbours._Search._sort_out

    def noted(search: _neighbours._Search) -> None:
        sort_out(search)
        pending.append(search._pending)

    monkeypatch.setattr(_neighbours._Search, "_sort_out", noted)
    assert squared_radii(Cloud(x), 3).tolist() == radii(x, 3).tolist()
    assert max(pending) < 10 * len(x)


def test_no_rows_and_rows_too_long_to_square() -> None:
    rows, distances = nearest_rows(np.zeros((0, 3)), np.ones((2, 3)))
    assert len(rows) == len(distances) == 0
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="squared lengths"):
        squared_radii(Cloud(np.array([[1e200], [-1e200], [0.0]])), 1)


def test_many_ties_are_sorted_out_while_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that get ever nearer to the first: each tile has nearer ones than all before."""
    monkeypatch.setattr(_arrays, "BLOCK_ROWS", 5)
    monkeypatch.setattr(_neighbours, "PENDING", 20)
    x = np.concatenate([[0.0], np.arange(200.0, 0, -1) ** 2])[:, None]
    assert squared_radii(Cloud(x), 2).tolist() == radii(x, 2).tolist()
