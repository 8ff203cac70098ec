"""`vidgauge explain`: a result as a paragraph for the methods section of a paper, and what makes it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidgauge.arguments import json_file
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.report import words
from vidgauge.report.comparable import Row
from vidgauge.report.formulas import formula, source
from vidgauge.report.numbers import number

IS_ROW = ("metric", "candidate", "value", "ci95", "knobs", "clip_spec", "options", "warnings")
"""Keys by which a file is known as one row of results."""


@dataclass(frozen=True)
class Explained:
    """A result in words, and by name what is needed to make it again; what is not known is left out."""

    metric: str
    candidate: str
    paragraph: str
    again: Mapping[str, str]


def explained(file: Path, metric: str | None = None, candidate: str | None = None) -> list[Explained]:
    """The results of a row's file, or of metrics.json, of which some may be chosen.

    Of a row's file the provenance is that of the evaluation's metrics.json, two folders up, if it holds the same row.
    Raises UsageError for other files, and for what they do not hold.
    """
    found = json_file(file)
    if isinstance(found, dict) and "results" in found:
        rows, made = found["results"], found.get("provenance") or {}
    else:
        rows = [json_file(file, *IS_ROW)]
        made = _made_beside(file, rows[0])
    for key, wanted in (("metric", metric), ("candidate", candidate)):
        known = dict.fromkeys(row[key] for row in rows)
        if wanted is not None and wanted not in known:
            raise UsageError(f"--{key} {wanted}: {file} has no such result; {did_you_mean(wanted, known)}")
        rows = [row for row in rows if wanted in (None, row[key])]
    if not rows:
        raise UsageError(f"{file}: holds no results; wanted is a file of an evaluation with metrics and candidates")
    return [Explained(row["metric"], row["candidate"], paragraph(row, made), again(row, made)) for row in rows]


def _made_beside(file: Path, row: Row) -> Mapping[str, Any]:
    """The provenance of the evaluation that a row's file lies in; nothing where that holds another number."""
    folders = file.resolve().parents
    beside = folders[2] / "metrics.json" if len(folders) > 2 else file
    if not beside.is_file():
        return {}
    whole = json_file(beside)
    shown = {key: value for key, value in row.items() if key != "resampled"}
    there = isinstance(whole, dict) and shown in whole.get("results", [])
    return whole.get("provenance") or {} if there else {}


def paragraph(row: Row, made: Mapping[str, Any]) -> str:
    """A result in words: what was compared, of which clips, by which network and formula, and how sure it is."""
    reduce = row["knobs"]["reduce"]
    sentences = [
        _compared(row, made),
        _samples(row),
        f"They are described by {words.network(row)}.",
        f"The number is the {formula(reduce, row['options'])}{words.subsets(row)}"
        f"{f' ({source(reduce)})' if source(reduce) else ''}.",
        *_result(row),
        *(f"Note: {text.rstrip('.')}." for text in [*row["warnings"], *([row["note"]] if row["note"] else [])]),
    ]
    return " ".join(sentences)


def _compared(row: Row, made: Mapping[str, Any]) -> str:
    protocol = "a definition of the user's own" if row["protocol"] == "user" else f"protocol {row['protocol']}"
    version = f", vidgauge {made['vidgauge']}" if "vidgauge" in made else ""
    what = f"{row['metric']} ({protocol}{version})"
    if partners := row["knobs"].get("partners"):
        trimmed = ", as far as both last" if row["knobs"]["unequal"] == "trim" else ""
        return (
            f"{what} compares {words.set_of(row, 'candidate')} with their own reference videos in {partners}{trimmed}."
        )
    if row["reference"] is None:
        return f"{what} describes {words.set_of(row, 'candidate')} by themselves."
    return f"{what} compares {words.set_of(row, 'candidate')} with {words.set_of(row, 'reference')}."


def _samples(row: Row) -> str:
    """What the samples of both sets are, in one sentence where they are the same."""
    sides = ["candidate", *(["reference"] if row["reference"] is not None else [])]
    said = [words.taken(row, side) for side in sides]
    if len(set(said)) == 1:
        return f"The samples are {said[0]}."
    return " ".join(f"The samples of {row[side]} are {text}." for side, text in zip(sides, said, strict=True))


def _result(row: Row) -> list[str]:
    """The number, its interval, its parts, and what it says."""
    if row["value"] is None:
        return ["It has no value."]
    shown, runs = number(row), row["runs"]
    text = f"It is {shown.value} ({row['better']} is better)"
    if runs > 1:
        text += f", mean ± standard deviation over {runs} runs with {words.seeds(row)}"
    interval = f", 95 % interval {shown.interval} ({row['ci95_method']})" if shown.interval else ""
    if not shown.limit:
        text += interval
    sentences = [f"{text}."]
    if shown.limit:
        sentences.append(
            f"What infinitely many videos would give is {shown.limit} {words.limit(row)}{interval}; the number itself "
            "is biased by the number of videos (and by ids that both sets share), and may lie outside of that."
        )
    parts = [f"{name} {value:.5g}" for name, value in row["values"].items() if value is not None]
    return [*sentences, f"Its parts: {', '.join(parts)}."] if parts else sentences


def again(row: Row, made: Mapping[str, Any]) -> dict[str, str]:
    """What is needed to make a result again, by name, as far as the row and the provenance of its evaluation know."""
    when, features = made.get("made", {}), row.get("made_with") or {}  # of each set, by its name
    found = {
        "configuration": made.get("config_digest") and f"sha256 {made['config_digest']}",
        **{
            f"videos of {row[side]}": row[f"{side}_digest"] and f"digest {row[f'{side}_digest']}"
            for side in ("candidate", "reference")
            if row[side] is not None
        },
        "weights": row["weights_sha256"] and f"{row['weights']}, sha256 {row['weights_sha256']}",
        "licence of the weights": row["licence"] if row["weights"] else None,
        "clips": row["clips"],
        **{f"features of {name} made with": _flat(said) for name, said in features.items()},
        "table made with": _flat({key: made[key] for key in ("vidgauge", "python", "packages") if key in made}),
        "platform": made.get("platform"),
        "git revision": made.get("git_revision"),
        "command": shlex.join(when["command"]) if when.get("command") else None,
        "started": when.get("started"),
        "host": when.get("host"),
    }
    return {name: text for name, text in found.items() if text}


def _flat(said: Mapping[str, Any]) -> str:
    """Nested settings in a line, those that are not known left out."""
    parts = []
    for name, value in said.items():
        if isinstance(value, Mapping):
            parts.append(_flat(value))
        elif value is not None:
            parts.append(f"{name.replace('_', ' ')} {json.dumps(value) if isinstance(value, list) else value}")
    return ", ".join(filter(None, parts))


def as_text(found: Sequence[Explained]) -> str:
    """Paragraphs, each with its list."""
    return "\n\n".join(
        "\n".join([one.paragraph, "", "To make it again:", *(f"  {name}: {text}" for name, text in one.again.items())])
        for one in found
    )


def as_markdown(found: Sequence[Explained]) -> str:
    """A section for each result."""
    return "\n\n".join(
        "\n".join(
            [
                f"## {one.metric} of {one.candidate}",
                "",
                one.paragraph,
                "",
                "To make it again:",
                "",
                *(f"- {name}: `{text}`" for name, text in one.again.items()),
            ]
        )
        for one in found
    )


def as_json(found: Sequence[Explained]) -> str:
    """A list of objects with the keys metric, candidate, paragraph and again."""
    return json.dumps([vars(one) for one in found], ensure_ascii=False, indent=2)


FORMATS = {"text": as_text, "markdown": as_markdown, "json": as_json}
