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
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["metric"], _kind(row)), []).append(row)
    metrics = dict.fromkeys(row["metric"] for row in rows)
    labelled = {}
    for metric in metrics:
        groups = [group for (name, _), group in found.items() if name == metric]
        for number, group in enumerate(groups, 1):
            labelled[metric if len(groups) == 1 else f"{metric} [{number}]"] = group
    return labelled


def apart(labelled: Mapping[str, Sequence[Row]]) -> Iterable[str]:
    """Why lines that look alike are no columns of one comparison: one reduction, several protocols or settings."""
    alike: dict[str, list[str]] = {}
    for label, group in labelled.items():
        alike.setdefault(group[0]["knobs"]["reduce"], []).append(label)
    for labels in alike.values():
        firsts = {label: labelled[label][0] for label in labels}
        protocols = {row["protocol"] for row in firsts.values()}
        names = [row["metric"] for row in firsts.values()]
        if len(protocols) < 2 and len(set(names)) == len(names):
            continue
        said = [f"{label} ({row['protocol']})" for label, row in firsts.items()]
        knobs = differing([{**row["knobs"], **_sets(row)} for row in firsts.values()])
        if not knobs:
            yield f"{', '.join(said)} have the same settings: names of one number"
            continue
        few = len(said) == 2  # with more, the values would fill a page
        what = "; ".join(f"{name} {' | '.join(values)}" if few else name for name, values in knobs.items())
        yield f"{', '.join(said)} do not compare with one another, they differ in: {what}"


def _kind(row: Row) -> str:
    reference = row["reference_digest"] or row["reference"]
    return repr((row["protocol"], sorted(row["knobs"].items()), row["weights_sha256"], reference))


def _sets(row: Row) -> dict[str, str]:
    """What a number rests on beside its knobs, to be shown: the reference's videos, and weights that share a name."""
    digests = {"reference": row["reference_digest"], "weights": row["weights_sha256"]}
    return {name: f"{row[name]} ({digest[:8]})" if digest else str(row[name]) for name, digest in digests.items()}
