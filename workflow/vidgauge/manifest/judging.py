"""Whether an evaluation may go on with the bad videos that were found, and in words why not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.screening import Screened

CURES = {
    "other-size": "Videos of several sizes are compared once they are resized: clips: {size: [height, width]}",
    "unequal-size": "Pairs of unequal size are compared once they are resized: clips: {size: [height, width]}",
    "unequal-rate": "Pairs of unequal rate are compared frame by frame without clips: {fps: ...}",
    "unequal-length": "Of pairs of unequal length, unequal: trim in the metric's definition compares what both have",
    "unpaired": "Partners share `pair` in both manifests, else their path without suffix, else the name of the file, "
    "and each has one",
}
"""What can be done about videos that the gate finds bad other than to repair or remove them, by reason."""

SHOWN = 20
"""Bad videos that the message names; the file holds all."""


def judge(
    screened: Screened,
    *,
    action: str,
    max_fraction: float,
    rejected_path: Path,
    metrics: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Raise VidgaugeError if the evaluation may not go on; `rejected_path` is where the full list was written.

    fail: any bad video. reject: more than `max_fraction` of a dataset. Either: a clip spec that no video is long
    enough for, or a dataset of which nothing is left. metrics: the names of those that use a clip spec, for messages.
    """
    for message in (_too_long_for_all(screened, metrics or {}), _nothing_left(screened, rejected_path)):
        if message:
            raise VidgaugeError(message)
    if action == "fail" and screened.rejected:
        raise VidgaugeError(_bad_videos(screened, rejected_path))
    over = {name: totals for name, totals in screened.totals.items() if totals.fraction > max_fraction}
    if action == "reject" and over:
        shares = ", ".join(f"{totals.fraction:.1%} of {name}" for name, totals in over.items())
        raise VidgaugeError(
            f"Too many bad videos: {shares}, where bad_videos.max_fraction allows {max_fraction:.1%}. "
            f"{_by_reason(screened.rejected)} All are listed in {rejected_path}. Repair them, or raise max_fraction."
        )


def _too_long_for_all(screened: Screened, metrics: Mapping[str, Sequence[str]]) -> str | None:
    """The message for clip specs that ask for more than the longest video of all has: the spec is at fault."""
    said = []
    for name, needed in screened.needs.items():
        used = [dataset for dataset in screened.counts if name in screened.counts[dataset]]
        probed = sum(screened.totals[dataset].probed - screened.totals[dataset].unusable for dataset in used)
        most = max((screened.longest[dataset][name] for dataset in used), default=0)
        if probed and 0 < most < needed:
            users = f" of {', '.join(metrics[name])}" if name in metrics else ""
            said.append(
                f"clips {name}{users} need {needed} frames, at their rate, of one video, and the longest of the "
                f"{probed} usable videos of {', '.join(used)} has {most}"
            )
    if not said:
        return None
    return (
        f"No video is long enough: {'; '.join(said)}. Ask for less with clips: {{frames: ..., stride: ...}} of the "
        "metrics that use them, fill short videos up with clips: {short: loop} or {short: pad}, or drop the metric."
    )


def _nothing_left(screened: Screened, rejected_path: Path) -> str | None:
    """The message for datasets of which a clip spec finds no usable video."""
    said = []
    for dataset, counts in screened.counts.items():
        totals = screened.totals[dataset]
        if totals.probed == totals.unusable:
            said.append(f"dataset {dataset} has no usable video ({totals.listed + totals.unlisted} were named)")
        else:
            said += [
                f"dataset {dataset} has no video that clips {name} can use" for name in counts if not sum(counts[name])
            ]
    if not said:
        return None
    cures = "".join(f" {text}." for text in _cures(screened.rejected))
    why = f"{_by_reason(screened.rejected)}{_relative_to(screened.rejected)}{cures}"
    return f"Nothing to compare: {'; '.join(said)}. {why} See {rejected_path}."


def _relative_to(rejected: Sequence[Mapping[str, Any]]) -> str:
    """Where videos of a manifest are looked for, if one was not found."""
    first = next((bad for bad in rejected if bad["reason"] == "missing" and bad["line"]), None)
    if first is None:
        return ""
    return (
        f" {first['path']} is not there: paths in a manifest are relative to `root`, by default the manifest's folder."
    )


def _bad_videos(screened: Screened, rejected_path: Path) -> str:
    by_dataset = Counter(dataset for dataset, *_ in dict.fromkeys(map(_video_of, screened.rejected)))
    worst = math.ceil(100 * max(totals.fraction for totals in screened.totals.values())) / 100
    shares = ", ".join(f"{count} in {dataset}" for dataset, count in by_dataset.items())
    lines = list(dict.fromkeys(map(_shown, screened.rejected)))
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"  and {len(lines) - SHOWN} more"]
    cures = _cures(screened.rejected)
    repair = "repair or remove" if any(_cure(bad) is None for bad in screened.rejected) else "remove"
    cure = f"{''.join(f'{text}. ' for text in cures)}{'Or ' if cures else ''}{repair} them"
    cure = cure[0].upper() + cure[1:]
    return "\n".join(
        [
            f"Bad videos: {shares}. {_by_reason(screened.rejected)}",
            *lines,
            f"All are listed in {rejected_path}.{_relative_to(screened.rejected)} {cure}, or go on without them: "
            f"bad_videos: {{action: reject, max_fraction: {worst:.2f}}} in the configuration.",
        ]
    )


def _shown(bad: Mapping[str, Any]) -> str:
    where = f"{bad['dataset']}, line {bad['line']}" if bad["line"] else bad["dataset"]
    return f"  {where}: {bad['path'] or '(no path)'}: {bad['reason']}: {bad['detail']}"


def _video_of(bad: Mapping[str, Any]) -> tuple[str, int | None, str | None]:
    """What tells a bad video, which several needs may list, or a line without one, from others."""
    return bad["dataset"], bad["line"], bad["path"]


def _cure(bad: Mapping[str, Any]) -> str | None:
    return CURES.get(bad["reason"]) if bad["stage"] == "gate" else None


def _cures(rejected: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({text for bad in rejected if (text := _cure(bad)) is not None})


def _by_reason(rejected: Sequence[Mapping[str, Any]]) -> str:
    found = dict.fromkeys((*_video_of(bad), bad["reason"]) for bad in rejected)
    counts = Counter(reason for *_, reason in found)
    return f"By reason: {', '.join(f'{reason} {count}' for reason, count in counts.most_common())}." if counts else ""
