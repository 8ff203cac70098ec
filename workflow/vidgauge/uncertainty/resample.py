"""What resampling the videos of a metric says: the effects of groups of them, and the curve over their number."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidgauge.reducing import Question
from vidgauge.uncertainty.curve import COARSE, FEW, FINE, PARTS, Curve, curve, window
from vidgauge.uncertainty.effects import Effects, effects, effects_of_blocks
from vidgauge.uncertainty.groups import BLOCKS, FOR_A_LIMIT, GROUPS, IN_A_BLOCK, LEAST, groups_of
from vidgauge.wording import counted

Keys = tuple[Sequence[Hashable] | None, Sequence[Hashable] | None]
"""The video of each row, of the reference and of the candidate; None where there are no rows, or it is not known."""


@dataclass(frozen=True, eq=False)
class Resampled:
    """Means over runs, whose videos are the same."""

    effects: Effects
    curve: Curve | None
    videos: int  # of the candidate
    samples: int
    fewest: int  # videos, of the smaller set


def resample(questions: Sequence[Question], values: Sequence[float], keys: Sequence[Keys]) -> Resampled | str:
    """Resample the videos of each run, or say in words why that cannot be.

    questions, values, keys: of each run. Groups of videos follow from the first run's seed and the videos' keys.
    """
    first, of_first = questions[0], keys[0]
    if not all(map(math.isfinite, values)):
        return "the number is undefined"
    if why := _unknown(first, of_first):
        return why
    if len({(frozenset(of[0] or ()), frozenset(of[1] or ())) for of in keys}) > 1:
        return "the runs have different videos"
    fewest = min(len(set(side)) for side in of_first if side is not None)
    if fewest < LEAST:
        return f"{counted(fewest, 'video is', 'videos are')} too few, at least {LEAST} are needed"
    try:
        found = [_run(*run, first.seed, fewest) for run in zip(questions, values, keys, strict=True)]
    except ValueError as error:  # what is left without some videos is too little for the reduction
        return f"without some of the videos there is no number ({error})"
    curves = [curve for _, curve in found if curve is not None]
    return Resampled(
        _mean([effects for effects, _ in found]),
        _mean_curve(curves) if len(curves) == len(found) else None,
        videos=len(set(of_first[1] or ())),
        samples=len(of_first[1] or ()),
        fewest=fewest,
    )


def _unknown(question: Question, keys: Keys) -> str | None:
    """What is missing to resample, in words."""
    if question.statistics and (question.rows is None or question.spec.influence_from_stats is None):
        return "of the candidate there are statistics only"
    if keys[1] is None:
        return "the videos of the candidate's samples are not known"
    if question.sets[0] is not None and not question.statistics and keys[0] is None:
        return "the videos of the reference's samples are not known"
    return None


def _run(question: Question, value: float, keys: Keys, seed: int, fewest: int) -> tuple[Effects, Curve | None]:
    groups = (
        None if keys[0] is None or question.statistics else groups_of(keys[0], seed),
        groups_of(keys[1] or (), seed),
    )
    if question.spec.bias == "size" and fewest >= BLOCKS * IN_A_BLOCK * question.options.get("k", 1):
        found = effects_of_blocks(question, groups, BLOCKS)
    else:
        found = effects(question, groups)
    if question.statistics or fewest < PARTS:
        return found, None
    videos = [None if of is None else _first_rows(of) for of in keys]

    def number(parts: int, start: int) -> tuple[float, float]:
        chosen = window(GROUPS, parts, start)
        reference, candidate = (None if of is None else np.isin(of, chosen) for of in groups)
        assert candidate is not None  # noqa: S101 - for the type checker: there is always a candidate
        kept = [(mask, first) for mask, first in zip((reference, candidate), videos, strict=True) if mask is not None]
        share = float(np.mean([mask[first].mean() for mask, first in kept]))
        try:
            there = question.part((reference, candidate)).about()
        except ValueError:  # too few rows for the reduction
            return share, math.nan
        if not found.of_blocks and share:  # less what chance made of this part, which is not its size's doing
            there -= float(found.groups[chosen].sum()) / share
        if question.spec.bias == "size":  # a share stays between 0 and 1
            there = min(max(there, question.spec.bounds[0]), question.spec.bounds[1])
        return share, there

    return found, curve(number, value, _sizes(question, fewest))


def _first_rows(keys: Sequence[Hashable]) -> np.ndarray:
    """The number of the first row of each video."""
    first: dict[Hashable, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    return np.array(list(first.values()), dtype=np.intp)


def _sizes(question: Question, fewest: int) -> Sequence[int]:
    if question.spec.bias in ("none", "known"):
        return FEW
    return FINE if question.spec.bias == "vanishing" and fewest >= FOR_A_LIMIT else COARSE


def _mean(runs: Sequence[Effects]) -> Effects:
    known = [run.bias for run in runs if run.bias is not None]
    return replace(
        runs[0],
        groups=np.mean([run.groups for run in runs], axis=0),
        variance=sum(run.variance for run in runs) / len(runs) ** 2,
        bias=float(np.mean(known)) if len(known) == len(runs) else None,
    )


def _mean_curve(runs: Sequence[Curve]) -> Curve | None:
    """None where runs lack different sizes."""
    if any(not np.array_equal(run.subsets, runs[0].subsets) for run in runs):
        return None
    shares, values = (np.mean([run[column] for run in runs], axis=0) for column in (0, 1))
    return Curve(shares, values, runs[0].subsets)
