"""From a name and a file to a network that runs: which weights, whether they may be opened, which arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from vidgauge import extractors
from vidgauge import weights as store
from vidgauge.errors import UsageError, VidgaugeError, did_you_mean
from vidgauge.extractors import PrecisionError, own
from vidgauge.extractors.own import NetworkAsked
from vidgauge.specs import ExtractorSpec, Network, Precision, Setup, Takes, WeightsFile


def spec_of(asked: NetworkAsked) -> ExtractorSpec:
    """The extractor that is asked for, a known one or the user's own."""
    return own.spec_of(asked.name, asked.own) if asked.own else extractors.spec(asked.name)


def weights_asked(asked: NetworkAsked, place: Path | None) -> WeightsFile | None:
    """The weights of what is asked for, with the digests that it names; None if it needs none.

    place: the file, or the folder of a network that is one; or for published ones the folder where they are kept; None:
    the user's cache folder. VidgaugeError where the weights are missing or are others.
    """
    extractor, name = spec_of(asked), asked.weights
    if place is not None and (asked.own is not None or _are_weights(extractor, place)):
        found = store.check(place, store.entry(name)) if name else weights_file(extractor, place)
    else:
        found = store.find(name, place) if name else weights_file(extractor, None, place)
    wanted = asked.own.sha256 if asked.own else asked.sha256
    if found is not None and wanted not in (None, found.sha256):
        raise VidgaugeError(
            f"{found.path}: its sha256 is {found.sha256}, and {wanted} is wanted for {asked.name}: the file was "
            "changed after the run began, or is another one. Put the right file there, or run again"
        )
    return found


def _are_weights(extractor: ExtractorSpec, place: Path) -> bool:
    """Whether a place is the weights themselves, a file or a folder of them, and not where those of many are kept."""
    if place.is_dir():
        kept = any((place / name).exists() for name in extractor.weights)
        return _takes_folder(extractor) and not kept and bool(store.names_in(place))
    return place.is_file()


def weights_file(extractor: ExtractorSpec, path: Path | None = None, folder: Path | None = None) -> WeightsFile | None:
    """The weights that a network is built from: this file or folder, or the extractor's default; None if it needs none.

    folder: where weights are kept; None: the user's cache folder. VidgaugeError where they are missing, where they are
    a file and a folder is wanted or the reverse, and where the default ones are not what they should be.
    """
    if path is not None:
        _check_kind(extractor, path)
        return store.identify(path, extractor.weights)
    default = next(iter(extractor.weights), None)
    return store.find(default, folder) if default is not None else None


def _check_kind(extractor: ExtractorSpec, path: Path) -> None:
    folder = _takes_folder(extractor)
    kind = "folder (configuration, tensors, tokenizer)" if folder else "file"
    if not path.exists():
        raise VidgaugeError(f"{path}: no such {kind.split()[0]}; weights of {extractor.name} were wanted")
    if path.is_dir() != folder:
        found = "folder" if path.is_dir() else "file"
        raise VidgaugeError(f"{path}: is a {found}, and weights of {extractor.name} are a {kind}; give that")


def _takes_folder(extractor: ExtractorSpec) -> bool:
    return any(takes.folder for takes in extractor.weights.values())


def built(
    extractor: ExtractorSpec,
    file: WeightsFile | None,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    arrays: Sequence[str] | None = None,
    trust: bool = False,
) -> Network:
    """The network. A TorchScript archive is a program: VidgaugeError unless its digest is known, or it is trusted.

    VidgaugeError as well where the GPU's memory does not hold it.
    """
    if precision not in get_args(Precision):
        raise PrecisionError(f"precision: unknown {precision!r}; known: {', '.join(get_args(Precision))}")
    if file is not None:
        file.refuse_if_changed()
    if file is not None and file.format == "torchscript" and not (file.verified or trust):
        raise VidgaugeError(
            f"{file.path}: is a TorchScript archive, which is a program, and its sha256 {file.sha256} is none that "
            f"vidgauge knows for {extractor.name}. If you trust where it comes from, say so: trust: true in "
            "config.yaml, trust=True in Python"
        )
    wanted = arrays_asked(extractor, file, arrays)
    try:
        network = extractor.build(Setup(weights=file, device=device, precision=precision, arrays=wanted))
    except RuntimeError as error:  # of torch, which is not imported here
        from vidgauge.extractors._memory import full_gpu, said_full

        if (said := said_full(error)) is None:
            raise
        raise full_gpu(f"the network {extractor.name}", said, None if device == "auto" else device) from None
    if file is not None:
        file.refuse_if_changed()
    return network


def given_arrays(extractor: ExtractorSpec, takes: Takes | None) -> tuple[str, ...]:
    """The arrays that one of an extractor's files gives, in the extractor's order."""
    return (takes.arrays if takes else ()) or tuple(extractor.arrays)


def arrays_asked(extractor: ExtractorSpec, file: WeightsFile | None, asked: Sequence[str] | None) -> tuple[str, ...]:
    """The arrays to compute with a file of weights, None for all; UsageError for one that it does not give."""
    given = given_arrays(extractor, _like(extractor, file) if file else None)
    for name in asked or ():
        if name not in given:
            of = f" with {file.path}" if file else ""
            raise UsageError(f"array: {extractor.name}{of} has no array {name!r}; {did_you_mean(name, given)}")
    return tuple(name for name in given if asked is None or name in asked)


def _like(extractor: ExtractorSpec, file: WeightsFile) -> Takes | None:
    """What the registry says of weights, or of others that it does not know, the first of the same form."""
    if file.name is not None and file.name in extractor.weights:
        return extractor.weights[file.name]
    kind = file.format == "torchscript", file.format == "folder"
    return next((takes for takes in extractor.weights.values() if (takes.torchscript, takes.folder) == kind), None)
