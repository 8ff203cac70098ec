"""A self-test from its videos to its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from vidgauge import __version__
from vidgauge.digests import manifest_digest
from vidgauge.extractors import loading, run
from vidgauge.files import write_json, write_text
from vidgauge.selftest import draw, words
from vidgauge.selftest.asked import Group
from vidgauge.selftest.damages import DAMAGES, Damage
from vidgauge.selftest.measure import SPLITS, Answers, Ids, measure, modes_of, plan
from vidgauge.selftest.passes import clips_to_see, see, tried
from vidgauge.selftest.videos import Halves, read_halves, refuse_too_few
from vidgauge.specs import Network, WeightsFile

VERSION = 1
"""Of selftest.json."""


class Bar(Protocol):
    """Makes a progress bar, which is told how many more are done."""

    def __call__(
        self, what: str, unit: str, total: int | None = None
    ) -> AbstractContextManager[Callable[[int], object]]: ...


@dataclass(frozen=True)
class _Loaded:
    """A group with its network."""

    group: Group
    weights: WeightsFile | None
    network: Network


def selftest(
    source: Path,
    groups: Sequence[Group],
    *,
    out: Path,
    videos: int,
    seed: int,
    weights: Path | None,
    device: str,
    workers: int,
    bar: Bar,
) -> str:
    """Test metrics on the videos of a source, write selftest.json, .txt, .png and .svg to a folder; the table.

    weights: a file, or the folder where published ones are kept; None: the user's cache folder. Raises UsageError
    where there are too few videos, and what sources, weights and networks raise.
    """
    loaded = [_load(group, weights, device) for group in groups]  # first, for weights may be missing
    with bar("videos", "video") as update:
        halves = read_halves(
            source,
            [group.clips for group in groups],
            videos=videos,
            seed=seed,
            workers=workers,
            progress=_steps(update),
        )
    answers: list[Answers] = []
    failed: dict[str, dict[str, Any]] = {}
    parts: list[Ids] = []
    for one in loaded:
        with bar(one.group.network.name, "clip", clips_to_see(one.group.clips, halves)) as update:
            seen = see(one.group, one.network, halves, seed=seed, workers=workers, progress=update)
        failed |= {bad["path"]: bad for bad in seen.failed}
        reference, candidate = (
            [video.id for video in half if video.id in seen.clean] for half in (halves.reference, halves.candidate)
        )
        refuse_too_few(source, 2 * min(len(reference), len(candidate)), [*halves.left_out, *failed.values()])
        parts = parts or modes_of({video: seen.clean[video] for video in candidate}, one.group.metrics[0].array)
        compared = plan(seen, reference, candidate, parts, seed)
        with bar("metrics", "number", len(one.group.metrics) * len(compared.pairs)) as update:
            answers += [
                measure(metric, seen, compared, seed=seed, workers=workers, progress=partial(update, 1))
                for metric in one.group.metrics
            ]
    left_out = [*halves.left_out, *failed.values()]
    number = len(halves.reference) + len(halves.candidate) - len(failed)
    title = f"What metrics see of damage to {number} videos of {source}"
    notes = words.notes(answers, _not_tried(groups, halves), number, left_out)
    head = "\n".join([title, "", *words.table(answers), "", words.LEGEND, *notes])
    every = "\n\n".join("\n".join([*words.values(one), *words.sentences(one)]) for one in answers)
    content = {
        "version": VERSION,
        "source": str(source),
        "videos": number,
        "reference": [video.id for video in halves.reference],
        "damaged": [video.id for video in halves.candidate],
        "manifest_digest": manifest_digest([*halves.reference, *halves.candidate]),
        "left_out": left_out,
        "seed": seed,
        "splits": SPLITS,
        "damages": [{"damage": one.name, "unit": one.unit, "what": one.what} for one in DAMAGES],
        "networks": [_network(one) for one in loaded],
        "metrics": [_metric(one) for one in answers],
        "vidgauge": __version__,
    }
    write_json(out / "selftest.json", content)
    write_text(out / "selftest.txt", f"{head}\n\n{every}\n")
    picture = draw.figure(title, answers)
    for suffix in ("png", "svg"):
        draw.save(picture, out / f"selftest.{suffix}")
    return f"{head}\n\nEach number: {out / 'selftest.txt'}; the picture: {out / 'selftest.png'}\n"


def _load(group: Group, place: Path | None, device: str) -> _Loaded:
    file, asked = loading.weights_asked(group.network, place), group.network
    spec = loading.spec_of(asked)
    return _Loaded(group, file, loading.built(spec, file, device=device, arrays=asked.arrays, trust=asked.trusted))


def _steps(update: Callable[[int], object]) -> Callable[[int, int], object]:
    """What is told one by one, for what is told how many are done in all."""
    return lambda done, total: update(1)  # noqa: ARG005 - shards begin anew


def _not_tried(groups: Sequence[Group], halves: Halves) -> list[str]:
    """Which amounts were left out, and why, in sentences."""
    found = []
    for group in groups:
        whose = f"{', '.join(metric.name for metric in group.metrics)}: " if len(groups) > 1 else ""
        for damage in DAMAGES:
            reasons = tried(damage, group.clips, halves.candidate)
            for reason in dict.fromkeys(reason for reason in reasons.values() if reason):
                labels = ", ".join(damage.label(amount) for amount, why in reasons.items() if why == reason)
                found.append(f"{whose}{damage.name} {labels} was not tried: {reason}")
    return found


def _network(one: _Loaded) -> dict[str, Any]:
    spec = loading.spec_of(one.group.network)
    return {
        "extractor": spec.name,
        "version": spec.version,
        **run.weights_attrs(spec, one.weights),
        "clip_spec": one.group.clips.model_dump(mode="json"),
        "metrics": [metric.name for metric in one.group.metrics],
    }


def _metric(answers: Answers) -> dict[str, Any]:
    metric = answers.metric
    return {
        "metric": metric.name,
        "reduce": metric.definition.reduce,
        "options": {**metric.reduce.options, **metric.definition.options},
        "better": metric.reduce.better,
        "extractor": metric.extractor.name,
        "array": metric.array,
        "floor": answers.floor,
        "spread": answers.spread,
        "splits": answers.splits,
        "problem": answers.problem,
        "damages": {damage.name: _damage(answers, damage) for damage in DAMAGES},
    }


def _damage(answers: Answers, damage: Damage) -> dict[str, Any]:
    points = answers.points[damage.name]
    kind, since = words.verdict(points)
    return {
        "verdict": kind,
        "from": since and damage.label(since.amount),
        "sentence": words.sentence(answers, damage),
        "points": [{"label": damage.label(point.amount), **asdict(point)} for point in points],
    }
