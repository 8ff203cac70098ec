"""From features files to a row of results: what one metric says of one candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vidgauge.cautions import cautions
from vidgauge.errors import VidgaugeError
from vidgauge.manifest.pairs import pair_keys
from vidgauge.metrics import registry
from vidgauge.reducing import Question
from vidgauge.sides import Side, read_saved, read_side, refuse_other_widths, with_partners
from vidgauge.specs import Reduced
from vidgauge.store.failed import DECODING, FAILED
from vidgauge.uncertainty.row import uncertain
from vidgauge.wording import counted

ROW = {
    "metric": "the metric's name",
    "protocol": "the family whose numbers this one is comparable with; user: a definition of one's own",
    "candidate": "the dataset that is judged",
    "reference": "the dataset it is compared with; null where the metric looks at the candidate alone",
    "value": "the headline number, the mean over runs; null where it is undefined",
    "std": "standard deviation over runs; null for one run",
    "ci95": "95 % interval [lo, hi] by resampling videos: of infinity where that is known, else of value; or null",
    "ci95_method": "how the interval was made, or why there is none",
    "standard_error": "of what ci95 is the interval of; null without one",
    "infinity": "what infinitely many videos would give: by a fit in 1/n, or for kernel distances without the pairs "
    "that bias them; null where unknown, or value itself",
    "infinity_error": "standard error of that fit, which is part of standard_error; 0 where none is needed",
    "n_candidate": "samples of the candidate: clips or frames",
    "n_reference": "samples of the reference; null without one",
    "videos_candidate": "videos that the candidate's samples come from",
    "videos_reference": "videos that the reference's samples come from; null without one",
    "candidate_digest": "of the ids and contents of the candidate's videos; of saved statistics, of the file",
    "reference_digest": "the same of the reference; null without one",
    "partners_digest": "the same of the partners, where each video is scored beside its own reference video; else null",
    "better": "lower or higher",
    "scale": "what the formula's result was multiplied by",
    "extractor": "the network",
    "array": "which of its arrays",
    "column": "which column of an array of scores; null of other arrays",
    "weights": "the network's weights, by their name in the list of known ones, or the file; null where it has none",
    "weights_sha256": "digest of the network's weights; null where it has none",
    "weights_verified": "whether that digest was known before, published or given; false: they are trusted",
    "licence": "of the weights, or of the network where it has none",
    "clips": "name of the clip spec, as in the folders of results",
    "clip_spec": "the candidate's clip spec, all keys",
    "clip_spec_reference": "the reference's, which some protocols choose otherwise; null without one",
    "precision": "the network's arithmetic",
    "device": "what the network ran on for the candidate; a list where shards differ",
    "made_with": "of the features of each set, by name: device, batch shape, versions of packages",
    "options": "of the reduction, all keys",
    "seed": "the seed of the first run",
    "runs": "how many runs, with seeds seed, seed + 1, ...",
    "runs_values": "value of each run",
    "warnings": "why the number is not to be trusted, in sentences",
    "knobs": "every setting that the number depends on, by name: numbers whose knobs differ do not compare",
    "undecodable": "videos left out because they could not be decoded: dataset, path, reason, detail",
    "note": "what must be said wherever the number is shown; null if nothing",
    "values": "the metric's own parts by name, means over runs",
}
"""Every key of a row and what it means. All are always there; what is not known is null."""


def evaluate(
    plan: Mapping[str, Any],
    candidate: str,
    files: Sequence[Path],
    manifests: Sequence[Path] = (),
    surveys: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The row of one metric and candidate; under `resampled` what intervals of differences and curves are made from.

    plan: as `vidgauge.plan.metric_plan` gives it. files: the candidate's features of each run, then the reference's if
    the metric has one; none of a dataset that is saved statistics, which the plan names. manifests: videos.jsonl of the
    candidate, then of the reference, for metrics that compare each video with its own reference video. surveys: what
    there is to know of the videos of each dataset, as `vidgauge.manifest.survey` gives it, for warnings. Raises
    VidgaugeError where videos could not be decoded and `bad_videos` says fail, and for files that cannot be compared.
    A metric that has no value here, with too few samples say, gives a row whose value is null, and a warning.
    """
    runs, names = len(plan["seeds"]), [name for name in (candidate, plan["reference"]) if name]
    computed = [name for name in names if name not in plan["statistics"]]
    if len(files) != runs * len(computed):
        raise VidgaugeError(f"{plan['metric']}: {runs} runs of {len(computed)} sets do not fit {len(files)} files")
    keys = {name: pair_keys(manifest) for name, manifest in zip(names, manifests, strict=False)}
    given = {name: files[at * runs : (at + 1) * runs] for at, name in enumerate(computed)}
    sides = [
        [read_side(plan, name, file, keys.get(name, {})) for file in given[name]]
        if name in given
        else [read_saved(plan, name)] * runs
        for name in names
    ]
    candidates: Sequence[Side] = sides[0]
    references: Sequence[Side | None] = sides[1] if plan["reference"] else [None] * runs
    _refuse_undecodable(plan, [side for side in (*candidates, *references) if side])
    if plan["bad_videos"]["action"] == "reject":
        candidates = [with_partners(*pair) for pair in zip(candidates, references, strict=True)]
    asked = [_question(plan, *run) for run in zip(plan["seeds"], candidates, references, strict=True)]
    results = [_answer(question) for question in asked]
    values = [result.value if isinstance(result, Reduced) else math.nan for result in results]
    both = zip(references, candidates, strict=True)
    videos = [(reference.keys() if reference else None, ours.keys()) for reference, ours in both]
    questions = [None if isinstance(question, str) else question for question in asked]
    said, resampled = uncertain(questions, values, videos, asked=plan["uncertainty"])
    row = _row(plan, candidates, references, results) | said
    row["warnings"] = list(dict.fromkeys([*row["warnings"], *cautions(plan, candidates, references, surveys)]))
    return {**{key: row[key] for key in ROW}, "resampled": resampled}


