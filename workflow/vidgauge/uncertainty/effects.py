"""What each group of videos does to a number: the jackknife, or where there is a formula its infinitesimal limit."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature

import numpy as np

from vidgauge.metrics.leave_out import leave_out_by_removal
from vidgauge.reducing import Question
from vidgauge.specs import Influence
from vidgauge.uncertainty.groups import GROUPS

Groups = tuple[np.ndarray | None, np.ndarray]
"""Group numbers of the rows of the reference (None where it has no rows) and of the candidate, (n,) and (m,)."""


@dataclass(frozen=True, eq=False)
class Effects:
    """What groups of videos do to a number: their sum is 0, that of their squares about its sampling variance.

    A group's effect is that of its videos in both sets. Where sets share keys, what their videos share is in it; where
    they are independent, the products of the two parts vanish on average.
    """

    groups: np.ndarray  # (g,) float64
    units: int  # groups that have videos, in the set where they are the fewest
    variance: float = 0.0  # what the reduction's own random draws add
    bias: float | None = None  # of the number, where the rows tell it
    of_blocks: bool = False  # groups are large parts of the sets, by their own numbers

    @property
    def standard_error(self) -> float:
        """Of the number."""
        return float(np.sqrt(spread(self.groups, self.units) + self.variance))


def spread(groups: np.ndarray, units: int) -> float:
    """The variance of a number from the effects of its groups (g,), `units` of which have videos."""
    return float(units / (units - 1) * (groups**2).sum())


def effects(question: Question, groups: Groups) -> Effects:
    """The effects of groups of rows on the number that a question asks for. groups: of the rows of both sets."""
    spec, seed, given = question.spec, question.seed, question.arguments
    if question.statistics:
        assert spec.influence_from_stats is not None  # noqa: S101 - for the type checker: the caller has looked
        found = spec.influence_from_stats(question.sets[0], question.rows, seed=seed, **question.options)
        return _summed(found, (None, groups[1]))
    if spec.influence is not None:
        if question.videos is not None and "videos" in signature(spec.influence).parameters:
            given["videos"] = question.videos
        return _summed(spec.influence(*question.sets, seed=seed, **given), groups)
    if spec.leave_out is not None:
        without = spec.leave_out(*question.sets, groups=groups, seed=seed, **given)
    else:  # a new reduction needs neither to have intervals, only patience
        without = leave_out_by_removal(spec.reduce, *question.sets, groups=groups, seed=seed, **given)
    sides = [_jackknife(values, of) for values, of in zip(without, groups, strict=True) if values is not None]
    return Effects(np.sum(sides, axis=0), _units(groups))


def effects_of_blocks(question: Question, groups: Groups, blocks: int) -> Effects:
    """The number of each of `blocks` parts of both sets, less their mean, over how many they are: batch means.

    For numbers that hang on single neighbours. They do not change smoothly with the weight of a video, and what leaving
    videos out does to them is up to twice what drawing others does (Efron & Stein 1981: the jackknife is never too
    small, but it is for smooth numbers that it is right). Raises ValueError where a part has no number.
    """
    of_reference, of_candidate = (None if of is None else of * blocks // GROUPS for of in groups)
    assert of_candidate is not None  # noqa: S101 - for the type checker: there is always a candidate
    parts = [(None if of_reference is None else of_reference == n, of_candidate == n) for n in range(blocks)]
    values = np.array([question.part(part).about() for part in parts])
    return Effects((values - values.mean()) / blocks, blocks, of_blocks=True)


def _summed(found: Influence, groups: Groups) -> Effects:
    total = np.zeros(GROUPS)
    for of, rows in zip(groups, (found.reference, found.candidate), strict=True):
        if of is not None and rows is not None:
            total += np.bincount(of, rows, minlength=GROUPS)
    return Effects(total, _units(groups), found.variance, found.bias)


def _jackknife(without: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """(GROUPS,) effects from the number without each group (g,), of which larger ones do more by being left out."""
    counts = np.bincount(groups, minlength=GROUPS)  # type: ignore[arg-type]
    there = np.flatnonzero(counts)
    found = np.zeros(GROUPS)
    found[there] = (without[there].mean() - without[there]) * (1 - counts[there] / counts.sum())
    return found


def _units(groups: Groups) -> int:
    return min(len(np.unique(of)) for of in groups if of is not None)
