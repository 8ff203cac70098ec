"""Groups, curves, fits and intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.metrics.registry import reduction
from vidgauge.reducing import Question
from vidgauge.uncertainty.curve import FINE, Curve, curve, fit, limits, window
from vidgauge.uncertainty.effects import Effects, effects
from vidgauge.uncertainty.groups import GROUPS, groups_of
from vidgauge.uncertainty.interval import interval, limit, quantile
from vidgauge.uncertainty.resample import resample


@given(st.sets(st.text(max_size=4), min_size=1, max_size=50), st.sets(st.text(max_size=4), max_size=50))
def test_a_group_follows_from_the_key_alone(keys: set[str], others: set[str]) -> None:
    ordered = sorted(keys)
    found = dict(zip(ordered, groups_of(ordered, 3).tolist(), strict=True))
    more = sorted(keys | others)
    again = dict(zip(more, groups_of(more, 3).tolist(), strict=True))
    assert all(found[key] == again[key] for key in keys)  # whatever else is in the set: one video more moves no other
    assert all(0 <= number < GROUPS for number in again.values())


def test_groups_are_spread_evenly_and_the_seed_decides_which() -> None:
    keys = [f"{row // 3}" for row in range(30000)]
    found = groups_of(keys, 1)
    counts = np.bincount(found, minlength=GROUPS)
    assert counts.min() > 0.7 * counts.mean()
    assert counts.max() < 1.3 * counts.mean()
    assert all(len(set(found[at : at + 3])) == 1 for at in range(0, 300, 3))  # rows of a video share a group
    assert found.tolist() != groups_of(keys, 2).tolist()


@given(st.integers(16, 64), st.integers(1, 16), st.integers(0, 15))
def test_a_window_has_its_part_of_the_groups_once_each(groups: int, parts: int, start: int) -> None:
    found = window(groups, parts, start)
    assert len(set(found.tolist())) == len(found) == round(groups * parts / 16)
    assert found.min() >= 0
    assert found.max() < groups


def test_a_law_in_one_over_n_is_continued_to_infinity() -> None:
    found = curve(lambda parts, _: (parts / 16, 5 + 3 / (parts / 16)), 8.0, FINE)
    high, low = limits(found)  # type: ignore[misc]
    assert (high.infinity, high.bias) == (pytest.approx(5), pytest.approx(3))
    assert low.infinity == pytest.approx(5)
    assert high.error == pytest.approx(0, abs=1e-9)
    assert (found.shares >= 0.5).sum() >= 8  # sizes that are fitted


def test_the_error_of_a_fit_is_that_of_repeated_fits() -> None:
    shares, rng = np.arange(8, 17) / 16, np.random.default_rng(3)
    fits = [fit(shares, 5 + 3 / shares + rng.normal(0, 0.1, 9)) for _ in range(2000)]
    spread_of = np.std([one.infinity for one in fits])
    assert math.sqrt(np.mean([one.error**2 for one in fits])) == pytest.approx(spread_of, rel=0.1)


def test_no_limit_is_given_where_the_sizes_do_not_lie_on_a_line() -> None:
    shares = np.arange(2, 17) / 16
    bent = Curve(shares, 5 + 3 / shares**2, np.ones(15))
    straight = Curve(shares, 5 + 3 / shares, np.ones(15))
    small = Effects(np.array([1e-3, -1e-3] * 8), 16)
    assert limit(small, bent) is None
    assert limit(small, straight) is not None
    assert limit(Effects(np.array([100.0, -100] * 8), 16), bent) is not None  # chance hides it


def test_sizes_that_have_no_number_are_left_out_and_then_there_is_no_limit() -> None:
    found = curve(lambda parts, _: (parts / 16, 1.0 if parts > 6 else math.nan), 1.0, FINE)
    assert found.shares[0] == 7 / 16
    assert limits(found) is None


def test_an_interval_of_a_number_without_a_limit_is_around_it() -> None:
    spec = reduction("kernel_exact")
    found = interval(0.3, spec, Effects(np.array([0.1, -0.1] * 32), 64), None)
    error = math.sqrt(64 / 63 * 64 * 0.01)
    assert found.standard_error == pytest.approx(error)
    assert (found.high - 0.3, 0.3 - found.low) == (pytest.approx(quantile(63) * error),) * 2
    assert found.infinity is None


def test_a_share_that_never_varies_is_not_certain() -> None:
    still = Effects(np.zeros(GROUPS), 32)
    low, high, *_ = interval(1.0, reduction("density_coverage"), still, None)
    assert high == 1.0
    assert 0.85 < low < 0.97  # Agresti & Coull at 32 of 32


def test_intervals_stay_within_what_a_number_can_be() -> None:
    wide = Effects(np.array([1.0, -1.0] * 8), 16)
    low, high, *_ = interval(0.9, reduction("precision_recall"), wide, None)
    assert (low, high) == (0.0, 1.0)


def test_a_limit_that_noise_took_below_zero_leaves_an_interval_of_some_width() -> None:
    shares = np.arange(2, 17) / 16
    below = Curve(shares, -1 + 3 / shares, np.ones(15))
    small = Effects(np.array([0.01, -0.01] * 8), 16)
    low, high, _, infinity, _ = interval(2.0, reduction("frechet"), small, below)
    assert (low, infinity) == (0.0, pytest.approx(-1))
    assert high == pytest.approx(quantile(15) * small.standard_error, rel=1e-6)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    """Of pairs, whose number is a mean: the effects must give s / sqrt(n), but for videos that share a group."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 3)), rng.normal(size=(4000, 3))
    keys = [str(row) for row in range(4000)]
    question = Question(reduction("pair_distance"), 0, {}, (x, y), (keys, keys))
    groups = groups_of(keys, 0)
    found = effects(question, (groups, groups))
    each = ((x - y) ** 2).sum(axis=1)
    assert found.units == GROUPS
    assert found.groups.sum() == pytest.approx(0, abs=1e-12)
    assert found.standard_error == pytest.approx(each.std(ddof=1) / math.sqrt(4000), rel=0.2)


