from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import Stats, _arrays, merge_stats, stats_from_features


def sample(n: int, d: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def assert_near(found: Stats, expected: Stats, atol: float = 1e-12) -> None:
    assert found.n == expected.n
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-13, atol=atol)
    np.testing.assert_allclose(found.cov, expected.cov, rtol=1e-12, atol=atol)


def test_a_large_offset_costs_no_digit() -> None:
    steps = np.arange(-2000, 2001)[:, None] / 1024  # exact in binary, so the answer is too
    for offset in (0, 2.0**20, 2.0**30):
        stats = stats_from_features(steps + offset)
        assert stats.mean.tolist() == [offset]
        assert stats.cov.item() == pytest.approx((steps**2).mean(), rel=1e-14)


def test_the_covariance_divides_by_n_and_is_symmetric() -> None:
    x = sample(100, 5)
    stats = stats_from_features(x.astype(np.float32))
    assert stats.mean.dtype == stats.cov.dtype == np.float64
    np.testing.assert_allclose(stats.cov, np.cov(x.T, ddof=0), atol=1e-6)
    assert (stats.cov == stats.cov.T).all()


def test_one_row_and_equal_rows_have_no_spread() -> None:
    for rows in (1, 7, 3000):
        stats = stats_from_features(np.full((rows, 3), 0.1))
        assert (stats.n, stats.mean.tolist(), stats.cov.any()) == (rows, [0.1] * 3, False)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 5))
def test_merged_parts_are_the_whole(seed: int, sizes: list[int], d: int) -> None:
    x = sample(sum(sizes), d, seed, shift=1e3)
    parts = [stats_from_features(part) for part in np.split(x, np.cumsum(sizes)[:-1])]
    whole = stats_from_features(x)
    assert_near(merge_stats(*parts), whole)
    assert_near(stats_from_features(np.random.default_rng(seed).permutation(x)), whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        assert_near(stats_from_features(x), whole)


def test_parts_of_different_widths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2,\) and \(3,\)"):
        merge_stats(stats_from_features(sample(4, 2)), stats_from_features(sample(4, 3)))