def _refuse_undecodable(plan: Mapping[str, Any], sides: Sequence[Side]) -> None:
    """Damage inside a stream shows only when it is decoded, after the gate: `bad_videos` holds there as well."""
    policy = plan["bad_videos"]
    for side in sides:
        share = len(side.failed) / max(1, len(side.failed) + side.decoded)
        if side.failed and (policy["action"] == "fail" or share > policy["max_fraction"]):
            listed = "; ".join(f"{bad['path']}: {bad['detail']}" for bad in side.failed)
            what = " or ".join(dict.fromkeys(FAILED.get(bad["reason"], DECODING) for bad in side.failed))
            raise VidgaugeError(
                f"dataset {side.name} has {counted(len(side.failed), 'video')} {what}: {listed}. "
                "Mend or remove them, or go on without them: bad_videos: {action: reject, max_fraction: ...}"
            )


def _question(plan: Mapping[str, Any], seed: int, candidate: Side, reference: Side | None) -> Question | str:
    """What is asked of the two sets, or why that cannot be."""
    spec, options = registry.reductions()[plan["definition"]["reduce"]], plan["options"]
    sides = (reference, candidate)
    if reference is not None:
        refuse_other_widths(candidate, reference)
    values = tuple(None if side is None or side.samples is None else side.samples.values for side in sides)
    if bare := [side for side in sides if side is not None and side.samples is None]:
        if spec.from_stats is None:
            names = " and ".join(side.name for side in bare)
            return f"undefined: {spec.name} needs features, and of {names} there are statistics only"
        statistics = (reference and reference.statistics(), candidate.statistics())
        return Question(spec, seed, options, statistics, statistics=True, rows=values[1])
    if "column" in plan and values[1] is not None and not len(values[1]):
        return f"undefined: no video of {candidate.name} has a {plan['column']['name']}"
    unknown = [side.name for side in sides if side is not None and side.keys() is None]
    videos = None if unknown else (reference and reference.keys(), candidate.keys())
    question = Question(spec, seed, options, (values[0], values[1]), videos)
    if question.lacks_videos:
        return f"undefined: {spec.name} needs the video of each sample, which {' and '.join(unknown)} lacks"
    return question


def _answer(question: Question | str) -> Reduced | str:
    """The reduction's result, or in words why it has none: too few samples, as a rule. The other metrics go on."""
    if isinstance(question, str):
        return question
    try:
        return question.answer()
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
    return {
        "metric": plan["metric"],
        "protocol": definition["protocol"],
        "candidate": first.name,
        "reference": reference.name if reference else None,
        "value": _mean(values),
        "std": _std(values),
        "n_candidate": first.n,
        "n_reference": reference.n if reference else None,
        "videos_candidate": first.videos,
        "videos_reference": reference.videos if reference else None,
        "candidate_digest": first.digest,
        "reference_digest": reference.digest if reference else None,
        "partners_digest": first.attrs.get("partners_digest"),
        "better": plan["column"]["better"] if "column" in plan else reduce.better,
        "scale": plan["options"].get("scale", reduce.scale),
        "extractor": definition["extractor"],
        "array": plan["array"],
        "column": plan["column"]["name"] if "column" in plan else None,
        **{key: first.attrs.get(key) for key in ("weights", "weights_sha256", "weights_verified", "licence")},
        **plan["own"],
        **{key: first.attrs.get(key) for key in ("clips", "precision", "device")},
        "made_with": {
            side.name: {key: side.attrs.get(key) for key in ("device", "batch_shape", "versions")}
            for side in (first, reference)
            if side and side.attrs
        },
        "clip_spec": first.clip_spec,
        "clip_spec_reference": reference.clip_spec if reference else None,
        "knobs": plan["knobs"],
        "options": plan["options"],
        "seed": plan["seeds"][0],
        "runs": len(results),
        "runs_values": [_finite(value) for value in values],
        "warnings": why,
        "undecodable": _undecodable([*candidates, *references]),
        "note": plan["note"],
        "values": _parts(results),
    }


def _undecodable(sides: Sequence[Side | None]) -> list[dict[str, Any]]:
    said = ("video", "path", "reason", "detail")
    found = [{"dataset": side.name, **{key: bad[key] for key in said}} for side in sides if side for bad in side.failed]
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
