"""The sets that a metric compares: their samples, or saved statistics of them, and what the files say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ClipSpec
from vidgauge.store.features import (
    FeatureArray,
    is_features,
    read_attrs,
    read_failed,
    read_origin,
    read_samples,
)
from vidgauge.store.select import select
from vidgauge.store.statistics import Statistics, format_of, read_statistics, read_values
from vidgauge.wording import counted

DRAWN = ("clips_per_video", "seed", "native")
"""Keys of a stored clip spec that say how often, from which seed and of which videos, not what a clip is."""


@dataclass(frozen=True)
class Side:
    """One set of a metric in one run. Saved statistics may have no samples, and know of no videos."""

    name: str
    samples: FeatureArray | None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    failed: Sequence[Mapping[str, str]] = ()
    decoded: int = 0  # videos of the features file, sampled here or not
    saved: Statistics | None = None
    file: Path | None = None  # of saved statistics
    pairs: Mapping[str, str] = field(default_factory=dict)  # where videos are paired: the key of each, by id
    alone: int = 0  # videos that are left out because their partner is missing
    digest: str | None = None  # of the videos' ids and contents, or of the file of saved statistics
    undefined: int = 0  # videos of whose scores none is defined; they have no samples
    gaps: int = 0  # rows without a score, of videos that have others

    @property
    def n(self) -> int | None:
        """Samples; None where saved statistics do not say."""
        if self.samples is not None:
            return len(self.samples)
        return self.saved.n if self.saved else None

    @property
    def width(self) -> int:
        """Features of a sample."""
        if self.samples is not None:
            return int(self.samples.values.shape[1])
        assert self.saved is not None  # noqa: S101 - for the type checker: a side has one of the two
        return len(self.saved.mean)

    @property
    def videos(self) -> int | None:
        """Videos that the samples come from; None where that is not known."""
        return len(set(self.samples.video)) if self.samples is not None and self.attrs else None

    @property
    def clip_spec(self) -> dict[str, Any] | None:
        """All keys of the clip spec, of which files leave out later ones at their default; None where it is unknown."""
        stored = self.attrs.get("clip_spec")
        return {**ClipSpec().model_dump(mode="json"), **stored} if stored else None

    @property
    def distinct(self) -> int | None:
        """Samples that are no second draw of the same frames: a video with no room to choose repeats its clip."""
        if self.samples is None or not self.attrs:
            return self.n
        return len(set(zip(self.samples.video, self.samples.start, strict=True)))

    def keys(self) -> list[str] | None:
        """The video of each sample: its id, or where videos are paired the key that it shares with its partner.

        None where samples are not known, or their videos.
        """
        if self.samples is None or not self.attrs:
            return None
        return [self.pairs.get(video, video) for video in self.samples.video]

    def statistics(self) -> Statistics:
        """Mean and covariance of the samples, or those that were saved."""
        from vidgauge.metrics.stats import stats_from_features

        if self.samples is None:
            assert self.saved is not None  # noqa: S101 - for the type checker: a side has one of the two
            return self.saved
        n, mean, cov = stats_from_features(self.samples.values)
        return Statistics(n, mean, cov, 0, {})


def read_side(plan: Mapping[str, Any], name: str, file: Path, pairs: Mapping[str, str]) -> Side:
    """What a metric takes of the features of a dataset. pairs: the key of each video, where videos are paired.

    Raises VidgaugeError where the file lacks the array, or cannot be read.
    """
    attrs = read_attrs(file)
    rows = read_samples(file, plan["array"], samples_of(plan, name), by=plan["definition"]["samples_by"])
    undefined, gaps = 0, 0
    if "column" in plan:
        rows, undefined, gaps = _column(rows, _columns_of(file, attrs, plan["array"]).index(plan["column"]["name"]))
    return Side(
        name,
        rows,
        attrs,
        read_failed(file),
        decoded=len(set(read_origin(file, plan["array"]).video)),
        digest=attrs.get("manifest_digest"),
        pairs=pairs,
        undefined=undefined,
        gaps=gaps,
    )


def _columns_of(file: Path, attrs: Mapping[str, Any], array: str) -> list[str]:
    """The names of an array's columns."""
    columns: Mapping[str, list[str]] = attrs.get("columns") or {}
    if array not in columns:
        raise VidgaugeError(f"{file}: does not say what the columns of {array} are; delete it and run again")
    return columns[array]


