"""The evaluation's configuration: closed models whose fields hold the defaults, and errors that name key and fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationError

from vidgauge import extractors, hints
from vidgauge.definition import MetricDefinition, Name, ReferenceSide
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.extractors import own
from vidgauge.extractors.loading import given_arrays
from vidgauge.extractors.own import OwnInput, OwnNetwork, Vouched
from vidgauge.layout import RESERVED
from vidgauge.manifest.dataset import Dataset
from vidgauge.metrics import registry as reductions
from vidgauge.presets import presets
from vidgauge.specs import ArraySpec, ClipSpec, Closed, ExtractorSpec, Precision
from vidgauge.weights import entry


class BadVideos(Closed):
    """What to do when some videos cannot be used."""

    action: Literal["fail", "reject"] = "fail"
    max_fraction: float = Field(1.0, ge=0, le=1, description="with reject: the largest tolerable share of a dataset")


def _kind(said: Any) -> str:
    """An entry that says no more of a network than a Vouched can is one; all others bring a network."""
    if isinstance(said, Mapping):
        return "vouched" if said and set(said) <= set(Vouched.model_fields) else "own"
    return "vouched" if isinstance(said, Vouched) else "own"


Extractor = Annotated[Annotated[OwnNetwork, Tag("own")] | Annotated[Vouched, Tag("vouched")], Discriminator(_kind)]


class Config(Closed):
    """config.yaml, checked. Defaults stand here and nowhere else."""

    evaluation: Name
    reference: Name | None = None
    datasets: dict[Name, Dataset] = Field(min_length=1)
    metrics: list[Name] = Field(min_length=1)
    define: dict[Name, MetricDefinition] = Field(default_factory=dict)
    extractors: dict[Name, Extractor] = Field(default_factory=dict)
    shard_size: int = Field(1024, ge=1, description="videos per shard")
    seed: int = Field(42, ge=0, lt=2**32 - 1024)
    runs: int = Field(1, ge=1, le=1024, description="repeat with seeds seed, seed + 1, ...")
    uncertainty: bool = Field(True, description="intervals, curves over the number of videos, differences")
    report: bool = Field(True, description="make report.html")
    map: Literal["pca", "tsne"] = Field("pca", description="how the report draws the features")
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

    @property
    def listed(self) -> list[str]:
        """The datasets that are videos, and no saved statistics."""
        return [name for name, dataset in self.datasets.items() if not dataset.is_statistics]

    def definition(self, metric: str) -> MetricDefinition:
        """What `metric` is made of: the user's own definition, else the preset of that name."""
        return self.define.get(metric) or presets()[metric]

    @property
    def own_networks(self) -> dict[str, OwnNetwork]:
        """The networks that the user brings, by name."""
        return {name: entry for name, entry in self.extractors.items() if isinstance(entry, OwnNetwork)}

    def extractor(self, name: str) -> ExtractorSpec:
        """The extractor of that name, the user's own or a known one; UsageError if there is none."""
        if name in self.own_networks:
            return own.spec_of(name, self.own_networks[name])
        return extractors.spec(name)

    def extractor_names(self) -> list[str]:
        """Every extractor that a metric can name."""
        return [*extractors.names(), *self.own_networks]


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
    for name, said in config.extractors.items():
        known = name in extractors.names()
        if known and isinstance(said, OwnNetwork):
            yield f"extractors.{name}: is the name of a network that comes with vidgauge; choose another"
        if not known and isinstance(said, Vouched):
            near = did_you_mean(name, extractors.names())
            yield f"extractors.{name}: unknown extractor; {near}; a network of your own needs torchscript: its file"
        if known and isinstance(said, Vouched) and not _unknown_digests(name):
            yield f"extractors.{name}: nothing there needs trust, for its weights are known by their digest; remove it"
    for name in sorted({name for name in config.metrics if config.metrics.count(name) > 1}):
        yield f"metrics: '{name}' is listed twice; keep one"
    for name, definition in config.define.items():
        yield from (f"define.{name}.{problem}" for problem in _definition_problems(config, definition))
    for index, name in enumerate(config.metrics):
        yield from (f"metrics[{index}]: {problem}" for problem in _metric_problems(config, name))


def _unknown_digests(extractor: str) -> list[str]:
    return [file for file in extractors.spec(extractor).weights if not entry(file).has_digest]


def _metric_problems(config: Config, name: str) -> Iterable[str]:
    known = {*presets(), *config.define}
    if name not in known:
        yield f"unknown metric '{name}'; {hints.of_column(name) or did_you_mean(name, known)}"
        return
    definition = config.definition(name)
    reduce = reductions.reductions().get(definition.reduce)
    if reduce is not None and reduce.needs_reference and config.reference is None:
        choices = ", ".join(config.datasets)
        yield f"'{name}' compares with a reference, but reference is null; set reference to one of: {choices}"
    if definition.extractor in config.extractor_names():
        spec = config.extractor(definition.extractor)
        if spec.pair and (config.reference is None or config.reference not in config.listed):
            yield f"'{name}' compares each video with its own reference video; set reference to a dataset of videos"
        if definition.unequal == "trim" and not spec.pair:
            yield f"'{name}': unequal: trim is of pairs of videos, and {spec.name} sees none; remove it"
        clips = definition.clips
        if definition.unequal == "trim" and clips.start != "first" and clips.clips_per_video != "all":
            yield (
                f"'{name}': unequal: trim compares the frames that both videos of a pair have, and with clips.start: "
                f"{clips.start} clips are taken from all of the longer one; use clips: {{start: first}}, or {{start: "
                "each, clips_per_video: all}"
            )
    if reduce is not None and (reduce.paired or reduce.name == "mean"):
        for dataset in set(config.datasets) - set(config.listed):
            what = "compares each video with its own" if reduce.paired else "judges single videos"
            if reduce.paired or dataset != config.reference:
                yield f"'{name}' {what}, but {dataset} is saved statistics; give its videos"
    if definition.extractor in config.extractor_names():
        yield from _unvouched(config, definition)


