"""What a metric is made of, as a file of presets or `define` in config.yaml says it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from vidgauge.specs import ClipSpec, Closed


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"'{name}' cannot name files; use letters, digits, '.', '_' and '-', and begin with no '.' or '-'"
        )
    return name


Name = Annotated[str, AfterValidator(_plain_name)]


class ReferenceSide(Closed):
    """What a metric does otherwise with the reference than with the candidates."""

    samples: Annotated[int, Field(ge=2)] | Literal["same"] | None = Field(
        "same", description="clips or frames of the reference; null: all"
    )
    clips: dict[str, Any] = Field(default_factory=dict, description="keys of the clip spec that differ")


class MetricDefinition(Closed):
    """A metric: a reduction of one array of an extractor, on clips made by a clip spec."""

    reduce: str
    extractor: str
    array: str | None = Field(None, description="an array of the extractor; null: its first")
    column: str | None = Field(None, description="of an array of scores; null: its first")
    weights: str | None = Field(None, description="one of the files that the extractor takes; null: its first")
    clips: ClipSpec = ClipSpec()
    samples: int | None = Field(None, ge=2, description="clips or frames of each set; null: all")
    samples_by: Literal["hash", "name"] = Field(
        "hash", description="where there are more: hash takes them from all videos, name the first in order of names"
    )
    reference: ReferenceSide = ReferenceSide()
    unequal: Literal["error", "trim"] = Field(
        "error", description="of pairs of videos that are not equally long; trim: only the clips that end in both count"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="of the reduction: k, splits, subsets ...")
    protocol: str = Field("user", description="the family whose numbers this one is comparable with")
    about: str = ""

    @model_validator(mode="after")
    def _reference_clips(self) -> MetricDefinition:
        try:
            self.clips_of(reference=True)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, ("reference.clips", *first["loc"])))
            raise ValueError(f"{key}: {first.get('ctx', {}).get('error', first['msg'])}") from None
        return self

    def clips_of(self, *, reference: bool) -> ClipSpec:
        """The clip spec of the reference, or of the candidates."""
        if not reference or not self.reference.clips:
            return self.clips
        return ClipSpec.model_validate({**self.clips.model_dump(), **self.reference.clips})

    def samples_of(self, *, reference: bool) -> int | None:
        """Clips or frames that are asked of the reference, or of each candidate; None: all."""
        said = self.reference.samples
        return said if reference and said != "same" else self.samples