def test_without_a_formula_groups_are_left_out_one_by_one() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) + 1
    groups = (np.arange(60) % 10, np.arange(50) % 10)
    spec = replace(reduction("mind"), influence=None)
    found = effects(Question(spec, 0, {"projections": 20}, (x, y)), groups)
    without = [
        np.array([spec.reduce(*sets, seed=0, projections=20).value for sets in pairs])
        for pairs in (
            [(x[groups[0] != group], y) for group in range(10)],
            [(x, y[groups[1] != group]) for group in range(10)],
        )
    ]
    expected = sum(0.9 * (values.mean() - values) for values in without)
    assert found.groups[:10] == pytest.approx(expected)
    assert not found.groups[10:].any()
    assert found.units == 10


def test_a_set_of_few_groups_decides_how_sure_an_error_is() -> None:
    """Groups without videos have no effect, and the degrees of freedom are those of the smaller set."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(640, 3))
    groups = (np.arange(8) * 5, np.arange(640) % GROUPS)
    found = effects(Question(reduction("density_coverage"), 0, {"k": 3}, (x, y)), groups)
    assert found.units == 8


def test_what_cannot_do_without_some_videos_says_so() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 3))
    keys = ([str(row) for row in range(9)], [f"c{row}" for row in range(9)])
    question = Question(reduction("precision_recall"), 0, {"k": 8}, (x, y))
    assert str(resample([question], [question.answer().value], [keys])).startswith(
        "without some of the videos there is no"
    )
    few = resample([question], [0.5], [(keys[0][:7], keys[1])])
    assert few == "7 videos are too few, at least 8 are needed"


def test_a_key_that_only_one_set_lacks_leaves_the_others_paired() -> None:
    """Sets that share prompts: what they share cancels, prompt by prompt, also where one video is missing."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(200, 4))
    x, y = shared + 0.3 * rng.normal(size=(200, 4)), shared + 0.3 * rng.normal(size=(200, 4)) + 0.2
    keys = [str(row) for row in range(200)]

    def error(n: int, other: list[str]) -> float:
        question = Question(reduction("frechet"), 0, {}, (x, y[:n]), (keys, other[:n]))
        found = resample([question], [question.answer().value], [(keys, other[:n])])
        assert not isinstance(found, str)
        return found.effects.standard_error

    assert error(199, keys) == pytest.approx(error(200, keys), rel=0.1)
    assert error(200, keys) < 0.8 * error(200, [f"c{key}" for key in keys])
