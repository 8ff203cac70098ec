"""The results of one or several evaluations in one table: rows, and what is known of pairs of them and of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vidgauge.arguments import json_file
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.report.comparable import Row


class Pair(NamedTuple):
    """Two rows of a table and the difference between them, an entry of `differences`."""

    a: Row
    b: Row
    said: Mapping[str, Any]


class Curve(NamedTuple):
    """A row of a table and how its number falls or rises with the number of videos, an entry of `curves`."""

    row: Row
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """What a table is made of. Pairs and curves hold the rows themselves, not copies."""

    title: str
    rows: Sequence[Row]
    pairs: Sequence[Pair] = ()
    curves: Sequence[Curve] = ()
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    versions: Sequence[str] = ()  # of vidgauge, of each evaluation

    @property
    def candidates(self) -> list[str]:
        return list(dict.fromkeys(row["candidate"] for row in self.rows))

    @property
    def references(self) -> list[str]:
        return sorted({row["reference"] for row in self.rows if row["reference"] is not None})


def read(files: Sequence[Path], metrics: Sequence[str] = ()) -> Results:
    """The results of files named metrics.json, or of the folders that hold them; of some metrics, or of all.

    Raises UsageError for files that are no results, and for metrics that none of them has.
    """
    places = [file / "metrics.json" if file.is_dir() else file for file in files]
    evaluations = [json_file(file, "evaluation", "results") for file in places]
    known = {row["metric"] for said in evaluations for row in said["results"]}
    for name in metrics:
        if name not in known:
            raise UsageError(f"--metric {name}: no file has such results; {did_you_mean(name, known)}")
    if metrics:
        evaluations = [
            {**said, "results": [row for row in said["results"] if row["metric"] in metrics]} for said in evaluations
        ]
    return joined(evaluations)


def joined(evaluations: Sequence[Mapping[str, Any]]) -> Results:
    """Several evaluations, as metrics.json holds them: each row once, each with the differences of its own file.

    A candidate that is other videos elsewhere is named with both. Videos left out are those of a single evaluation.
    """
    digests: dict[str, set[str | None]] = {}
    for said in evaluations:
        for row in said["results"]:
            digests.setdefault(row["candidate"], set()).add(row["candidate_digest"])
    rows: list[Row] = []
    pairs: list[Pair] = []
    curves: list[Curve] = []
    for said in evaluations:
        kept: dict[tuple[str, str], Row] = {}
        for row in said["results"]:
            several = len(evaluations) > 1 < len(digests[row["candidate"]])
            named = {"candidate": f"{row['candidate']} ({said['evaluation']})"} if several else {}
            one = {**row, **named}
            if one not in rows:
                rows.append(one)
            kept[row["metric"], row["candidate"]] = rows[rows.index(one)]
        for difference in said.get("differences", ()):
            a, b = (kept.get((difference["metric"], difference[side])) for side in ("a", "b"))
            if a is not None and b is not None:
                pairs.append(Pair(a, b, difference))
        for curve in said.get("curves", ()):
            if (of := kept.get((curve["metric"], curve["candidate"]))) is not None:
                curves.append(Curve(of, curve))
    versions = dict.fromkeys(said.get("provenance", {}).get("vidgauge") for said in evaluations)
    return Results(
        ", ".join(dict.fromkeys(said["evaluation"] for said in evaluations)),
        rows,
        pairs,
        curves,
        evaluations[0].get("rejected", {}) if len(evaluations) == 1 else {},
        [version for version in versions if version],
    )
