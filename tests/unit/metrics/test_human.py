"""Agreement with people's ratings: the references' correlations, and intervals that rest on prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vidgauge.metrics.human import CORRELATIONS, agreement, model_level, preferences_met

NAMES = {"spearman": "spearman", "kendall": "kendall_b", "pearson": "pearson"}  # ours, and the golden's


def drawn(n: int, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores and ratings of five levels that go together."""
    random = np.random.default_rng(seed)
    truth = random.standard_normal(n)
    return truth + noise * random.standard_normal(n), np.clip(np.rint(2 * truth + 3), 1, 5)


@pytest.mark.golden("rank_correlations.npz")
def test_golden_correlations(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        for case in golden["cases"]:
            for row, model in enumerate(golden[f"{case}__model"]):
                found = agreement(model, golden[f"{case}__human"], seed=0, resamples=1000)
                for name, theirs in NAMES.items():
                    expected = golden[f"{case}__{theirs}"][row]
                    if np.isnan(expected):
                        assert (found[name].value, found[name].why) == (None, "the scores are constant")
                    else:
                        assert found[name].value == pytest.approx(expected, rel=1e-9, abs=1e-12)
        found = agreement(golden["missing__model"], golden["fine__human"], seed=0)
        assert found["spearman"].value == pytest.approx(float(golden["missing__spearman_pairwise_complete"]), rel=1e-9)
        assert found["spearman"].n == int(golden["missing__n_used"])


@pytest.mark.golden("rank_correlations.npz")
def test_golden_tables(golden_file: Path) -> None:
    """VideoScore's report of five columns, and the same of models."""
    with np.load(golden_file, allow_pickle=False) as golden:
        models = golden["table__model_of_video"].tolist()
        for column in range(len(golden["table__columns"])):
            ours, theirs = golden["table__model"][:, column], golden["table__human"][:, column]
            value = agreement(ours, theirs, seed=0)["spearman"].value
            assert value is not None
            assert 100 * value == pytest.approx(golden["table__spearman_x100"][column], rel=1e-9)
            means = np.array(list(model_level(ours, theirs, models).values()))
            value = agreement(*means.T, seed=0)["spearman"].value
            assert value == pytest.approx(golden["table__model_level_spearman"][column], rel=1e-9)


@pytest.mark.golden("rank_correlations.npz")
def test_golden_preferences(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        sides = [golden[f"pairwise__{name}"] for name in ("left", "right", "prefer_left", "prefer_right")]
        found = preferences_met(*sides)
        np.testing.assert_array_equal(found, golden["pairwise__correct"])
        assert round(float(found.mean()), 4) == float(golden["pairwise__accuracy_rounded4"])


@settings(max_examples=30)
@given(n=st.integers(4, 30), seed=st.integers(0, 999))
def test_resamples_are_scipys_on_repeated_pairs(n: int, seed: int) -> None:
    """A pair that is drawn twice counts as two."""
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 6, (2, n)).astype(float)
    weights = random.integers(0, 3, (5, n)).astype(float)
    calls = {"spearman": stats.spearmanr, "kendall": stats.kendalltau, "pearson": stats.pearsonr}
    for name, correlation in CORRELATIONS.items():
        found = correlation(x, y, weights)
        for row, times in zip(found, weights.astype(int), strict=True):
            repeated = x.repeat(times), y.repeat(times)
            if len(repeated[0]) < 2 or any(np.ptp(side) == 0 for side in repeated):
                assert np.isnan(row)
            else:
                assert row == pytest.approx(calls[name](*repeated).statistic, rel=1e-9, abs=1e-9)


def test_order_does_not_matter() -> None:
    """To the last bit: pairs are put in order, and groups are drawn by their names."""
    x, y = drawn(60)
    groups = [f"prompt {row % 20}" for row in range(60)]
    order = np.random.default_rng(1).permutation(60)
    for of in (groups, None):
        moved = None if of is None else [of[row] for row in order]
        assert agreement(x[order], y[order], moved, seed=3) == agreement(x, y, of, seed=3)
    assert agreement(x, y, groups, seed=3) != agreement(x, y, groups, seed=4)


def test_missing_values_are_left_out_by_pairs() -> None:
    x, y = drawn(40)
    x[:5], y[3:9] = np.nan, np.nan
    groups = [row // 2 for row in range(40)]
    found = agreement(x, y, groups, seed=0)
    assert found == agreement(x[9:], y[9:], groups[9:], seed=0)
    assert (found["kendall"].n, found["kendall"].groups) == (31, 16)


def test_monotone_changes_keep_ranks() -> None:
    x, y = drawn(50)
    found, bent, turned = (agreement(side, y, seed=0) for side in (x, np.exp(x), -x))
    for name in ("spearman", "kendall"):
        assert bent[name] == found[name]
        assert turned[name].value == pytest.approx(-(found[name].value or 0))
    assert bent["pearson"] != found["pearson"]
    shifted = agreement(3 * x + 7, y, seed=0)["pearson"].value
    assert shifted == pytest.approx(found["pearson"].value)


def test_videos_of_one_prompt_are_one_unit() -> None:
    """Copies of every video tell nothing more; unless they are taken as independent."""
    x, y = drawn(30)
    groups = [str(row) for row in range(30)]
    one, copied = agreement(x, y, groups, seed=0), agreement(x.repeat(4), y.repeat(4), np.repeat(groups, 4), seed=0)
    for name in ("spearman", "pearson"):
        assert copied[name].interval == pytest.approx(one[name].interval, abs=0.02)
        low, high = one[name].interval or (0, 0)
        naive = agreement(x.repeat(4), y.repeat(4), seed=0)[name].interval or (0, 0)
        assert naive[1] - naive[0] < 0.7 * (high - low)


def test_intervals_cover() -> None:
    """Of 100 sets, most intervals hold the correlation that all sets have."""
    truth = stats.pearsonr(*drawn(200_000)).statistic
    found = [agreement(*drawn(60, seed), seed=0, resamples=1000)["pearson"] for seed in range(100)]
    held = sum(low <= truth <= high for low, high in (one.interval or (1, 0) for one in found))
    assert 86 <= held <= 100
    assert all(one.interval and one.interval[0] < (one.value or 0) < one.interval[1] for one in found)


@pytest.mark.parametrize(
    ("scores", "ratings", "why"),
    [
        ([1, 1, 1, 1], [1, 2, 3, 4], "the scores are constant"),
        ([1, 2, 3, 4], [2, 2, 2, 2], "the ratings are constant"),
        ([1, 1, 1, 1], [2, 2, 2, 2], "the scores and the ratings are constant"),
        ([1, 2, np.nan, 4], [1, np.nan, 2, 3], "2 complete pairs are too few, at least 3 are needed"),
        ([], [], "0 complete pairs are too few, at least 3 are needed"),
    ],
)
def test_what_has_no_correlation_says_why(scores: list[float], ratings: list[float], why: str) -> None:
    for found in agreement(scores, ratings, seed=0).values():
        assert (found.value, found.interval, found.why) == (None, None, why)


def test_what_has_no_interval_says_why() -> None:
    x, y = drawn(12)
    found = agreement(x, y, [row % 3 for row in range(12)], seed=0)["kendall"]
    assert found.value is not None
    assert (found.interval, found.groups) == (None, 3)
    assert found.why == "3 groups are too few for an interval, at least 8 are needed"
    rare = agreement(np.arange(12.0), [0] * 11 + [1], [0] * 5 + list(range(1, 8)), seed=0)["pearson"]
    assert rare.interval is not None  # 66 % of the resamples have the pair that differs
    of = [0] * 20 + list(range(1, 21))
    y = np.r_[np.zeros(20), np.ones(1), np.zeros(19)]
    x = np.r_[np.zeros(20), np.zeros(19), np.ones(1)]
    assert agreement(x, y, of, seed=0)["spearman"].why == "in most resamples a side is constant"


def test_values_stay_within_one() -> None:
    found = agreement(np.arange(9.0), np.arange(9.0) * 0.1, seed=0)
    for one in found.values():
        assert one.value == pytest.approx(1)
        assert one.interval is not None
        assert -1 <= one.interval[0] <= one.interval[1] <= 1


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two vectors \(n,\) of one length, got \(2,\) and \(3,\)"):
        agreement([1, 2], [1, 2, 3], seed=0)
    with pytest.raises(ValueError, match="groups: expected one for each of 3 pairs, got 2"):
        agreement([1, 2, 3], [1, 2, 3], ["a", "b"], seed=0)
    with pytest.raises(ValueError, match="got infinity"):
        agreement([1, 2, np.inf], [1, 2, 3], seed=0)
    with pytest.raises(ValueError, match="resamples: expected a whole number >= 1000"):
        agreement([1, 2, 3], [1, 2, 3], seed=0, resamples=10)
    with pytest.raises(ValueError, match="models: expected one for each of 2 pairs, got 1"):
        model_level([1, 2], [1, 2], ["a"])
    with pytest.raises(ValueError, match="four vectors of one length without NaN"):
        preferences_met([1.0], [np.nan], [1], [0])


def test_models_without_a_pair_are_left_out() -> None:
    found = model_level([1.0, np.nan, 3.0, np.nan], [2.0, 5.0, 4.0, 1.0], ["a", "a", "a", "b"])
    assert found == {"a": (2.0, 3.0)}
