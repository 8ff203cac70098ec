"""The worst videos by each score, and the broken ones by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.single.table import Line

WORST = 5


def worst(found: Sequence[Line], scores: Sequence[Mapping[str, str]], number: int = WORST) -> list[dict[str, Any]]:
    """{"score", "metric", "dataset", "better", "least", "mean", "most", "videos", "equal"} of each score and set.

    scores: {"label", "metric", "better"} of each. Videos from the worst on, of equals in the order of ids; each is
    {"id", "path", "text", "value", "start" (its clip's first frame), "broken"}. None of them is as good as the best, so
    there is none where all are alike. equal: how many more have the value of the last one.
    """
    result = []
    for score in scores:
        label = score["label"]
        for dataset in dict.fromkeys(line.dataset for line in found):
            there = [line for line in found if line.dataset == dataset and _is_number(line, label)]
            if not there:
                continue
            values = [line.scores[label] for line in there]
            least, most = min(values), max(values)
            best, sign = (most, 1) if score["better"] == "higher" else (least, -1)
            behind = [line for line in there if line.scores[label] != best]
            ordered = sorted(behind, key=lambda line: (sign * line.scores[label], line.id))
            told = [
                {**_said(line), "value": line.scores[label], "start": line.starts[label]} for line in ordered[:number]
            ]
            result.append(
                {
                    "score": label,
                    "metric": score["metric"],
                    "dataset": dataset,
                    "better": score["better"],
                    "least": least,
                    "mean": math.fsum(values) / len(values),
                    "most": most,
                    "videos": told,
                    "equal": sum(line.scores[label] == told[-1]["value"] for line in ordered[number:]),
                }
            )
    return result


def broken_ones(found: Sequence[Line]) -> list[dict[str, Any]]:
    """{"dataset", "id", "path", "text", "broken": [name, ...]} of each video that is broken."""
    return [{"dataset": line.dataset, **_said(line)} for line in found if line.broken]


def _is_number(line: Line, label: str) -> bool:
    return not math.isnan(line.scores.get(label, math.nan))


def _said(line: Line) -> dict[str, Any]:
    return {"id": line.id, "path": line.path, "text": line.text, "broken": list(line.broken or ())}