def _unvouched(config: Config, definition: MetricDefinition) -> Iterable[str]:
    """Weights that nothing vouches for, of a metric that would use them."""
    spec = config.extractor(definition.extractor)
    weights = definition.weights or next(iter(spec.weights), None)
    if weights is None or weights not in spec.weights or spec.name in config.extractors:
        return
    if not entry(weights).has_digest:
        yield (
            f"{spec.name} rests on {entry(weights).file}, of which nobody has published a digest; "
            f"if you trust the file that you have, say so: extractors: {{{spec.name}: {{trust: true}}}}"
        )


def _definition_problems(config: Config, definition: MetricDefinition) -> Iterable[str]:
    known = reductions.reductions()
    if definition.reduce not in known:
        yield f"reduce: unknown reduction '{definition.reduce}'; {did_you_mean(definition.reduce, known)}"
    else:
        problems = reductions.check_options(known[definition.reduce], definition.options)
        yield from (f"options: {problem}" for problem in problems)
    networks = config.extractor_names()
    if definition.extractor not in networks:
        near = did_you_mean(definition.extractor, networks)
        yield f"extractor: unknown extractor '{definition.extractor}'; {near}"
        return
    yield from _network_problems(config.extractor(definition.extractor), definition)


def _network_problems(spec: ExtractorSpec, definition: MetricDefinition) -> Iterable[str]:
    """What does not fit together in a metric's extractor, weights, array and clips."""
    weights = definition.weights or next(iter(spec.weights), None)
    if weights is not None and weights not in spec.weights:
        takes = did_you_mean(weights, spec.weights) if spec.weights else "it takes none by name"
        yield f"weights: {spec.name} does not take '{weights}'; {takes}"
        return
    arrays = given_arrays(spec, spec.weights[weights] if weights else None)
    array = definition.array or arrays[0]
    if array not in arrays:
        of = f" with weights: {weights}" if array in spec.arrays else ""
        yield f"array: {spec.name}{of} has no array '{array}'; {did_you_mean(array, arrays)}"
        return
    yield from _column_problems(spec.arrays[array], array, definition)
    clips, need = definition.clips, max(spec.input.min_frames, spec.arrays[array].min_frames)
    if clips.frames < need or not spec.input.takes(clips.frames):
        seen = replace(spec.input, min_frames=need)
        wanted = f"clips of {seen.frames_text} frames"
        yield f"clips.frames: {spec.name}'s array '{array}' needs {wanted}, got {clips.frames}"
    shape = "native" if clips.size == "native" else list(clips.shape)
    if spec.name not in extractors.names() and spec.input.size is not None and shape != list(spec.input.size):
        yield f"clips.size: {spec.name} needs clips of {list(spec.input.size)} pixels, got {shape}"


def _column_problems(array: ArraySpec, name: str, definition: MetricDefinition) -> Iterable[str]:
    """What does not fit together in a metric's reduction, array and column."""
    columns = {column.name: column for column in array.columns}
    if definition.column is not None and not columns:
        yield f"column: array '{name}' has no columns with names; remove it"
    elif definition.column is not None and definition.column not in columns:
        yield f"column: array '{name}' has no column '{definition.column}'; {did_you_mean(definition.column, columns)}"
    elif columns and definition.reduce != "mean":
        yield f"reduce: '{definition.reduce}' compares features, and '{name}' holds scores; use reduce: mean"
    elif columns and columns[definition.column or next(iter(columns))].better is None:
        which = definition.column or next(iter(columns))
        yield f"column: of '{which}' neither more nor less is better; it stands in videos.csv beside the others"
    elif not columns and definition.reduce == "mean":
        yield f"reduce: 'mean' is of scores, and array '{name}' holds features; use another reduction"


def _readable(error: ValidationError, raw: Any) -> list[str]:
    """pydantic's errors as lines `key.path: what is wrong`, the branches of a union joined into one line."""
    found: dict[str, list[str]] = {}
    for item in error.errors():
        key, value = _walk(raw, item["loc"])
        if item["type"] == "extra_forbidden":
            name = str(item["loc"][-1])
            building = hints.of_building(name, value) if _in_definition(item["loc"]) else None
            text = f"unknown key; {building or did_you_mean(name, _known_keys(item['loc'][:-1]))}"
        elif item["type"] == "missing":
            key, text = f"{key}.{item['loc'][-1]}".lstrip("."), "this key is missing; add it"
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


def _in_definition(location: tuple[int | str, ...]) -> bool:
    return location[0] == "define" and len(location) == 3


def _known_keys(location: tuple[int | str, ...]) -> Iterable[str]:
    """The keys of the model at a location of the configuration; names that the user chose stand at the second place."""
    section, depth = (location[0] if location else None), len(location)
    model: type[Closed] = Config
    if section == "datasets" and depth > 1:
        model = Dataset
    elif section == "define" and depth > 1:
        inside = location[2] if depth > 2 else None
        model = ClipSpec if inside == "clips" else ReferenceSide if inside == "reference" else MetricDefinition
    elif section == "bad_videos":
        model = BadVideos
    elif section == "extractors" and depth > 1:
        model = OwnInput if "input" in location else OwnNetwork if "own" in location else Vouched
    return model.model_fields
