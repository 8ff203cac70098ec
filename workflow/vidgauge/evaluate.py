"""From features files to a row of results: what one metric says of one candidate."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError
from vidgauge.metrics import registry
from vidgauge.specs import Reduced
from vidgauge.store.features import FeatureArray, read_attrs, read_failed, read_origin, read_samples

ROW = {
    "metric": "the metric's name",
    "protocol": "the family whose numbers this one is comparable with; user: a definition of one's own",
    "candidate": "the dataset that is judged",
    "reference": "the dataset it is compared with; null where the metric looks at the candidate alone",
    "value": "the headline number, the mean over runs; null where it is undefined",
    "std": "standard deviation over runs; null for one run",
    "ci95": "95 % interval [lo, hi] of value; null where it is not known",
    "n_candidate": "samples of the candidate: clips or frames",
    "n_reference": "samples of the reference; null without one",
    "videos_candidate": "videos that the candidate's samples come from",
    "videos_reference": "videos that the reference's samples come from; null without one",
    "better": "lower or higher",
    "scale": "what the formula's result was multiplied by",
    "extractor": "the network",
    "array": "which of its arrays",
    "weights": "the network's weights, by their name in the list of known ones, or the file; null where it has none",
    "weights_sha256": "digest of the network's weights; null where it has none",
    "weights_verified": "whether that digest was known before, published or given; false: they are trusted",
    "licence": "of the weights, or of the network where it has none",
    "clips": "name of the clip spec, as in the folders of results",
    "clip_spec": "the clip spec, all keys",
    "precision": "the network's arithmetic",
    "options": "of the reduction, all keys",
    "seed": "the seed of the first run",
    "runs": "how many runs, with seeds seed, seed + 1, ...",
    "runs_values": "value of each run",
    "warnings": "why the number is not to be trusted, in sentences",
    "undecodable": "videos left out because they could not be decoded: dataset, path, reason, detail",
    "note": "what must be said wherever the number is shown; null if nothing",
    "values": "the metric's own parts by name, means over runs",
}
"""Every key of a row and what it means. All are always there; what is not known is null."""


@dataclass(frozen=True)
class Side:
    """One set of a metric in one run: its samples and what its features file says of itself."""

    name: str
    samples: FeatureArray
    decoded: int  # videos of the features file, sampled here or not
    attrs: Mapping[str, Any]
    failed: Sequence[Mapping[str, str]]

    @property
    def videos(self) -> int:
        return len(set(self.samples.video))

    @property
    def distinct(self) -> int:
        """Samples that are no second draw of the same frames: a video with no room to choose repeats its clip."""
        return len(set(zip(self.samples.video, self.samples.start, strict=True)))


def evaluate(plan: Mapping[str, Any], candidate: str, files: Sequence[Path]) -> dict[str, Any]:
    """The row of one metric and candidate.

    plan: as `vidgauge.plan.metric_plan` gives it. files: the candidate's features of each run, then the
    reference's if the metric has one. Raises VidgaugeError where videos could not be decoded and `bad_videos` says
    fail. A metric that has no value here, with too few samples say, gives a row whose value is null, and a warning.
    """
    runs, names = len(plan["seeds"]), [candidate, plan["reference"]]
    if len(files) != runs * (2 if plan["reference"] else 1):
        raise VidgaugeError(f"{plan['metric']}: {runs} runs do not fit {len(files)} features files")
    sides = [_side(name, file, plan) for name, file in zip(_each(names, runs), files, strict=False)]
    candidates: list[Side] = sides[:runs]
    references: list[Side | None] = list(sides[runs:]) if plan["reference"] else [None] * runs
    _refuse_undecodable(plan, sides)
    results = [_reduce(plan, *pair) for pair in zip(plan["seeds"], candidates, references, strict=True)]
    return _row(plan, candidates, references, results)


def _each(names: Sequence[str], runs: int) -> list[str]:
    return [name for name in names for _ in range(runs)]


def _side(name: str, file: Path, plan: Mapping[str, Any]) -> Side:
    samples = read_samples(file, plan["array"], plan["definition"]["samples"])
    decoded = len(set(read_origin(file, plan["array"]).video))
    return Side(name, samples, decoded, read_attrs(file), read_failed(file))


def _refuse_undecodable(plan: Mapping[str, Any], sides: Sequence[Side]) -> None:
    """Damage inside a stream shows only when it is decoded, after the gate: `bad_videos` holds there as well."""
    policy = plan["bad_videos"]
    for side in sides:
        share = len(side.failed) / max(1, len(side.failed) + side.decoded)
        if side.failed and (policy["action"] == "fail" or share > policy["max_fraction"]):
            listed = "; ".join(f"{bad['path']}: {bad['detail']}" for bad in side.failed)
            raise VidgaugeError(
                f"dataset {side.name}: {len(side.failed)} videos could not be decoded: {listed}. "
                "Mend or remove them, or go on without them: bad_videos: {action: reject, max_fraction: ...}"
            )


def _reduce(plan: Mapping[str, Any], seed: int, candidate: Side, reference: Side | None) -> Reduced | str:
    """The reduction's result, or in words why it has none: too few samples, as a rule. The other metrics go on."""
    spec = registry.reductions()[plan["definition"]["reduce"]]
    try:
        return spec.reduce(
            reference.samples.values if reference else None, candidate.samples.values, seed=seed, **plan["options"]
        )
    except ValueError as error:
        return f"undefined: {error}"


