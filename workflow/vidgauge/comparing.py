"""Any reduction by its name, between whatever holds features or statistics of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.accumulator import Accumulator
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.metrics.registry import check_options, reduction
from vidgauge.metrics.stats import stats_from_features
from vidgauge.specs import Reduced
from vidgauge.store import features
from vidgauge.store.statistics import MADE_WITH, Statistics, format_of, read_statistics, read_values

Set = Accumulator | Statistics | str | PathLike[str]  # or an array (n, d), NumPy's or a tensor
_SAME = (*MADE_WITH, "array", "clip_shape")


@dataclass(frozen=True)
class _Side:
    """A set by the name that errors call it: its features, or else its statistics; the video of each row if known."""

    name: str
    values: Any = None  # (n, d)
    saved: Statistics | None = None
    videos: np.ndarray | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def statistics(self) -> Any:
        return self.saved if self.saved is not None else stats_from_features(self.values)


def reduce(
    name: str, reference: Set | Any, candidate: Set | Any, *, array: str | None = None, seed: int = 42, **options: Any
) -> Reduced:
    """A reduction of two sets, each an Accumulator, Statistics, the path of saved ones, or features (n, d).

    reference: None where the reduction looks at the candidate alone. array: which one of files that have several.
    options: the reduction's. Where one side has statistics only, both are taken for such.
    Raises UsageError for names and options that do not exist, VidgaugeError for sets of different networks, and where
    a reduction needs features, or to know their videos, and a side does not have them; ValueError as the reduction.

    >>> x = np.random.default_rng(0).normal(size=(500, 8))
    >>> round(reduce("frechet", x, x + 0.5).value, 6)
    2.0
    """
    spec = reduction(name)
    if problems := check_options(spec, options):
        raise UsageError("; ".join(problems))
    if spec.needs_reference and reference is None:
        raise UsageError(f"{name} compares with a reference, and none was given")
    there = _side("the candidate", candidate, array)
    against = _side("the reference", reference, array) if spec.needs_reference else None
    sides = [side for side in (against, there) if side is not None]
    _refuse_other_networks(sides)
    without = [side.name for side in sides if side.values is None]
    if without and spec.from_stats is None:
        raise VidgaugeError(
            f"{name} needs features, but {' and '.join(without)} holds statistics only; save with keep='features'"
        )
    if without and spec.from_stats is not None:
        return spec.from_stats(against and against.statistics(), there.statistics(), seed=seed, **options)
    if spec.by_video:
        unknown = [side.name for side in sides if side.videos is None]
        if not unknown:
            options["videos"] = (against.videos if against else None, there.videos)
        elif signature(spec.reduce).parameters["videos"].default is Parameter.empty:
            raise VidgaugeError(f"{name} needs the video of each row; give ids to {' and '.join(unknown)}")
    return spec.reduce(against.values if against else None, there.values, seed=seed, **options)


def _side(name: str, given: Any, array: str | None) -> _Side:
    if isinstance(given, Statistics):
        return _Side(name, saved=given, about=given.about)
    if isinstance(given, Accumulator):
        if given.keep == "statistics":
            return _Side(name, saved=given.statistics(), about=given.about)
        rows = given.rows()
        return _Side(name, rows.values, videos=rows.video, about=given.about)
    if isinstance(given, str | PathLike):
        return _of_file(Path(given), array)
    return _Side(name, given)


def _of_file(path: Path, array: str | None) -> _Side:
    values = read_values(path, array)
    if values is None:
        saved = read_statistics(path, array)
        return _Side(str(path), saved=saved, about=saved.about)
    if format_of(path) != "hdf5":
        return _Side(str(path), values)
    name = array or next(iter(features.array_widths(path)))
    about = {**features.read_attrs(path), "array": name}
    return _Side(str(path), values, videos=features.read_origin(path, name).video, about=about)


def _refuse_other_networks(sides: list[_Side]) -> None:
    """VidgaugeError where both sides say how they were made, and it was not alike."""
    first, last = sides[0], sides[-1]
    digests = {side.about.get("weights_sha256") for side in (first, last)}
    for key in _SAME:
        if key == "weights" and None not in digests:  # one file may have several names
            continue
        mine, theirs = first.about.get(key), last.about.get(key)
        if None not in (mine, theirs) and mine != theirs:
            raise VidgaugeError(
                f"{first.name} and {last.name} cannot be compared: {key} is {mine!r} in the first and {theirs!r} "
                "in the second; make both alike"
            )
