"""A metric of an evaluation, with everything its name stands for looked up."""

from __future__ import annotations

from dataclasses import dataclass

from vidgauge.config import Config, MetricDefinition
from vidgauge.extractors.loading import given_arrays
from vidgauge.extractors.own import OwnNetwork, Vouched
from vidgauge.metrics import registry
from vidgauge.specs import ArraySpec, ClipSpec, ExtractorSpec, ReduceSpec
from vidgauge.weights import entry

MAX_DRAWS = 1 << 16


@dataclass(frozen=True)
class Metric:
    """A metric of an evaluation, with everything its name stands for looked up."""

    name: str
    definition: MetricDefinition
    extractor: ExtractorSpec
    own: OwnNetwork | None = None
    vouched: Vouched | None = None

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
    return {name: _metric(config, name) for name in config.metrics}


def _metric(config: Config, name: str) -> Metric:
    definition = config.definition(name)
    said = config.extractors.get(definition.extractor)
    own, vouched = (said, None) if isinstance(said, OwnNetwork) else (None, said)
    return Metric(name, definition, config.extractor(definition.extractor), own, vouched)


def seeds(config: Config) -> list[int]:
    """The seed of each run."""
    return [config.seed + run for run in range(config.runs)]
