"""The first screen's answer in plain sentences: which candidate is best, by how much, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from vidgauge.report.page.text import counted
from vidgauge.report.standing import Line
from vidgauge.report.words import listed


@dataclass(frozen=True)
class Verdict:
    """headline: one sentence. sentences: by how much, how sure, and where the metrics disagree."""

    headline: str
    sentences: tuple[str, ...]


def verdict(lines: Sequence[Line]) -> Verdict:
    """What the results say, without a number that they do not hold."""
    candidates = list(dict.fromkeys(name for line in lines for name in line.rows))
    judged = [line for line in lines if line.best]
    if len(candidates) == 1:
        return Verdict(f"{candidates[0]} is the only candidate, so there is nothing to rank.", tuple(_undefined(lines)))
    if not judged:
        return Verdict("No candidate can be called best.", (_why_none(lines), *_undefined(lines)))
    wins = {name: [line for line in judged if name in line.best] for name in candidates}
    most = max(map(len, wins.values()))
    leaders = [name for name in candidates if len(wins[name]) == most]
    of = "the only metric" if len(lines) == 1 else f"{most} of {len(lines)} metrics"
    if len(leaders) > 1:
        headline = f"{listed(leaders)} are each best by {of}."
        return Verdict(headline, (*_disagreement(judged, leaders), *_undefined(lines)))
    leader = leaders[0]
    sure = _against(leader, candidates, judged)
    if not sure:
        sure = ["No intervals of the differences are known, so how sure this is cannot be said."]
    headline = f"{leader} is best by {of}."
    if wins[leader] and all(line.ties for line in wins[leader]):
        headline = f"{leader} is ahead by {of}, each time within a tie."
    return Verdict(
        headline, (*_margin(leader, wins[leader]), *sure, *_disagreement(judged, [leader]), *_undefined(lines))
    )


def _margin(leader: str, won: Sequence[Line]) -> list[str]:
    """By how much, in shares of the second's number; numbers around zero have none."""
    shares = []
    for line in won:
        second = next((name for name in line.ranked if name not in line.best), None)
        if second is not None and line.judged[second] > 0 and line.judged[leader] >= 0:
            shares.append(abs(line.judged[second] - line.judged[leader]) / line.judged[second])
    if not shares:
        return []
    if len(shares) == 1:
        return [f"There its lead over the second is {_percent(shares[0])}."]
    return [
        f"There its lead over the second is {_percent(median(shares))} in the median, {_percent(max(shares))} at most."
    ]


def _percent(share: float) -> str:
    return "less than 1\u202f%" if share < 0.01 else f"{100 * share:.0f}\u202f%"


def _against(leader: str, candidates: Sequence[str], judged: Sequence[Line]) -> list[str]:
    """How often the leader is told apart from the others, and to whose good; those of one answer in one sentence."""
    answers: dict[tuple[int, int, int], list[str]] = {}
    for other in candidates:
        found = [one for line in judged if (one := line.between(leader, other)) and one["distinguishable"] is not None]
        if other == leader or not found:
            continue
        better, worse = (
            sum(one["distinguishable"] and one["better"] == name for one in found) for name in (leader, other)
        )
        answers.setdefault((better, worse, len(found)), []).append(other)
    return [_answer(*counts, others) for counts, others in answers.items()]


def _answer(better: int, worse: int, of: int, others: Sequence[str]) -> str:
    names, tied = listed(others), of - better - worse
    all_of = "the only metric" if of == 1 else f"all {of} metrics"
    if of in (better, worse):
        return f"It is clearly {'better' if better else 'worse'} than {names} by {all_of}."
    if tied == of:
        return f"Nothing tells it apart from {names}: a tie by {all_of}."
    parts = [f"clearly better by {better}"] if better else []
    parts += [f"clearly worse by {worse}"] if worse else []
    parts += [f"tied by {tied}"] if tied else []
    return f"Against {names} it is {listed(parts)} of {of}."


def _disagreement(judged: Sequence[Line], leaders: Sequence[str]) -> list[str]:
    """Metrics that put others first."""
    others: dict[tuple[str, ...], list[str]] = {}
    for line in judged:
        if not set(line.best) & set(leaders) or (len(leaders) > 1 and line.best):
            others.setdefault(line.best, []).append(line.label)
    if not others or (len(others) == 1 and len(leaders) > 1):
        return []
    said = [
        f"{listed(labels)} {'ranks' if len(labels) == 1 else 'rank'} {listed(best)} first"
        for best, labels in others.items()
    ]
    return [f"The metrics disagree: {'; '.join(said)}."]


def _undefined(lines: Sequence[Line]) -> list[str]:
    labels = [line.label for line in lines if len(line.judged) < len(line.rows)]
    return [f"Without a number for some candidate: {listed(labels)}."] if labels else []


def _why_none(lines: Sequence[Line]) -> str:
    uneven = [line for line in lines if line.uneven]
    if uneven:
        return (
            f"The candidates have different numbers of samples, and {counted(len(uneven), 'metric')} depend on that."
            if len(uneven) > 1
            else "The candidates have different numbers of samples, and the metric depends on that."
        )
    return "Their numbers are equal, or there are none."
