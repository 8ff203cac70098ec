"""Videos that all but repeat one another: found in features, and not where two sets are of one law."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vidgauge.cautions.features import MOST, near_copies
from vidgauge.draws import position
from vidgauge.sides import Side
from vidgauge.store.features import FeatureArray

Law = Callable[[np.random.Generator, int], np.ndarray]

LAWS: dict[str, Law] = {
    "normal": lambda rng, n: rng.normal(size=(n, 64)),
    "plane": lambda rng, n: rng.normal(size=(n, 2)),
    "line": lambda rng, n: rng.uniform(size=(n, 1)),
    "flat": lambda rng, n: rng.normal(size=(n, 8)) @ np.random.default_rng(9).normal(size=(8, 40)),
    "clusters": lambda rng, n: (
        4 * np.random.default_rng(8).normal(size=(10, 32))[rng.integers(0, 10, n)] + rng.normal(size=(n, 32)) / 20
    ),
    "heavy": lambda rng, n: rng.standard_t(2, size=(n, 16)),
    "scales": lambda rng, n: rng.lognormal(size=(n, 1)) * rng.normal(size=(n, 32)),
}


def side(values: np.ndarray, name: str = "mine", *, each: int = 1, known: bool = True) -> Side:
    """A set of which each video has `each` rows around its own."""
    video = np.array([f"{i:05d}.mp4" for i in range(len(values))], dtype=object).repeat(each)
    zeros, noise = np.zeros(len(video), np.int64), np.random.default_rng(0).normal(size=(len(values), each, 1))
    rows = (values[:, None] + (noise - noise.mean(axis=1, keepdims=True))).reshape(-1, values.shape[1])
    return Side(name, FeatureArray(rows.astype(np.float32), video, zeros, zeros), {"extractor": "x"} if known else {})


def copied(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The set with a share of its videos in the place of others, a tenth of the usual distance away."""
    order, count = rng.permutation(len(values)), round(share * len(values))
    to, source = order[:count], order[count : 2 * count]
    step = rng.normal(size=values.shape)[:count]
    usual = np.median(np.sort(np.linalg.norm(values[:200, None] - values[None, :200], axis=2), axis=1)[:, 1])
    found = values.copy()
    found[to] = values[source] + 0.1 * usual * step / np.linalg.norm(step, axis=1, keepdims=True)
    return found


@pytest.mark.parametrize("name", LAWS)
def test_two_sets_of_one_law_are_not_told_apart(name: str) -> None:
    """Fewer than 1 in 100 over all laws, as measured with many more trials; here the worst law may have 3 of 150."""
    rng, alarms = np.random.default_rng(7), 0
    for trial in range(150):
        n = (16, 32, 64)[trial % 3]
        alarms += bool(near_copies(side(LAWS[name](rng, n)), side(LAWS[name](rng, n), "real")))
    assert alarms <= 3


@pytest.mark.parametrize("name", ["normal", "flat", "clusters", "heavy"])
@pytest.mark.parametrize("n", [64, 300])
def test_a_fifth_of_copies_is_found(name: str, n: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        mine, real = side(copied(LAWS[name](rng, n), 0.2, rng)), side(LAWS[name](rng, n), "real")
        assert near_copies(mine, real)
        assert near_copies(real, mine) == [], "the reference's copies are no fault of the candidate"


@pytest.mark.parametrize("name", ["normal", "plane", "flat", "heavy", "scales"])
def test_a_collapse_to_ten_modes_is_found(name: str) -> None:
    rng = np.random.default_rng(2)
    for n in (64, 200):
        modes = LAWS[name](rng, 10)[rng.integers(0, 10, n)] + 0.05 * LAWS[name](rng, n)
        assert near_copies(side(modes), side(LAWS[name](rng, n), "real"))


def test_sets_that_are_only_narrower_are_not_meant() -> None:
    rng = np.random.default_rng(3)
    assert near_copies(side(0.5 * rng.normal(size=(200, 64))), side(rng.normal(size=(200, 64)), "real")) == []
    assert near_copies(side(0.1 * rng.normal(size=(200, 64))), side(rng.normal(size=(200, 64)), "real"))


def test_the_sentence_names_the_shares_and_a_pair() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(100, 32))
    values[10:30] = values[40:60] + 0.01  # 20 pairs
    values[12] = values[42] + 0.001
    assert near_copies(side(values), side(rng.normal(size=(150, 32)), "real")) == [
        "mine: 40 % of 100 videos are near copies of one another (00012.mp4 and 00042.mp4, say), in real 0 %: the "
        "generator may repeat itself; if files of one video are among them, the interval takes them for different "
        "videos and is too narrow"
    ]


def test_a_video_is_the_mean_of_its_rows() -> None:
    """Rows of one video lie far from one another here, and near those of others."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(80, 32))
    values[:16] = values[40:56]
    (text,) = near_copies(side(values, each=5), side(rng.normal(size=(80, 32)), "real", each=5))
    assert "40 % of 80 videos" in text


def test_without_a_reference_only_what_coincides_is_told() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(100, 32))
    assert near_copies(side(copied(values, 0.2, rng)), None) == []
    exact = values.copy()
    exact[:3] = exact[3:6]
    assert near_copies(side(exact), None) == [
        "mine: 6 % of 100 videos are near copies of one another (00000.mp4 and 00003.mp4, say): the generator may "
        "repeat itself; if files of one video are among them, the interval takes them for different videos and is too "
        "narrow"
    ]
    exact[2] = values[2]  # 4 of 100 are left
    assert near_copies(side(exact), None) == []
    for law in LAWS.values():
        assert near_copies(side(law(rng, 100)), None) == []


def test_as_many_of_both_sets_are_looked_at_and_no_more_than_a_limit() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=(MOST + 400, 4))
    order = sorted(range(len(values)), key=lambda i: position(f"{i:05d}.mp4"))
    values[order[MOST:]] = 1.0  # all the same, and not among the first in hash order
    assert near_copies(side(values), side(rng.normal(size=(MOST, 4)), "real")) == []
    values[order[: MOST // 2]] = 1.0
    (text,) = near_copies(side(values), side(rng.normal(size=(MOST, 4)), "real"))
    assert f"of {MOST} videos" in text
    (text,) = near_copies(side(values), side(rng.normal(size=(300, 4)), "real"))
    assert "100 % of 300 videos" in text


def test_what_cannot_be_measured_is_passed_over() -> None:
    rng = np.random.default_rng(8)
    copies, real = np.repeat(rng.normal(size=(10, 8)), 10, axis=0), side(rng.normal(size=(100, 8)), "real")
    assert near_copies(side(copies), real)
    assert near_copies(side(copies, known=False), real) == []
    assert near_copies(side(np.ones((100, 8))), real) == []  # of which another sentence speaks
    assert near_copies(Side("mine", None), real) == []
    spoilt = copies.copy()
    spoilt[0, 0] = np.nan
    assert near_copies(side(spoilt), real) == []
    assert near_copies(side(copies[:1]), real) == []
