"""From features files to a row: the selected rows, the runs, and every reason not to trust the number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from vidgauge import extractors, layout, metrics, plan
from vidgauge.config import load
from vidgauge.draws import position
from vidgauge.errors import VidgaugeError
from vidgauge.evaluate import ROW, evaluate
from vidgauge.metric import metrics as metrics_of
from vidgauge.metrics import registry
from vidgauge.specs import ClipSpec, Reduced
from vidgauge.store.features import FeatureArray, write_features
from vidgauge.store.merge import merge
from vidgauge.uncertainty.interval import quantile

WIDTH, FRAMES = 24, 2
BAD = {"video": "bad.mp4", "path": "/videos/bad.mp4", "reason": "undecodable", "detail": "ends in the middle"}


def plan_of(reduce: str = "kernel_exact", *, array: str = "clip", **keys: Any) -> dict[str, Any]:
    """The plan of one metric over the arrays of `features`, as a job reads it."""
    definition = {"reduce": reduce, "extractor": "pixel_grid", "array": array, "clips": {"frames": FRAMES}}
    own = {key: keys.pop(key) for key in ("seed", "runs", "bad_videos", "reference", "datasets") if key in keys}
    config = load(
        {
            "evaluation": "test",
            "reference": "real",
            "datasets": {"real": {"source": "x"}, "mine": {"source": "y"}},
            "metrics": ["m"],
            "define": {"m": definition | keys},
        }
        | own
    )
    found: dict[str, Any] = json.loads(json.dumps(plan.metric_plan(config, metrics_of(config)["m"])))
    return found


def rows(videos: int, draws: int, frames: int, *, seed: int, shift: float = 0.0) -> FeatureArray:
    keys = [
        (f"v{video:03d}.mp4", draw, frame)
        for video in range(videos)
        for draw in range(draws)
        for frame in range(frames)
    ]
    values = np.random.default_rng(seed).normal(shift, 1, (len(keys), WIDTH)).astype(np.float32)
    video, draw, frame = ([key[part] for key in keys] for part in range(3))
    return FeatureArray(values, np.array(video, object), np.array(draw, int), np.array(frame, int))


def features(
    path: Path, videos: int = 40, *, draws: int = 1, seed: int = 0, shift: float = 0.0, failed: Any = (), **attrs: Any
) -> Path:
    """A dataset's features with synthetic values, merged from two shards."""
    spec = ClipSpec(frames=FRAMES)
    arrays = {
        "frame": rows(videos, draws, FRAMES, seed=seed, shift=shift),
        "clip": rows(videos, draws, 1, seed=seed + 1000, shift=shift),
    }
    given = {
        "extractor": "pixel_grid",
        "version": 1,
        "weights": None,
        "weights_sha256": None,
        "weights_verified": None,
        "licence": "Apache-2.0",
        "clips": layout.clips_name(spec, seed=42, draws=draws),
        "clip_spec": layout.resolved(spec, seed=42, draws=draws),
        "seed": 42,
        "precision": "float32",
        "device": "cpu",
        "batch_shape": "(1, 2)",
        "versions": {"numpy": "2"},
    }
    shards = []
    for number, keep in enumerate(("02468", "13579")):
        part = {name: _part(array, keep) for name, array in arrays.items()}
        shards.append(path.with_name(f"{path.stem}-{number}.h5"))
        more = attrs if number else {}
        write_features(shards[-1], part, attrs=given | more, failed=failed if number else ())
    merge(shards, path)
    return path


