"""Which networks an evaluation runs, on which clips, from which weights, and what their features are named after."""

from __future__ import annotations

from pathlib import Path

from vidgauge import layout
from vidgauge.config import Config
from vidgauge.extractors.own import NetworkAsked
from vidgauge.metric import MAX_DRAWS, Metric, metrics, seeds
from vidgauge.specs import ClipSpec
from vidgauge.weights import Entry, default_folder, entry


def arrays_together(config: Config, metric: Metric, clips: ClipSpec) -> tuple[str, ...]:
    """The arrays that one pass over some clips gives: what comes for nothing, and what is asked for on demand."""
    kinds, given = metric.extractor.arrays, metric.given_arrays
    if not any(kinds[name].on_demand for name in given):
        return given
    asked = {
        other.array
        for other in metrics(config).values()
        if (other.extractor.name, other.weights) == (metric.extractor.name, metric.weights)
        and any(_pixels(sampling.clips) == _pixels(clips) for sampling in other.samplings)
    }
    usual = any(not kinds[name].on_demand for name in asked)
    return tuple(name for name in given if name in asked or (usual and not kinds[name].on_demand))


def _pixels(clips: ClipSpec) -> ClipSpec:
    """A clip spec without how many clips are taken."""
    return clips.model_copy(update={"clips_per_video": "auto"})


def extractor_name(config: Config, metric: Metric, clips: ClipSpec) -> str:
    """The folder of the features of some clips that a metric rests on."""
    digest = metric.own.digest if metric.own else metric.weights_digest
    return layout.extractor_name(metric.extractor, config.precision, digest, arrays_together(config, metric, clips))


def metric_of(config: Config, extractor: str) -> tuple[Metric, ClipSpec]:
    """A metric of this evaluation whose features file has that name, and of which clips. Raises KeyError for others."""
    for metric in metrics(config).values():
        for sampling in metric.samplings:
            if extractor_name(config, metric, sampling.clips) == extractor:
                return metric, sampling.clips
    raise KeyError(extractor)


def network_asked(config: Config, extractor: str) -> NetworkAsked:
    """What a features file is named after, besides the precision, and no more.

    Neither where weights lie, nor under which licence, nor why they are believed: finished features must not be redone
    when these are changed.
    """
    metric, clips = metric_of(config, extractor)
    name, own = metric.extractor.name, metric.own
    if own is not None:
        own = own.model_copy(update={"torchscript": f"{name}.pt", "licence": "", "trust": False})
    return NetworkAsked(
        name=name,
        weights=metric.weights,
        arrays=arrays_together(config, metric, clips),
        trust=metric.vouched is not None,
        sha256=metric.vouched.sha256 if metric.vouched else None,
        own=own,
    )


def weights_folder(config: Config) -> Path:
    """Where published weights are kept."""
    return Path(config.weights) if config.weights else default_folder()


def weights_place(config: Config, extractor: str) -> str:
    """Where a network's weights are: a user's own file, or the folder of the published ones."""
    own = metric_of(config, extractor)[0].own
    return own.torchscript if own else str(weights_folder(config))


def extractors_of(config: Config, clips: str) -> list[str]:
    """The names of the features that are made of a folder of clips."""
    there = [
        extractor_name(config, metric, sampling.clips)
        for metric in metrics(config).values()
        for sampling in metric.samplings
        if clips in clips_names(config, sampling.clips)
    ]
    return list(dict.fromkeys(there))


def weights_wanted(config: Config, extractor: str) -> str | None:
    """The weights to be fetched before these features are computed; None where a run fetches none for them."""
    name = metric_of(config, extractor)[0].weights
    return name if name is not None and fetchable(entry(name)) else None


def fetchable(known: Entry) -> bool:
    """Whether the workflow may fetch a file by itself: what it gets can be verified, and is not in a package."""
    return known.has_digest and known.packaged is None


def clips_names(config: Config, clips: ClipSpec) -> dict[str, tuple[int, int]]:
    """Every folder of clips that a clip spec may stand for, with its (seed, draws)."""
    fixed = clips.clips_per_video
    draws = [fixed] if isinstance(fixed, int) else [1 << power for power in range(MAX_DRAWS.bit_length())]
    found: dict[str, tuple[int, int]] = {}
    for seed in seeds(config):
        for number in draws:
            found.setdefault(layout.clips_name(clips, seed=seed, draws=number), (seed, number))
    return found
