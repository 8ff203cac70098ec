"""What must be said below a table, each thing once: alike sentences of several numbers are joined to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from vidgauge.report import comparable
from vidgauge.report.comparable import Row
from vidgauge.report.results import Results
from vidgauge.report.standing import Line, lines
from vidgauge.wording import counted

Place = tuple[str, str]  # a line's label and a candidate: one number of a table
Sentence = tuple[str | None, str]  # a dataset that it names, and the text with a sign in its place; None: none

NUMBER = re.compile(r"(?<![\w.+-])\d+(?:\.\d+)?(?![\w+-]|\.\w)")
"""A number that stands alone: no part of a name, a date or a version."""

NAME = "\0"
"""Stands in a sentence for the dataset that it names."""

COUNTED = re.compile(rf"([\d-]+) in {NAME}(?=;)")
"""A count of a dataset in a sentence that lists those of all."""


def warnings(results: Results) -> list[str]:
    """The warnings of a table's rows, the most serious first."""
    return list(_merged(lines(results), _warnings))


def notes(results: Results, *, made: bool = True) -> list[str]:
    """What else must be said of a table, a sentence or two each. made: also what holds of networks."""
    found = lines(results)
    return [
        *_contradictions(found),
        *_uneven(found),
        *_scales(found),
        *comparable.apart({line.label: line.first for line in found}),
        *_ties(found),
        *_merged(found, _biases(results, found)),
        *_merged(found, _without_interval),
        *_left_out(results.left_out),
        *(_merged(found, _standing) if made else ()),
    ]


def intervals(results: Results) -> list[str]:
    """How intervals were made, for where there is room to say it."""
    return list(_merged(lines(results), _method))


def _subject(places: Sequence[Place], found: Sequence[Line]) -> str:
    """What a note speaks of, as short as can be: everything, some metrics of all candidates, or single numbers."""
    if len(places) == sum(len(line.rows) for line in found):
        return "all"
    of = {line.label: len(line.rows) for line in found}
    names = []
    for label in dict.fromkeys(label for label, _ in places):
        candidates = [candidate for name, candidate in places if name == label]
        names.append(label if len(candidates) == of[label] else f"{label} of {' and '.join(candidates)}")
    return ", ".join(names)


def _ties(found: Sequence[Line]) -> Iterable[str]:
    """Candidates that no interval tells apart, with the metrics of which that is true; none that marks show already."""
    tied: dict[tuple[str, str], list[str]] = {}
    for line in found:
        for a, b, said in line.pairs:
            pair = a["candidate"], b["candidate"]
            if said["distinguishable"] is False and not set(line.best) & set(pair):
                tied.setdefault(pair, []).append(line.label)
    by_metrics: dict[tuple[str, ...], list[str]] = {}
    for pair, labels in tied.items():
        by_metrics.setdefault(tuple(labels), []).append(" and ".join(pair))
    for metrics, pairs in by_metrics.items():
        where = "any metric" if len(metrics) == len(found) > 1 else ", ".join(metrics)
        yield f"not distinguishable by {where}: {'; '.join(pairs)}"


def _contradictions(found: Sequence[Line]) -> Iterable[str]:
    """Where the number that is marked the best is known to be worse than another, as bias may make it."""
    for line in found:
        for a, b, said in line.pairs:
            if said["distinguishable"] and said["better"] is not None:
                better, worse = (a, b) if said["better"] == said["a"] else (b, a)
                if worse["candidate"] in line.best and better["candidate"] not in line.best:
                    yield f"{line.label}: {worse['candidate']} has the best number, but {said['sentence']}"


def _biases(results: Results, found: Sequence[Line]) -> Callable[[Row], Iterable[Sentence]]:
    """What curves say of a row: that its bias cannot be told, or, of the row of a line to which it does most, the bias.

    Numbers without bias, and those that depend on how many videos there are by nature, go without a word.
    """
    worst = [line.rows[name] for line in found if (name := line.most_biased()) is not None]
    said = {
        id(row): curve["sentence"]
        for row, curve in results.curves
        if any(row is one for one in worst) or (curve.get("bias") == "vanishing" and row["infinity"] is None)
    }
    return lambda row: [(None, said[id(row)])] if id(row) in said else []