def _row(
    plan: Mapping[str, Any],
    candidates: Sequence[Side],
    references: Sequence[Side | None],
    results: Sequence[Reduced | str],
) -> dict[str, Any]:
    definition, first, reference = plan["definition"], candidates[0], references[0]
    reduce = registry.reductions()[definition["reduce"]]
    reduced = [result for result in results if isinstance(result, Reduced)]
    values = [result.value if isinstance(result, Reduced) else math.nan for result in results]
    why = [result for result in results if isinstance(result, str)]
    why += ["undefined: the result is not a finite number" for result in reduced if not math.isfinite(result.value)]
    row = {
        "metric": plan["metric"],
        "protocol": definition["protocol"],
        "candidate": first.name,
        "reference": reference.name if reference else None,
        "value": _mean(values),
        "std": _std(values),
        "ci95": None,
        "n_candidate": len(first.samples.values),
        "n_reference": len(reference.samples.values) if reference else None,
        "videos_candidate": first.videos,
        "videos_reference": reference.videos if reference else None,
        "better": reduce.better,
        "scale": reduce.scale,
        "extractor": definition["extractor"],
        "array": plan["array"],
        **{key: first.attrs[key] for key in ("weights", "weights_sha256", "weights_verified", "licence")},
        **plan["own"],
        "clips": first.attrs["clips"],
        "clip_spec": first.attrs["clip_spec"],
        "precision": first.attrs["precision"],
        "options": plan["options"],
        "seed": plan["seeds"][0],
        "runs": len(results),
        "runs_values": [_finite(value) for value in values],
        "warnings": list(dict.fromkeys([*why, *_warnings(plan, [*candidates, *references])])),
        "undecodable": _undecodable([*candidates, *references]),
        "note": plan["note"],
        "values": _parts(results),
    }
    return {key: row[key] for key in ROW}


def _undecodable(sides: Sequence[Side | None]) -> list[dict[str, Any]]:
    found = [{"dataset": side.name, **bad} for side in sides if side for bad in side.failed]
    return [bad for number, bad in enumerate(found) if bad not in found[:number]]


def _parts(results: Sequence[Reduced | str]) -> dict[str, float | None]:
    """The parts of the value by name: means over runs, null where a run has none."""
    reduced = [result for result in results if isinstance(result, Reduced)]
    names = reduced[0].values if reduced else {}
    if len(reduced) < len(results):
        return dict.fromkeys(names)
    return {name: _mean([result.values[name] for result in reduced]) for name in names}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _mean(values: Sequence[float]) -> float | None:
    return _finite(math.fsum(values) / len(values)) if all(map(math.isfinite, values)) else None


def _std(values: Sequence[float]) -> float | None:
    """Population standard deviation over runs, None for a single one."""
    mean = _mean(values)
    if len(values) < 2 or mean is None:
        return None
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _warnings(plan: Mapping[str, Any], sides: Sequence[Side | None]) -> list[str]:
    """Why the number is not to be trusted, each reason once."""
    there = [side for side in sides if side]
    found = [*_few_samples(plan, there), *_unverified(plan, there[0]), *_mixed(there)]
    for side in there:
        found += _side_warnings(plan, side)
    return list(dict.fromkeys(found))


def _few_samples(plan: Mapping[str, Any], sides: Sequence[Side]) -> list[str]:
    n, width = min(side.distinct for side in sides), sides[0].samples.values.shape[1]
    if plan["definition"]["reduce"] != "frechet" or n > width:
        return []
    return [f"{n} samples of {width} features: the covariance is singular, and the distance is biased upward"]


def _unverified(plan: Mapping[str, Any], side: Side) -> list[str]:
    if {**side.attrs, **plan["own"]}["weights_verified"] is not False:
        return []
    return [
        f"weights not verified: no digest of {side.attrs['weights']} is known, only the configuration vouches for it"
    ]


def _side_warnings(plan: Mapping[str, Any], side: Side) -> list[str]:
    n, wanted, texts = len(side.samples.values), plan["definition"]["samples"], []
    if wanted is not None and n < wanted:
        texts.append(f"{side.name}: {wanted} samples were asked for, only {n} are there")
    if n > 1 and (side.samples.values == side.samples.values[0]).all():
        texts.append(f"{side.name}: all {n} samples have the same features; look at the network and what it is fed")
    if side.failed:
        texts.append(f"{side.name}: {len(side.failed)} videos could not be decoded and are left out")
    if side.distinct < n:
        texts.append(
            f"{side.name}: only {side.distinct} of {n} samples are distinct; videos are too short for more draws"
        )
    if side.attrs["clip_spec"]["clips_per_video"] > 1:
        texts.append(f"{side.name}: {n} samples come from {side.videos} videos; clips of one video are not independent")
    return texts


def _mixed(sides: Sequence[Side]) -> list[str]:
    """What features of one number should share: its last digits depend on these."""
    texts = []
    for what in ("device", "batch_shape", "versions"):
        found = {json.dumps(side.attrs.get(what), sort_keys=True) for side in sides if len(side.samples.values)}
        if len(found) > 1 or any(what in side.attrs.get("mixed", []) for side in sides):
            texts.append(f"features were made with different {what.replace('_', ' ')}: the last digits may differ")
    return texts
