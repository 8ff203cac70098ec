"""Networks that describe videos: clips in, named arrays out. One module each, found by being there.

A network's module is named after it and holds the constant `EXTRACTOR = ExtractorSpec(...)`; its `build` makes the
heavy imports, so that the registry loads without torch and without NumPy. Modules that are no networks are `loading`,
`own`, `run` and those whose names begin with an underscore. Other packages add networks by an entry point of the group
`vidgauge.extractors`: its name is the network's, its value an ExtractorSpec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.specs import ArraySpec, ExtractorSpec, Network, Precision, WeightsFile

__all__ = ["PrecisionError", "arrays_of", "extractors", "load", "names", "spec"]

GROUP = "vidgauge.extractors"
_NO_NETWORKS = ("loading", "own", "run")


def extractors() -> Mapping[str, ExtractorSpec]:
    """Every extractor that comes with vidgauge, by name, in alphabetical order."""
    return MappingProxyType({name: spec(name) for name in _modules()})


def names() -> list[str]:
    """The names of all extractors, those of other packages last."""
    return [*_modules(), *(name for name in _entry_points() if name not in _modules())]


@cache
def spec(name: str) -> ExtractorSpec:
    """The extractor of that name; UsageError, which names the nearest, if there is none.

    >>> spec("pixel_grid").arrays["frame"].width
    24
    >>> spec("pixelgrid")
    Traceback (most recent call last):
    vidgauge.errors.UsageError: unknown extractor 'pixelgrid'; did you mean 'pixel_grid'?
    """
    if name in _modules():
        return _spec_of(import_module(f"{__name__}.{name}"), name)
    if name in _entry_points():
        return _plugin(name)
    raise UsageError(f"unknown extractor {name!r}; {did_you_mean(name, names())}")


@cache
def _modules() -> tuple[str, ...]:
    found = sorted(module.name for module in iter_modules(__path__))
    return tuple(name for name in found if not name.startswith("_") and name not in _NO_NETWORKS)


@cache
def _entry_points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _plugin(name: str) -> ExtractorSpec:
    point = _entry_points()[name]
    whose = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    try:
        return _spec_of(point.load(), name)
    except (ImportError, AttributeError, TypeError) as error:
        raise UsageError(f"extractor '{name}' of {whose} ({point.value}) cannot be used: {error}") from error


def arrays_of(extractor: ExtractorSpec, frames: int) -> dict[str, ArraySpec]:
    """The arrays that clips of that many frames have, in the extractor's order; none if it cannot take such clips.

    >>> list(arrays_of(spec("efficientnet_lite0"), 1))
    ['features', 'logits']
    """
    if not extractor.input.takes(frames):
        return {}
    return {name: array for name, array in extractor.arrays.items() if frames >= array.min_frames}


def load(
    name: str | ExtractorSpec,
    weights: str | Path | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
    *,
    arrays: Sequence[str] | None = None,
    trust: bool = False,
) -> Network:
    """A network, ready to be called with clips (b, t, h, w, 3) uint8; it gives {array: (rows, width) float32}.

    weights: a file, or the name of one that the extractor takes; None: the first of these. Named ones lie where
    `vidgauge weights fetch` left them in the user's cache folder; nothing is ever downloaded here. A state dict of
    one's own is read, whatever its digest. device: "cpu", "cuda", "cuda:1", or "auto": a GPU if there is one. arrays:
    those to compute, None for all that the weights give; networks stop where the last of them is done. Arrays that need
    more frames than the clips have are left out. trust: run a TorchScript archive although no digest of it is known; it
    is a program, and state dicts are not, so these need no trust.
    The network raises ValueError, with the shape seen and the shape wanted, for what are no clips.
    Raises UsageError (for precisions also a ValueError) for what does not exist, VidgaugeError for weights that are
    missing or not the right ones, and for a GPU that is not there.
    """
    from vidgauge.extractors import loading
    from vidgauge.weights import find

    file: WeightsFile | None
    extractor = spec(name) if isinstance(name, str) else name
    if isinstance(weights, str) and weights in extractor.weights:
        file = find(weights)
    else:
        file = loading.weights_file(extractor, Path(weights) if weights is not None else None)
    return loading.built(extractor, file, device=device, precision=precision, arrays=arrays, trust=trust)


class PrecisionError(UsageError, ValueError):
    """A precision that does not exist, at all or on the device."""


def _spec_of(home: object, name: str) -> ExtractorSpec:
    """The spec that a module holds, or that an entry point gave."""
    found = home if isinstance(home, ExtractorSpec) else getattr(home, "EXTRACTOR", None)
    if not isinstance(found, ExtractorSpec) or found.name != name:
        where = getattr(home, "__name__", repr(home))
        raise TypeError(f"{where} must define EXTRACTOR = ExtractorSpec(name={name!r}, ...)")
    return found