def _merged(found: Sequence[Line], sentences: Callable[[Row], Iterable[Sentence]]) -> Iterable[str]:
    """The sentences of all rows, each once, with what it speaks of, in an order that keeps that of each row.

    Those that differ in the dataset they name are one, with all datasets, where these have the same numbers. Those of
    several metrics are one with the smallest and the largest of each number.
    """
    those: dict[str, list[tuple[Place, Sentence]]] = {}
    order: list[str] = []
    for line in found:
        for candidate, row in line.rows.items():
            own = [(NUMBER.sub("#", sentence[1]), sentence) for sentence in sentences(row)]
            _place([kind for kind, _ in own], order)
            for kind, sentence in own:
                those.setdefault(kind, []).append(((line.label, candidate), sentence))
    for kind in order:
        for text, named in _by_numbers([sentence for _, sentence in those[kind]]).items():
            places = list(dict.fromkeys(place for place, (name, _) in those[kind] if name in named))
            names = [name for name in named if name is not None]
            said = text.replace(NAME, ", ".join(names) if text.startswith(f"{NAME}: ") else "/".join(names))
            about = _about(places, names, said, found)
            yield f"{about}: {said}" if about else said


def _by_numbers(sentences: Sequence[Sentence]) -> dict[str, list[str | None]]:
    """Sentences of one kind, each dataset's as one, with the datasets that have the same; counts are listed in one."""
    texts: dict[str | None, list[str]] = {}
    for name, text in sentences:
        texts.setdefault(name, []).append(text)
    own = {name: _ranged(several) for name, several in texts.items()}
    found: dict[str, list[str | None]] = {}
    for name, text in own.items():
        found.setdefault(text, []).append(name)
    counts = {name: count[1] for name, text in own.items() if (count := COUNTED.search(text))}
    if len(own) == 1 or len(counts) < len(own):
        return found
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    if len(found) == 1:
        listed = f"{next(iter(counts.values()))} in each set"
    return {COUNTED.sub(lambda _: listed, next(iter(found))): list(own)}


def _place(own: Sequence[str], order: list[str]) -> None:
    """Put what an order lacks into it, each before what it comes before among its own, else at the end.

    >>> order = ["a", "c"]
    >>> _place(["d", "b", "c", "e"], order)
    >>> order
    ['a', 'd', 'b', 'c', 'e']
    """
    at = len(order)
    for kind in reversed(own):
        if kind not in order:
            order.insert(at, kind)
        at = order.index(kind)


def _about(places: Sequence[Place], names: Sequence[str], said: str, found: Sequence[Line]) -> str:
    """As `_subject`, but without what the sentence says itself by the datasets that it names.

    Nothing where it begins with datasets and holds of all their numbers, the metrics alone where it holds of some. A
    single one may be named as a word of the sentence: what it speaks of is said beside it.
    """
    first = bool(names) and said.startswith((f"{', '.join(names)}: ", f"{'/'.join(names)} and "))
    of_names = {
        (line.label, candidate)
        for line in found
        for candidate, row in line.rows.items()
        if candidate in names or row["reference"] in names
    }
    if names and of_names <= set(places):
        everything = len(places) == sum(len(line.rows) for line in found)
        return "" if first else "all" if everything else ", ".join(names)
    if (len(names) < 2 and not first) or any(candidate not in names for _, candidate in places):
        return _subject(places, found)
    labels = list(dict.fromkeys(label for label, _ in places))
    return "all" if len(labels) == len(found) else ", ".join(labels)


def _method(row: Row) -> Iterable[Sentence]:
    if row["ci95"] and row.get("ci95_method"):
        yield None, f"95 % interval: {row['ci95_method']}"


