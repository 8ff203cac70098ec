"""Which score agrees with people: correlations of every score with every aspect of the ratings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vidgauge.metrics.human import agreement
from vidgauge.single.table import Line
from vidgauge.wording import counted


def unread(found: Sequence[Line]) -> list[str]:
    """A sentence for each aspect of which some ratings are no numbers."""
    aspects = dict.fromkeys(aspect for line in found for aspect in line.unread)
    texts = []
    for aspect in aspects:
        bad = [(line.id, line.unread[aspect]) for line in found if aspect in line.unread]
        video, value = bad[0]
        of = f"of {counted(len(found), 'video')}"
        texts.append(
            f"human.{aspect}: {counted(len(bad), f'{of} has', f'{of} have')} a rating that is no number and is left "
            f"out ({value[:40]!r} of {video}, for instance)"
        )
    return texts


def agreements(found: Sequence[Line], columns: Sequence[str], *, seed: int) -> list[dict[str, Any]]:
    """One object for each score and aspect: {"score", "aspect", "videos", "prompts", "spearman", "kendall", "pearson"}.

    Each correlation is {"value", "ci95", "why"}, over the videos of all candidates that have both. Intervals resample
    prompts: videos of one text are not independent; a video without a text is its own.
    """
    aspects = list(dict.fromkeys(aspect for line in found for aspect in line.human))
    groups = [line.text or f"{line.dataset}/{line.id}" for line in found]
    result = []
    for column in columns:
        for aspect in aspects:
            scores = [line.scores.get(column, math.nan) for line in found]
            ratings = [line.human.get(aspect, math.nan) for line in found]
            said = agreement(scores, ratings, groups, seed=seed)
            first = next(iter(said.values()))
            entry: dict[str, Any] = {"score": column, "aspect": aspect, "videos": first.n, "prompts": first.groups}
            for name, one in said.items():
                entry[name] = {"value": one.value, "ci95": asdict(one)["interval"], "why": one.why or None}
            result.append(entry)
    return result
