"""Two candidates against one reference: by how much they differ, and whether that can be told from chance.

The reference's videos are the same for both, so what its chance does to both cancels. So does what candidates share
whose videos have the same keys, as those made from the same prompts have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from vidgauge.uncertainty.curve import Fit, fit, upper
from vidgauge.uncertainty.effects import spread
from vidgauge.uncertainty.interval import quantile

LEAST_POINTS = 4
"""Of the difference of two curves, for a line through them."""

Row = Mapping[str, Any]


def differences(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for each metric and pair of candidates, in the order of the rows, which have `resampled`."""
    metrics = dict.fromkeys(row["metric"] for row in rows)
    return [
        difference(*pair)
        for metric in metrics
        for pair in combinations([row for row in rows if row["metric"] == metric], 2)
    ]


@dataclass(frozen=True)
class Difference:
    """a - b, of the numbers at this number of videos or of those of infinitely many."""

    of: Literal["value", "infinity"]
    value: float
    error: float  # standard error
    reach: float  # how far the 95 % interval goes to either side

    @property
    def sign(self) -> int:
        """-1 or 1 where the interval lies on that side of 0, else 0."""
        return 0 if abs(self.value) <= self.reach else int(math.copysign(1, self.value))


def difference(a: Row, b: Row) -> dict[str, Any]:
    """How two candidates' rows of one metric differ: a - b, its 95 % interval, and which one is better."""
    names = {"metric": a["metric"], "a": a["candidate"], "b": b["candidate"], "reference": a["reference"]}
    found = _difference(a, b)
    if isinstance(found, str):
        unknown = dict.fromkeys(("of", "difference", "ci95", "standard_error", "distinguishable", "better"))
        return names | unknown | {"sentence": f"{a['candidate']} and {b['candidate']}: not compared, {found}"}
    shown, sign = found
    better = None
    if sign:
        better = names["a"] if (sign < 0) == (a["better"] == "lower") else names["b"]
    said = {
        "of": shown.of,
        "difference": shown.value,
        "ci95": [shown.value - shown.reach, shown.value + shown.reach],
        "standard_error": shown.error,
        "distinguishable": None if sign is None else bool(sign),
        "better": better,
    }
    where = " at infinity" if shown.of == "infinity" else ""
    if not where and a["resampled"]["bias"] in ("vanishing", "size"):  # what it would be with more is another question
        where = f" at {a['resampled']['fewest']} videos"
    return names | said | {"sentence": _sentence(names | said, where)}


def _difference(a: Row, b: Row) -> tuple[Difference, int | None] | str:
    """The difference, and which side of 0 it is known to be on (0: a tie, None: not known); or why there is none."""
    first, second = a["resampled"], b["resampled"]
    for row in (a, b):
        if "why" in row["resampled"]:
            return f"for {row['candidate']} has no interval ({row['resampled']['why'].removeprefix('none: ')})"
    if (a["reference_digest"], a["reference"]) != (b["reference_digest"], b["reference"]):
        return "for their references differ"
    error, units = _error(a, b), min(first["units"], second["units"])

    def of(what: Literal["value", "infinity"], value: float, more: float = 0.0) -> Difference:
        total = math.hypot(error, more)
        return Difference(what, value, total, quantile(units - 1) * total)

    limits = [row["infinity"] for row in (a, b)]
    if first["bias"] == "known" and None not in (first["known_bias"], second["known_bias"]):
        ours, theirs = (row["value"] - row["resampled"]["known_bias"] for row in (a, b))
        found = of("value" if limits == [None, None] else "infinity", ours - theirs)
        return found, found.sign
    extrapolated = None
    if first["bias"] == "vanishing" and (line := _line(first["curve"], second["curve"])):
        extrapolated = of("infinity", line.infinity, line.error)
        if None not in limits:
            return extrapolated, extrapolated.sign
    at_n = of("value", a["value"] - b["value"])
    alike = (a["n_candidate"], a["videos_candidate"]) == (b["n_candidate"], b["videos_candidate"])
    if first["bias"] != "none" and not alike:
        return "for the metric depends on the number of samples, and theirs differ"
    if first["bias"] != "vanishing" or not at_n.sign:
        return at_n, at_n.sign
    # Each candidate has a bias of its own, so that at one number of videos equal ones may differ: where their limits
    # are not known, the difference must at least have the same sign where the sizes at hand lead to.
    same = extrapolated is not None and extrapolated.sign == at_n.sign
    return at_n, at_n.sign if same else None


def _error(a: Row, b: Row) -> float:
    """The standard error of a - b. Groups of one number have the same keys, so what both share cancels."""
    first, second = a["resampled"], b["resampled"]
    ours, theirs = np.array(first["groups"]), np.array(second["groups"])
    if ours.shape != theirs.shape:  # parts of one, groups of the other: enough videos for one of them only
        return math.hypot(a["standard_error"], b["standard_error"])
    units = min(first["units"], second["units"])
    error = math.sqrt(spread(ours - theirs, units) + first["variance"] + second["variance"])
    if not error and None not in first["bounds"]:  # shares that are the same in every part, and yet not certain
        return math.hypot(a["standard_error"], b["standard_error"])
    return error


def _line(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> Fit | None:
    """Where the difference of two curves over the same parts leads to; None where they lack parts."""
    if first is None or second is None or first["subsets"] != second["subsets"]:
        return None
    shares = np.mean([first["shares"], second["shares"]], axis=0)
    chosen = upper(shares)
    if chosen.sum() < LEAST_POINTS:
        return None
    return fit(shares[chosen], (np.array(first["values"]) - np.array(second["values"]))[chosen])


def _sentence(said: Mapping[str, Any], where: str) -> str:
    low, high = said["ci95"]
    digits = 1 - math.floor(math.log10(high - low)) if high > low else 4
    by = f"{_rounded(said['difference'], digits)} [{_rounded(low, digits)}, {_rounded(high, digits)}]"
    by += where
    if said["distinguishable"] is None:
        names = f"{said['a']} and {said['b']}: not told apart for sure; {said['a']} less {said['b']}"
        return f"{names} is {by}, but their biases may differ"
    if said["better"] is None:
        return f"{said['a']} and {said['b']} are a tie: their difference is {by}"
    worse = said["b"] if said["better"] == said["a"] else said["a"]
    return f"{said['better']} is better than {worse}: {said['a']} less {said['b']} is {by}"


def _rounded(value: float, digits: int) -> str:
    """As many digits as an interval's width gives a meaning."""
    return f"{round(value, digits):.{max(0, digits)}f}" if digits < 7 else f"{value:.2g}"
