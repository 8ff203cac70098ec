"""The worst videos by each score, and the broken ones by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.single.table import Line

WORST = 5


def worst(found: Sequence[Line], scores: Sequence[Mapping[str, str]], number: int = WORST) -> list[dict[str, Any]]:
    """{"score", "metric", "dataset", "better", "least", "mean", "most", "videos": [video, ...]} of each score and set.

    scores: {"label", "metric", "better"} of each. Videos from the worst on, of equals in the order of ids; each is
    {"id", "path", "text", "value", "start" (its clip's first frame), "broken"}.
    """
    result = []
    for score in scores:
        label = score["label"]
        for dataset in dict.fromkeys(line.dataset for line in found):
            there = [line for line in found if line.dataset == dataset and _is_number(line, label)]
            if not there:
                continue
            values = [line.scores[label] for line in there]
            sign = 1 if score["better"] == "higher" else -1
            ordered = sorted((sign * line.scores[label], line.id, at) for at, line in enumerate(there))
            few = [there[at] for *_, at in ordered[:number]]
            told = [{**_said(line), "value": line.scores[label], "start": line.starts[label]} for line in few]
            result.append(
                {
                    "score": label,
                    "metric": score["metric"],
                    "dataset": dataset,
                    "better": score["better"],
                    "least": min(values),
                    "mean": math.fsum(values) / len(values),
                    "most": max(values),
                    "videos": told,
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
