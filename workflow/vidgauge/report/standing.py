"""Who is best by which metric, who ties with it, and how sure that is: the lines of every table and figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vidgauge.report import comparable
from vidgauge.report.comparable import Row
from vidgauge.report.numbers import Number, number
from vidgauge.report.results import Pair, Results

ARROWS = {"lower": "↓", "higher": "↑"}

ALIKE = 0.9
"""Numbers of videos whose ratio is at least this are alike enough for numbers at infinity."""

Difference = Mapping[str, Any]
Standing = Literal["best", "tie", "behind", ""]


@dataclass(frozen=True)
class Line:
    """One metric with one setting of its knobs: numbers that compare with one another, by candidate.

    shown: as text. judged: what a candidate is judged by, its value, or its infinity where all that have a value have
    one. ranked: candidates with a number, the best one first. best: those that nobody is ahead of; none where there is
    nothing to choose. ties: those that are behind, but not told apart from a best one.
    """

    label: str
    rows: Mapping[str, Row]
    shown: Mapping[str, Number]
    judged: Mapping[str, float]
    at_infinity: bool
    ranked: tuple[str, ...]
    best: tuple[str, ...]
    ties: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def first(self) -> Row:
        return next(iter(self.rows.values()))

    @property
    def arrow(self) -> str:
        return ARROWS[self.first["better"]]

    @property
    def has_limits(self) -> bool:
        return any(found.limit for found in self.shown.values())

    @property
    def uneven(self) -> bool:
        """Sets of several sizes: none of them is the best.

        What is told at infinity bears other numbers, but not a few videos beside many: that of a few is too unsure.
        """
        if not self.at_infinity:
            return self._several("videos_candidate") or self._several("n_candidate")
        known = [row["videos_candidate"] for row in self.rows.values() if row["videos_candidate"] is not None]
        return bool(known) and min(known) < ALIKE * max(known)

    @property
    def why_unranked(self) -> str:
        """Why there is no best one; nothing where there is one."""
        if self.best:
            return ""
        if self.uneven:
            return f"sets have different numbers of {'videos' if self._several('videos_candidate') else 'samples'}"
        return "the numbers are equal" if len(self.judged) > 1 else "fewer than two candidates have a number"

    def standing(self, candidate: str) -> Standing:
        """Nothing where it is not known."""
        if not self.best or candidate not in self.judged:
            return ""
        return "best" if candidate in self.best else "tie" if candidate in self.ties else "behind"

    def place(self, candidate: str) -> Standing:
        """By the differences where they are known, else by the numbers.

        best: ahead of every other candidate. tie: nobody is ahead of it. behind: somebody is. Nothing where nobody is
        ranked.
        """
        if not self.best or candidate not in self.judged:
            return ""
        others = [name for name in self.judged if name != candidate]
        if any(self._better(other, candidate) for other in others):
            return "behind"
        return "best" if all(self._better(candidate, other) for other in others) else "tie"

    def clear(self, candidate: str) -> bool:
        """Whether the candidate is the best and every difference that makes it so is known to be no chance."""
        others = [name for name in self.judged if name != candidate]
        return self.place(candidate) == "best" and all(self._told(candidate, other) for other in others)

    def rank(self, candidate: str) -> int | None:
        """1 for the best number; the same for equal ones. None for sets of several sizes."""
        if candidate not in self.judged or self.uneven:
            return None
        return 1 + sum(self._ahead(other, candidate) for other in self.judged)

    def between(self, a: str, b: str) -> Difference | None:
        """The difference of two candidates, in whichever order it was taken."""
        return next((pair.said for pair in self.pairs if {pair.a["candidate"], pair.b["candidate"]} == {a, b}), None)

    def most_biased(self) -> str | None:
        """The candidate whose bias is the largest beside what it differs from the nearest other one by.

        None where no bias is known.
        """
        limits = {name: row["infinity"] for name, row in self.rows.items() if self.shown[name].limit}

        def weight(name: str) -> float:
            bias = abs(self.rows[name]["value"] - limits[name])
            apart = min((abs(limits[name] - limit) for other, limit in limits.items() if other != name), default=1.0)
            return bias / apart if apart else math.inf

        return max(limits, key=weight, default=None)

    def _told(self, one: str, other: str) -> Difference | None:
        """The difference of two candidates, where it is known whether chance may explain it."""
        difference = self.between(one, other)
        return difference if difference is not None and difference["distinguishable"] is not None else None

    def _better(self, one: str, other: str) -> bool:
        if difference := self._told(one, other):
            return bool(difference["distinguishable"]) and difference["better"] == one
        return self._ahead(one, other)

    def _several(self, count: str) -> bool:
        return len({self.rows[name][count] for name in self.judged}) > 1

    def _ahead(self, one: str, other: str) -> bool:
        sign = 1 if self.first["better"] == "lower" else -1
        return sign * self.judged[one] < sign * self.judged[other]


def lines(results: Results) -> list[Line]:
    """The lines of a table, in the order of the rows. What does not compare stands in lines of its own."""
    return [_line(label, group, results.pairs) for label, group in comparable.lines(results.rows).items()]


def _line(label: str, group: Sequence[Row], pairs: Sequence[Pair]) -> Line:
    rows = {row["candidate"]: row for row in group}
    known = {name: row for name, row in rows.items() if row["value"] is not None}
    at_infinity = bool(known) and all(row.get("infinity") is not None for row in known.values())
    judged = {name: float(row["infinity" if at_infinity else "value"]) for name, row in known.items()}
    ranked = tuple(sorted(judged, key=judged.__getitem__, reverse=group[0]["better"] == "higher"))
    own = tuple(pair for pair in pairs if all(any(row is one for row in group) for one in (pair.a, pair.b)))
    shown = {name: number(row) for name, row in rows.items()}
    line = Line(label, rows, shown, judged, at_infinity, ranked, (), (), own)
    best = tuple(name for name in ranked if judged[name] == judged[ranked[0]])
    if line.uneven or len(best) == len(ranked):
        return line
    ties = tuple(name for name in ranked if name not in best and any(_tied(line, one, name) for one in best))
    return Line(label, rows, shown, judged, at_infinity, ranked, best, ties, own)


def _tied(line: Line, best: str, name: str) -> bool:
    difference = line.between(best, name)
    return difference is not None and difference["distinguishable"] is False
