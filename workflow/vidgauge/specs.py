"""The specs that travel between the parts: clips, videos, extractors, reductions. They import nothing heavy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vidgauge.clipspec import Asked as Asked
from vidgauge.clipspec import ClipSpec as ClipSpec
from vidgauge.clipspec import Closed as Closed
from vidgauge.errors import VidgaugeError

if TYPE_CHECKING:
    import numpy as np

Precision = Literal["float32", "tf32", "bfloat16", "float16"]
Better = Literal["higher", "lower"]


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
class Column:
    """One column of an array of scores."""

    name: str
    better: Better | None  # None: neither, the number only tells something
    scale: str  # which values can occur, in words
    undefined: str = ""  # why a row may have no value, NaN
    note: str | None = None  # what every result that rests on it must say


@dataclass(frozen=True)
class ArraySpec:
    """One named array of an extractor: how wide a row is and what a row stands for."""

    width: int | None  # None: known once the network has run (networks that users bring)
    per: Literal["frame", "clip", "video"]
    meaning: str
    min_frames: int = 1  # frames a clip must have for this array to exist
    on_demand: bool = False  # computed only where a metric asks for it; the others come with one another
    columns: tuple[Column, ...] = ()  # of scores, where each has a name and a meaning of its own


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
    folder: bool = False  # several files in one folder: tensors, configuration, tokenizer


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that was hashed: what it is, and whether that is known from more than its name."""

    path: Path
    sha256: str
    name: str | None  # in weights/registry.yaml; None: not among those
    verified: bool  # a digest of the registry matched
    format: Literal["torchscript", "safetensors", "pickle", "folder"]
    state: tuple[int, ...] = field(default=(), compare=False)  # of the file before it was hashed; (): not known

    def refuse_if_changed(self) -> None:
        """VidgaugeError where the file, or one of a folder's, is no longer the one that was hashed."""
        from vidgauge.weights.folders import state  # which files of a folder count

        if self.state and state(self.path) != self.state:
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


Network = Callable[..., "dict[str, np.ndarray]"]
"""(b, t, h, w, 3) uint8 -> {array: (rows, width) float32}, rows = b for per-clip arrays, b * t for per-frame ones.
What else it is called with, `ExtractorSpec` says. Safe to call from several threads; a clip's rows do not depend on the
other clips of the call."""


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
    text: bool = False  # called as network(clips, texts): one text for each clip
    also: tuple[
        str, ...
    ] = ()  # further files of weights/registry.yaml that it cannot do without, known by their digests
    pair: bool = False  # called as network(clips, partners): with the clip of each video's own reference video
    of: str | None = None  # called as network(rows, texts): features of that extractor, (n, d) of each video
    libraries: tuple[str, ...] = ("torch",)  # distributions whose versions the last digits depend on
    note: str | None = None  # what every result that rests on it must say

    @property
    def judges(self) -> bool:
        """Whether it gives scores, or needs more than clips: a text, a partner, another network's features."""
        return self.text or self.pair or self.of is not None or any(array.columns for array in self.arrays.values())


@dataclass(frozen=True)
class Reduced:
    """What a reduction gives: the headline number and its parts by name."""

    value: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Influence:
    """How much each row moves the headline number: the derivative by the row's weight, summing to 0 over a set.

    The variance of the number is about the sum over videos of the squared sum of a video's effects, of both sets.
    """

    reference: np.ndarray | None  # (n,) float64; None where there is no reference, or it counts as exact
    candidate: np.ndarray  # (m,) float64
    variance: float = 0.0  # what the reduction's own random draws add, given the data
    bias: float | None = None  # of the number, where the rows tell it; None: they do not


@dataclass(frozen=True)
class ReduceSpec:
    """A reduction of one or two arrays to numbers, as a metric names it."""

    name: str
    reduce: Callable[..., Reduced]  # (reference or None, candidate, *, seed, **options), arrays (n, d)
    better: Better
    version: int
    source: str
    needs_reference: bool = True
    from_stats: Callable[..., Reduced] | None = (
        None  # (reference, candidate: store.statistics.Statistics, *, seed, ...)
    )
    by_video: bool = False  # reduce is given videos=(of the reference's rows or None, of the candidate's rows)
    paired: bool = False  # by_video, with one key for a candidate's video and its own reference video
    options: Mapping[str, Any] = field(default_factory=dict)  # allowed keys and their defaults
    scale: float = 1.0
    approximate: Callable[..., Reduced] | None = None  # as `reduce`, faster: for curves, which need a few digits only
    influence: Callable[..., Influence] | None = None  # called as `reduce`
    influence_from_stats: Callable[..., Influence] | None = (
        None  # (reference: statistics, candidate: rows, *, seed, ...)
    )
    # (reference or None, candidate, *, groups=(of the reference's rows or None, of the candidate's), seed, **options):
    # the headline number without each group of rows of the reference (None if there is none), and of the candidate
    leave_out: Callable[..., tuple[np.ndarray | None, np.ndarray]] | None = None
    # none: the number's mean does not depend on the number of videos. vanishing: it approaches that of infinitely many
    # as 1/n. known: so too, and `influence` tells the bias. size: it is defined by the number of samples.
    bias: Literal["none", "vanishing", "known", "size"] = "size"
    bounds: tuple[float, float] = (-math.inf, math.inf)  # of the headline number
