"""A short run of benchmarks/coverage.py: intervals hold the truth about as often as they say."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks.coverage import Case, covered, trial, unlike
from vidgauge.uncertainty.differences import difference

TRIALS = 80
SMALL = Case("frechet", width=8, videos=128)


def test_the_interval_holds_the_known_distance() -> None:
    found = covered(SMALL, TRIALS)
    assert 0.88 <= found["covered"] <= 1
    assert found["width"] < 1.6 * 3.92 * found["spread"]  # and not by being far too wide
    assert found["limits"] > 0.6
    assert found["centre"] == pytest.approx(found["truth"], rel=0.05)
    assert found["value"] > 1.2 * found["truth"]  # the number itself is far off


@pytest.mark.parametrize("name", ["kernel_exact", "precision_recall"])
def test_the_interval_holds_the_mean_of_metrics_without_a_limit(name: str) -> None:
    found = covered(Case(name, width=4, videos=64), TRIALS)
    assert found["limits"] == 0
    assert 0.88 <= found["covered"] <= 1


def test_frames_of_one_video_bias_a_distance_that_is_called_unbiased_and_the_interval_knows() -> None:
    found = covered(Case("kernel_exact", width=4, videos=24, rows=4), TRIALS)
    assert found["limits"] == 1
    assert found["value"] > 1.15 * found["truth"]
    assert found["centre"] == pytest.approx(found["truth"], rel=0.1)
    assert 0.88 <= found["covered"] <= 1


@cache
def rows(which: int, apart: float) -> list[dict[str, Any]]:
    return [trial(SMALL, seed, which, apart) for seed in range(TRIALS)]


def test_two_samples_of_one_law_are_a_tie() -> None:
    found = [difference(a, b) for a, b in zip(rows(1, 0.3), rows(2, 0.3), strict=True)]
    assert np.mean([not one["distinguishable"] for one in found]) >= 0.9
    assert all(one["better"] is None for one in found if not one["distinguishable"])


def test_candidates_that_are_as_far_in_other_ways_are_not_called_different_for_their_biases() -> None:
    case = Case("frechet", width=32, videos=64, apart=0.5)
    found = [unlike(case, seed) for seed in range(30)]
    assert np.mean([one["better"] is not None for one in found]) < 0.2


def test_candidates_that_differ_are_told_apart_and_the_nearer_one_is_better() -> None:
    found = [difference(a, b) for a, b in zip(rows(1, 0.3), rows(3, 0.8), strict=True)]
    assert np.mean([one["better"] == "1" for one in found]) > 0.95


def test_the_shared_reference_makes_a_difference_surer_than_two_intervals() -> None:
    a, b = rows(1, 0.8)[0], rows(2, 0.8)[0]
    alone = np.hypot(a["standard_error"], b["standard_error"])
    assert difference(a, b)["standard_error"] < 0.95 * alone
