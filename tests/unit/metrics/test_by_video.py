from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import (
    frechet_distance,
    inception_score,
    pair_distance,
    pair_frechet,
    video_inception_score,
)
from vidgauge.metrics.by_video import mean_by_video, mean_by_video_influence, video_weights


def sample(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_every_video_has_a_total_weight_of_one() -> None:
    keys = ["b", "a", "b", "c", "b"]
    weights = video_weights(keys)
    assert weights.dtype == np.float64
    for key in set(keys):
        assert weights[[k == key for k in keys]].sum() == pytest.approx(1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.integers(1, 8), st.integers(0, 4))
def test_pairs_are_found_by_their_keys(seed: int, pairs: int, unused: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = sample(pairs + unused, 3, seed), sample(pairs, 3, seed + 1)
    of_x, of_y = rng.permutation(pairs + unused), rng.permutation(pairs)
    expected = ((x[:pairs].astype(float) - y) ** 2).sum(axis=1).mean()
    found = pair_distance(x[of_x], y[of_y], videos=(of_x.tolist(), of_y.tolist()))
    assert found == (pytest.approx(expected, rel=1e-12), pairs)
    again = pair_distance(x, y, videos=(range(pairs + unused), range(pairs)))
    assert found.mean == again.mean  # to the last bit, in whatever order


def test_pair_frechet_is_the_mean_of_the_distances_of_pairs() -> None:
    x, y = sample(40, 6), sample(30, 6, seed=1)
    of_x, of_y = [row % 4 for row in range(40)], [row % 3 for row in range(30)]
    expected = [frechet_distance(x[video::4], y[video::3], ddof=1) for video in range(3)]
    found = pair_frechet(x, y, videos=(of_x, of_y))
    assert found == (pytest.approx(np.mean(expected), rel=1e-12), 3)
    assert pair_frechet(x, x, videos=(of_x, of_x)).mean < 1e-9


def test_video_inception_score_is_the_mean_of_the_scores_of_videos() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(5, 0.3), 30)
    videos = [row % 3 for row in range(30)]
    scores = [inception_score(p[video::3], splits=1, epsilon=1e-10).mean for video in range(3)]
    assert video_inception_score(p, videos=videos) == (pytest.approx(np.mean(scores), rel=1e-12), 3)
    assert video_inception_score(p[:1].repeat(4, axis=0), videos=["a"] * 4).mean == pytest.approx(1)


def test_what_does_not_pair_is_refused() -> None:
    x = sample(4, 3)
    for function in (pair_distance, pair_frechet):
        with pytest.raises(ValueError, match=r"reference video for every candidate, got none for 1 of 4: 'd'$"):
            function(x[:3], x, videos=("abc", "abcd"))
        with pytest.raises(ValueError, match=r"got none for 4 of 4: 'e', 'f', 'g', \.\.\.$"):
            function(x, x, videos=("abcd", "efgh"))
        with pytest.raises(ValueError, match=r"a key for each row of candidate, whose shape is \(4, 3\), got 3"):
            function(x, x, videos=("abcd", "abc"))
    with pytest.raises(
        ValueError, match=r"the pair of 'b': expected one row \(1, d\) of either side, got \(2, 3\) and"
    ):
        pair_distance(x, x[:2], videos=("abbc", "ab"))
    with pytest.raises(ValueError, match=r"the pair of 'a': candidate: .* n >= 2 .* got \(1, 3\)"):
        pair_frechet(x, x[:1], videos=("aabb", "a"))
    with pytest.raises(ValueError, match="a key for each row of probabilities"):
        video_inception_score([[1.0]], videos=[])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_every_video_counts_once_in_a_mean_of_scores(seed: int, rows: list[int]) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(sum(rows), 1)).astype(np.float32)
    keys = np.repeat(np.arange(len(rows)), rows)
    each = [scores[keys == key].astype(float).mean() for key in range(len(rows))]
    found = mean_by_video(scores, videos=keys.tolist())
    assert found == (pytest.approx(np.mean(each), rel=1e-12, abs=1e-12), len(rows))
    order = rng.permutation(len(scores))
    assert mean_by_video(scores[order], videos=keys[order].tolist()) == found  # to the last bit
    effects = mean_by_video_influence(scores, videos=keys.tolist()).candidate
    assert effects.sum() == pytest.approx(0, abs=1e-9)
    for key, score in enumerate(each):
        assert effects[keys == key].sum() == pytest.approx((score - found.mean) / len(rows), abs=1e-9)
