"""What a clip is: all that turns a video into pixels. Like specs.py, which hands these on, it imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator


class Closed(BaseModel):
    """A model that refuses keys it does not know and cannot be changed after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _size(value: Any) -> Any:
    if _whole(value) or value == "native":
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_whole, value)):
        return tuple(value)
    raise ValueError(
        f"should be [height, width], the shorter side, or native, in whole numbers from 1 on, got {value!r}"
    )


def _draws(value: Any) -> Any:
    if _whole(value) or value in ("auto", "all"):
        return value
    raise ValueError(f"should be a whole number from 1 on, auto, or all, got {value!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


SPREAD = ("spread", "spread_ends")


class ClipSpec(Closed):
    """All that turns a video into pixels."""

    frames: int = Field(16, ge=1, description="frames per clip")
    stride: int = Field(1, ge=1, description="source frames from one frame of a clip to the next")
    fps: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="resample by presentation time to this rate first; null: as is"
    )
    max_seconds: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="use only the first seconds of a video; null: all of it"
    )
    min_frames: int | None = Field(
        None,
        ge=1,
        description="frames of which a video with fewer is too short; null: those from a clip's first to last",
    )
    start: Literal["random", "each", "first", "center", "spread", "spread_ends"] = Field(
        "random",
        description="where in the video a clip begins; each: draws never repeat one, as long as there are others; "
        "spread: its frames are spread over the whole video, from the first on; spread_ends: from first to last",
    )
    clips_per_video: Annotated[int | Literal["auto", "all"], BeforeValidator(_draws)] = Field(
        "auto", description="draws per video; auto: 1, doubled until `samples` is met; all: every start, of start: each"
    )
    short: Literal["reject", "loop", "pad"] = Field("reject", description="what to do with a video of too few frames")
    size: Annotated[tuple[int, int] | int | Literal["native"], BeforeValidator(_size)] = Field(
        (224, 224),
        description="[height, width]; the shorter side (with crop: center or center_first); native: as it is",
    )
    resize: Literal["bilinear", "bicubic", "area", "lanczos"] = Field("bilinear", description="the filter")
    antialias: bool = Field(True, description="widen the filter when shrinking")
    backend: Literal["swscale", "cv2", "pil", "torch"] = Field("swscale", description="the library that resizes")
    rounding: Literal["nearest", "truncate"] = Field(
        "nearest", description="of resized values to whole levels; truncate: down, only with backend: torch"
    )
    crop: Literal["none", "center", "center_first", "pad"] = Field(
        "none",
        description="none: stretch; center: cover, then crop; center_first: crop, then scale; pad: fit, pad with black",
    )
    matrix: Literal["auto", "bt601", "bt709"] = Field(
        "auto", description="YUV to RGB matrix; auto: the video's tag, else bt709 from 720 lines on, bt601 below"
    )

    @model_validator(mode="after")
    def _possible(self) -> ClipSpec:
        for problem in (self._starts_problem(), self._size_problem(), self._resize_problem()):
            if problem:
                raise ValueError(problem)
        return self

    def _starts_problem(self) -> str | None:
        if self.spread and self.stride != 1:
            return f"stride: {self.stride} has no effect with start: {self.start}; leave it out"
        if self.start in ("first", "center", *SPREAD) and self.clips_per_video not in (1, "auto"):
            return (
                f"clips_per_video: {self.clips_per_video} with start: {self.start} would repeat one clip; "
                "use start: random or each, or clips_per_video: 1"
            )
        if self.clips_per_video == "all" and self.start != "each":
            return "clips_per_video: all has no end with start: random; use start: each"
        if self.min_frames is not None and (self.short != "reject" or self.min_frames < self.span):
            return (
                f"min_frames: {self.min_frames} with short: {self.short} and clips that span {self.span} frames has no "
                f"effect; leave it out, or use short: reject and min_frames from {self.span} on"
            )
        return None

    def _size_problem(self) -> str | None:
        if isinstance(self.size, int) and not self.crop.startswith("center"):
            return (
                f"size: {self.size} (a shorter side) leaves clips of different shapes; "
                "add crop: center, or give size: [height, width]"
            )
        said = self._said("resize", "antialias", "backend", "rounding", "crop")
        if self.size == "native" and said:
            return f"{', '.join(said)}: no effect with size: native, which leaves frames as they are; leave it out"
        return None

    def _resize_problem(self) -> str | None:
        if not self.antialias and (self.backend in ("swscale", "pil") or self.resize == "area"):
            return (
                f"antialias: false is not possible with backend: {self.backend}, resize: {self.resize}; "
                "use backend: torch (bilinear, bicubic) or cv2 (bilinear, bicubic, lanczos)"
            )
        if self.backend == "torch" and self.resize == "lanczos":
            return "backend: torch has no lanczos filter; use backend: swscale or pil"
        if self.backend == "cv2" and self.antialias and self.resize != "area":
            return (
                f"backend: cv2 does not antialias with resize: {self.resize}; "
                "use antialias: false, resize: area, or another backend"
            )
        if self.rounding == "truncate" and self.backend != "torch":
            return f"backend: {self.backend} rounds by itself; use rounding: nearest, or backend: torch"
        return None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of every clip. ValueError for size: native, where it is that of a dataset's videos."""
        if self.size == "native":
            raise ValueError("size: native has no shape of its own; it is that of the videos")
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def spread(self) -> bool:
        """Whether a clip's frames are spread over the whole video."""
        return self.start in SPREAD

    @property
    def span(self) -> int:
        """Frames of the (resampled) video from the first to the last of a clip, both counted."""
        return (self.frames - 1) * self.stride + 1

    @property
    def frames_needed(self) -> int:
        """Frames that a (resampled) video must have."""
        return (self.min_frames or self.span) if self.short == "reject" else 1

    @property
    def seeded(self) -> bool:
        """Whether clips depend on the seed. Every possible clip, in whatever order, is the same set."""
        return self.start == "random" or (self.start == "each" and self.clips_per_video != "all")

    def as_stored(self) -> dict[str, Any]:
        """All keys as JSON knows them, save those that came later and are at their default.

        So names, parameters and attributes of what was made before these keys were there stay as they are.
        """
        later = {"min_frames", "rounding"}
        return self.model_dump(mode="json", exclude=later.difference(self._said(*later)))

    def _said(self, *keys: str) -> list[str]:
        """Those of the keys that are not at their default."""
        return [key for key in keys if getattr(self, key) != type(self).model_fields[key].default]


ALL_DRAWS = 1 << 40
"""Draws that stand for every clip of a video: more than any has, so that a longer one changes no name."""


class Asked(Closed):
    """The clips of one folder: a clip spec with its draws settled, as the rules pass it on."""

    spec: ClipSpec
    seed: int
    draws: int = Field(ge=1)
    native: Annotated[tuple[int, int], BeforeValidator(_size)] | None = None  # size of the videos, for size: native

    @model_validator(mode="after")
    def _sized(self) -> Asked:
        if (self.spec.size == "native") != (self.native is not None):
            raise ValueError(
                "native: [height, width] of the videos goes with size: native and with no other, "
                f"got native: {self.native}, size: {self.spec.size}"
            )
        return self

    @model_serializer
    def _as_stored(self) -> dict[str, Any]:
        native = {"native": list(self.native)} if self.native else {}
        return {"spec": self.spec.as_stored(), "seed": self.seed, "draws": self.draws, **native}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, height, width) of every clip."""
        return self.spec.frames, *(self.native or self.spec.shape)