def _without_interval(row: Row) -> Iterable[Sentence]:
    """Why there is none, where one was asked for."""
    method = row.get("ci95_method") or ""
    if method.startswith("none: "):
        yield None, f"no interval: {method.removeprefix('none: ')}"


def _warnings(row: Row) -> Iterable[Sentence]:
    """The row's warnings, which may name its candidate, and may begin with its reference."""
    candidate, reference = row["candidate"], row["reference"]
    own = candidate.partition(" (")[0]  # a table of several evaluations names one of them beside it
    for text in row["warnings"]:
        template = re.sub(rf"(?<![\w.-]){re.escape(own)}(?![\w-]|\.\w)", NAME, text)
        if several := _one_by_one(text, {own: candidate, reference or own: reference or candidate}):
            yield from several
        elif template != text:
            yield candidate, template
        elif text.startswith(f"{reference}: "):
            yield reference, NAME + text.removeprefix(reference)
        else:
            yield None, text


def _one_by_one(text: str, names: Mapping[str, str]) -> list[Sentence]:
    """A sentence that lists counts of datasets as a sentence for each; none where it lists none.

    >>> _one_by_one("few: 3 in a, 4 in b; why", {"a": "a", "b": "b"})
    [('a', 'few: 3 in \\x00; why'), ('b', 'few: 4 in \\x00; why')]
    """
    listed = re.findall(rf"(\d+) in ({'|'.join(map(re.escape, names))})(?=[,;])", text)
    whole = ", ".join(f"{count} in {name}" for count, name in listed)
    return [(names[name], text.replace(whole, f"{count} in {NAME}")) for count, name in listed if whole in text]


def _standing(row: Row) -> Iterable[Sentence]:
    """What is said of every number of a network."""
    if row["note"]:
        yield None, row["note"]
    if row["weights"]:
        yield None, f"weights {row['weights']}, licence: {row['licence']}"


def _ranged(texts: Sequence[str]) -> str:
    """Sentences that differ in numbers alone as one, each number with its smallest and largest value.

    >>> _ranged(["32 samples of 1280 features", "512 samples of 1280 features"])
    '32-512 samples of 1280 features'
    """
    columns = list(zip(*(NUMBER.findall(text) for text in texts), strict=True))
    ranges = iter([sorted(set(column), key=float) for column in columns])

    def span(_: re.Match[str]) -> str:
        values = next(ranges)
        return values[0] if len(values) == 1 else f"{values[0]}-{values[-1]}"

    return NUMBER.sub(span, texts[0])


def _uneven(found: Sequence[Line]) -> list[str]:
    """Lines whose candidates have different numbers of samples: most metrics depend on that, so none is the best."""
    uneven = [line.label for line in found if line.uneven]
    return [f"{', '.join(uneven)}: different numbers of samples, so no best one is marked"] if uneven else []


def _scales(found: Sequence[Line]) -> list[str]:
    """Scores of videos at their own size, of candidates whose sizes differ: many a score depends on the size."""
    labels: dict[str, list[str]] = {}
    for line in found:
        sizes = {name: (row["clip_spec"] or {}).get("native") for name, row in line.rows.items() if row.get("column")}
        known = {name: "{1}x{0}".format(*size) for name, size in sizes.items() if size}
        if len(set(known.values())) > 1:
            said = ", ".join(f"{name} has {size}" for name, size in known.items())
            labels.setdefault(said, []).append(line.label)
    return [
        f"{', '.join(of)}: sizes of frames differ: {said}; such a score may depend on the size, and `size` in the clip "
        "spec makes them one"
        for said, of in labels.items()
    ]


def _left_out(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"{dataset}: {counted(sum(reasons.values()), 'video')} left out "
        f"({', '.join(f'{reason} {count}' for reason, count in reasons.items())}); see rejected.jsonl"
        for dataset, reasons in left_out.items()
    ]
