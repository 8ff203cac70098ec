from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, vendi_score

orders = st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 20.0, 1e4])


def sample(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@given(st.integers(1, 6), st.integers(1, 5), orders)
def test_groups_at_right_angles_are_counted(groups: int, times: int, order: float) -> None:
    rows = np.repeat(np.eye(8)[:groups], times, axis=0) * np.arange(1, groups * times + 1)[:, None]
    assert vendi_score(rows, order=order) == pytest.approx(groups, rel=1e-9)


def test_uneven_groups() -> None:
    rows, p = np.eye(3)[[0, 0, 0, 1, 1, 2]], np.array([3, 2, 1]) / 6
    assert vendi_score(rows) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-12)
    assert vendi_score(rows, order=2) == pytest.approx(1 / (p**2).sum(), rel=1e-12)
    assert vendi_score(rows, order=0.5) == pytest.approx(np.sqrt(p).sum() ** 2, rel=1e-12)
    assert vendi_score(rows, order=1e6) == pytest.approx(2, rel=1e-5)  # 1 / the largest


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**16), st.integers(1, 30), st.integers(1, 12), orders)
def test_laws(seed: int, n: int, d: int, order: float) -> None:
    x = sample(n, d, seed)
    score = vendi_score(x, order=order)
    cosines = (x @ x.T).astype(float) / np.outer(*[np.linalg.norm(x, axis=1)] * 2)
    p = np.linalg.eigvalsh(cosines / n)
    if order == 2:
        assert score == pytest.approx(1 / (p**2).sum(), rel=1e-5)
    assert 1 - 1e-9 <= score <= min(n, d) + 1e-9
    rng = np.random.default_rng(seed)
    assert vendi_score(rng.permutation(x), order=order) == pytest.approx(score, rel=1e-6)
    assert vendi_score(x * rng.uniform(0.1, 10, (n, 1)), order=order) == pytest.approx(score, rel=1e-6)
    assert vendi_score(np.concatenate([x, x]), order=order) == pytest.approx(score, rel=1e-6)
    wide = np.pad(x, ((0, 0), (0, 40)))  # now n < d: the other matrix, with the same eigenvalues
    assert vendi_score(wide, order=order) == pytest.approx(score, rel=1e-6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 4)
        assert vendi_score(x, order=order) == pytest.approx(score, rel=1e-6)


def test_a_collapsed_set_is_worth_one_sample() -> None:
    assert vendi_score(np.repeat(sample(1, 5), 30, axis=0)) == pytest.approx(1, abs=1e-9)


def test_bad_arguments_are_refused() -> None:
    x = sample(5, 3)
    for order in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match="order: expected a finite number > 0"):
            vendi_score(x, order=order)
    x[3] = 0
    with pytest.raises(
        ValueError, match=r"features: expected rows of a length > 0, .* shape \(5, 3\) where row 3 is zero"
    ):
        vendi_score(x)
