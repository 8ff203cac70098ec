"""Networks that users bring: a TorchScript file and a few keys of config.yaml, no code."""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ArraySpec, Closed, ExtractorSpec, InputSpec, Network, Setup

if TYPE_CHECKING:
    import torch

ARRAY = "features"
Channels = Annotated[
    tuple[float, float, float], BeforeValidator(lambda v: tuple(map(float, v)) if _numbers(v, 3) else v)
]


def _numbers(value: Any, count: int) -> bool:
    numbers = isinstance(value, list | tuple) and all(
        isinstance(x, int | float) and not isinstance(x, bool) for x in value
    )
    return numbers and len(value) == count


def _pair(value: Any) -> Any:
    if not _numbers(value, 2) or not value[0] < value[1]:
        raise ValueError(f"should be [black, white], two numbers, the first the lower one, got {value!r}")
    return tuple(map(float, value))


def _positive(value: Any) -> Any:
    if value is not None and not (_numbers(value, 3) and min(value) > 0):
        raise ValueError(f"should be three numbers above 0, got {value!r}")
    return value


def _hexadecimal(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch("[0-9a-fA-F]{64}", value):
        raise ValueError(f"should be 64 hexadecimal digits, in quotes where all are decimal ones, got {value!r}")
    return value.lower()


Digest = Annotated[str | None, BeforeValidator(_hexadecimal)]


def _size(value: Any) -> Any:
    if value is None:
        return None
    if not _numbers(value, 2) or not all(isinstance(x, int) and x >= 1 for x in value):
        raise ValueError(f"should be [height, width], whole numbers from 1 on, got {value!r}")
    return tuple(value)


class OwnInput(Closed):
    """What a user's network is called with: one float tensor."""

    layout: Literal["BCTHW", "BTCHW", "NCHW"] = Field(description="NCHW: frame by frame; the others: whole clips")
    range: Annotated[tuple[float, float], BeforeValidator(_pair)] = Field(
        (0.0, 1.0), description="what black and white become: [0, 255], [0, 1], [-1, 1]"
    )
    mean: Channels | None = Field(None, description="subtracted from red, green and blue, after the range")
    std: Annotated[Channels | None, BeforeValidator(_positive)] = Field(
        None, description="what they are then divided by"
    )
    size: Annotated[tuple[int, int] | None, BeforeValidator(_size)] = Field(
        None, description="[height, width] that it needs; the clip spec must give it; null: any"
    )
    frames: int | None = Field(None, ge=1, description="frames that a clip must have; null: any number")


class OwnNetwork(Closed):
    """An entry of `extractors` that brings a network: rows of one array, `features`, are what it returns, (b, d)."""

    torchscript: str = Field(min_length=1, description="the archive's path")
    input: OwnInput
    keywords: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="further arguments of its forward"
    )
    sha256: Digest = Field(None, description="digest that the file must have")
    trust: bool = Field(False, description="run the file although nothing vouches for it; every result says so")
    licence: str = Field("not stated", description="printed beside every result")
    batch: int = Field(8, ge=1, description="clips or frames in one call; the last digits depend on it")

    @property
    def digest(self) -> str:
        """Of all that its rows depend on: the file and how it is called, not where it lies or under which licence."""
        said = self.model_dump(mode="json", include={"sha256", "input", "keywords", "batch"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    @model_validator(mode="after")
    def _vouched(self) -> OwnNetwork:
        if self.sha256 is None and not self.trust:
            raise ValueError(
                f"{self.torchscript} is a program that would be run; "
                "give its sha256, or say that you trust it: trust: true"
            )
        if self.sha256 is not None and self.trust:
            raise ValueError("sha256 and trust say two things; a file whose digest you give needs no trust: drop one")
        if self.input.layout == "NCHW" and self.input.frames is not None:
            raise ValueError("input.frames means nothing with layout: NCHW, which sees single frames; leave it out")
        return self


class Vouched(Closed):
    """An entry of `extractors` for a known network whose weights nobody has published a digest of."""

    trust: Literal[True] = Field(description="use the file although nothing vouches for it; every result says so")
    sha256: Digest = Field(None, description="digest that the file must have")


class NetworkAsked(Closed):
    """A network as the rules pass it on: all that decides what its rows are, besides the clips and the precision."""

    name: str
    weights: str | None = None  # in the registry; None: the default one's, or a file that is named
    arrays: tuple[str, ...] | None = None  # None: all
    trust: bool = False
    sha256: str | None = None  # wanted of weights that the registry has no digest of
    own: OwnNetwork | None = None
    trim: bool = False  # of pairs of videos of unequal length, see the frames that both have

    @property
    def trusted(self) -> bool:
        """Whether its file may be run: of one's own network, the digest that the configuration means is compared."""
        return self.trust or self.own is not None


def spec_of(name: str, own: OwnNetwork) -> ExtractorSpec:
    """A user's network as an extractor like any other."""
    seen, frames = own.input, own.input.frames
    per: Literal["frame", "clip"] = "frame" if seen.layout == "NCHW" else "clip"
    low, high = seen.range
    return ExtractorSpec(
        name=name,
        build=partial(build, name, own),
        input=InputSpec(
            kind=per,
            size=seen.size,
            resize="none: clips must have that size" if seen.size else "none: clips are seen in their own size",
            range=f"{low:g}..{high:g}" + (", then mean and std" if seen.mean or seen.std else ""),
            min_frames=frames or 1 if per == "clip" else 1,
            max_frames=frames if per == "clip" else None,
        ),
        arrays={ARRAY: ArraySpec(None, per, "what the network returns")},
        version=1,
        source="the configuration's own network",
        licence=own.licence,
        batch=own.batch,
        gpu_batch=own.batch,
    )


def build(name: str, own: OwnNetwork, setup: Setup) -> Network:
    """The archive as a network. VidgaugeError where it fails, or returns no tensor (b, d) for b clips or frames."""
    from vidgauge.extractors._torch import TorchNetwork, resolve_device
    from vidgauge.extractors._torchscript import open_torchscript

    device = resolve_device(setup.device)
    call = open_torchscript(setup.file, device, f"extractors.{name}")

    def forward(items: torch.Tensor) -> dict[str, torch.Tensor]:
        return {ARRAY: _rows(name, call(prepared(items, own.input), **own.keywords), len(items))}

    return TorchNetwork(forward, spec_of(name, own), setup, device)


def prepared(items: torch.Tensor, seen: OwnInput) -> torch.Tensor:
    """(b, t, h, w, 3) or (b, h, w, 3) uint8 -> float32 in the layout and range that the network wants."""
    import torch

    low, high = seen.range
    x = items.float().div(255).mul(high - low).add(low)
    if seen.mean is not None:
        x = x - torch.tensor(seen.mean, device=x.device)
    if seen.std is not None:
        x = x / torch.tensor(seen.std, device=x.device)
    axes = {"NCHW": (0, 3, 1, 2), "BTCHW": (0, 1, 4, 2, 3), "BCTHW": (0, 4, 1, 2, 3)}[seen.layout]
    return x.permute(*axes).contiguous()


def _rows(name: str, found: Any, items: int) -> torch.Tensor:
    import torch

    if not isinstance(found, torch.Tensor) or found.ndim != 2 or len(found) != items or not found.shape[1]:
        what = f"a tensor {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
        raise VidgaugeError(
            f"extractors.{name}: the network gave {what} for {items} items, wanted was one tensor ({items}, d)"
        )
    return found
