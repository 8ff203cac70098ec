"""The first screen's answer in plain sentences: which candidate is best, by how many metrics, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidgauge.report.standing import Line
from vidgauge.report.words import listed


@dataclass(frozen=True)
class Verdict:
    """headline: one sentence. sentences: how sure, where the metrics disagree, and which rank nobody."""

    headline: str
    sentences: tuple[str, ...]


def verdict(lines: Sequence[Line]) -> Verdict:
    """What the results say, without a number that they do not hold, and nothing that a known difference denies."""
    candidates = list(dict.fromkeys(name for line in lines for name in line.rows))
    if len(candidates) == 1:
        return Verdict(f"{candidates[0]} is the only candidate, so there is nothing to rank.", tuple(_undefined(lines)))
    ranking = [line for line in lines if line.best]
    rest = (*_unranked(lines), *_undefined(lines))
    front = {name: sum(line.place(name) in ("best", "tie") for line in ranking) for name in candidates}
    if not any(front.values()):
        return Verdict("No candidate can be called best.", rest)
    clear = {name: sum(line.clear(name) for line in ranking) for name in candidates}
    known = any(pair.said["distinguishable"] is not None for line in lines for pair in line.pairs)
    unsure = () if known else ("No intervals of the differences are known, so how sure this is cannot be said.",)
    if not any(clear.values()) and set(front.values()) == {len(ranking)}:
        return Verdict(f"{listed(candidates)} are tied by {_of(len(ranking), len(lines))}.", (*unsure, *rest))
    leaders = [name for name in candidates if (front[name], clear[name]) == (max(front.values()), max(clear.values()))]
    if not leaders:
        often, sure = max(candidates, key=front.__getitem__), max(candidates, key=clear.__getitem__)
        said = f"{often} {_won(front[often], clear[often], len(lines), known)}"
        headline = f"No candidate leads: {said}; {sure} {_won(front[sure], clear[sure], len(lines), known)}."
        return Verdict(headline, (*unsure, *_disagreement(ranking, [often, sure]), *rest))
    count = front[leaders[0]], clear[leaders[0]]
    headline = f"{listed(leaders)} {_won(*count, len(lines), known, each=len(leaders) > 1)}."
    sure_of = _against(leaders[0], candidates, lines) if len(leaders) == 1 else []
    return Verdict(headline, (*unsure, *sure_of, *_disagreement(ranking, leaders), *rest))


def _won(front: int, clear: int, of: int, known: bool, each: bool = False) -> str:
    """How often a candidate is in front, and how often alone there; a tie is no win."""
    verb = "are each" if each else "is"
    if not known:
        return f"{'each have' if each else 'has'} the best number by {_of(front, of)}"
    if front == clear:
        return f"{verb} clearly better than all others by {_of(clear, of)}"
    return f"{verb} best or tied for best by {_of(front, of)}, clearly better than all others by {clear or 'none'}"


def _of(count: int, of: int) -> str:
    if of == 1:
        return "the only metric"
    return f"all {of} metrics" if count == of else f"{count} of {of} metrics"


def _against(leader: str, candidates: Sequence[str], lines: Sequence[Line]) -> list[str]:
    """How often the leader is told apart from the others, and to whose good; those of one answer in one sentence."""
    answers: dict[tuple[int, int, int], list[str]] = {}
    for other in candidates:
        found = [one for line in lines if (one := line.between(leader, other)) and one["distinguishable"] is not None]
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


def _disagreement(ranking: Sequence[Line], leaders: Sequence[str]) -> list[str]:
    """Metrics by which somebody else, or not all of the leaders, are in front."""
    found: dict[tuple[str, ...], list[str]] = {}
    for line in ranking:
        front = tuple(name for name in line.judged if line.place(name) in ("best", "tie"))
        if front and not set(leaders) <= set(front):
            found.setdefault(front, []).append(line.label)
    said = []
    for front, labels in found.items():
        verb = "puts" if len(labels) == 1 else "put"
        said.append(f"{listed(labels)} {verb} {listed(front)} {'first' if len(front) == 1 else 'in front, tied'}")
    return [f"The metrics disagree: {'; '.join(said)}."] if said else []


def _unranked(lines: Sequence[Line]) -> list[str]:
    """Metrics that cannot rank, by why."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.why_unranked:
            found.setdefault(line.why_unranked, []).append(line.label)
    return [
        f"{_of(len(labels), len(lines)).capitalize()} {'ranks' if len(labels) == 1 else 'rank'} nobody: {why} "
        f"({listed(labels)})."
        for why, labels in found.items()
    ]


def _undefined(lines: Sequence[Line]) -> list[str]:
    labels = [line.label for line in lines if len(line.judged) < len(line.rows)]
    return [f"Without a number for some candidate: {listed(labels)}."] if labels else []
