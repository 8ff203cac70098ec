"""What an evaluation needs: which clips, how many draws and shards, which files each metric reads.

Pure functions of the configuration and of what the gate counted; the rules ask, nothing here reads or writes files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vidgauge import layout
from vidgauge.config import Config
from vidgauge.knobs import knobs
from vidgauge.metric import Metric, metrics, need_of, seeds
from vidgauge.networks import clips_names, extractor_name, with_bases
from vidgauge.specs import Asked


@dataclass(frozen=True)
class Counts:
    """What the gate counted, in each shard: {dataset: {clip need: ...}}."""

    usable: Mapping[str, Mapping[str, Sequence[int]]]  # videos
    clips: Mapping[str, Mapping[str, Sequence[Sequence[int]]]]  # with start: each, clips at 1, 2, 4 ... draws a video
    sizes: Mapping[str, Mapping[str, Sequence[int]]]  # with size: native, [height, width] of a dataset's videos


ROW_VERSION = 5
"""Raise it when the same features give another row: a new key, another warning."""

SCREEN_VERSION = 3
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
        "needs": [name for sampling in metric.samplings for name in dict.fromkeys((sampling.clip_need, sampling.need))],
        "definition": metric.definition.model_dump(mode="json"),
        "samples": [sampling.samples for sampling in metric.samplings],
        "array": metric.array,
        "options": {**metric.reduce.options, **metric.definition.options},
        "versions": {"row": ROW_VERSION, "reduce": metric.reduce.version},
        "extractors": [extractor_name(config, metric, sampling.clips) for sampling in metric.samplings],
        "made_with": {
            "extractor": metric.extractor.name,
            "version": metric.extractor.version,
            "weights": metric.weights,
            "precision": config.precision,
        },
        "clips": [sampling.clips.model_dump(mode="json") for sampling in metric.samplings],
        "knobs": knobs(metric, config.precision),
        "note": metric.note,
        **({"column": {**asdict(metric.column), "per": metric.array_spec.per}} if metric.column else {}),
        # What a user says of a network, and may say otherwise later; of published ones it stands in their features.
        "own": {"licence": metric.own.licence, "weights_verified": not metric.own.trust} if metric.own else {},
        "seeds": seeds(config),
        "uncertainty": config.uncertainty,
        "bad_videos": config.bad_videos.model_dump(mode="json"),
        "reference": metric.reference,
        "statistics": {
            name: {"array": config.datasets[name].array, "n": config.datasets[name].n}
            for name in datasets(config, metric)
            if config.datasets[name].is_statistics
        },
    }


def maps(config: Config) -> dict[str, dict[str, Any]]:
    """The maps of an evaluation, one for each array of features that its metrics rest on, named after the first."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for metric in metrics(config).values():
        if metric.column is not None:  # scores are no features of which some are near to others
            continue
        names = tuple(extractor_name(config, metric, sampling.clips) for sampling in metric.samplings)
        clips = tuple(sampling.clips.model_dump_json() for sampling in metric.samplings)
        plan: dict[str, Any] = {
            "name": metric.name,
            "metrics": [],
            "extractor": metric.extractor.name,
            "array": metric.array,
            "clips": {name: metric.of(name).need for name in videos_of(config, metric)},
            "samples": {name: metric.of(name).samples for name in videos_of(config, metric)},
            "reference": metric.reference if metric.reference in config.listed else None,
            "seed": config.seed,
            "method": config.map,
        }
        found.setdefault((*names, *clips, metric.array), plan)["metrics"].append(metric.name)
    return {plan["name"]: plan for plan in found.values()}


def scores(config: Config) -> dict[str, Any]:
    """What there is to say of single videos: of each array of scores its columns, how they are called, what is better.

    A column has its own name where no other array has one of that name, else that of a metric that rests on it before.
    """
    arrays: dict[tuple[str, str, str], Metric] = {}
    for metric in metrics(config).values():
        if metric.column is not None:
            clips = metric.sampling(reference=False).clips
            arrays.setdefault((extractor_name(config, metric, clips), clips.model_dump_json(), metric.array), metric)
    often = Counter(column.name for metric in arrays.values() for column in metric.array_spec.columns)
    return {
        "candidates": [name for name in config.candidates if name in config.listed],
        "seed": config.seed,
        "scores": [
            {
                "metric": metric.name,
                "extractor": metric.extractor.name,
                "array": metric.array,
                "per": metric.array_spec.per,
                "labels": {
                    column.name: column.name if often[column.name] == 1 else f"{metric.name}.{column.name}"
                    for column in metric.array_spec.columns
                },
            }
            for metric in arrays.values()
        ],
        "asked": [
            {"label": label, "metric": metric.name, "better": metric.better}
            for metric, label in _asked_scores(config, arrays, often)
        ],
    }


