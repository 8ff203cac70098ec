"""A reduction and what it is given, so that it can be asked of the whole and of parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from vidgauge.specs import Reduced, ReduceSpec

Pair = tuple[Any, Any]  # of the reference (None where there is none) and of the candidate


@dataclass(frozen=True, eq=False)
class Question:
    """One reduction of one or two sets."""

    spec: ReduceSpec
    seed: int
    options: Mapping[str, Any]
    sets: Pair  # features (n, d), or statistics of both
    videos: Pair | None = None  # the keys of the rows' videos, where all are known
    statistics: bool = False  # whether sets are statistics
    rows: np.ndarray | None = None  # then the candidate's features (m, d) if they are known

    @property
    def arguments(self) -> dict[str, Any]:
        """The options as the reduction takes them, with the videos where it asks for them and they are known."""
        given = {"videos": self.videos} if self.spec.by_video and self.videos is not None else {}
        return {**self.options, **given}

    @property
    def lacks_videos(self) -> bool:
        """Whether the reduction cannot do without the videos of the rows, and they are not known."""
        return (
            self.spec.by_video
            and self.videos is None
            and signature(self.spec.reduce).parameters["videos"].default is Parameter.empty
        )

    def answer(self) -> Reduced:
        """What the reduction says. Raises ValueError where it has no value."""
        if self.statistics:
            assert self.spec.from_stats is not None  # noqa: S101 - for the type checker: whoever asks has looked
            return self.spec.from_stats(*self.sets, seed=self.seed, **self.options)
        return self.spec.reduce(*self.sets, seed=self.seed, **self.arguments)

    def about(self) -> float:
        """The headline number to a few digits, of features, for curves. Raises ValueError where there is none."""
        return (self.spec.approximate or self.spec.reduce)(*self.sets, seed=self.seed, **self.arguments).value

    def part(self, rows: tuple[np.ndarray | None, np.ndarray]) -> Question:
        """The same of some rows: masks or numbers for the reference (None without one) and the candidate."""
        sets = [None if one is None else one[chosen] for one, chosen in zip(self.sets, rows, strict=True)]
        videos = [
            None if keys is None else list(np.asarray(keys, dtype=object)[chosen])
            for keys, chosen in zip(self.videos or (None, None), rows, strict=True)
        ]
        return replace(self, sets=(sets[0], sets[1]), videos=(videos[0], videos[1]) if self.videos else None)