def _column(rows: FeatureArray, number: int) -> tuple[FeatureArray, int, int]:
    """The defined values of one column, (n, 1), how many videos have none, and how many rows of others have none."""
    values = rows.values[:, [number]]
    there = ~np.isnan(values[:, 0])
    kept = FeatureArray(values[there], rows.video[there], rows.draw[there], rows.start[there])
    known = set(kept.video)
    gaps = sum(video in known for video in rows.video[~there])
    return kept, len(set(rows.video)) - len(known), gaps


def read_saved(plan: Mapping[str, Any], name: str) -> Side:
    """What a metric takes of a file of saved statistics: features where it has them, else mean and covariance.

    Raises VidgaugeError for a file that cannot be read, or that says it is of another network than the metric's.
    """
    said = plan["statistics"][name]
    file, samples, by = Path(said["path"]), samples_of(plan, name), plan["definition"]["samples_by"]
    with file.open("rb") as content:  # features may be larger than memory
        digest = file_digest(content, "sha256").hexdigest()
    if is_features(file):
        attrs, array = read_attrs(file), said["array"] or plan["array"]
        _refuse_other_network(plan, name, file, attrs)
        rows = read_samples(file, array, samples, by=by)
        decoded = len(set(read_origin(file, array).video))
        return Side(name, rows, attrs, read_failed(file), decoded, file=file, digest=digest)
    array = said["array"] or (plan["array"] if format_of(file) == "hdf5" else None)
    values = read_values(file, array)
    if values is None:
        found = read_statistics(file, array, n=said["n"])
        attrs = dict(found.about) if "extractor" in found.about else {}
        _refuse_other_network(plan, name, file, attrs)
        return Side(name, None, attrs, saved=found, file=file, digest=digest)
    if said["n"] not in (None, len(values)):
        raise VidgaugeError(
            f"datasets.{name}.n: is {said['n']}, but {file} holds the features of {counted(len(values), 'sample')}; "
            "remove n"
        )
    ids = np.array([f"{row:012d}" for row in range(len(values))], dtype=object)  # its rows have no videos
    zeros = np.zeros(len(values), np.int64)
    picked = select(ids, zeros, samples) if by == "hash" else np.arange(len(values))[:samples]
    rows = FeatureArray(values[picked], ids[picked], zeros[picked], zeros[picked])
    return Side(name, rows, file=file, digest=digest)


def samples_of(plan: Mapping[str, Any], name: str) -> int | None:
    """How many samples of a dataset a metric asks for; None: all."""
    asked: int | None = plan["samples"][int(name == plan["reference"])]
    return asked


def with_partners(candidate: Side, reference: Side | None) -> Side:
    """The candidate without the samples of videos whose partner the reference lacks; itself where none are paired."""
    rows, ours, theirs = candidate.samples, candidate.keys(), reference.keys() if reference else None
    if not candidate.pairs or rows is None or ours is None or theirs is None:
        return candidate
    there = set(theirs)
    kept = np.array([key in there for key in ours], dtype=bool)
    alone = len(set(rows.video)) - len(set(rows.video[kept]))
    samples = FeatureArray(rows.values[kept], rows.video[kept], rows.draw[kept], rows.start[kept])
    return replace(candidate, samples=samples, alone=alone)


def refuse_other_widths(candidate: Side, reference: Side) -> None:
    """VidgaugeError where rows of two sets cannot be compared."""
    if candidate.width == reference.width:
        return
    where = ", ".join(str(side.file) for side in (candidate, reference) if side.file)
    raise VidgaugeError(
        f"{where or 'features'}: {candidate.name} has {candidate.width} features, {reference.name} {reference.width}; "
        "use statistics that the metric's own network made, or a metric on the network that made them"
    )


def _refuse_other_network(plan: Mapping[str, Any], name: str, file: Path, attrs: Mapping[str, Any]) -> None:
    made, wanted = attrs.get("extractor"), plan["made_with"]["extractor"]
    if made is not None and made != wanted:
        raise VidgaugeError(
            f"datasets.{name}: {file} was made by {made}, and {plan['metric']} rests on {wanted}; "
            "use statistics that this network made, or a metric on that one"
        )
