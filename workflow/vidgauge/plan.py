"""What an evaluation needs: which clips, how many draws and shards, which files each metric reads.

Pure functions of the configuration and of what the gate counted; the rules ask, nothing here reads or writes files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidgauge import extractors, layout
from vidgauge.config import Config, MetricDefinition
from vidgauge.metrics import registry
from vidgauge.specs import ArraySpec, Asked, ClipSpec, ExtractorSpec, ReduceSpec

Counts = Mapping[str, Mapping[str, list[int]]]
"""Usable videos of each shard, {dataset: {clip need: [videos, ...]}}: what the gate counted."""

MAX_DRAWS = 1 << 16

ROW_VERSION = 1
"""Raise it when the same features give another row: a new key, another warning."""

SCREEN_VERSION = 1
"""Raise it when the same manifests are found usable, or not, for other reasons."""


@dataclass(frozen=True)
class Features:
    """One features file: its dataset and the two folder names that its specification gives."""

    dataset: str
    clips: str
    extractor: str


@dataclass(frozen=True)
class Metric:
    """A metric of an evaluation, with everything its name stands for looked up."""

    name: str
    definition: MetricDefinition

    @property
    def reduce(self) -> ReduceSpec:
        return registry.reductions()[self.definition.reduce]

    @property
    def extractor(self) -> ExtractorSpec:
        return extractors.spec(self.definition.extractor)

    @property
    def array(self) -> str:
        return self.definition.array or next(iter(self.extractor.arrays))

    @property
    def array_spec(self) -> ArraySpec:
        return self.extractor.arrays[self.array]

    @property
    def clips(self) -> ClipSpec:
        return self.definition.clips

    @property
    def need(self) -> str:
        """The name of what this metric asks of a video's length, the same for all draws and seeds."""
        return need_name(self.clips)

    def clips_wanted(self) -> int | None:
        """Clips of each set that `samples` asks for; None: all."""
        if self.definition.samples is None:
            return None
        rows = self.clips.frames if self.array_spec.per == "frame" else 1
        return -(-self.definition.samples // rows)

    def draws(self, videos: int) -> int:
        """Draws of each of `videos` videos. `auto` doubles, so that one more video seldom changes them."""
        if self.clips.clips_per_video != "auto":
            return self.clips.clips_per_video
        wanted, draws = self.clips_wanted(), 1
        if wanted is None or self.clips.start != "random":
            return 1
        while 0 < draws * videos < wanted and draws < MAX_DRAWS:
            draws *= 2
        return draws

    def as_dict(self, config: Config) -> dict[str, Any]:
        """All that the metric's number depends on besides its features, for the file that its job reads."""
        return {
            "metric": self.name,
            "need": self.need,
            "definition": self.definition.model_dump(mode="json"),
            "array": self.array,
            "options": {**self.reduce.options, **self.definition.options},
            "versions": {"row": ROW_VERSION, "reduce": self.reduce.version},
            "extractor": layout.extractor_name(self.extractor, config.precision),
            "seeds": seeds(config),
            "bad_videos": config.bad_videos.model_dump(mode="json"),
            "reference": config.reference if self.reduce.needs_reference else None,
        }


def need_of(spec: ClipSpec) -> ClipSpec:
    """The part of a clip spec that decides whether a video is long enough; all else at its default."""
    return ClipSpec(**{key: getattr(spec, key) for key in ("frames", "stride", "fps", "max_seconds", "short")})


def need_name(spec: ClipSpec) -> str:
    """A readable name of `need_of`.

    >>> need_name(ClipSpec(frames=16, stride=2))
    '16f-s2-reject'
    """
    fps = f"-{_digits(spec.fps)}fps" if spec.fps is not None else ""
    trim = f"-{_digits(spec.max_seconds)}s" if spec.max_seconds is not None else ""
    return f"{spec.frames}f-s{spec.stride}{fps}{trim}-{spec.short}"


def _digits(value: float) -> str:
    """All digits that tell a number from its neighbours, and no more."""
    return repr(value).removesuffix(".0")


def metrics(config: Config) -> dict[str, Metric]:
    """The metrics of an evaluation by name, in the order of the file."""
    return {name: Metric(name, config.definition(name)) for name in config.metrics}


def seeds(config: Config) -> list[int]:
    """The seed of each run."""
    return [config.seed + run for run in range(config.runs)]


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
    extractor = layout.extractor_name(metric.extractor, config.precision)
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


def extractor(config: Config, name: str) -> ExtractorSpec:
    """The extractor that a features file of this evaluation is named after. Raises KeyError for others."""
    for metric in metrics(config).values():
        if layout.extractor_name(metric.extractor, config.precision) == name:
            return metric.extractor
    raise KeyError(name)


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
        fixed = metric.clips.clips_per_video
        powers = [1 << power for power in range(MAX_DRAWS.bit_length())] if fixed == "auto" else [fixed]
        for seed in seeds(config):
            for draws in powers:
                if layout.clips_name(metric.clips, seed=seed, draws=draws) == name:
                    spec = metric.clips.model_copy(update={"clips_per_video": draws})
                    return Asked(spec=spec, seed=seed if spec.start == "random" else 0, draws=draws)
    raise KeyError(name)
