"""Networks that describe videos: clips in, named arrays out. One module each, found by being there.

A network's module is named after it and holds the constant `EXTRACTOR = ExtractorSpec(...)`; its `build` makes the
heavy imports, so that the registry loads without torch and without NumPy. Modules that are no networks are `run` and
those whose names begin with an underscore.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import get_args

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.specs import ArraySpec, ExtractorSpec, Network, Precision

__all__ = ["arrays_of", "extractors", "load", "names", "spec"]

_NO_NETWORKS = ("run",)


@cache
def extractors() -> Mapping[str, ExtractorSpec]:
    """Every extractor by name, in alphabetical order.

    >>> list(extractors())
    ['efficientnet_lite0', 'pixel_grid']
    """
    found = sorted(module.name for module in iter_modules(__path__))
    networks = [name for name in found if not name.startswith("_") and name not in _NO_NETWORKS]
    return MappingProxyType({name: _spec_of(import_module(f"{__name__}.{name}")) for name in networks})


def names() -> list[str]:
    """The names of all extractors."""
    return list(extractors())


def spec(name: str) -> ExtractorSpec:
    """The extractor of that name; UsageError, which names the nearest, if there is none.

    >>> spec("pixel_grid").arrays["frame"].width
    24
    >>> spec("pixelgrid")
    Traceback (most recent call last):
    vidgauge.errors.UsageError: unknown extractor 'pixelgrid'; did you mean 'pixel_grid'?
    """
    known = extractors()
    if name not in known:
        raise UsageError(f"unknown extractor {name!r}; {did_you_mean(name, known)}")
    return known[name]


def arrays_of(extractor: ExtractorSpec, frames: int) -> dict[str, ArraySpec]:
    """The arrays that clips of that many frames have, in the extractor's order; none if it needs more frames.

    >>> list(arrays_of(spec("efficientnet_lite0"), 1))
    ['features', 'logits']
    """
    if frames < extractor.min_frames:
        return {}
    return {name: array for name, array in extractor.arrays.items() if frames >= array.min_frames}


def load(
    name: str, weights: str | Path | None = None, device: str = "cpu", precision: Precision = "float32"
) -> Network:
    """A network, ready to be called with clips (b, t, h, w, 3) uint8; it gives {array: (rows, width) float32}.

    weights: a file; None: where the extractor's package keeps them. device: "cpu", "cuda", "cuda:1", or "auto": a GPU
    if there is one. Nothing is ever downloaded. Arrays that need more frames than the clips have are left out. The
    network raises ValueError, with the shape seen and the shape wanted, for what are no clips.
    Raises UsageError (for precisions also a ValueError) for what does not exist, VidgaugeError for weights that are
    missing or not the right ones, and for a GPU that is not there.
    """
    extractor = spec(name)
    if precision not in get_args(Precision):
        raise PrecisionError(f"precision: unknown {precision!r}; known: {', '.join(get_args(Precision))}")
    return extractor.build(Path(weights) if weights is not None else None, device, precision)


class PrecisionError(UsageError, ValueError):
    """A precision that does not exist, at all or on the device."""


def _spec_of(module: ModuleType) -> ExtractorSpec:
    found, name = getattr(module, "EXTRACTOR", None), module.__name__.rpartition(".")[2]
    if not isinstance(found, ExtractorSpec) or found.name != name:
        raise TypeError(f"{module.__name__} must define EXTRACTOR = ExtractorSpec(name={name!r}, ...)")
    return found
