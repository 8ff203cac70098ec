"""Which networks an evaluation runs, on which clips, from which weights, and what their features are named after."""

from __future__ import annotations

from pathlib import Path

from vidgauge import layout
from vidgauge.config import Config
from vidgauge.extractors.own import NetworkAsked
from vidgauge.metric import MAX_DRAWS, Metric, metrics, seeds
from vidgauge.specs import ClipSpec
from vidgauge.weights import Entry, default_folder, entry


def arrays_together(config: Config, metric: Metric) -> tuple[str, ...]:
    """The arrays that one pass over a metric's clips gives: what comes for nothing, and what is asked for on demand."""
    kinds, given = metric.extractor.arrays, metric.given_arrays
    if not any(kinds[name].on_demand for name in given):
        return given
    asked = {
        other.array
        for other in metrics(config).values()
        if (other.extractor.name, other.weights, _pixels(other))
        == (metric.extractor.name, metric.weights, _pixels(metric))
    }
    usual = any(not kinds[name].on_demand for name in asked)
    return tuple(name for name in given if name in asked or (usual and not kinds[name].on_demand))


def _pixels(metric: Metric) -> ClipSpec:
    return metric.clips.model_copy(update={"clips_per_video": "auto"})


def extractor_name(config: Config, metric: Metric) -> str:
    """The folder of the features that a metric rests on."""
    digest = metric.own.digest if metric.own else metric.weights_digest
    return layout.extractor_name(metric.extractor, config.precision, digest, arrays_together(config, metric))


def metric_of(config: Config, extractor: str) -> Metric:
    """A metric of this evaluation whose features file has that name. Raises KeyError for others."""
    for metric in metrics(config).values():
        if extractor_name(config, metric) == extractor:
            return metric
    raise KeyError(extractor)


def network_asked(config: Config, extractor: str) -> NetworkAsked:
    """What a features file is named after, besides the precision, and no more.

    Neither where weights lie, nor under which licence, nor why they are believed: finished features must not be redone
    when these are changed.
    """
    metric = metric_of(config, extractor)
    name, own = metric.extractor.name, metric.own
    if own is not None:
        own = own.model_copy(update={"torchscript": f"{name}.pt", "licence": "", "trust": False})
    return NetworkAsked(
        name=name,
        weights=metric.weights,
        arrays=arrays_together(config, metric),
        trust=metric.vouched is not None,
        sha256=metric.vouched.sha256 if metric.vouched else None,
        own=own,
    )


def weights_folder(config: Config) -> Path:
    """Where published weights are kept."""
    return Path(config.weights) if config.weights else default_folder()


def weights_place(config: Config, extractor: str) -> str:
    """Where a network's weights are: a user's own file, or the folder of the published ones."""
    own = metric_of(config, extractor).own
    return own.torchscript if own else str(weights_folder(config))


def extractors_of(config: Config, clips: str) -> list[str]:
    """The names of the features that are made of a folder of clips."""
    there = (metric for metric in metrics(config).values() if clips in clips_names(config, metric))
    return list(dict.fromkeys(extractor_name(config, metric) for metric in there))


def weights_wanted(config: Config, extractor: str) -> str | None:
    """The weights to be fetched before these features are computed; None where a run fetches none for them."""
    name = metric_of(config, extractor).weights
    return name if name is not None and fetchable(entry(name)) else None


def fetchable(known: Entry) -> bool:
    """Whether the workflow may fetch a file by itself: what it gets can be verified, and is not in a package."""
    return known.has_digest and known.packaged is None


def clips_names(config: Config, metric: Metric) -> dict[str, tuple[int, int]]:
    """Every folder of clips that a metric may read, with its (seed, draws)."""
    fixed = metric.clips.clips_per_video
    powers = [1 << power for power in range(MAX_DRAWS.bit_length())] if fixed == "auto" else [fixed]
    found: dict[str, tuple[int, int]] = {}
    for seed in seeds(config):
        for draws in powers:
            found.setdefault(layout.clips_name(metric.clips, seed=seed, draws=draws), (seed, draws))
    return found
