from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from vidgauge.metrics import _arrays, sliced, sliced_wasserstein


def sample(n: int, d: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def directions(count: int, d: int, seed: int) -> np.ndarray:
    rows = np.random.RandomState(seed).standard_normal((count, d))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_shift_costs_its_squared_length_along_each_direction() -> None:
    x, shift = sample(50, 6), np.linspace(-1, 2, 6)
    expected = ((directions(20, 6, seed=3) @ shift) ** 2).mean()
    assert sliced_wasserstein(x, x + shift, projections=20, seed=3) == pytest.approx(expected, rel=1e-12)


def test_many_directions_see_a_width_of_the_squared_shift() -> None:
    """E (u.s)² = |s|² / d: with the published factor of 3 d, MIND of a shift is 3 |s|²."""
    x, shift = sample(20, 8), np.full(8, 0.5)
    found = 3 * 8 * sliced_wasserstein(x, x + shift, projections=20000)
    assert found == pytest.approx(3 * shift @ shift, rel=0.03)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.integers(1, 30), st.integers(1, 30), st.integers(1, 5))
def test_unequal_sets_are_coupled_as_if_repeated_to_one_size(seed: int, n: int, m: int, d: int) -> None:
    x, y = sample(n, d, seed), sample(m, d, seed + 1, shift=0.5)
    repeated = np.repeat(x, m, axis=0), np.repeat(y, n, axis=0)
    for order in (1.0, 2.0, 3.5):
        found = sliced_wasserstein(x, y, projections=4, order=order, seed=seed)
        u, v = (np.sort(directions(4, d, seed) @ a.T, axis=1) for a in repeated)
        assert found == pytest.approx((np.abs(u - v) ** order).mean(), rel=1e-9)
    of_lines = [wasserstein_distance(x @ line, y @ line) for line in directions(4, d, seed)]
    found = sliced_wasserstein(x, y, projections=4, order=1, seed=seed)
    assert found == pytest.approx(np.mean(of_lines), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.integers(1, 30), st.integers(1, 30), st.integers(-10, 10), st.floats(-1e3, 1e3))
def test_laws(seed: int, n: int, m: int, exponent: int, shift: float) -> None:
    x, y = sample(n, 3, seed), sample(m, 3, seed + 1, shift=0.5)
    found = sliced_wasserstein(x, y, projections=7)
    order = np.random.default_rng(seed)
    assert sliced_wasserstein(y, x, projections=7) == pytest.approx(found, rel=1e-9)
    assert sliced_wasserstein(order.permutation(x), order.permutation(y), projections=7) == pytest.approx(
        found, rel=1e-9
    )
    scaled = sliced_wasserstein(x * 2.0**exponent, y * 2.0**exponent, projections=7)
    assert scaled == pytest.approx(found * 4.0**exponent, rel=1e-9)
    assert sliced_wasserstein(x + shift, y + shift, projections=7) == pytest.approx(found, rel=1e-7)
    assert sliced_wasserstein(x, x, projections=7) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        patch.setattr(sliced, "TILE_VALUES", 2 * (n + m))
        assert sliced_wasserstein(x, y, projections=7) == pytest.approx(found, rel=1e-9)


def test_the_seed_decides() -> None:
    x, y = sample(30, 3), sample(30, 3, seed=1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    assert sliced_wasserstein(x, y, seed=3) == sliced_wasserstein(x, y, seed=3) != sliced_wasserstein(x, y, seed=4)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_bad_arguments_are_refused() -> None:
    x = sample(5, 3)
    with pytest.raises(ValueError, match=r"order: expected a finite number >= 1, got 0\.5"):
        sliced_wasserstein(x, x, order=0.5)
    with pytest.raises(ValueError, match="projections: expected a whole number >= 1, got 0"):
        sliced_wasserstein(x, x, projections=0)
