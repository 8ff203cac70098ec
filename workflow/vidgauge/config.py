"""The evaluation's configuration: closed models whose fields hold the defaults, and errors that name key and fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError

from vidgauge import extractors
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.layout import RESERVED
from vidgauge.metrics import registry as reductions
from vidgauge.specs import ClipSpec, Closed, Precision

PRESETS = Path(__file__).with_name("presets")


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"'{name}' cannot name files; use letters, digits, '.', '_' and '-', and begin with no '.' or '-'"
        )
    return name


Name = Annotated[str, AfterValidator(_plain_name)]


class Dataset(Closed):
    """Where a dataset's videos are."""

    source: str = Field(min_length=1, description="a manifest, a folder of videos or of frame folders, or a .npy array")
    root: str | None = Field(None, description="what ids and a manifest's paths are relative to")


class MetricDefinition(Closed):
    """A metric: a reduction of one array of an extractor, on clips made by a clip spec."""

    reduce: str
    extractor: str
    array: str | None = Field(None, description="an array of the extractor; null: its first")
    clips: ClipSpec = ClipSpec()
    samples: int | None = Field(None, ge=2, description="clips or frames of each set; null: all")
    options: dict[str, Any] = Field(default_factory=dict, description="of the reduction: k, splits, subsets ...")
    protocol: str = Field("user", description="the family whose numbers this one is comparable with")
    about: str = ""


class BadVideos(Closed):
    """What to do when some videos cannot be used."""

    action: Literal["fail", "reject"] = "fail"
    max_fraction: float = Field(1.0, ge=0, le=1, description="with reject: the largest tolerable share of a dataset")


class Config(Closed):
    """config.yaml, checked. Defaults stand here and nowhere else."""

    evaluation: Name
    reference: Name | None = None
    datasets: dict[Name, Dataset] = Field(min_length=1)
    metrics: list[Name] = Field(min_length=1)
    define: dict[Name, MetricDefinition] = Field(default_factory=dict)
    extractors: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    shard_size: int = Field(1024, ge=1, description="videos per shard")
    seed: int = Field(42, ge=0, lt=2**32 - 1024)
    runs: int = Field(1, ge=1, le=1024, description="repeat with seeds seed, seed + 1, ...")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Precision = "float32"
    bad_videos: BadVideos = BadVideos()
    keep_clips: bool = False
    weights: str | None = Field(None, description="where network weights are kept; null: the user's cache folder")
    results: str = Field("results", min_length=1)

    @property
    def candidates(self) -> list[str]:
        """The datasets that are judged, in the order of the file."""
        return [name for name in self.datasets if name != self.reference]

    def definition(self, metric: str) -> MetricDefinition:
        """What `metric` is made of: the user's own definition, else the preset of that name."""
        return self.define.get(metric) or presets()[metric]


@cache
def presets() -> dict[str, MetricDefinition]:
    """The named metrics that come with vidgauge."""
    raw = yaml.safe_load((PRESETS / "metrics.yaml").read_text())
    return {name: MetricDefinition.model_validate(keys) for name, keys in raw.items()}


def load(raw: Mapping[str, Any], where: str = "config.yaml") -> Config:
    """Check a configuration as read from YAML. Raises UsageError with one paragraph for everything that is wrong."""
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        problems = _readable(error, raw)
    else:
        problems = list(_contradictions(config))
    if problems:
        raise UsageError("\n".join(f"{where}: {problem}" for problem in problems))
    return config


def _contradictions(config: Config) -> Iterable[str]:
    """What is well-formed key by key but cannot be meant as a whole."""
    if config.evaluation in RESERVED:
        yield f"evaluation: '{config.evaluation}' is a folder that results need; choose another name"
    if config.reference is not None and config.reference not in config.datasets:
        yield (
            f"reference: '{config.reference}' is not among the datasets; "
            f"{did_you_mean(config.reference, config.datasets)}; use null where every metric looks at candidates alone"
        )
    if not config.candidates:
        yield f"datasets: only the reference '{config.reference}' is there; add a dataset to be judged"
    for name in config.extractors:
        known = ", ".join(extractors.names())
        yield f"extractors.{name}: networks of your own are not supported yet; known are: {known}"
    for name in sorted({name for name in config.metrics if config.metrics.count(name) > 1}):
        yield f"metrics: '{name}' is listed twice; keep one"
    for name, definition in config.define.items():
        yield from (f"define.{name}.{problem}" for problem in _definition_problems(definition))
    for index, name in enumerate(config.metrics):
        yield from (f"metrics[{index}]: {problem}" for problem in _metric_problems(config, name))


