"""The leaderboard in words: the score of the first screen, the rows of the table, the pairs of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from vidgauge.report.standing import Line
from vidgauge.report.words import listed
from vidgauge.wording import counted


def score(lines: Sequence[Line], candidates: Sequence[str]) -> list[dict[str, Any]]:
    """For each candidate, the best one first: its place by each metric, and how often it is best."""
    found = []
    for name in candidates:
        marks = [(line.label, line.place(name)) for line in lines]
        best, ties = (sum(mark == kind for _, mark in marks) for kind in ("best", "tie"))
        parts = [*([f"best by {best}"] if best else []), *([f"tied for best by {ties}"] if ties else [])]
        found.append({"name": name, "marks": marks, "best": best, "ties": ties, "text": ", ".join(parts) or "behind"})
    known = any(one["best"] or one["ties"] for one in found)
    return sorted(found, key=lambda one: (-one["best"], -one["ties"])) if known and len(candidates) > 1 else []


def table(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """A row for each metric and candidate, the best one first where they are ranked; what to sort by and to show."""
    rows = []
    for at, line in enumerate(lines):
        without = [name for name in line.rows if name not in line.judged]
        for name in line.rows if line.uneven else [*line.ranked, *without]:
            row, shown = line.rows[name], line.shown[name]
            inside = row["ci95"] is None or row["value"] is None or row["ci95"][0] <= row["value"] <= row["ci95"][1]
            rows.append(
                {
                    "line": at,
                    "label": line.label,
                    "judged": "limit" if line.at_infinity else "value",
                    "better": line.first["better"],
                    "candidate": name,
                    "reference": row["reference"],
                    "rank": line.rank(name),
                    "standing": line.place(name),
                    "value": shown.value,
                    "limit": shown.limit,
                    "interval": shown.interval,
                    "inside": inside,
                    "of_limit": row["infinity"] is not None,
                    "method": row.get("ci95_method"),
                    "videos": row["videos_candidate"],
                    "videos_reference": row["videos_reference"],
                    "sort_value": row["value"],
                    "sort_limit": row["infinity"],
                    "sort_interval": row["ci95"][0] if row["ci95"] else None,
                }
            )
    return rows


def pairs(lines: Sequence[Line], candidates: Sequence[str]) -> list[dict[str, Any]]:
    """Each two candidates with the differences between them, and those in a sentence; none without differences."""
    found = []
    for a, b in combinations(candidates, 2):
        own = [(line, one) for line in lines if (one := line.between(a, b))]
        if not own:
            continue
        known = [one for _, one in own if one["distinguishable"] is not None]
        counts = {name: sum(bool(one["distinguishable"]) and one["better"] == name for one in known) for name in (a, b)}
        ties = sum(one["distinguishable"] is False for one in known)
        parts = [f"{name} is better in {count}" for name, count in counts.items() if count]
        parts += [f"{ties} {'is a tie' if ties == 1 else 'are ties'}"] if ties else []
        unknown = len(own) - len(known)
        parts += [f"{unknown} {'is' if unknown == 1 else 'are'} not known"] if unknown else []
        found.append({"a": a, "b": b, "found": own, "text": f"Of {counted(len(own), 'metric')}, {listed(parts)}."})
    return found
