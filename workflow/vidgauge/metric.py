"""A metric of an evaluation, with everything its name stands for looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vidgauge.clipspec import ALL_DRAWS
from vidgauge.config import Config
from vidgauge.definition import MetricDefinition
from vidgauge.extractors.loading import given_arrays
from vidgauge.extractors.own import OwnNetwork, Vouched
from vidgauge.metrics import registry
from vidgauge.specs import ArraySpec, Better, ClipSpec, Column, ExtractorSpec, ReduceSpec
from vidgauge.weights import entry

MAX_DRAWS = 1 << 20


@dataclass(frozen=True)
class Sampling:
    """What a metric takes of one set: which clips, and how many samples of them."""

    clips: ClipSpec
    samples: int | None  # None: all
    rows: int  # samples that one clip gives
    beside: str | None = None  # what names the partners that the network sees too

    @property
    def clip_need(self) -> str:
        """The name of what the clips ask of a video, the same for all draws and seeds."""
        return need_name(self.clips)

    @property
    def need(self) -> str:
        """The name of all that is asked of a video: partners ask for more than clips do."""
        return self.clip_need + (f"-vs-{self.beside}" if self.beside else "")

    def clips_wanted(self) -> int | None:
        """Clips of the set that `samples` asks for; None: all."""
        return None if self.samples is None else -(-self.samples // self.rows)

    def draws(self, videos: int, levels: Sequence[int] = ()) -> int:
        """Draws of each of `videos` videos. `auto` doubles, so that one more video seldom changes them.

        levels: with start: each, clips of the set at 1, 2, 4 ... draws, until videos have no more to give.
        """
        if isinstance(self.clips.clips_per_video, int):
            return self.clips.clips_per_video
        if self.clips.clips_per_video == "all":
            return ALL_DRAWS
        wanted, most = self.clips_wanted(), 1 << max(0, len(levels) - 1)
        if wanted is None or not self.clips.seeded:
            return 1
        if self.clips.start == "each":
            return next((1 << power for power, clips in enumerate(levels) if clips >= wanted), most)
        draws = 1
        while 0 < draws * videos < wanted and draws < MAX_DRAWS:
            draws *= 2
        return draws


@dataclass(frozen=True)
class Metric:
    """A metric of an evaluation, with everything its name stands for looked up."""

    name: str
    definition: MetricDefinition
    extractor: ExtractorSpec
    reference: str | None = None  # the dataset that it compares with
    own: OwnNetwork | None = None
    vouched: Vouched | None = None
    compared: str | None = None  # the evaluation's reference, whether the metric compares with it or not
    rows: int | None = None  # samples that one clip gives, where features of it are only read by another network

    @property
    def reduce(self) -> ReduceSpec:
        return registry.reductions()[self.definition.reduce]

    @property
    def weights(self) -> str | None:
        """The registry's name of the file that the network is built from; None where it has none there."""
        return self.definition.weights or next(iter(self.extractor.weights), None)

    @property
    def weights_digest(self) -> str | None:
        """What the file is known by: its sha256 or git id, published, or found when the configuration was read."""
        if self.weights is None:
            return self.own.sha256 if self.own else None
        known = entry(self.weights)
        return known.sha256 or known.git_blob or (self.vouched.sha256 if self.vouched else None)

    @property
    def given_arrays(self) -> tuple[str, ...]:
        """The arrays that the network has with these weights."""
        return given_arrays(self.extractor, self.extractor.weights[self.weights] if self.weights else None)

    @property
    def array(self) -> str:
        return self.definition.array or self.given_arrays[0]

    @property
    def array_spec(self) -> ArraySpec:
        return self.extractor.arrays[self.array]

    @property
    def column(self) -> Column | None:
        """The column of an array of scores that the metric is about; None of other arrays."""
        found = {column.name: column for column in self.array_spec.columns}
        return found[self.definition.column or next(iter(found))] if found else None

    @property
    def better(self) -> Better | None:
        """Which numbers are better; None where neither are."""
        return self.column.better if self.column else self.reduce.better

    @property
    def partners(self) -> str | None:
        """The dataset that has the partner of each video, which the extractor sees too; None where it sees none."""
        return self.compared if self.extractor.pair else None

    @property
    def trim(self) -> bool:
        """Whether partners may be of another length, and what both have is compared."""
        return self.extractor.pair and self.definition.unequal == "trim"

    @property
    def beside(self) -> str | None:
        """What names the partners: their dataset, and whether they may be of another length."""
        return f"{self.partners}{'+trimmed' * self.trim}" if self.partners else None

    @property
    def note(self) -> str | None:
        """What every result must say, of the network and of the column."""
        notes = [self.extractor.note, self.column.note if self.column else None]
        return "; ".join(note for note in notes if note) or None

    def sampling(self, *, reference: bool) -> Sampling:
        """What is taken of the reference, or of each candidate."""
        clips = self.definition.clips_of(reference=reference)
        rows = self.rows or (clips.frames if self.array_spec.per == "frame" else 1)
        return Sampling(clips, self.definition.samples_of(reference=reference), rows, self.beside)

    def of(self, dataset: str) -> Sampling:
        """What is taken of a dataset."""
        return self.sampling(reference=dataset == self.reference)

    @property
    def samplings(self) -> tuple[Sampling, ...]:
        """What is taken of the candidates, and of the reference where the metric has one."""
        sides = (False, True) if self.reference is not None else (False,)
        return tuple(self.sampling(reference=side) for side in sides)


