from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, frechet_distance, frechet_distance_from_stats, stats_from_features
from vidgauge.metrics.frechet import fold_gaussian, fold_quarters


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


@settings(deadline=None, max_examples=25)
@given(seeds, st.integers(2, 9), st.integers(1, 5))
def test_a_whole_weight_is_as_many_equal_rows(seed: int, n: int, d: int) -> None:
    x, y, rng = sample(n, d, seed), sample(n + 3, d, seed + 1, scale=2), np.random.default_rng(seed)
    of_x, of_y = rng.integers(1, 5, n), rng.integers(1, 5, n + 3)
    repeated = np.repeat(x, of_x, axis=0), np.repeat(y, of_y, axis=0)
    weighted = frechet_distance(x, y, weights=(of_x, of_y))
    assert weighted == pytest.approx(frechet_distance(*repeated), rel=1e-9)
    assert frechet_distance(x, y, weights=(0.01 * of_x, 7 * of_y)) == pytest.approx(weighted, rel=1e-9)
    stats, expected = stats_from_features(x, weights=of_x), stats_from_features(repeated[0])
    np.testing.assert_allclose(stats.mean, expected.mean, atol=1e-12)
    np.testing.assert_allclose(stats.cov, expected.cov, atol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        assert frechet_distance(x, y, weights=(of_x, of_y)) == pytest.approx(weighted, rel=1e-9)


def test_weights_of_the_wrong_shape_or_sign_are_refused() -> None:
    x = sample(4, 3)
    with pytest.raises(ValueError, match=r"weights of the candidate: .* of shape \(4,\), .* got \(3,\)"):
        frechet_distance(x, x, weights=(np.ones(4), np.ones(3)))
    for bad in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="weights of the reference: expected finite weights > 0"):
            frechet_distance(x, x, weights=([1, 1, 1, bad], np.ones(4)))
    with pytest.raises(ValueError, match="ddof: expected 0 where rows have weights, got 1"):
        frechet_distance(x, x, weights=(np.ones(4), np.ones(4)), ddof=1)


def test_folding_adds_three_quarters_and_one_column() -> None:
    """Its width, what it takes from each column, and its precision."""
    assert (fold_quarters(np.ones((1, 2048))) == np.full((1, 512), 4)).all()
    one_hot = np.eye(2048, dtype=np.float32)
    assert fold_quarters(one_hot[[1536]]).tolist() == [[1] * 512]
    assert not fold_quarters(one_hot[[1537, 1600, 2047]]).any()
    assert fold_quarters(one_hot[[5]]).dtype == np.float32
    assert fold_quarters(np.full((1, 4), 200, dtype=np.uint8)).tolist() == [[800]]
    with pytest.raises(ValueError, match=r"d a multiple of 4 to fold, got \(2, 6\)"):
        fold_quarters(sample(2, 6))


def test_folded_statistics_are_those_of_folded_features() -> None:
    x = sample(30, 12, shift=3)
    stats, expected = stats_from_features(x), stats_from_features(fold_quarters(x))
    mean, cov = fold_gaussian(stats.mean, stats.cov)
    np.testing.assert_allclose(mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(cov, expected.cov, rtol=1e-9, atol=1e-12)
