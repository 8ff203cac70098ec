"""The specs that travel between the parts: clips, videos, extractors, reductions. They import nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from vidgauge.errors import VidgaugeError

if TYPE_CHECKING:
    import numpy as np

Precision = Literal["float32", "tf32", "bfloat16", "float16"]


class Closed(BaseModel):
    """A model that refuses keys it does not know and cannot be changed after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _size(value: Any) -> Any:
    if _whole(value):
        return value
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_whole, value)):
        return tuple(value)
    raise ValueError(f"should be [height, width] or the shorter side, whole numbers from 1 on, got {value!r}")


def _draws(value: Any) -> Any:
    if _whole(value) or value == "auto":
        return value
    raise ValueError(f"should be a whole number from 1 on, or auto, got {value!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


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
    start: Literal["random", "first", "center"] = Field("random", description="where in the video a clip begins")
    clips_per_video: Annotated[int | Literal["auto"], BeforeValidator(_draws)] = Field(
        "auto", description="draws per video; auto: 1, doubled until `samples` is met"
    )
    short: Literal["reject", "loop", "pad"] = Field("reject", description="what to do with a video of too few frames")
    size: Annotated[tuple[int, int] | int, BeforeValidator(_size)] = Field(
        (224, 224), description="[height, width], or the shorter side (with crop: center)"
    )
    resize: Literal["bilinear", "bicubic", "area", "lanczos"] = Field("bilinear", description="the filter")
    antialias: bool = Field(True, description="widen the filter when shrinking")
    backend: Literal["swscale", "cv2", "pil", "torch"] = Field("swscale", description="the library that resizes")
    crop: Literal["none", "center", "pad"] = Field(
        "none", description="none: stretch; center: cover, then crop; pad: fit, then pad with black"
    )
    matrix: Literal["auto", "bt601", "bt709"] = Field(
        "auto", description="YUV to RGB matrix; auto: the video's tag, else bt709 from 720 lines on, bt601 below"
    )

    @model_validator(mode="after")
    def _one_shape(self) -> ClipSpec:
        if isinstance(self.size, int) and self.crop != "center":
            raise ValueError(
                f"size: {self.size} (a shorter side) leaves clips of different shapes; "
                "add crop: center, or give size: [height, width]"
            )
        if self.start != "random" and self.clips_per_video not in (1, "auto"):
            raise ValueError(
                f"clips_per_video: {self.clips_per_video} with start: {self.start} would repeat one clip; "
                "use start: random, or clips_per_video: 1"
            )
        if not self.antialias and (self.backend in ("swscale", "pil") or self.resize == "area"):
            raise ValueError(
                f"antialias: false is not possible with backend: {self.backend}, resize: {self.resize}; "
                "use backend: torch (bilinear, bicubic) or cv2 (bilinear, bicubic, lanczos)"
            )
        if self.backend == "torch" and self.resize == "lanczos":
            raise ValueError("backend: torch has no lanczos filter; use backend: swscale or pil")
        if self.backend == "cv2" and self.antialias and self.resize != "area":
            raise ValueError(
                f"backend: cv2 does not antialias with resize: {self.resize}; "
                "use antialias: false, resize: area, or another backend"
            )
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of every clip."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def span(self) -> int:
        """Frames of the (resampled) video from the first to the last of a clip, both counted."""
        return (self.frames - 1) * self.stride + 1


class Asked(Closed):
    """The clips of one folder: a clip spec with its draws settled, as the rules pass it on."""

    spec: ClipSpec
    seed: int
    draws: int = Field(ge=1)


@dataclass(frozen=True)
class Video:
    """A usable video: one line of videos.jsonl. Sizes are those shown, after rotation."""

    id: str
    path: str  # absolute, resolved
    kind: Literal["file", "frames", "array"]
    row: int | None  # of an array
    fingerprint: str  # sha256 of the content, hex
    bytes: int
    frames: int
    fps: float | None  # mean rate; None where there is no time (frame folders, arrays)
    duration: float | None  # seconds
    height: int
    width: int
    codec: str
    pixel_format: str
    columns: Mapping[str, Any] = field(default_factory=dict)  # the manifest row's other keys: text, pair, human ...


@dataclass(frozen=True)
class ArraySpec:
    """One named array of an extractor: how wide a row is and what a row stands for."""

    width: int | None  # None: known once the network has run (networks that users bring)
    per: Literal["frame", "clip"]
    meaning: str
    min_frames: int = 1  # frames a clip must have for this array to exist
    on_demand: bool = False  # computed only where a metric asks for it; the others come with one another


@dataclass(frozen=True)
class InputSpec:
    """What a network sees of a clip."""

    kind: Literal["frame", "clip"]  # frame by frame, or the clip as a whole
    size: tuple[int, int] | None  # (height, width) of what enters the first layer; None: that of the clips
    resize: str  # how clips of other sizes get there, in the words of the documentation
    range: str  # of values, likewise
    min_frames: int = 1
    max_frames: int | None = None
    multiple: int = 1  # of which the frames must be a multiple

    def takes(self, frames: int) -> bool:
        """Whether clips of that many frames can be seen."""
        most = frames if self.max_frames is None else self.max_frames
        return self.min_frames <= frames <= most and frames % self.multiple == 0

    @property
    def frames_text(self) -> str:
        """How many frames a clip must have, in words."""
        if self.min_frames == self.max_frames:
            return f"{self.min_frames}"
        text = f"at least {self.min_frames}" if self.max_frames is None else f"{self.min_frames} to {self.max_frames}"
        return f"{text}, a multiple of {self.multiple}" if self.multiple > 1 else text


@dataclass(frozen=True)
class Takes:
    """A file of weights/registry.yaml that a network is built from."""

    arrays: tuple[str, ...] = ()  # those it gives, in the extractor's order; none named: all of the extractor's
    torchscript: bool = False  # a whole program, run as it is; else tensors by name


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that was hashed: what it is, and whether that is known from more than its name."""

    path: Path
    sha256: str
    name: str | None  # in weights/registry.yaml; None: not among those
    verified: bool  # a digest of the registry matched
    format: Literal["torchscript", "safetensors", "pickle"]
    state: tuple[int, ...] = field(default=(), compare=False)  # of the file before it was hashed; (): not known

    def refuse_if_changed(self) -> None:
        """VidgaugeError where the file is no longer the one that was hashed."""
        if self.state and file_state(self.path) != self.state:
            raise VidgaugeError(f"{self.path}: was changed while it was read; run again when nothing writes to it")


def file_state(path: Path) -> tuple[int, ...]:
    """What changes when a file is written to or replaced, and not when it is renamed: its number, size and time."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class Setup:
    """What a network is built from."""

    weights: WeightsFile | None
    device: str
    precision: Precision
    arrays: tuple[str, ...]  # those to compute, in the extractor's order

    @property
    def file(self) -> WeightsFile:
        """The weights of a network that cannot do without."""
        if self.weights is None:
            raise ValueError("this network needs weights, and none were given")
        return self.weights


Network = Callable[["np.ndarray"], "dict[str, np.ndarray]"]
"""(b, t, h, w, 3) uint8 -> {array: (rows, width) float32}, rows = b for per-clip arrays, b * t for per-frame ones.
Safe to call from several threads; a clip's rows do not depend on the other clips of the call."""


@dataclass(frozen=True)
class ExtractorSpec:
    """A network and its preprocessing."""

    name: str
    build: Callable[[Setup], Network]
    input: InputSpec
    arrays: Mapping[str, ArraySpec]  # the first is the default
    version: int
    source: str  # paper and implementation
    licence: str = "not stated"  # of a network that takes no file of the registry, where each has its own
    known_as: str = ""  # what papers and tools call numbers that rest on it
    weights: Mapping[str, Takes] = field(default_factory=dict)  # by name in weights/registry.yaml; first: the default
    batch: int = 16  # clips or frames in one call of the network on a CPU, fixed: the last bits depend on it
    gpu_batch: int = 64  # the same on a GPU
    uses_gpu: bool = True
    libraries: tuple[str, ...] = ("torch",)  # distributions whose versions the last digits depend on
    note: str | None = None  # what every result that rests on it must say


@dataclass(frozen=True)
class Reduced:
    """What a reduction gives: the headline number and its parts by name."""

    value: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReduceSpec:
    """A reduction of one or two arrays to numbers, as a metric names it."""

    name: str
    reduce: Callable[..., Reduced]  # (reference or None, candidate, *, seed, **options), arrays (n, d)
    better: Literal["lower", "higher"]
    version: int
    source: str
    needs_reference: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)  # allowed keys and their defaults
    scale: float = 1.0