def need_of(spec: ClipSpec) -> ClipSpec:
    """The part of a clip spec that decides whether a video can be used; all else at its default."""
    need = {key: getattr(spec, key) for key in ("frames", "stride", "fps", "max_seconds", "min_frames", "short")}
    if spec.start == "each":  # how many clips a video gives must be known as well
        need["start"] = spec.start
    if spec.size == "native":  # videos must be of one size
        need["size"] = spec.size
    return ClipSpec(**need)


def need_name(spec: ClipSpec) -> str:
    """A readable name of `need_of`.

    >>> need_name(ClipSpec(frames=16, stride=2))
    '16f-s2-reject'
    """
    parts = [f"{spec.frames}f", f"s{spec.stride}"]
    if spec.fps is not None:
        parts.append(f"{_digits(spec.fps)}fps")
    if spec.max_seconds is not None:
        parts.append(f"{_digits(spec.max_seconds)}s")
    if spec.min_frames is not None:
        parts.append(f"from{spec.min_frames}f")
    parts.append(spec.short)
    parts += [word for word in (spec.start, spec.size) if word in ("each", "native")]
    return "-".join(map(str, parts))


def _digits(value: float) -> str:
    """All digits that tell a number from its neighbours, and no more."""
    return repr(value).removesuffix(".0")


def metrics(config: Config) -> dict[str, Metric]:
    """The metrics of an evaluation by name, in the order of the file."""
    return {name: _metric(config, name) for name in config.metrics}


def _metric(config: Config, name: str) -> Metric:
    definition = config.definition(name)
    said = config.extractors.get(definition.extractor)
    own, vouched = (said, None) if isinstance(said, OwnNetwork) else (None, said)
    compares = registry.reductions()[definition.reduce].needs_reference
    reference = config.reference if compares else None
    extractor = config.extractor(definition.extractor)
    return Metric(name, definition, extractor, reference, own, vouched, config.reference)


def base(config: Config, metric: Metric) -> Metric | None:
    """The metric as if it were one of the features that its extractor reads; None where that reads clips.

    Only what these features depend on means something in it.
    """
    below = metric.extractor.of
    if below is None:
        return None
    definition = metric.definition.model_copy(update={"extractor": below, "array": None, "column": None})
    rows = metric.sampling(reference=False).rows  # both are made of the same clips
    return replace(metric, definition=definition, extractor=config.extractor(below), rows=rows)


def seeds(config: Config) -> list[int]:
    """The seed of each run."""
    return [config.seed + run for run in range(config.runs)]