def _part(array: FeatureArray, digits: str) -> FeatureArray:
    here = np.array([video[3] in digits for video in array.video], bool)
    return FeatureArray(array.values[here], array.video[here], array.draw[here], array.start[here])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A candidate's features and the reference's; no test changes them."""
    folder = tmp_path_factory.mktemp("pair")
    return [features(folder / "mine.h5", 40, seed=1, shift=0.5), features(folder / "real.h5", 50, seed=2)]


def others(row: Mapping[str, Any]) -> list[str]:
    """The warnings but that of few videos, which all of these small sets get."""
    return [text for text in row["warnings"] if not text.startswith("few videos: ")]


def values_of(videos: int, seed: int, shift: float = 0.0, *, array: str = "clip") -> np.ndarray:
    """The values of `features`, all rows."""
    frames, offset = (FRAMES, 0) if array == "frame" else (1, 1000)
    return rows(videos, 1, frames, seed=seed + offset, shift=shift).values


def test_the_row_has_exactly_the_keys_of_the_contract(pair: list[Path]) -> None:
    row = evaluate(plan_of(), "mine", pair)
    assert list(row) == [*ROW, "resampled"]
    assert row == json.loads(json.dumps(row, allow_nan=False))
    value = metrics.kernel_distance_exact(values_of(50, 2), values_of(40, 1, 0.5))
    spec = ClipSpec(frames=FRAMES)
    options = dict(registry.reduction("kernel_exact").options)
    kept = row.pop("resampled")
    units, infinity = kept["units"], value - kept["known_bias"]  # videos of one id in both sets are no independent ones
    reach = quantile(units - 1) * math.sqrt(units / (units - 1) * sum(effect**2 for effect in kept["groups"]))
    made = {key: row["made_with"]["mine"][key] for key in ("device", "batch_shape", "versions")}
    assert row == {
        "metric": "m",
        "protocol": "user",
        "candidate": "mine",
        "reference": "real",
        "value": value,
        "std": None,
        "ci95": pytest.approx([infinity - reach, infinity + reach]),
        "ci95_method": f"infinitesimal jackknife over {units} groups of videos; of infinity, the limit of many videos",
        "standard_error": pytest.approx(reach / quantile(units - 1)),
        "infinity": pytest.approx(infinity),
        "infinity_error": 0.0,
        "n_candidate": 40,
        "n_reference": 50,
        "videos_candidate": 40,
        "videos_reference": 50,
        "candidate_digest": None,
        "reference_digest": None,
        "partners_digest": None,
        "better": "lower",
        "scale": 1.0,
        "extractor": "pixel_grid",
        "array": "clip",
        "column": None,
        "weights": None,
        "weights_sha256": None,
        "weights_verified": None,
        "licence": "Apache-2.0",
        "clips": layout.clips_name(spec, seed=42, draws=1),
        "clip_spec": spec.model_dump(mode="json") | layout.resolved(spec, seed=42, draws=1),
        "clip_spec_reference": spec.model_dump(mode="json") | layout.resolved(spec, seed=42, draws=1),
        "knobs": plan_of()["knobs"],
        "precision": "float32",
        "device": "cpu",
        "made_with": {"mine": made, "real": made},
        "options": options,
        "seed": 42,
        "runs": 1,
        "runs_values": [value],
        "warnings": ["few videos: 40 in mine, 50 in real; below 256, intervals are wide and biases large"],
        "undecodable": [],
        "note": extractors.spec("pixel_grid").note,
        "values": {},
    }


@pytest.mark.parametrize("array", ["clip", "frame"])
@pytest.mark.parametrize("name", [name for name in registry.reductions() if name != "mean"])  # which is of scores
def test_every_reduction_gets_the_rows_of_its_array(pair: list[Path], name: str, array: str) -> None:
    found = plan_of(name, array=array, seed=7)
    row = evaluate(found, "mine", pair if found["reference"] else pair[:1])
    spec = registry.reduction(name)
    reference = values_of(50, 2, array=array) if spec.needs_reference else None
    options: dict[str, Any] = {}
    if spec.by_video:  # ids that are the same on both sides are pairs
        ids = [list(rows(videos, 1, FRAMES if array == "frame" else 1, seed=0).video) for videos in (50, 40)]
        options["videos"] = (ids[0] if spec.needs_reference else None, ids[1])
    candidate = values_of(40, 1, 0.5, array=array)
    if (name, array) in (("pair_distance", "frame"), ("pair_frechet", "clip")):  # one row a video, or several
        assert row["value"] is None
        with pytest.raises(ValueError, match=r"pair|row"):
            spec.reduce(reference, candidate, seed=7, **options)
        return
    wanted = spec.reduce(reference, candidate, seed=7, **options)
    assert (row["value"], row["values"]) == (wanted.value, dict(wanted.values))
    assert (row["better"], row["options"], row["array"]) == (spec.better, spec.options, array)


def test_options_reach_the_metric(pair: list[Path]) -> None:
    row = evaluate(plan_of("precision_recall", options={"k": 5}), "mine", pair)
    wanted = metrics.precision_recall(values_of(50, 2), values_of(40, 1, 0.5), k=5)
    assert row["values"] == {"precision": wanted.precision, "recall": wanted.recall}
    assert row["values"] != evaluate(plan_of("precision_recall"), "mine", pair)["values"]


def test_samples_are_the_first_videos_in_hash_order(pair: list[Path]) -> None:
    def first(count: int, videos: int) -> list[int]:
        return sorted(sorted(range(videos), key=lambda video: position(f"v{video:03d}.mp4"))[:count])

    row = evaluate(plan_of(samples=12), "mine", pair)
    wanted = metrics.kernel_distance_exact(values_of(50, 2)[first(12, 50)], values_of(40, 1, 0.5)[first(12, 40)])
    assert row["value"] == wanted
    assert [row[f"{what}_{side}"] for what in ("n", "videos") for side in ("candidate", "reference")] == [12] * 4
    assert others(row) == []


def test_samples_of_frames_count_frames(pair: list[Path]) -> None:
    row = evaluate(plan_of(array="frame", samples=25), "mine", pair)
    assert (row["n_candidate"], row["videos_candidate"]) == (25, 13)


def test_too_few_samples_are_used_and_warned_of(pair: list[Path]) -> None:
    row = evaluate(plan_of(samples=45), "mine", pair)
    assert (row["n_candidate"], row["n_reference"]) == (40, 45)
    assert others(row) == ["mine: 45 samples were asked for, only 40 are there"]


def test_a_metric_without_a_reference_has_null_there(pair: list[Path]) -> None:
    row = evaluate(plan_of("inception_score"), "mine", pair[:1])
    assert [row[key] for key in ("reference", "n_reference", "videos_reference")] == [None] * 3
    assert row["n_candidate"] == 40
    assert row["value"] == row["values"]["mean"]


@pytest.mark.parametrize(("name", "count"), [("kernel_exact", 1), ("kernel_exact", 3), ("inception_score", 2)])
def test_a_wrong_number_of_files_is_refused(pair: list[Path], name: str, count: int) -> None:
    with pytest.raises(VidgaugeError, match=f"m: 1 runs of . sets do not fit {count} files"):
        evaluate(plan_of(name), "mine", [*pair, *pair][:count])


def test_runs_are_paired_by_seed_and_give_mean_and_deviation(tmp_path: Path) -> None:
    mine = [features(tmp_path / f"mine{run}.h5", 40, seed=10 + run, shift=0.4 * run) for run in range(3)]
    real = [features(tmp_path / f"real{run}.h5", 50, seed=20 + run) for run in range(3)]
    row = evaluate(plan_of("kernel", runs=3, seed=5, options={"subset_size": 20}), "mine", [*mine, *real])
    single = [
        metrics.kernel_distance(
            values_of(50, 20 + run), values_of(40, 10 + run, 0.4 * run), subset_size=20, seed=5 + run
        )
        for run in range(3)
    ]
    values = [result.mean for result in single]
    assert row["runs_values"] == values
    assert len(set(values)) == 3
    assert row["value"] == pytest.approx(np.mean(values), rel=1e-14)
    assert row["std"] == pytest.approx(np.std(values), rel=1e-12)  # of the population
    assert row["values"]["subset_std"] == pytest.approx(np.mean([result.std for result in single]), rel=1e-14)
    assert (row["seed"], row["runs"]) == (5, 3)


def test_runs_over_the_same_features_have_no_deviation(pair: list[Path]) -> None:
    row = evaluate(plan_of(runs=2), "mine", [pair[0], pair[0], pair[1], pair[1]])
    assert row["std"] == 0
    assert others(row) == []


def test_an_undefined_metric_is_null_with_a_warning(tmp_path: Path) -> None:
    few = [features(tmp_path / "mine.h5", 4), features(tmp_path / "real.h5", 4)]
    row = evaluate(plan_of("density_coverage"), "mine", few)
    assert list(row) == [*ROW, "resampled"]
    assert (row["value"], row["std"], row["runs_values"]) == (None, None, [None])
    (warning,) = others(row)
    assert warning.startswith("undefined: ")
    assert "4" in warning
    assert row["n_candidate"] == 4


def test_one_undefined_run_leaves_the_mean_undefined(tmp_path: Path, pair: list[Path]) -> None:
    few = features(tmp_path / "few.h5", 4)
    row = evaluate(plan_of("density_coverage", runs=2), "mine", [*[pair[0]] * 2, pair[1], few])
    assert (row["value"], row["std"]) == (None, None)
    assert row["runs_values"][0] is not None
    assert row["runs_values"][1] is None
    assert [text.split(":")[0] for text in others(row)] == ["undefined"]


def test_a_set_without_samples_is_undefined(tmp_path: Path, pair: list[Path]) -> None:
    row = evaluate(plan_of(), "mine", [features(tmp_path / "none.h5", 0), pair[1]])
    assert (row["value"], row["n_candidate"], row["videos_candidate"]) == (None, 0, 0)
    assert row["warnings"][0].startswith("undefined: candidate: expected shape (n, d)")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_result_that_is_no_number_is_null(pair: list[Path], monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    real = registry.reduction("kernel_exact")

    def reduce(*_: Any, **__: Any) -> Reduced:
        return Reduced(value, {"part": value, "whole": 2.0})

    broken = replace(real, reduce=reduce)
    monkeypatch.setattr(registry, "reductions", lambda: MappingProxyType({"kernel_exact": broken}))
    row = evaluate(plan_of(), "mine", pair)
    assert (row["value"], row["runs_values"], row["values"]) == (None, [None], {"part": None, "whole": 2.0})


def test_features_that_are_not_finite_are_undefined(tmp_path: Path, pair: list[Path]) -> None:
    spoilt = rows(3, 1, 1, seed=0)
    spoilt.values[1, 5] = np.nan
    spec = layout.resolved(ClipSpec(frames=FRAMES), seed=42, draws=1)
    weights = dict.fromkeys(["weights", "weights_sha256", "weights_verified", "licence"])
    attrs = {"clips": "x", "clip_spec": spec, "precision": "float32", **weights}
    write_features(tmp_path / "nan.h5", {"clip": spoilt}, attrs=attrs)  # merge would have refused it
    row = evaluate(plan_of(), "mine", [tmp_path / "nan.h5", pair[1]])
    assert row["value"] is None
    assert "with NaN or infinity in 1 row, the first of them row 1" in row["warnings"][0]


def test_a_constant_network_is_warned_of(tmp_path: Path, pair: list[Path]) -> None:
    dead = rows(40, 1, 1, seed=0)
    dead.values[:] = 1
    spec = layout.resolved(ClipSpec(frames=FRAMES), seed=42, draws=1)
    weights = dict.fromkeys(["weights", "weights_sha256", "weights_verified", "licence"])
    attrs = {"clips": "x", "clip_spec": spec, "precision": "float32", **weights}
    write_features(tmp_path / "dead.h5", {"clip": dead}, attrs=attrs)
    warnings = evaluate(plan_of(), "mine", [tmp_path / "dead.h5", pair[1]])["warnings"]
    assert "mine: all 40 samples have the same features; look at the network and what it is fed" in warnings
    assert not any(text.startswith("real: all") for text in warnings)


@pytest.mark.parametrize("side", ["mine", "real"])
def test_undecodable_videos_stop_the_metric(tmp_path: Path, pair: list[Path], side: str) -> None:
    worse = features(tmp_path / "bad.h5", 40, failed=[BAD])
    files = [worse, pair[1]] if side == "mine" else [pair[0], worse]
    with pytest.raises(VidgaugeError) as caught:
        evaluate(plan_of(), "mine", files)
    text = str(caught.value)
    assert text.startswith(
        f"dataset {side} has 1 video that could not be decoded: /videos/bad.mp4: ends in the middle. "
    )
    assert "bad_videos: {action: reject" in text


@pytest.mark.parametrize(("fraction", "refused"), [(0.0, True), (0.02, True), (0.025, False), (1.0, False)])
def test_undecodable_videos_are_left_out_where_that_is_allowed(
    tmp_path: Path, pair: list[Path], fraction: float, refused: bool
) -> None:
    files = [features(tmp_path / "bad.h5", 39, failed=[BAD]), pair[1]]  # one of forty
    found = plan_of(bad_videos={"action": "reject", "max_fraction": fraction})
    if refused:
        with pytest.raises(VidgaugeError, match="dataset mine has 1 video that could not be decoded"):
            evaluate(found, "mine", files)
        return
    row = evaluate(found, "mine", files)
    assert (row["n_candidate"], row["value"] is None) == (39, False)
    assert others(row) == [
        "mine: 1 video that could not be decoded is left out: bad.mp4; see undecodable in metrics.json"
    ]


@pytest.mark.parametrize(("videos", "warned"), [(WIDTH, True), (WIDTH + 1, False)])
def test_a_frechet_distance_of_too_few_samples_is_warned_of(
    tmp_path: Path, pair: list[Path], videos: int, warned: bool
) -> None:
    files = [features(tmp_path / "few.h5", videos), pair[1]]
    text = f"{WIDTH} samples of {WIDTH} features: the covariance is singular, and the distance is biased upward"
    assert others(evaluate(plan_of("frechet"), "mine", files)) == ([text] if warned else [])
    assert others(evaluate(plan_of("frechet"), "mine", files[::-1])) == ([text] if warned else [])
    assert others(evaluate(plan_of("kernel"), "mine", files)) == []


def test_several_clips_of_a_video_are_warned_of(tmp_path: Path, pair: list[Path]) -> None:
    row = evaluate(plan_of(), "mine", [features(tmp_path / "drawn.h5", 10, draws=4), pair[1]])
    assert (row["n_candidate"], row["videos_candidate"]) == (40, 10)
    assert others(row) == [
        "mine: only 10 of 40 samples are distinct; videos are too short for more draws",
        "40 samples come from 10 videos; those of one video are not independent",
    ]


def test_mixed_shards_are_warned_of(tmp_path: Path, pair: list[Path]) -> None:
    mixed = features(tmp_path / "mixed.h5", device="cuda", batch_shape="(64, 2)")
    row = evaluate(plan_of(), "mine", [pair[0], mixed])
    assert others(row) == [
        f"features were made with different {what}: the last digits may differ" for what in ("device", "batch shape")
    ]


def test_a_warning_of_all_runs_is_given_once(tmp_path: Path, pair: list[Path]) -> None:
    drawn = features(tmp_path / "drawn.h5", 10, draws=2)
    row = evaluate(plan_of(runs=2), "mine", [drawn, drawn, pair[1], pair[1]])
    assert len(row["warnings"]) == len(set(row["warnings"])) == 3


def test_an_array_that_is_not_there_is_named(pair: list[Path]) -> None:
    with pytest.raises(VidgaugeError, match="has no array 'motion'; it has: clip, frame"):
        evaluate(plan_of() | {"array": "motion"}, "mine", pair)


def test_bad_videos_holds_in_every_run(tmp_path: Path, pair: list[Path]) -> None:
    """Other draws need other frames, so each run can find other damage."""
    bad = features(tmp_path / "bad.h5", 40, failed=[BAD])
    with pytest.raises(VidgaugeError):
        evaluate(plan_of(runs=2), "mine", [pair[0], bad, pair[1], pair[1]])


def test_the_bad_share_is_that_of_the_file_not_of_the_samples(tmp_path: Path, pair: list[Path]) -> None:
    bad = features(tmp_path / "bad.h5", 99, failed=[BAD])  # 1 of 100
    policy = {"action": "reject", "max_fraction": 0.05}
    assert evaluate(plan_of(samples=10, bad_videos=policy), "mine", [bad, pair[1]])["value"] is not None


def test_a_result_that_is_no_number_says_so(pair: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(registry.reduction("kernel_exact"), reduce=lambda *_, **__: Reduced(math.nan))
    monkeypatch.setattr(registry, "reductions", lambda: {"kernel_exact": broken})
    row = evaluate(plan_of(), "mine", pair)
    assert row["value"] is None
    assert "undefined: the result is not a finite number" in row["warnings"]


def test_parts_are_null_where_a_run_has_none(tmp_path: Path, pair: list[Path]) -> None:
    few = features(tmp_path / "few.h5", 4)
    row = evaluate(plan_of("density_coverage", runs=2), "mine", [*[pair[0]] * 2, pair[1], few])
    assert row["value"] is None
    assert row["values"] == {"density": None, "coverage": None}


def test_scores_that_are_not_defined_are_left_out_and_counted(tmp_path: Path) -> None:
    """The column that is asked for, each video once; what is missing is said, and no number is made up for it."""
    names = [column.name for column in extractors.spec("frame_statistics").arrays["scores"].columns]
    scores = np.arange(6 * len(names), dtype=np.float32).reshape(6, -1)
    at = names.index("banding")
    scores[:, at] = [1, np.nan, 4, np.nan, np.nan, 6]  # a and b have one each, c none, d all
    videos = np.array(["a", "a", "b", "b", "c", "d"], object)
    array = FeatureArray(scores, videos, np.zeros(6, int), np.array([0, 1, 0, 1, 0, 0]))
    given = {"extractor": "frame_statistics", "columns": {"scores": names}, "clip_spec": {}, "versions": {}}
    write_features(tmp_path / "0.h5", {"scores": array}, attrs=given)
    merge([tmp_path / "0.h5"], tmp_path / "f.h5")  # which refuses no score that is not defined
    found = plan_of("mean", extractor="frame_statistics", array="scores", column="banding", reference=None)
    row = evaluate(found, "mine", [tmp_path / "f.h5"])
    assert row["value"] == pytest.approx((1 + 4 + 6) / 3)
    assert (row["column"], row["better"], row["n_candidate"], row["videos_candidate"]) == ("banding", "lower", 3, 3)
    assert row["values"] == {"videos": 3.0, "least": 1.0, "most": 6.0}
    assert "mine: 1 of 4 videos has no banding and is left out" in row["warnings"]
    assert "mine: 2 of 5 clips have no banding and are left out" in row["warnings"]
    del given["columns"]
    write_features(tmp_path / "other.h5", {"scores": array}, attrs=given)
    with pytest.raises(VidgaugeError, match=r"other\.h5: does not say what the columns of scores are"):
        evaluate(found, "mine", [tmp_path / "other.h5"])
