"""What an evaluation needs: which clips, how many draws and shards, which files each metric reads.

Pure functions of the configuration and of what the gate counted; the rules ask, nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidgauge import layout
from vidgauge.config import Config
from vidgauge.metric import Metric, metrics, need_of, seeds
from vidgauge.networks import clips_names, extractor_name
from vidgauge.specs import Asked

Counts = Mapping[str, Mapping[str, list[int]]]
"""Usable videos of each shard, {dataset: {clip need: [videos, ...]}}: what the gate counted."""

ROW_VERSION = 2
"""Raise it when the same features give another row: a new key, another warning."""

SCREEN_VERSION = 1
"""Raise it when the same manifests are found usable, or not, for other reasons."""


@dataclass(frozen=True)
class Features:
    """One features file: its dataset and the two folder names that its specification gives."""

    dataset: str
    clips: str
    extractor: str


def metric_plan(config: Config, metric: Metric) -> dict[str, Any]:
    """All that the metric's number depends on besides its features, for the file that its job reads."""
    return {
        "metric": metric.name,
        "need": metric.need,
        "definition": metric.definition.model_dump(mode="json"),
        "array": metric.array,
        "options": {**metric.reduce.options, **metric.definition.options},
        "versions": {"row": ROW_VERSION, "reduce": metric.reduce.version},
        "extractor": extractor_name(config, metric),
        "note": metric.extractor.note,
        # What a user says of a network, and may say otherwise later; of published ones it stands in their features.
        "own": {"licence": metric.own.licence, "weights_verified": not metric.own.trust} if metric.own else {},
        "seeds": seeds(config),
        "bad_videos": config.bad_videos.model_dump(mode="json"),
        "reference": config.reference if metric.reduce.needs_reference else None,
    }


def datasets(config: Config, metric: Metric) -> list[str]:
    """The datasets whose features a metric reads."""
    reference = [config.reference] if config.reference and metric.reduce.needs_reference else []
    return [*reference, *config.candidates]


def needs(config: Config) -> dict[str, dict[str, Any]]:
    """What the gate checks: {clip need: {"spec", "datasets"}}."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics(config).values():
        spec = need_of(metric.clips).model_dump(mode="json")
        need = found.setdefault(metric.need, {"spec": spec, "datasets": []})
        need["datasets"] = [name for name in config.datasets if name in {*need["datasets"], *datasets(config, metric)}]
    return dict(sorted(found.items()))


def videos_wanted(config: Config, dataset: str) -> int | None:
    """Videos of a dataset that must be probed for what its metrics sample; None: all.

    Where bad videos are left out, all are probed: how many are usable decides how often each is drawn from.
    """
    if config.bad_videos.action == "reject":
        return None
    most = 0
    for metric in metrics(config).values():
        if dataset in datasets(config, metric):
            wanted = metric.clips_wanted()
            if wanted is None:
                return None
            most = max(most, wanted)
    return most


def features(config: Config, metric: Metric, dataset: str, counts: Counts) -> list[Features]:
    """The features file of each run, the same one for all runs where the clip spec draws nothing."""
    draws = metric.draws(sum(counts[dataset][metric.need]))
    extractor = extractor_name(config, metric)
    return [
        Features(dataset, layout.clips_name(metric.clips, seed=seed, draws=draws), extractor) for seed in seeds(config)
    ]


def all_features(config: Config, counts: Counts) -> list[Features]:
    """Every features file of an evaluation, once."""
    found = {
        file: None
        for metric in metrics(config).values()
        for dataset in datasets(config, metric)
        for file in features(config, metric, dataset, counts)
    }
    return list(found)


def shards_of(config: Config, wanted: Features, counts: Counts) -> int:
    """How many of a dataset's first shards a features file must hold for all metrics that read it."""
    most = 0
    for metric in metrics(config).values():
        if wanted.dataset in datasets(config, metric) and wanted in features(config, metric, wanted.dataset, counts):
            usable = counts[wanted.dataset][metric.need]
            most = max(most, first_shards(usable, metric.clips_wanted()))
    return most


def first_shards(usable: list[int], clips: int | None) -> int:
    """The smallest number of first shards that hold `clips` videos; all that hold a video where that is never reached.

    Every video gives a first clip before one gives a second, so draws play no part.

    >>> first_shards([10, 10, 10, 0], 15), first_shards([10, 10, 10, 0], None)
    (2, 3)
    """
    total, number = 0, 0
    for shard, videos in enumerate(usable, 1):
        if videos and (clips is None or total < clips):
            total, number = total + videos, shard
    return number


def clips_asked(config: Config, name: str) -> Asked:
    """What a folder of clips of this evaluation is named after, and no more. Raises KeyError for others."""
    for metric in metrics(config).values():
        names = clips_names(config, metric)
        if name in names:
            seed, draws = names[name]
            spec = metric.clips.model_copy(update={"clips_per_video": draws})
            return Asked(spec=spec, seed=seed if spec.start == "random" else 0, draws=draws)
    raise KeyError(name)
