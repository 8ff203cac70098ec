"""What a row of results says of its uncertainty, and what its file keeps for differences and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vidgauge.reducing import Question
from vidgauge.uncertainty.interval import Interval, interval
from vidgauge.uncertainty.resample import Keys, Resampled, resample

NOT_ASKED = "not asked for: uncertainty: false"


def uncertain(
    questions: Sequence[Question | None], values: Sequence[float], keys: Sequence[Keys], *, asked: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row's keys from ci95 to infinity_error, and what is under `resampled` in its file.

    questions: of each run; None where a run has no number.
    """
    there = [question for question in questions if question is not None]
    if not asked:
        return _nothing(NOT_ASKED)
    if len(there) < len(questions):
        return _nothing("none: the number is undefined")
    found = resample(there, values, keys)
    if isinstance(found, str):
        return _nothing(f"none: {found}")
    mean = math.fsum(values) / len(values)
    of = interval(mean, there[0].spec, found.effects, found.curve)
    row = {
        "ci95": [of.low, of.high],
        "ci95_method": method(there[0], found, of),
        "standard_error": of.standard_error,
        "infinity": of.infinity,
        "infinity_error": of.infinity_error,
    }
    return row, as_json(there[0], found)


def as_json(question: Question, found: Resampled) -> dict[str, Any]:
    """What is kept of a resampling."""
    effects, curve = found.effects, found.curve
    return {
        "bias": question.spec.bias,
        "bounds": [_or_none(bound) for bound in question.spec.bounds],
        "groups": effects.groups.tolist(),
        "units": effects.units,
        "variance": effects.variance,
        "known_bias": None if effects.bias is None else _or_none(effects.bias),
        "videos": found.videos,
        "samples": found.samples,
        "fewest": found.fewest,
        "curve": None if curve is None else {name: column.tolist() for name, column in curve._asdict().items()},
    }


def method(question: Question, found: Resampled, of: Interval) -> str:
    """How an interval was made, and of what it is one, in words."""
    spec = question.spec
    if found.effects.of_blocks:
        return f"numbers of {found.effects.units} parts of the videos; of the number at this many videos"
    formula = question.statistics or spec.influence is not None
    text = f"{'infinitesimal jackknife' if formula else 'jackknife'} over {found.effects.units} groups of videos"
    if question.statistics:
        text += ", the reference's statistics taken as exact"
    if of.infinity is not None:
        return f"{text}; of infinity, the limit of many videos"
    if spec.bias in ("none", "known"):
        return text
    return f"{text}; of the number at this many videos" + (", its bias not removed" if spec.bias == "vanishing" else "")


def _nothing(why: str) -> tuple[dict[str, Any], dict[str, Any]]:
    row = dict.fromkeys(("ci95", "ci95_method", "standard_error", "infinity", "infinity_error"))
    return {**row, "ci95_method": why}, {"why": why}


def _or_none(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None
