"""What the page says of single videos: the worst by each score, broken ones, and which score agrees with people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgauge.report.sheets import Clip, pictures

PICTURED = 40
"""Pictures of single videos in a page, at most: each is 5 to 20 kB."""
NAMED = 30
"""Broken videos that a page lists; videos.csv has all of them."""


def single_videos(
    told: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], videos: Mapping[str, Path]
) -> dict[str, Any]:
    """What the template needs: {"scores", "broken", "more_broken", "people", "aspects", "unread"}.

    told: what `vidgauge videos` says. rows: of metrics.json, for clip specs. videos: videos.jsonl of each dataset.
    """
    specs = {(row["metric"], row["candidate"]): row["clip_spec"] for row in rows}
    clips = [
        (Clip(one["dataset"], video["id"], video["start"]), specs.get((one["metric"], one["dataset"])))
        for one in told["worst"]
        for video in one["videos"]
    ]
    images = iter(pictures(clips[:PICTURED], videos))
    scores: dict[str, list[dict[str, Any]]] = {}
    for one in told["worst"]:
        entries = []
        for video in one["videos"]:
            image, problem = next(images, (None, "no picture: there are enough of them in this page"))
            alt = f"frames of {video['id']}, {one['score']} {shown(video['value'])}"
            entries.append({**video, "said": shown(video["value"]), "image": image, "problem": problem, "alt": alt})
        numbers = {key: shown(one[key]) for key in ("least", "mean", "most")}
        scores.setdefault(one["score"], []).append({**one, **numbers, "videos": entries})
    aspects = list(dict.fromkeys(one["aspect"] for one in told["human"]))
    return {
        "scores": scores,
        "broken": told["broken"][:NAMED],
        "more_broken": max(0, len(told["broken"]) - NAMED),
        "people": [_agreement(one) for one in told["human"]],
        "aspects": aspects,
        "unread": told["unread"],
    }


def shown(value: float) -> str:
    """A score of one video, of which nobody knows the error.

    >>> shown(0.123456), shown(1234.5)
    ('0.1235', '1234')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _agreement(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{name: _correlation(one[name]) for name in ("spearman", "kendall", "pearson")}}


def _correlation(one: Mapping[str, Any]) -> dict[str, str]:
    if one["value"] is None:
        return {"value": "–", "interval": one["why"] or ""}
    interval = "[{:.2f}, {:.2f}]".format(*one["ci95"]) if one["ci95"] else (one["why"] or "")
    return {"value": f"{one['value']:.2f}", "interval": interval}
