"""Which networks an evaluation runs, on which clips, from which weights, and what their features are named after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vidgauge import layout
from vidgauge.clipspec import ALL_DRAWS
from vidgauge.config import Config
from vidgauge.extractors.own import NetworkAsked
from vidgauge.metric import MAX_DRAWS, Metric, base, metrics, seeds
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
    arrays = arrays_together(config, metric, clips)
    return layout.extractor_name(metric.extractor, config.precision, digest, arrays, partners=metric.beside)


def with_bases(config: Config) -> Iterator[Metric]:
    """The metrics of an evaluation, each after the one of the features that its extractor reads, if it reads some."""
    for metric in metrics(config).values():
        if (below := base(config, metric)) is not None:
            yield below
        yield metric


def metric_of(config: Config, extractor: str) -> tuple[Metric, ClipSpec]:
    """A metric of this evaluation whose features file has that name, and of which clips. Raises KeyError for others."""
    for metric in with_bases(config):
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
        trim=metric.trim,
    )


def weights_folder(config: Config) -> Path:
    """Where published weights are kept."""
    return Path(config.weights) if config.weights else default_folder()


def weights_place(config: Config, extractor: str) -> str:
    """Where a network's weights are: a user's own file, or the folder of the published ones."""
    own = metric_of(config, extractor)[0].own
    return own.torchscript if own else str(weights_folder(config))


def features_below(config: Config, extractor: str) -> str | None:
    """The name of the features that an extractor reads instead of clips; None where it reads clips."""
    metric, clips = metric_of(config, extractor)
    below = base(config, metric)
    return extractor_name(config, below, clips) if below else None


def partners_of(config: Config, extractor: str) -> str | None:
    """What names the partners that a network sees beside the clips, as `Metric.beside`; None where it sees none."""
    return metric_of(config, extractor)[0].beside


def extractors_of(config: Config, clips: str) -> list[str]:
    """The names of the features that are made of a folder of clips."""
    there = [
        extractor_name(config, metric, sampling.clips)
        for metric in with_bases(config)
        for sampling in metric.samplings
        if metric.extractor.of is None and clips in clips_names(config, sampling.clips)
    ]
    return list(dict.fromkeys(there))


def weights_wanted(config: Config, extractor: str) -> list[str]:
    """The weights to be fetched before these features are computed; none where a run fetches none for them."""
    metric, _ = metric_of(config, extractor)
    names = [*([metric.weights] if metric.weights else []), *metric.extractor.also]
    return [name for name in names if fetchable(entry(name))]


def fetchable(known: Entry) -> bool:
    """Whether the workflow may fetch a file by itself: what it gets can be verified, and is not in a package."""
    return known.has_digest and bool(known.urls)


def clips_names(config: Config, clips: ClipSpec) -> dict[str, tuple[int, int]]:
    """Every folder of clips that a clip spec may stand for, with its (seed, draws)."""
    draws = [1 << power for power in range(MAX_DRAWS.bit_length())]
    if clips.clips_per_video != "auto":
        draws = [ALL_DRAWS if clips.clips_per_video == "all" else clips.clips_per_video]
    found: dict[str, tuple[int, int]] = {}
    for seed in seeds(config):
        for number in draws:
            found.setdefault(layout.clips_name(clips, seed=seed, draws=number), (seed, number))
    return found
