"""Any reduction by its name, between whatever holds features or statistics of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.accumulator import Accumulator
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.metrics._arrays import as_matrix
from vidgauge.metrics.registry import check_options, reduction
from vidgauge.metrics.stats import stats_from_features
from vidgauge.reducing import Question
from vidgauge.specs import Reduced
from vidgauge.store import features
from vidgauge.store.statistics import MADE_WITH, Statistics, format_of, read_statistics, read_values
from vidgauge.uncertainty.interval import Interval
from vidgauge.uncertainty.interval import interval as interval_of
from vidgauge.uncertainty.resample import Keys, resample

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

    @property
    def keys(self) -> Sequence[Hashable] | None:
        """The video of each row, each its own where that is not known; None where there are no rows."""
        if self.values is None:
            return None
        if self.videos is None or self.about.get("counted"):  # clips that are counted share no ids with others
            return [(self.name, row) for row in range(len(self.values))]
        return list(self.videos)

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
    return _asked(name, reference, candidate, array, seed, options)[0].answer()


def interval(
    name: str, reference: Set | Any, candidate: Set | Any, *, array: str | None = None, seed: int = 42, **options: Any
) -> Interval:
    """How sure a number of `reduce` is: its 95 % interval by resampling videos, and its limit where it has a bias.

    Arguments and errors as for `reduce`. Rows whose videos are not known count as one video each. A reference of which
    there are statistics only counts as exact. Raises VidgaugeError, with the reason, where there is no interval.

    >>> rng = np.random.default_rng(0)
    >>> found = interval("kernel_exact", rng.normal(size=(200, 4)), rng.normal(size=(200, 4)) + 1)
    >>> found.low < found.high, found.infinity
    (True, None)
    """
    question, keys = _asked(name, reference, candidate, array, seed, options)
    value = question.answer().value
    found = resample([question], [value], [keys])
    if isinstance(found, str):
        raise VidgaugeError(f"{name} has no interval: {found}")
    return interval_of(value, question.spec, found.effects, found.curve)


def _asked(
    name: str, reference: Any, candidate: Any, array: str | None, seed: int, options: Mapping[str, Any]
) -> tuple[Question, Keys]:
    """What is asked, and the video of each row of both sets."""
    spec = reduction(name)
    if problems := check_options(spec, options):
        raise UsageError("; ".join(problems))
    if spec.needs_reference and reference is None:
        raise UsageError(f"{name} compares with a reference, and none was given")
    there = _side("the candidate", candidate, array)
    against = _side("the reference", reference, array) if spec.needs_reference else None
    sides = [side for side in (against, there) if side is not None]
    _refuse_other_networks(sides)
    keys = (against.keys if against else None, there.keys)
    if without := [side.name for side in sides if side.values is None]:
        if spec.from_stats is None:
            raise VidgaugeError(
                f"{name} needs features, but {' and '.join(without)} holds statistics only; save with keep='features'"
            )
        statistics = (against and against.statistics(), there.statistics())
        return Question(spec, seed, options, statistics, statistics=True, rows=there.values), keys
    unknown = [side.name for side in sides if side.videos is None]
    videos = None if unknown else (against and against.videos, there.videos)
    question = Question(spec, seed, options, (against and against.values, there.values), videos)
    if question.lacks_videos:
        raise VidgaugeError(f"{name} needs the video of each row; give ids to {' and '.join(unknown)}")
    return question, keys


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
    return _Side(name, as_matrix(given, name))


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
