"""One line for each video of the candidates: where it lies, its text, every score, what is broken, what people said."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.joining import read_videos
from vidgauge.metrics.by_video import scores_by_video
from vidgauge.metrics.frame_statistics import broken
from vidgauge.store.features import read_array, read_attrs
from vidgauge.wording import counted

HUMAN = "human"
FIRST = ("dataset", "id", "path", "text", "broken")


@dataclass(frozen=True)
class Line:
    """A video. scores: by column, NaN or absent where there is none. human: ratings by aspect. start: of its clip."""

    dataset: str
    id: str
    path: str
    text: str | None
    scores: Mapping[str, float]
    broken: Sequence[str] | None  # None: nobody looked
    human: Mapping[str, float]
    starts: Mapping[str, int] = field(default_factory=dict)  # by column
    unread: Mapping[str, str] = field(default_factory=dict)  # by aspect: ratings that are no numbers


def lines(plan: Mapping[str, Any], features: Sequence[Path], manifests: Mapping[str, Path]) -> list[Line]:
    """The lines of an evaluation's candidates, in the order of datasets and ids.

    plan: as `vidgauge.plan.scores` gives it. features: of each array of scores the file of each candidate, in the
    plan's order. manifests: videos.jsonl of each candidate. The score of a video is the mean over its clips or frames.
    Raises VidgaugeError where the files are not as many, or not those of the plan.
    """
    candidates, arrays = plan["candidates"], plan["scores"]
    if len(features) != len(candidates) * len(arrays):
        raise VidgaugeError(
            f"scores: {counted(len(arrays), 'array')} of {counted(len(candidates), 'candidate')} and "
            f"{counted(len(features), 'features file')} do not fit together"
        )
    found: list[Line] = []
    for at, dataset in enumerate(candidates):
        of_video: dict[str, dict[str, float]] = {}
        starts: dict[str, dict[str, int]] = {}
        statistics: dict[str, dict[str, float]] = {}
        for number, array in enumerate(arrays):
            for name, of, score, start in _scores(features[number * len(candidates) + at], array):
                of_video.setdefault(of, {})[array["labels"][name]] = score
                starts.setdefault(of, {})[array["labels"][name]] = start
                if array["extractor"] == "frame_statistics":
                    statistics.setdefault(of, {}).setdefault(name, score)  # of several arrays the first counts
        for video in read_videos(manifests[dataset]):
            seen = statistics.get(video.id)
            said = video.columns
            human, unread = ratings(said)
            found.append(
                Line(
                    dataset,
                    video.id,
                    video.path,
                    None if said.get("text") is None else str(said["text"]),
                    of_video.get(video.id, {}),
                    None if seen is None else broken(seen),
                    human,
                    starts.get(video.id, {}),
                    unread,
                )
            )
    return found


def _scores(file: Path, array: Mapping[str, Any]) -> Iterator[tuple[str, str, float, int]]:
    """(column, video, mean score, first frame) of a features file; NaN where no row of a video has one."""
    columns = (read_attrs(file).get("columns") or {}).get(array["array"])
    if columns is None or not set(array["labels"]) <= set(columns):
        raise VidgaugeError(f"{file}: does not hold the columns {', '.join(array['labels'])}; delete it and run again")
    rows = read_array(file, array["array"])
    first = dict(zip(reversed(rows.video.tolist()), reversed(rows.start.tolist()), strict=True))
    for number, name in enumerate(columns):
        values = rows.values[:, [number]]
        there = values[:, 0] == values[:, 0]
        known = scores_by_video(values[there], videos=list(rows.video[there])) if there.any() else {}
        for video, start in first.items():
            yield name, video, known.get(video, math.nan), start


def ratings(columns: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    """What people said of a video, by aspect: the object `human` of its line, or its columns `human.*`, or `human`.

    Then, by aspect, what is there and is no number; an empty cell is no rating.

    >>> ratings({"text": "a dog", "human.overall": "3", "human.motion": ""}), ratings({"human": "3,5"})
    (({'overall': 3.0}, {}), ({}, {'overall': '3,5'}))
    """
    said = columns.get(HUMAN)
    found = dict(said) if isinstance(said, Mapping) else {} if said is None else {"overall": said}
    found |= {key.partition(".")[2]: value for key, value in columns.items() if key.startswith(f"{HUMAN}.")}
    given = {str(aspect): value for aspect, value in found.items() if value is not None and str(value).strip()}
    numbers = {aspect: _number(value) for aspect, value in given.items()}
    known = {aspect: number for aspect, number in numbers.items() if number is not None}
    return known, {aspect: str(given[aspect]) for aspect, number in numbers.items() if number is None}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def csv_text(found: Sequence[Line], columns: Sequence[str]) -> str:
    """videos.csv: a header, then a line for each video; empty where there is no score."""
    aspects = list(dict.fromkeys(aspect for line in found for aspect in line.human))
    looked = any(line.broken is not None for line in found)
    first = [name for name in FIRST if name != "broken" or looked]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*first, *columns, *(f"{HUMAN}.{aspect}" for aspect in aspects)])
    for line in found:
        said = {"dataset": line.dataset, "id": line.id, "path": line.path, "text": line.text or ""}
        said["broken"] = " ".join(line.broken or ())
        scores = [_text(line.scores.get(column)) for column in columns]
        writer.writerow([*(said[name] for name in first), *scores, *(_text(line.human.get(a)) for a in aspects)])
    return out.getvalue()


def _text(number: float | None) -> str:
    return "" if number is None or math.isnan(number) else repr(float(number))
