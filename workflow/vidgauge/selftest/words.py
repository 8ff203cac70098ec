"""The answers in words: what a metric sees, from which amount on, and how much worse its number gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from vidgauge.selftest.damages import DAMAGES, SHUFFLE, Damage
from vidgauge.selftest.measure import Answers, Point
from vidgauge.wording import counted

SIGMAS = 2.0
"""Spreads from which on an answer is one."""

ENOUGH = 256
"""Videos from which on a small number of them needs no warning."""

LEGEND = (
    "from X: answers to X and more, by 2 or more times the spread that sampling gives its number; "
    "blind: no answer to the largest amount; better: takes the damage for an improvement; -: not tried"
)


class Verdict(NamedTuple):
    """What a metric makes of a damage, and the point from which on."""

    kind: Literal["sees", "blind", "better", "not tried", "undefined"]
    since: Point | None = None


def verdict(points: Sequence[Point]) -> Verdict:
    """Judged by the largest amount that has an answer; `since`: the least from which on all amounts are answered alike.

    >>> verdict([]).kind
    'not tried'
    """
    if not points:
        return Verdict("not tried")
    known = [(point, point.answer) for point in points if point.answer is not None]
    if not known:
        return Verdict("undefined")
    last = known[-1][1]
    if abs(last) < SIGMAS:
        return Verdict("blind")
    sign = 1 if last > 0 else -1
    since = known[-1][0]
    for point, answer in reversed(known):
        if sign * answer < SIGMAS:
            break
        since = point
    return Verdict("sees" if sign > 0 else "better", since)


def sentence(answers: Answers, damage: Damage) -> str:
    """A verdict as a sentence."""
    points, name = answers.points[damage.name], answers.metric.name
    kind, since = verdict(points)
    if kind == "not tried":
        return f"{name}: {damage.name} was not tried"
    if kind == "undefined":
        return f"{name} has no answer to {damage.name}: {answers.problem or 'too few videos are left'}"
    largest = [point for point in points if point.answer is not None][-1]
    if kind == "blind" or since is None:
        return f"{name} does not see {damage.name}, up to {amount(damage, largest)}"
    grows = f"{_times(since)} the spread of sampling"
    if since is not largest:
        grows += f", {_times(largest)} at {amount(damage, largest)}"
    if kind == "better":
        return f"{name} takes {damage.name} for an improvement from {amount(damage, since)} on ({grows})"
    return f"{name} sees {damage.name} from {amount(damage, since)} on ({grows})"


def amount(damage: Damage, point: Point) -> str:
    """An amount with its unit, as it reads in a sentence."""
    return damage.said.format(damage.label(point.amount))


def _times(point: Point) -> str:
    return f"{abs(point.answer or 0.0):.2g} times"


def sentences(answers: Answers) -> list[str]:
    """What a metric makes of each damage."""
    return [f"  - {sentence(answers, damage)}" for damage in DAMAGES]


def table(answers: Sequence[Answers]) -> list[str]:
    """A line per metric, a column per damage, in words."""
    return _aligned([["metric", *(damage.name for damage in DAMAGES)], *(_line(found) for found in answers)])


def _line(answers: Answers) -> list[str]:
    return [answers.metric.name, *(_cell(damage, answers.points[damage.name]) for damage in DAMAGES)]


def _cell(damage: Damage, points: Sequence[Point]) -> str:
    kind, since = verdict(points)
    if since is None:
        return {"blind": "blind", "undefined": "?"}.get(kind, "-")
    return f"{'from' if kind == 'sees' else 'better:'} {damage.label(since.amount)}"


def values(answers: Answers) -> list[str]:
    """A metric's number at each amount: how large a difference means how much damage. A line per damage."""
    floor, spread = _number(answers.floor), _number(answers.spread)
    head = f"{answers.metric.name}: {floor} undamaged, sampling gives it a spread of {spread}"
    lines = []
    for damage in DAMAGES:
        points = answers.points[damage.name]
        if points:
            cells = [
                f"{damage.label(point.amount)}: {_number(point.value)}{_other(answers, point)}" for point in points
            ]
            lines.append([f"  {damage.name}", damage.unit, *cells])
    width = max(map(len, lines), default=0)
    return [head, *_aligned([[*line, *[""] * (width - len(line))] for line in lines])]


def _other(answers: Answers, point: Point) -> str:
    """What a value is compared with, where that is not the floor."""
    return "" if point.against == answers.floor else f" (for {_number(point.against)})"


def notes(answers: Sequence[Answers], not_tried: Sequence[str], videos: int, left_out: Sequence[Any]) -> list[str]:
    """What a reader must know besides the table."""
    found = [*not_tried, *(f"{one.metric.name}: {one.problem}" for one in answers if one.problem)]
    found += [sentence(one, damage) for one in answers for damage in DAMAGES if _kind(one, damage) == "better"]
    found += _blind_to_order(answers)
    if videos < ENOUGH:
        found.append(f"{videos} videos are few, and sampling hides small damages; with {ENOUGH} or more it hides less")
    if left_out:
        counts = Counter(bad["reason"] for bad in left_out)
        said = ", ".join(f"{reason} {count}" for reason, count in counts.items())
        found.append(f"{counted(len(left_out), 'video')} left out ({said}); selftest.json names them")
    return [f"- {text}" for text in found]


def _blind_to_order(answers: Sequence[Answers]) -> list[str]:
    """Which metrics do not see motion, for the order of frames is nothing to them."""
    blind: dict[str, list[str]] = {"frame": [], "clip": []}
    for one in answers:
        if _kind(one, SHUFFLE) == "blind":
            blind[one.metric.array_spec.per].append(one.metric.name)
    why = {
        "frame": "they look at single frames, and frames in another order are the same frames",
        "clip": "they look at whole clips, but the order of frames hardly shows in them",
    }
    return [f"these do not see motion: {', '.join(names)}; {why[per]}" for per, names in blind.items() if names]


def _kind(answers: Answers, damage: Damage) -> str:
    return verdict(answers.points[damage.name]).kind


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
