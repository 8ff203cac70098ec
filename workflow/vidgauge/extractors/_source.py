"""The clips of a shard in canonical order, and what else a network sees of each: a text, a partner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.partners import partner_of
from vidgauge.specs import ExtractorSpec
from vidgauge.store.clips import Clips
from vidgauge.store.failed import BAD_TEXT
from vidgauge.store.features import Origin


@dataclass(frozen=True)
class Source:
    """The clips of a shard in canonical order: video id, then draw; they may lie in several files."""

    files: Sequence[Clips]
    order: Sequence[tuple[str, int, int, int]]  # (video, draw, number of the file, row there)
    texts: Mapping[str, str] | None = None  # by video, where the network reads them
    partners: tuple[Clips, Mapping[tuple[str, int], int]] | None = None  # and the row of each clip's there

    @cached_property
    def alike(self) -> list[int]:
        """For each clip, which of the distinct ones it is, counted as they first come."""
        known: dict[tuple[int, int], int] = {}
        return [known.setdefault((n, int(self.files[n].place[row])), len(known)) for _, _, n, row in self.order]

    @cached_property
    def distinct(self) -> list[int]:
        """Of each distinct clip, where in the order it first comes."""
        first: dict[int, int] = {}
        for at, which in enumerate(self.alike):
            first.setdefault(which, at)
        return list(first.values())

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.files[0].shape

    def read(self, first: int, end: int) -> tuple[Any, ...]:
        """Distinct clips first .. end - 1 as (b, t, h, w, 3) uint8, and what else the network sees of each."""
        clips = [self.order[at] for at in self.distinct[first:end]]
        seen: list[Any] = [self._stack([self.files[number][row : row + 1] for *_, number, row in clips])]
        if (texts := self.texts_of(first, end)) is not None:
            seen.append(texts)
        if self.partners is not None:
            file, rows = self.partners
            places = [rows[video, draw] for video, draw, *_ in clips]
            seen.append(self._stack([file[row : row + 1] for row in places]))
        return tuple(seen)

    def _stack(self, clips: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(clips) if clips else np.empty((0, *self.shape, 3), np.uint8)

    def texts_of(self, first: int, end: int) -> list[str] | None:
        """The texts of distinct clips first .. end - 1; None where the network reads none."""
        if self.texts is None:
            return None
        return [self.texts.get(self.order[at][0], "").strip() for at in self.distinct[first:end]]

    def origin(self, per_frame: bool) -> Origin:
        """Where the rows of an array come from: one row a clip, or one a frame."""
        repeats = self.shape[0] if per_frame else 1
        video = np.array([entry[0] for entry in self.order], dtype=object).repeat(repeats)
        draw = np.array([entry[1] for entry in self.order], dtype=np.int64).repeat(repeats)
        starts = [self.files[n].index[row] if per_frame else self.files[n].start[row] for _, _, n, row in self.order]
        return Origin(video, draw, np.array(starts, dtype=np.int64).reshape(len(draw)))


def source_of(files: Sequence[Clips]) -> Source:
    """The clips of some files. VidgaugeError for files of different specs, and for a clip that is in two of them."""
    first = files[0]
    for other in files[1:]:
        if (other.spec, other.shape) != (first.spec, first.shape):
            raise VidgaugeError(f"{first.path} and {other.path} hold clips of different specs; delete both, run again")
    order = sorted(
        (video, int(draw), number, row)
        for number, file in enumerate(files)
        for row, (video, draw) in enumerate(zip(file.video, file.draw, strict=True))
    )
    for (video, draw, number, _), (after, other_draw, other_number, _) in pairwise(order):
        if (video, draw) == (after, other_draw):
            raise VidgaugeError(
                f"{files[number].path} and {files[other_number].path} both have draw {draw} of {video}; "
                "delete both and run again"
            )
    return Source(files, order)


def seen_by(spec: ExtractorSpec, source: Source, texts: Mapping[str, str] | None, partners: Clips | None) -> Source:
    """The source with all that the network sees of a clip. VidgaugeError where that was not given."""
    if spec.text and texts is None:
        raise VidgaugeError(f"{spec.name}: reads a text for each video, and none were given (--texts)")
    if spec.pair and partners is None:
        raise VidgaugeError(f"{spec.name}: sees each clip beside its partner, and none were given (--partners)")
    if spec.pair and partners is not None:
        rows = {key: row for file in source.files for key, row in partner_of(file, partners).items()}
        source = replace(source, order=[clip for clip in source.order if clip[:2] in rows], partners=(partners, rows))
    return replace(source, texts=texts if spec.text else None)


def readable(source: Source, problem: Callable[[str, int], str | None]) -> tuple[Source, list[dict[str, Any]]]:
    """The clips whose text the network can read, and the videos of the others as those that failed.

    problem: called with a text and the frames of a clip; why it cannot be read, or None.
    """
    clips = Counter(video for video, *_ in source.order)
    texts = {video: (source.texts or {}).get(video, "").strip() for video in clips}
    why = {text: problem(text, source.shape[0]) for text in set(texts.values()) if text}
    bad = {video: detail for video, text in texts.items() if (detail := why.get(text))}
    failed = [
        {"video": video, "path": video, "reason": BAD_TEXT, "detail": bad[video], "clips": clips[video]}
        for video in sorted(bad)
    ]
    return replace(source, order=[clip for clip in source.order if clip[0] not in bad]), failed
