from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, _tiles, authenticity, density_coverage, precision_recall

seeds = st.integers(0, 2**16)


def sample(n: int, d: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, (n, d)).astype(np.float32)


def by_hand(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return ((a[:, None].astype(float) - b[None].astype(float)) ** 2).sum(axis=2)

    def radii(a: np.ndarray) -> np.ndarray:
        within = distances(a, a)
        np.fill_diagonal(within, np.inf)
        return np.sort(within, axis=1)[:, k - 1]

    across, of_real, of_fake = distances(real, fake), radii(real), radii(fake)
    held = across < of_real[:, None]
    return (
        (across <= of_real[:, None]).any(axis=0).mean(),
        (across <= of_fake[None]).any(axis=1).mean(),
        held.sum() / (k * len(fake)),
        held.any(axis=1).mean(),
    )


def all_four(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[float, ...]:
    return (*precision_recall(real, fake, k=k), *density_coverage(real, fake, k=k))


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(5, 25), st.integers(5, 25), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_every_vote_is_that_of_direct_differences(seed: int, n: int, m: int, d: int, k: int, ties: bool) -> None:
    """Small integers are full of ties and of equal rows; an offset must not break them."""
    rng = np.random.default_rng(seed)
    real, fake = (rng.normal(size=(rows, d)) for rows in (n, m))
    if ties:
        real, fake = (2 * real).round() + 1000, (2 * fake).round() + 1000
    expected = by_hand(real, fake, k)
    assert all_four(real, fake, k) == pytest.approx(expected, abs=1e-12)
    with pytest.MonkeyPatch.context() as patch:  # tiny blocks
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        patch.setattr(_tiles, "STRIP_VALUES", 16)
        assert all_four(real, fake, k) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(-20, 20))
def test_laws(seed: int, exponent: int) -> None:
    real, fake = sample(40, 5, seed), sample(30, 5, seed + 1, scale=1.2)
    votes = all_four(real, fake, 3)
    order = np.random.default_rng(seed)
    assert all_four(order.permutation(real), order.permutation(fake), 3) == votes
    assert all_four(real * 2.0**exponent, fake * 2.0**exponent, 3) == votes
    assert precision_recall(fake, real)[::-1] == precision_recall(real, fake)
    assert precision_recall(real, fake, k=4).precision >= precision_recall(real, fake, k=3).precision


def test_copies_of_neighbours_tie_at_any_width() -> None:
    """A candidate that is a reference's k-th neighbour lies on the ball's edge: in for <=, out for <."""
    real = np.random.default_rng(0).normal(1e3, 1, (2, 700)).astype(np.float32)
    assert precision_recall(real, real[::-1].copy(), k=1) == (1, 1)
    edge = np.concatenate([real[1:], real[1:]])
    assert density_coverage(real, edge, k=1) == (1, 0.5)  # the ball of real[0] does not hold its own edge


def test_a_candidate_with_more_spread_loses_precision_and_not_recall() -> None:
    real, wide, narrow = sample(300, 3), sample(300, 3, seed=1, scale=5), sample(300, 3, seed=2, scale=0.2)
    assert precision_recall(real, wide).precision < 0.4 < 0.9 < precision_recall(real, wide).recall
    assert precision_recall(real, narrow).recall < 0.4 < 0.9 < precision_recall(real, narrow).precision
    assert density_coverage(real, wide).density < 0.4
    assert density_coverage(real, narrow).coverage < 0.4 < 0.9 < density_coverage(real, narrow).density


def test_equal_and_far_sets() -> None:
    x = sample(50, 4)
    assert precision_recall(x, x) == (1, 1)
    assert density_coverage(x, x) == (1, 1)
    assert all_four(x, x + 1000, 3) == (0, 0, 0, 0)


def test_a_collapsed_candidate() -> None:
    """All rows equal: radius 0. Equal rows count as often as they occur."""
    real = sample(50, 4)
    collapsed = np.repeat(real[:1], 20, axis=0)
    assert precision_recall(real, collapsed) == (1, 0.02)
    assert all_four(real, collapsed, 3) == pytest.approx(by_hand(real, collapsed, 3))
    assert all_four(collapsed, collapsed, 3) == (1, 1, 0, 0)  # no distance is less than a radius of 0


def test_one_candidate_is_enough_for_density() -> None:
    assert density_coverage(sample(30, 2), np.zeros((1, 2))).density > 0
    with pytest.raises(ValueError, match=r"candidate: .* n >= 4 .* got \(1, 2\)"):
        precision_recall(sample(30, 2), np.zeros((1, 2)))


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
def test_bad_arguments_are_refused(function: Callable) -> None:
    x = sample(3, 2)
    with pytest.raises(ValueError, match=r"reference: expected shape \(n, d\) with n >= 4 and d >= 1, got \(3, 2\)"):
        function(x, sample(10, 2), k=3)
    with pytest.raises(ValueError, match="k: expected a whole number >= 1, got 0"):
        function(x, x, k=0)
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(9, 3\)"):
        function(x, sample(9, 3), k=1)


def authentic_by_hand(real: np.ndarray, fake: np.ndarray) -> float:
    across = ((real[:, None].astype(float) - fake[None].astype(float)) ** 2).sum(axis=2)
    within = ((real[:, None].astype(float) - real[None].astype(float)) ** 2).sum(axis=2)
    np.fill_diagonal(within, np.inf)
    nearest = across == across.min(axis=0)
    loneliest = np.where(nearest, within.min(axis=1)[:, None], -1).max(axis=0)
    return 100 * float((across.min(axis=0) > loneliest).mean())


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(2, 25), st.integers(1, 25), st.integers(1, 4), st.booleans())
def test_authenticity_is_that_of_direct_differences(seed: int, n: int, m: int, d: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    real, fake = (rng.normal(size=(rows, d)) for rows in (n, m))
    if ties:
        real, fake = (2 * real).round() + 1000, (2 * fake).round() + 1000
    expected = pytest.approx(authentic_by_hand(real, fake), abs=1e-12)
    assert authenticity(real, fake) == expected
    assert authenticity(rng.permutation(real), rng.permutation(fake)) == expected
    assert authenticity(real * 2.0**7, fake * 2.0**7) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        patch.setattr(_tiles, "STRIP_VALUES", 16)
        assert authenticity(real, fake) == expected


def test_copies_are_not_authentic_and_strangers_are() -> None:
    real = sample(60, 5)
    assert authenticity(real, real) == 0
    assert authenticity(real, real[:7].repeat(3, axis=0)) == 0
    assert authenticity(real, real + 1e3) == 100
    assert authenticity(real, np.concatenate([real, real + 1e3])) == 50
    pairs = np.repeat(real, 2, axis=0)  # every reference has a twin: only what is equal to one is a copy
    assert authenticity(pairs, np.concatenate([real, real + 1e-3])) == 50
    with pytest.raises(ValueError, match=r"reference: .* n >= 2 .* got \(1, 5\)"):
        authenticity(real[:1], real)


@pytest.mark.parametrize(
    ("radius", "distance", "full", "half"),
    [
        (0.1, 0.1, 1, 0),  # rounded down
        (0.3, 0.30001, 0, 1),  # up
        (1.0, 1.0, 1, 1),  # not at all
        (1e6, 1e8, 0, 1),  # to infinity
        (1e-9, 1e-9, 1, 0),  # to zero
    ],
)
def test_radii_of_half_precision(radius: float, distance: float, full: int, half: int) -> None:
    real, fake = np.array([[0.0], [radius]]), np.array([[-distance], [-distance]])
    assert precision_recall(real, fake, k=1).precision == full
    assert precision_recall(real, fake, k=1, radius="float16").precision == half