def _metric_problems(config: Config, name: str) -> Iterable[str]:
    known = {*presets(), *config.define}
    if name not in known:
        yield f"unknown metric '{name}'; {did_you_mean(name, known)}"
        return
    reduce = reductions.reductions().get(config.definition(name).reduce)
    if reduce is not None and reduce.needs_reference and config.reference is None:
        choices = ", ".join(config.datasets)
        yield f"'{name}' compares with a reference, but reference is null; set reference to one of: {choices}"


def _definition_problems(definition: MetricDefinition) -> Iterable[str]:
    known = reductions.reductions()
    if definition.reduce not in known:
        yield f"reduce: unknown reduction '{definition.reduce}'; {did_you_mean(definition.reduce, known)}"
    else:
        problems = reductions.check_options(known[definition.reduce], definition.options)
        yield from (f"options: {problem}" for problem in problems)
    networks = extractors.names()
    if definition.extractor not in networks:
        near = did_you_mean(definition.extractor, networks)
        yield f"extractor: unknown extractor '{definition.extractor}'; {near}"
        return
    spec = extractors.spec(definition.extractor)
    array = definition.array or next(iter(spec.arrays))
    if array not in spec.arrays:
        yield f"array: {spec.name} has no array '{array}'; {did_you_mean(array, spec.arrays)}"
        return
    need = max(spec.min_frames, spec.arrays[array].min_frames)
    if definition.clips.frames < need:
        yield (
            f"clips.frames: {spec.name}'s array '{array}' needs clips of at least {need} frames, "
            f"got {definition.clips.frames}"
        )


def _readable(error: ValidationError, raw: Any) -> list[str]:
    """pydantic's errors as lines `key.path: what is wrong`, the branches of a union joined into one line."""
    found: dict[str, list[str]] = {}
    for item in error.errors():
        key, value = _walk(raw, item["loc"])
        if item["type"] == "extra_forbidden":
            name = str(item["loc"][-1])
            text = f"unknown key; {did_you_mean(name, _known_keys(item['loc'][:-1]))}"
        elif item["type"] == "missing":
            key, text = ".".join(str(part) for part in item["loc"]), "this key is missing; add it"
        elif item["type"] == "value_error":
            text = str(item["ctx"]["error"])
        else:
            text = f"{item['msg'][0].lower()}{item['msg'][1:]}, got {value!r}"
        if text not in found.setdefault(key, []):
            found[key].append(text)
    return [f"{key}: {'; or '.join(texts)}" if key else "; or ".join(texts) for key, texts in found.items()]


def _walk(raw: Any, location: tuple[int | str, ...]) -> tuple[str, Any]:
    """Follow an error's location as far as it names what the user wrote: a union's branches are no keys."""
    path, value = "", raw
    for part in location:
        if isinstance(value, Mapping) and part in value:
            path, value = f"{path}.{part}" if path else str(part), value[part]
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            path, value = f"{path}[{part}]", value[part]
    return path, value


def _known_keys(location: tuple[int | str, ...]) -> Iterable[str]:
    """The keys of the model at a location of the configuration; names that the user chose stand at the second place."""
    section, depth = (location[0] if location else None), len(location)
    model: type[Closed] = Config
    if section == "datasets" and depth > 1:
        model = Dataset
    elif section == "define" and depth > 1:
        model = ClipSpec if location[2:3] == ("clips",) else MetricDefinition
    elif section == "bad_videos":
        model = BadVideos
    return model.model_fields
