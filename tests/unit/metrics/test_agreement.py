"""Agreement of embeddings: the references' numbers, and what holds for any frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.metrics.agreement import preferences, temporal_agreement, text_agreement


def embeddings(seed: int, t: int, d: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(t, d))


@pytest.mark.golden("formula_embeddings.npz")
def test_golden(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        found = []
        for video in golden["set_order"]:
            frames, text = golden[f"{video}__frames"], golden[f"{video}__text"]
            found.append(text_agreement(frames, text))
            np.testing.assert_allclose(found[-1], golden[f"{video}__exact_clipsim"], rtol=1e-9)
            np.testing.assert_allclose(temporal_agreement(frames), golden[f"{video}__exact_cliptemp"], rtol=1e-9)
            for name in ("clipsim", "pickscore", "blipsim"):
                np.testing.assert_allclose(found[-1], golden[f"{video}__{name}"], rtol=2e-5)
            np.testing.assert_allclose(temporal_agreement(frames), golden[f"{video}__cliptemp"], rtol=2e-5)
            np.testing.assert_allclose(100 * found[-1], golden[f"{video}__pickscore_x_logit_scale"], rtol=2e-5)
        assert found
        np.testing.assert_allclose(np.mean(found), golden["set_mean_over_videos"], rtol=2e-5)
        of_set = preferences(100 * np.array([found]))[0]
        np.testing.assert_allclose(of_set, golden["pickscore_probabilities_over_set"], rtol=2e-4)  # of float32 scores


@given(seed=st.integers(0, 1000), t=st.integers(2, 9), scale=st.floats(1e-3, 1e3))
def test_lengths_and_the_order_of_time_do_not_matter(seed: int, t: int, scale: float) -> None:
    frames, text = embeddings(seed, t), embeddings(seed + 1, 1)[0]
    of_text, of_time = text_agreement(frames, text), temporal_agreement(frames)
    assert -1 <= of_text <= 1
    assert -1 <= of_time <= 1
    scales = np.linspace(scale, 2 * scale, t)[:, None]
    np.testing.assert_allclose(text_agreement(frames * scales, text * scale), of_text, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(temporal_agreement(frames[::-1] * scales), of_time, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(text_agreement(-frames, text), -of_text, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(text_agreement(np.repeat(frames, 3, axis=0), text), of_text, rtol=1e-9, atol=1e-12)


def test_by_hand() -> None:
    frames = np.array([[2, 0], [0, 3], [0, -1]], np.float32)
    assert text_agreement(frames, np.array([0, 5], np.float32)) == 0
    assert text_agreement(frames[:2], np.array([0, 5], np.float32)) == 0.5
    assert temporal_agreement(frames) == -0.5  # 0 and -1, not clamped
    assert np.isnan(temporal_agreement(frames[:1]))


@given(seed=st.integers(0, 1000), shift=st.floats(-1e4, 1e4))
def test_preferences_are_probabilities_of_differences(seed: int, shift: float) -> None:
    scores = embeddings(seed, 4, 3) * 10
    found = preferences(scores)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(found.argmax(axis=1), scores.argmax(axis=1))
    np.testing.assert_allclose(preferences(scores + shift), found, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(np.log(found[:, 0] / found[:, 1]), scores[:, 0] - scores[:, 1], rtol=1e-6)


def test_a_prompt_that_lacks_a_score_has_no_preference() -> None:
    found = preferences(np.array([[1, np.nan], [3, 3]]))
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [0.5, 0.5]


def test_what_has_no_direction_has_no_cosine() -> None:
    frames = np.array([[1.0, 0], [0, 0]])
    assert np.isnan(temporal_agreement(frames))
    assert np.isnan(text_agreement(frames, np.ones(2)))
    assert np.isnan(text_agreement(frames[:1], np.zeros(2)))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 7\) and \(6,\)"):
        text_agreement(embeddings(0, 3), np.ones(6))
    with pytest.raises(ValueError, match=r"n >= 1, d\), got \(0, 7\)"):
        temporal_agreement(np.empty((0, 7)))
    with pytest.raises(ValueError, match=r"candidates >= 1\), got \(3,\)"):
        preferences(np.ones(3))
