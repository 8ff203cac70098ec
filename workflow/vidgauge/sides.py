"""The sets that a metric compares: their samples, or saved statistics of them, and what the files say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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

MADE_WITH = ("extractor", "weights", "weights_sha256", "precision")
"""What a features file says of the network that made it, and numbers depend on."""

DRAWN = ("clips_per_video", "seed")
"""Keys of a stored clip spec that say how often and from which seed, not what a clip is."""


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

    def keys(self) -> list[str]:
        """The video of each sample: its id, or where videos are paired the key that it shares with its partner."""
        return [self.pairs.get(video, video) for video in self.samples.video] if self.samples is not None else []

    def statistics(self) -> Statistics:
        """Mean and covariance of the samples, or those that were saved."""
        from vidgauge.metrics.stats import stats_from_features

        if self.samples is None:
            assert self.saved is not None  # noqa: S101 - for the type checker: a side has one of the two
            return self.saved
        n, mean, cov = stats_from_features(self.samples.values)
        return Statistics(n, mean, cov, 0, {})


def read_side(
    plan: Mapping[str, Any], name: str, file: Path, pairs: Mapping[str, Mapping[str, str]], *, reference: bool
) -> Side:
    """What a metric takes of a features file, or of a file of saved statistics.

    Raises VidgaugeError where the file lacks the array, or cannot be read.
    """
    samples, by = plan["samples"][int(reference)], plan["definition"]["samples_by"]
    saved = plan["statistics"].get(name)
    if saved is None or is_features(file):
        array = (saved or {}).get("array") or plan["array"]
        rows = read_samples(file, array, samples, by=by)
        decoded = len(set(read_origin(file, array).video))
        of_saved = file if saved else None
        return Side(name, rows, read_attrs(file), read_failed(file), decoded, file=of_saved, pairs=pairs.get(name, {}))
    array = saved["array"] or (plan["array"] if format_of(file) == "hdf5" else None)
    values = read_values(file, array)
    if values is None:
        found = read_statistics(file, array, n=saved["n"])
        return Side(name, None, found.about if "extractor" in found.about else {}, saved=found, file=file)
    ids = np.array([f"{row:012d}" for row in range(len(values))], dtype=object)
    zeros = np.zeros(len(values), np.int64)
    picked = select(ids, zeros, samples)
    return Side(name, FeatureArray(values[picked], ids[picked], zeros[picked], zeros[picked]), file=file)


def with_partners(candidate: Side, reference: Side | None) -> Side:
    """The candidate without the samples of videos whose partner the reference lacks; itself where none are paired."""
    if not candidate.pairs or candidate.samples is None or reference is None:
        return candidate
    rows, ours, there = candidate.samples, candidate.keys(), set(reference.keys())
    kept = np.array([key in there for key in ours], dtype=bool)
    alone = len(set(rows.video)) - len(set(rows.video[kept]))
    samples = FeatureArray(rows.values[kept], rows.video[kept], rows.draw[kept], rows.start[kept])
    return replace(candidate, samples=samples, alone=alone)


def refuse_other_features(candidate: Side, reference: Side) -> None:
    """VidgaugeError where two sets are features of different networks, or rows of different widths."""
    ours, theirs = candidate.attrs.get("extractor"), reference.attrs.get("extractor")
    if candidate.width != reference.width or (ours and theirs and ours != theirs):
        unnamed = "a network that its file does not name"
        sides = " and ".join(
            f"{side.name} {side.width} features of {side.attrs.get('extractor') or unnamed}"
            for side in (candidate, reference)
        )
        where = ", ".join(str(side.file) for side in (candidate, reference) if side.file)
        raise VidgaugeError(
            f"{where}: cannot be compared: {sides}. Use statistics that the metric's own network made, or a metric on "
            "the network that made them"
        )


def saved_warnings(candidate: Side, reference: Side) -> list[str]:
    """Where saved statistics may have been made otherwise than what they are compared with."""
    texts = []
    for side, other in ((candidate, reference), (reference, candidate)):
        if side.file is None:
            continue
        if not side.attrs:
            texts.append(
                f"{side.name}: {side.file.name} does not say which network, weights and clips made its statistics; "
                "that they are the same as here is the user's word"
            )
            if side.saved is not None and (side.saved.n is None or side.saved.ddof is None):
                texts.append(
                    f"{side.name}: {side.file.name} does not say from how many samples its covariance was made, so "
                    "it is used as it is, whatever ddof says"
                )
        else:
            differ = [key for key in MADE_WITH if other.attrs and side.attrs.get(key) != other.attrs.get(key)]
            ours, theirs = (found.clip_spec or {} for found in (side, other))
            differ += [key for key in ours if key not in DRAWN and theirs and ours[key] != theirs.get(key)]
            texts += [f"{side.name}: {side.file.name} was made with another {', '.join(differ)}"] if differ else []
    return texts