def _asked_scores(
    config: Config, arrays: Mapping[tuple[str, str, str], Metric], often: Mapping[str, int]
) -> Iterator[tuple[Metric, str]]:
    """The metrics that are about a column of scores, and how that is called."""
    for metric in metrics(config).values():
        if metric.column is not None:
            clips = metric.sampling(reference=False).clips
            first = arrays[extractor_name(config, metric, clips), clips.model_dump_json(), metric.array]
            name = metric.column.name
            yield metric, name if often[name] == 1 else f"{first.name}.{name}"


def datasets(config: Config, metric: Metric) -> list[str]:
    """The datasets that a metric reads."""
    return [*([metric.reference] if metric.reference else []), *config.candidates]


def videos_of(config: Config, metric: Metric) -> list[str]:
    """Those of them that are videos, and no saved statistics."""
    return [name for name in datasets(config, metric) if not config.datasets[name].is_statistics]


def needs(config: Config) -> dict[str, dict[str, Any]]:
    """What the gate checks: {need: {"spec", "datasets"}}, of pairs also "clips" (their need), "partners" and "trim"."""
    found: dict[str, dict[str, Any]] = {}
    for metric in metrics(config).values():
        for name in videos_of(config, metric):
            sampling = metric.of(name)
            spec = need_of(sampling.clips).model_dump(mode="json")
            asked: dict[str, dict[str, Any]] = {sampling.clip_need: {}}
            if metric.partners:
                asked[sampling.need] = {
                    "clips": sampling.clip_need,
                    "partners": metric.partners,
                    "trim": metric.trim,
                }
            for key, more in asked.items():
                need = found.setdefault(key, {"spec": spec, "datasets": [], **more})
                need["datasets"] = [other for other in config.datasets if other in {*need["datasets"], name}]
    return dict(sorted(found.items()))


def videos_wanted(config: Config, dataset: str) -> int | None:
    """Videos of a dataset that must be probed for what its metrics sample; None: all.

    Where bad videos are left out, all are probed: how many are usable decides how often each is drawn from.
    """
    if config.bad_videos.action == "reject":
        return None
    most = 0
    for metric in metrics(config).values():
        if dataset == metric.partners:  # whose videos are asked for one by one
            return None
        if dataset in videos_of(config, metric):
            wanted = clips_wanted(metric, dataset)
            if wanted is None:
                return None
            most = max(most, wanted)
    return most


def clips_wanted(metric: Metric, dataset: str) -> int | None:
    """Clips from which a metric's samples of a dataset are taken; None: all, also to find which come first by name."""
    return None if metric.definition.samples_by == "name" else metric.of(dataset).clips_wanted()


def features(config: Config, metric: Metric, dataset: str, counts: Counts) -> list[Features]:
    """The features file of each run, the same one for all runs where the clip spec draws nothing."""
    sampling = metric.of(dataset)
    levels = [sum(shards) for shards in counts.clips.get(dataset, {}).get(sampling.need, [])]
    draws = sampling.draws(sum(counts.usable[dataset][sampling.need]), levels)
    extractor = extractor_name(config, metric, sampling.clips)
    return [
        Features(dataset, layout.clips_name(sampling.clips, seed=seed, draws=draws), extractor)
        for seed in seeds(config)
    ]


def all_features(config: Config, counts: Counts) -> list[Features]:
    """Every features file of an evaluation, once, with those that others are made of."""
    found = {
        file: None
        for metric in with_bases(config)
        for dataset in videos_of(config, metric)
        for file in features(config, metric, dataset, counts)
    }
    return list(found)


def shards_of(config: Config, wanted: Features, counts: Counts) -> int:
    """How many of a dataset's first shards a features file must hold for all metrics that read it."""
    most = 0
    for metric in with_bases(config):
        if wanted.dataset in videos_of(config, metric) and wanted in features(config, metric, wanted.dataset, counts):
            usable = counts.usable[wanted.dataset][metric.of(wanted.dataset).need]
            most = max(most, first_shards(usable, clips_wanted(metric, wanted.dataset)))
    return most


def first_shards(usable: Sequence[int], clips: int | None) -> int:
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


def clips_asked(config: Config, dataset: str, name: str, counts: Counts) -> Asked:
    """What a dataset's folder of clips is named after, and no more. Raises KeyError for those of other evaluations."""
    for metric in metrics(config).values():
        sampling = metric.of(dataset)
        names = clips_names(config, sampling.clips)
        if dataset in videos_of(config, metric) and name in names:
            seed, draws = names[name]
            spec = sampling.clips
            if spec.clips_per_video != "all":
                spec = spec.model_copy(update={"clips_per_video": draws})
            size = counts.sizes[dataset][sampling.need] if spec.size == "native" else None
            return Asked(
                spec=spec, seed=seed if spec.seeded else 0, draws=draws, native=(size[0], size[1]) if size else None
            )
    raise KeyError(name)
