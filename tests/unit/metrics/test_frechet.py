from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import frechet_distance, frechet_distance_from_stats, stats_from_features


def sample(n: int, d: int, seed: int = 0, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


seeds = st.integers(0, 2**16)
shapes = st.tuples(st.integers(2, 40), st.integers(2, 40), st.integers(1, 12))


@pytest.mark.parametrize(("n", "d"), [(200, 6), (9, 20), (20, 20), (2, 1)])
def test_a_shift_costs_its_squared_length(n: int, d: int) -> None:
    x, shift = sample(n, d), np.linspace(-1, 2, d)
    assert frechet_distance(x, x + shift) == pytest.approx(shift @ shift, rel=1e-9, abs=1e-12)


def test_a_scale_costs_the_squared_difference_of_the_deviations() -> None:
    x = sample(300, 5)
    x -= x.mean(axis=0)
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * x.var(axis=0).sum(), rel=1e-12)  # (3 - 1)**2 tr S
    assert frechet_distance(x, 3 * x, ddof=1) == pytest.approx(4 * x.var(axis=0, ddof=1).sum(), rel=1e-12)


def test_diagonal_gaussians_have_a_closed_form() -> None:
    a, b = np.array([1.0, 4.0, 0.0]), np.array([9.0, 0.0, 0.25])
    assert frechet_distance_from_stats(np.zeros(3), np.diag(a), np.ones(3), np.diag(b)) == pytest.approx(
        3 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rel=1e-12
    )


@settings(deadline=None, max_examples=25)
@given(seeds, shapes, st.floats(0.01, 100), st.floats(-100, 100))
def test_laws(seed: int, shape: tuple[int, int, int], scale: float, shift: float) -> None:
    n, m, d = shape
    x, y = sample(n, d, seed), sample(m, d, seed + 1, scale=1.5, shift=0.5)
    distance = frechet_distance(x, y)
    order = np.random.default_rng(seed)
    assert frechet_distance(order.permutation(x), order.permutation(y)) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(y, x) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(scale * x, scale * y) == pytest.approx(scale**2 * distance, rel=1e-9)
    assert frechet_distance(x + shift, y + shift) == pytest.approx(distance, rel=1e-7)
    rotation = np.linalg.qr(order.normal(size=(d, d)))[0]
    assert frechet_distance(x @ rotation, y @ rotation) == pytest.approx(distance, rel=1e-9)
    of_x, of_y = stats_from_features(x), stats_from_features(y)
    from_stats = frechet_distance_from_stats(of_x.mean, of_x.cov, of_y.mean, of_y.cov)
    assert from_stats == pytest.approx(distance, rel=1e-6)
    assert frechet_distance(x, x) < 1e-9


def test_folding_by_blocks_changes_nothing() -> None:
    x, y = sample(5000, 3, shift=1e3), sample(4000, 3, seed=1, scale=2, shift=1e3)  # 1024 rows a block
    by_hand = frechet_distance_from_stats(x.mean(0), np.cov(x.T, ddof=0), y.mean(0), np.cov(y.T, ddof=0))
    assert frechet_distance(x, y) == pytest.approx(by_hand, rel=1e-9)


def test_statistics_of_a_singular_covariance() -> None:
    x, y = sample(50, 400), sample(60, 400, seed=1)
    of_x, of_y = stats_from_features(x), stats_from_features(y)
    from_stats = frechet_distance_from_stats(of_x.mean, of_x.cov, of_y.mean, of_y.cov)
    assert from_stats == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_a_constant_set_is_a_point() -> None:
    x, constant = sample(30, 4), np.full((10, 4), 0.1)
    expected = ((x.mean(axis=0) - 0.1) ** 2).sum() + x.var(axis=0).sum()
    assert frechet_distance(x, constant) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(constant, constant + 1) == pytest.approx(4, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean_r": [0.0]}, r"expected means \(d,\), \(d,\) and covariances .* got \[\(1,\), \(2,\)"),
        ({"cov_c": [[1.0, np.nan], [0.0, 1.0]]}, "NaN or infinity"),
        ({"cov_r": [[1.0, 0.5], [0.0, 1.0]]}, "cov_r: expected a symmetric"),
        ({"cov_c": [[1.0, 2.0], [2.0, 1.0]]}, "cov_c: expected no negative eigenvalue"),
    ],
)
def test_impossible_statistics_are_refused(change: dict, message: str) -> None:
    good = {"mean_r": [0.0, 0.0], "cov_r": np.eye(2), "mean_c": [0.0, 0.0], "cov_c": np.eye(2)}
    with pytest.raises(ValueError, match=message):
        frechet_distance_from_stats(**{**good, **change})


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"reference: expected shape \(n, d\) with n >= 2 and d >= 1, got \(1, 3\)"):
        frechet_distance(sample(1, 3), sample(5, 3))
    with pytest.raises(ValueError, match=r"got \(4, 3\) and \(5, 2\)"):
        frechet_distance(sample(4, 3), sample(5, 2))
    with pytest.raises(ValueError, match="ddof: expected 0 or 1, got 2"):
        frechet_distance(sample(4, 3), sample(5, 3), ddof=2)
