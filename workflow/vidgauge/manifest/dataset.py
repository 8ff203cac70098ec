"""The keys of a dataset in config.yaml. What they ask of the disk is checked when the source is listed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from vidgauge.manifest.sources.rows import VIDEO_SUFFIXES, suffix
from vidgauge.manifest.sources.selection import SUFFIXES, Selection, Side, Value
from vidgauge.specs import Closed

STATISTICS = frozenset({".npz", ".pkl", ".pickle", ".h5", ".hdf5"})
"""Suffixes of files that hold saved statistics of features in the place of videos."""


def _value(value: Any) -> Any:
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError(f"should be text, a number, true or false, got {value!r}; put a date in quotes")


def _suffix(value: Any) -> Any:
    if isinstance(value, str) and (not value or "/" in value or suffix(f"a{value}") in VIDEO_SUFFIXES):
        raise ValueError(f"should be the end of a name before its extension, such as _synthetic, got {value!r}")
    return value


class Dataset(Closed):
    """Where a dataset's videos are, or its saved statistics."""

    source: str = Field(
        min_length=1,
        description="a manifest, a folder of videos or of frame folders, a pattern, a .npy array, or saved statistics",
    )
    root: str | None = Field(None, description="what ids and a manifest's paths are relative to")
    where: dict[str, Annotated[Value, BeforeValidator(_value)]] = Field(
        default_factory=dict, description="only the manifest's rows whose columns have these values"
    )
    side: Side | None = Field(
        None, description="of a source of pairs: the real videos (reference) or the generated ones (candidate)"
    )
    suffixes: list[Annotated[str, BeforeValidator(_suffix)]] = Field(
        default_factory=lambda: list(SUFFIXES), min_length=1, description="what generated videos' names end in"
    )
    array: str | None = Field(
        None, min_length=1, description="of a statistics file that holds several arrays; null: the metric's"
    )
    n: int | None = Field(None, ge=1, description="samples that the statistics stand for, where the file does not say")

    @property
    def is_statistics(self) -> bool:
        """Whether the source holds saved statistics: then it is not listed."""
        return Path(self.source).suffix.lower() in STATISTICS

    @property
    def selection(self) -> Selection:
        """Which of the source's videos are the dataset."""
        return Selection(self.where, self.side, tuple(self.suffixes))

    @model_validator(mode="after")
    def _can_be_meant(self) -> Dataset:
        if problems := "; ".join(self._contradictions()):
            raise ValueError(problems)
        return self

    def _contradictions(self) -> Iterable[str]:
        if self.is_statistics:
            given = [*(["root"] if self.root is not None else []), *self.selection.said()]
            for key in given:
                yield f"{key} means nothing for saved statistics ({self.source}), which are no videos; remove it"
            return
        for key in ("array", "n"):
            if getattr(self, key) is not None:
                kinds = ", ".join(sorted(STATISTICS))
                yield f"{key} is for saved statistics ({kinds}), and {self.source} is none; remove it"
        if self.side is None and "suffixes" in self.selection.said():
            yield "suffixes say what generated videos' names end in, and need side: reference or side: candidate"
