"""Which results may stand in one line of a table, and what keeps the others apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vidgauge.knobs import differing

Row = Mapping[str, Any]


def lines(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each line by its label: one metric with the same knobs, against one reference.

    The label is the metric's name, and a number where several lines have that name.
    """
    found: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        number = 0  # a candidate has one cell of a line; what it says a second time stands in a line of its own
        while any(
            row["candidate"] == other["candidate"] for other in found.get((row["metric"], _kind(row), number), [])
        ):
            number += 1
        found.setdefault((row["metric"], _kind(row), number), []).append(row)
    metrics = dict.fromkeys(row["metric"] for row in rows)
    labelled = {}
    for metric in metrics:
        groups = [group for (name, _, _), group in found.items() if name == metric]
        for number, group in enumerate(groups, 1):
            labelled[metric if len(groups) == 1 else f"{metric} [{number}]"] = group
    return labelled


def apart(firsts: Mapping[str, Row]) -> Iterable[str]:
    """Why lines that look alike do not compare: one name with several settings, one reduction of several protocols.

    firsts: a row of each line, by its label.
    """
    names = {label: row["metric"] for label, row in firsts.items()}
    for metric in dict.fromkeys(names.values()):
        several = [row for label, row in firsts.items() if names[label] == metric]
        if len(several) > 1:
            labels = [label for label in firsts if names[label] == metric]
            differ = differing([_settings(row) for row in several]) or {"made": ["at different times or places"]}
            what = "; ".join(f"{key} {' | '.join(values)}" for key, values in differ.items())
            yield f"{', '.join(labels)} do not compare with one another: {what}"
    for reduction in dict.fromkeys(row["knobs"]["reduce"] for row in firsts.values()):
        of_names = {row["metric"]: row for row in firsts.values() if row["knobs"]["reduce"] == reduction}
        if len({row["protocol"] for row in of_names.values()}) < 2:
            continue
        said = ", ".join(f"{name} ({row['protocol']})" for name, row in of_names.items())
        differ = differing([_settings(row) for row in of_names.values()])
        if not differ:
            yield f"{said} have the same settings: names of one number"
            continue
        few = len(of_names) == 2  # with more, the values would fill a page
        what = "; ".join(f"{key} {' | '.join(values)}" if few else key for key, values in differ.items())
        yield f"{said} do not compare with one another, they differ in: {what}"


def _settings(row: Row) -> dict[str, str]:
    """The knobs, and what else a number rests on: the reference's videos, weights that share a name, the seed, runs."""
    digests = {"reference": row["reference_digest"], "weights": row["weights_sha256"]}
    sets = {name: f"{row[name]} ({digest[:8]})" if digest else str(row[name]) for name, digest in digests.items()}
    return {**row["knobs"], **sets, "seed": str(row["seed"]), "runs": str(row["runs"])}


def _kind(row: Row) -> str:
    reference = row["reference_digest"] or row["reference"]
    return repr(
        (row["protocol"], sorted(row["knobs"].items()), row["weights_sha256"], reference, row["seed"], row["runs"])
    )
