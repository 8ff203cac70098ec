"""What a metric answers to each damage, in units of what sampling alone does to its number.

The floor is the metric between the undamaged halves. Its spread is that over other halves of the same videos, cut at
random: the null distribution of a permutation test. A jackknife would be off there, for the influence of single videos
on a distance vanishes where the distance itself does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from vidgauge.metric import Metric
from vidgauge.selftest.damages import DAMAGES, MODES, Damage, kept, modes
from vidgauge.selftest.passes import Rows, Seen

SPLITS = 20
"""Other halves, for the spread."""

EVEN = 12
"""Choices, not by mode, of as many videos as are left where modes are lost."""

Ids = tuple[str, ...]


class Pair(NamedTuple):
    """What a metric compares: undamaged videos, and videos with one amount of a damage (None: undamaged as well)."""

    reference: Ids
    candidate: Ids
    damage: tuple[str, float] | None = None


class Case(NamedTuple):
    """One amount of a damage, and as many undamaged videos to compare its number with."""

    damage: Damage
    amount: float
    pair: Pair
    against: tuple[Pair, ...]


@dataclass(frozen=True)
class Plan:
    """All that is compared: the same for every metric of a group."""

    floor: Pair
    splits: tuple[Pair, ...]
    cases: tuple[Case, ...]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Each that is compared, once."""
        cases = [pair for case in self.cases for pair in (case.pair, *case.against)]
        return list(dict.fromkeys([self.floor, *self.splits, *cases]))


@dataclass(frozen=True)
class Point:
    """A metric's number at one amount of a damage; None where it has none, or no spread to compare with."""

    amount: float
    videos: int  # of the damaged half
    value: float | None
    against: float | None  # the number of as many undamaged videos
    spread: float | None  # that sampling gives it
    answer: float | None  # (value - against) / spread; above 0: worse, as the metric has it


@dataclass(frozen=True)
class Answers:
    """All that a metric says."""

    metric: Metric
    floor: float | None  # the value between the undamaged halves
    splits: tuple[float | None, ...]  # the same of other halves
    points: Mapping[str, tuple[Point, ...]]  # by damage
    problem: str | None  # why there is no answer, where there is none to any damage

    @property
    def spread(self) -> float | None:
        """Standard deviation over the splits; None where one of them has no value, or all have the same."""
        return _spread(self.splits)


def plan(seen: Seen, reference: Iterable[str], candidate: Iterable[str], parts: Sequence[Ids], seed: int) -> Plan:
    """What to compare. reference, candidate: the videos of each half; parts: the candidate's, mode by mode."""
    ours, theirs = tuple(reference), tuple(candidate)
    everyone = sorted({*ours, *theirs})
    rng = np.random.default_rng([seed, SPLITS])
    splits = []
    for _ in range(SPLITS):
        order = rng.permutation(len(everyone))
        halves = order[: len(ours)], order[len(ours) :]
        splits.append(Pair(*(tuple(everyone[at] for at in sorted(half)) for half in halves)))
    cases = []
    for damage in DAMAGES:
        for amount in damage.amounts:
            if damage is MODES:
                left = tuple(video for video in kept(parts, amount) if video in seen.clean)
                even = [_choice(theirs, len(left), np.random.default_rng([seed, EVEN, at])) for at in range(EVEN)]
                cases.append(Case(damage, amount, Pair(ours, left), tuple(Pair(ours, those) for those in even)))
            elif made := seen.damaged.get((damage.name, amount)):
                there = tuple(made)
                case = Case(damage, amount, Pair(ours, there, (damage.name, amount)), (Pair(ours, there),))
                cases.append(case)
    return Plan(Pair(ours, theirs), tuple(splits), tuple(cases))


def _choice(videos: Ids, number: int, rng: np.random.Generator) -> Ids:
    return tuple(videos[at] for at in sorted(rng.permutation(len(videos))[:number]))


def modes_of(features: Mapping[str, Rows], array: str) -> list[Ids]:
    """The videos of each mode, in the mean of an array over each video."""
    ids = list(features)
    means = np.stack([features[video][array].mean(axis=0, dtype=np.float64) for video in ids])
    return [tuple(ids[row] for row in part) for part in modes(means)]


def measure(
    metric: Metric, seen: Seen, plan: Plan, *, seed: int, workers: int, progress: Callable[[], object]
) -> Answers:
    """A metric's answers; they do not depend on the number of workers."""
    problems: dict[Pair, str] = {}

    def run(pair: Pair) -> float | None:
        try:
            value = _value(metric, seen, pair, seed)
        except ValueError as error:  # too few samples, as a rule
            problems[pair] = str(error)
            value = math.nan
        progress()
        return value if math.isfinite(value) else None

    with ThreadPoolExecutor(workers) as pool:
        values = dict(zip(plan.pairs, pool.map(run, plan.pairs), strict=True))
    splits = tuple(values[pair] for pair in plan.splits)
    floor, spread, sign = values[plan.floor], _spread(splits), -1 if metric.reduce.better == "higher" else 1
    points: dict[str, list[Point]] = {damage.name: [] for damage in DAMAGES}
    for case in plan.cases:
        value, alike = values[case.pair], [values[pair] for pair in case.against]
        against, around = _mean(alike), _spread(alike)
        around = spread if spread is None or around is None else max(spread, around)  # fewer videos spread more
        answer = None
        if value is not None and against is not None and around is not None:
            answer = sign * (value - against) / around
        points[case.damage.name].append(Point(case.amount, len(case.pair.candidate), value, against, around, answer))
    problem = None
    if spread is None:
        same = "is the same for all halves, so that no difference can be judged"
        problem = next((problems[pair] for pair in plan.pairs if pair in problems), f"its value, {floor}, {same}")
    return Answers(metric, floor, splits, {name: tuple(found) for name, found in points.items()}, problem)


def _value(metric: Metric, seen: Seen, pair: Pair, seed: int) -> float:
    spec, options = metric.reduce, dict(metric.definition.options)
    clean, made = seen.clean, seen.clean if pair.damage is None else seen.damaged[pair.damage]
    candidate, of_candidate = _stacked(made, pair.candidate, metric.array)
    reference, of_reference = _stacked(clean, pair.reference, metric.array) if spec.needs_reference else (None, None)
    if spec.by_video:
        options["videos"] = (of_reference, of_candidate)
    return spec.reduce(reference, candidate, seed=seed, **options).value


def _stacked(features: Mapping[str, Rows], ids: Ids, array: str) -> tuple[np.ndarray, list[str]]:
    """All rows of some videos, (n, d), and the video of each."""
    rows = [features[video][array] for video in ids]
    return np.concatenate(rows), [video for video, those in zip(ids, rows, strict=True) for _ in those]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if len(known) == len(values) else None


def _spread(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if len(known) < max(2, len(values)) or max(known) == min(known):
        return None
    return float(np.std(known, ddof=1))
