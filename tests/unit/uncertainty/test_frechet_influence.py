"""The effects of rows on the Fréchet distance are its derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from vidgauge.metrics.frechet import (
    fold_quarters,
    frechet_approximately,
    frechet_distance,
    frechet_distance_from_stats,
    frechet_influence,
    frechet_influence_from_stats,
)
from vidgauge.metrics.registry import reduction
from vidgauge.metrics.stats import stats_from_features


def sets(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(n + 7, d)) * 1.3 + 0.4


def by_weight(x: np.ndarray, y: np.ndarray, row: int, *, of_reference: bool, step: float = 1e-5) -> float:
    """The derivative of the distance by the weight of one row, from two weighted distances."""
    values = []
    for sign in (1, -1):
        weights = [np.ones(len(x)), np.ones(len(y))]
        weights[0 if of_reference else 1][row] += sign * step
        values.append(frechet_distance(x, y, weights=(weights[0], weights[1])))
    return (values[0] - values[1]) / (2 * step)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (200, 3)])
def test_effects_are_the_derivatives_by_the_weights(n: int, d: int) -> None:
    x, y = sets(n, d)
    found = frechet_influence(x, y)
    assert found.reference is not None
    for row in (0, 7, n - 1):
        assert found.reference[row] == pytest.approx(by_weight(x, y, row, of_reference=True), rel=1e-5)
        assert found.candidate[row] == pytest.approx(by_weight(x, y, row, of_reference=False), rel=1e-5)
    assert found.reference.sum() == pytest.approx(0, abs=1e-12)
    assert found.candidate.sum() == pytest.approx(0, abs=1e-12)


def test_effects_of_fewer_rows_than_features_are_near_what_leaving_a_row_out_does() -> None:
    x, y = sets(80, 200)
    found = frechet_influence(x, y)
    without = np.array([frechet_distance(x, np.delete(y, row, axis=0)) for row in range(len(y))])
    left_out = (without.mean() - without) * (len(y) - 1) / len(y)
    assert np.corrcoef(found.candidate, left_out)[0, 1] > 0.9
    assert np.std(found.candidate) == pytest.approx(np.std(left_out), rel=0.25)


def test_the_effects_of_weighted_rows() -> None:
    x, y = sets(50, 4)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(y))
    found = frechet_influence(x, y, weights=(np.ones(len(x)), weights)).candidate
    moved = weights.copy()
    moved[3] *= 1 + 1e-6
    change = frechet_distance(x, y, weights=(np.ones(len(x)), moved)) - frechet_distance(
        x, y, weights=(np.ones(len(x)), weights)
    )
    assert found[3] == pytest.approx(change / 1e-6, rel=1e-4)


def test_a_reference_that_is_statistics_counts_as_exact() -> None:
    x, y = sets(90, 6)
    stats = stats_from_features(x)
    found = frechet_influence_from_stats(stats.mean, stats.cov, y)
    assert found.reference is None
    np.testing.assert_allclose(found.candidate, frechet_influence(x, y).candidate, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"ddof": 1}, {"fold": "data-juicer"}, {"weighting": "videos"}])
def test_the_reduction_gives_the_effects_of_its_own_options(options: dict[str, object]) -> None:
    x, y = sets(64, 8)
    spec = reduction("frechet")
    videos = ([f"{row // 2}" for row in range(len(x))], [f"{row // 3}" for row in range(len(y))])
    assert spec.influence is not None
    found = spec.influence(x, y, seed=0, videos=videos, **options).candidate
    repeated = np.concatenate([y, np.repeat(y[:3], 50, axis=0)])  # its first video counts more
    if options.get("weighting") == "videos":  # however often its rows come
        assert abs(found.sum()) < 1e-12
        return
    value = spec.reduce(x, y, seed=0, **options).value
    more = spec.reduce(x, repeated, seed=0, **options).value
    assert np.sign(more - value) == np.sign(found[:3].sum())


@pytest.mark.parametrize(("n", "d"), [(40, 90), (300, 20)])
def test_the_approximation_has_six_digits(n: int, d: int) -> None:
    x, y = sets(n, d)
    assert frechet_approximately(x, y, ddof=1) == pytest.approx(frechet_distance(x, y, ddof=1), rel=1e-6)


def test_the_approximation_bears_singular_covariances() -> None:
    x, y = sets(50, 4)
    x, y = (np.concatenate([side, side[:, :1]], axis=1) for side in (x, y))  # a feature twice
    assert frechet_approximately(x, y) == pytest.approx(frechet_distance(x, y), rel=1e-6)


def test_folded_statistics_give_the_effects_of_folded_rows() -> None:
    x, y = sets(64, 8)
    spec, stats = reduction("frechet"), stats_from_features(x)
    assert spec.influence_from_stats is not None
    found = spec.influence_from_stats(stats, y, seed=0, fold="data-juicer").candidate
    plain = frechet_influence(fold_quarters(x), fold_quarters(y)).candidate
    np.testing.assert_allclose(found, plain, rtol=1e-7, atol=1e-12)
    assert frechet_distance_from_stats(stats.mean, stats.cov, *stats_from_features(y)[1:]) > 0
