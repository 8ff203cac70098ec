from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, inception_score
from vidgauge.metrics.inception import probabilities_from_logits


def probabilities(n: int, classes: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), n)


def by_hand(p: np.ndarray) -> float:
    return float(np.exp((p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1).mean()))


def test_known_answers() -> None:
    assert inception_score(np.full((20, 5), 0.2)) == pytest.approx((1, 0), abs=1e-12)  # sure of nothing
    assert inception_score(np.eye(5), splits=1).mean == pytest.approx(5)  # sure, and evenly spread
    one_class = np.zeros((20, 5))
    one_class[:, 3] = 1
    assert inception_score(one_class) == (1, 0)  # sure, and always the same


def test_parts_are_cut_by_whole_division() -> None:
    p = probabilities(23, 4)
    scores = [by_hand(p[i * 23 // 5 : (i + 1) * 23 // 5]) for i in range(5)]
    found = inception_score(p, splits=5, shuffle_seed=None)
    assert found == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-12)
    order = np.random.RandomState(9).permutation(23)
    assert inception_score(p, splits=5, shuffle_seed=9) == inception_score(p[order], splits=5, shuffle_seed=None)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.integers(1, 60), st.integers(1, 9))
def test_laws(seed: int, n: int, classes: int) -> None:
    p = probabilities(n, classes, seed)
    score = inception_score(p, splits=1).mean
    order = np.random.default_rng(seed)
    assert 1 - 1e-9 <= score <= classes + 1e-9
    assert inception_score(order.permutation(p), splits=1).mean == pytest.approx(score, rel=1e-12)
    assert inception_score(order.permutation(p.T).T, splits=1).mean == pytest.approx(score, rel=1e-12)
    assert inception_score(np.concatenate([p, p]), splits=1).mean == pytest.approx(score, rel=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 4)
        assert inception_score(p, splits=1).mean == pytest.approx(score, rel=1e-12)


def test_softmax_of_large_logits() -> None:
    logits = np.array([[1e4, 1e4 - 1], [-1e4, 0.0]], dtype=np.float32)
    p = probabilities_from_logits(logits)
    assert p.dtype == np.float64
    assert p[0, 1] / p[0, 0] == pytest.approx(np.exp(-1))
    assert p[1].tolist() == [0, 1]
    np.testing.assert_allclose(probabilities_from_logits(logits + 5), p)


def test_bad_arguments_are_refused() -> None:
    p = probabilities(9, 3)
    with pytest.raises(ValueError, match=r"probabilities: expected shape \(n, d\) with n >= 10 .* got \(9, 3\)"):
        inception_score(p)
    with pytest.raises(ValueError, match=r"splits: expected a whole number >= 1, got 2\.5"):
        inception_score(p, splits=2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"row 0 has minimum .* and sum 2"):
        inception_score(2 * p, splits=1)
    with pytest.raises(ValueError, match=r"got shape \(2, 2\) where row 1 has minimum -0.5 and sum 1"):
        inception_score([[0.5, 0.5], [1.5, -0.5]], splits=1)


def test_epsilon_is_added_inside_the_logarithms() -> None:
    p, epsilon = probabilities(30, 4), 0.01
    divergence = p * (np.log(p + epsilon) - np.log(p.mean(axis=0) + epsilon))
    found = inception_score(p, splits=1, epsilon=epsilon).mean
    assert found == pytest.approx(np.exp(divergence.sum(axis=1).mean()), rel=1e-12)
    assert inception_score(np.eye(5), splits=1, epsilon=1e-10).mean == pytest.approx(5, rel=1e-8)
    with pytest.raises(ValueError, match="epsilon: expected a finite number >= 0, got -1"):
        inception_score(p, epsilon=-1)


def test_the_order_of_torch() -> None:
    p = probabilities(23, 4)
    order = torch.randperm(23, generator=torch.Generator().manual_seed(9)).numpy()
    state = torch.random.get_rng_state()
    found = inception_score(p, splits=5, shuffle_seed=9, shuffle_by="torch")
    assert found == inception_score(p[order], splits=5, shuffle_seed=None)
    assert found != inception_score(p, splits=5, shuffle_seed=9)
    assert torch.equal(torch.random.get_rng_state(), state)
    unshuffled = inception_score(p, splits=5, shuffle_seed=None)
    assert inception_score(p, splits=5, shuffle_seed=None, shuffle_by="torch") == unshuffled
