"""Saved statistics in the place of features: what they are good for, and what must be said of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.unit.manifest.test_pair_keys import manifest
from tests.unit.test_evaluate import BAD, FRAMES, features, plan_of, values_of
from vidgauge import metrics
from vidgauge.errors import VidgaugeError
from vidgauge.evaluate import evaluate
from vidgauge.store.export import export
from vidgauge.store.features import read_samples
from vidgauge.store.hdf5 import write_attrs
from vidgauge.store.seal import seal


def judged(found: dict[str, Any], mine: Path, saved: Path) -> dict[str, Any]:
    """The row of a candidate against saved statistics, which the plan names as the workflow would."""
    found["statistics"]["real"]["path"] = str(saved)
    return evaluate(found, "mine", [mine])


def planned(reduce: str = "frechet", source: str = "real.npz", n: int | None = None, **keys: Any) -> dict[str, Any]:
    return plan_of(reduce, datasets={"real": {"source": source, "n": n}, "mine": {"source": "y"}}, **keys)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return features(tmp_path / "mine.h5", 40, seed=1, shift=0.5)


def changed(path: Path, **attrs: Any) -> Path:
    """The reference's features, with other attributes."""
    features(path, 50, seed=2)
    with h5py.File(path, "r+") as file:
        write_attrs(file, attrs)
    seal(path)
    return path


def saved(folder: Path, to: str, name: str) -> Path:
    path = folder / name
    export(features(folder / "full.h5", 50, seed=2), path, to=to, array="clip")  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(("to", "name"), [("npz", "real.npz"), ("cd-fvd", "real.pkl")])
@pytest.mark.parametrize("ddof", [0, 1])
def test_a_frechet_distance_takes_statistics(tmp_path: Path, mine: Path, to: str, name: str, ddof: int) -> None:
    row = judged(planned(source=name, n=50, options={"ddof": ddof}), mine, saved(tmp_path, to, name))
    wanted = metrics.frechet_distance(values_of(50, 2), values_of(40, 1, 0.5), ddof=ddof)
    assert row["value"] == pytest.approx(wanted, rel=1e-6)
    assert (row["n_reference"], row["videos_reference"], row["clip_spec_reference"]) == (50, None, None)
    assert any(f"{name} does not say which network" in text for text in row["warnings"])
    assert not any("from how many samples" in text for text in row["warnings"])


def test_a_covariance_of_unknown_divisor_is_used_as_it_is(tmp_path: Path, mine: Path) -> None:
    npz = saved(tmp_path, "npz", "real.npz")  # which holds the covariance of n - 1
    row = judged(planned(options={"ddof": 1}), mine, npz)
    wanted = metrics.frechet_distance(values_of(50, 2), values_of(40, 1, 0.5), ddof=1)
    assert row["value"] == pytest.approx(wanted, rel=1e-9)
    assert row["n_reference"] is None
    assert not any("from how many samples" in text for text in row["warnings"])
    other = judged(planned(options={"ddof": 0}), mine, npz)
    assert other["value"] != row["value"]
    assert any("from how many samples its covariance" in text for text in other["warnings"])


def test_others_say_that_they_need_features(tmp_path: Path, mine: Path) -> None:
    row = judged(planned("kernel"), mine, saved(tmp_path, "npz", "real.npz"))
    assert row["value"] is None
    assert "undefined: kernel needs features, and of real there are statistics only" in row["warnings"]


def test_features_of_another_run_are_a_reference_like_any_other(tmp_path: Path, mine: Path) -> None:
    full = features(tmp_path / "full.h5", 50, seed=2)
    row = judged(planned("kernel_exact", source="full.h5", samples=30), mine, full)
    wanted = evaluate(plan_of("kernel_exact", samples=30), "mine", [mine, full])
    assert (row["value"], row["n_reference"]) == (wanted["value"], 30)
    assert row["warnings"] == wanted["warnings"]


def test_statistics_of_another_network_are_refused(tmp_path: Path, mine: Path) -> None:
    other = changed(tmp_path / "other.h5", extractor="i3d_kinetics400")
    with pytest.raises(
        VidgaugeError, match=r"datasets\.real: .*other\.h5 was made by i3d_kinetics400.*rests on pixel_grid"
    ):
        judged(planned(source="other.h5"), mine, other)


def test_statistics_of_another_width_are_refused(tmp_path: Path, mine: Path) -> None:
    np.savez(tmp_path / "wide.npz", mu=np.zeros(7), sigma=np.eye(7))
    with pytest.raises(VidgaugeError, match=r"wide\.npz: mine has 24 features, real 7"):
        judged(planned(source="wide.npz"), mine, tmp_path / "wide.npz")


def test_statistics_made_otherwise_are_told_of(tmp_path: Path, mine: Path) -> None:
    spec = {"frames": FRAMES, "stride": 4, "clips_per_video": 9}
    other = changed(tmp_path / "full.h5", clip_spec=spec, precision="bfloat16")
    row = judged(planned(source="full.h5"), mine, other)
    (said,) = (text for text in row["warnings"] if "was made with another" in text)
    assert said == "real: full.h5 was made with another precision, clips.stride"


def test_both_sides_are_held_against_the_metric_and_not_against_each_other(tmp_path: Path) -> None:
    """Two files that agree with one another may both be of another precision than the row would say."""
    found = plan_of("frechet", datasets={"real": {"source": "full.h5"}, "mine": {"source": "mine.h5"}})
    for name in ("real", "mine"):
        path = changed(tmp_path / f"{name}.h5", precision="bfloat16")
        found["statistics"][name]["path"] = str(path)
    row = evaluate(found, "mine", [])
    assert [text for text in row["warnings"] if "another precision" in text] == [
        "mine: mine.h5 was made with another precision",
        "real: real.h5 was made with another precision",
    ]
    assert row["candidate_digest"] == hashlib.sha256((tmp_path / "mine.h5").read_bytes()).hexdigest()


def test_statistics_of_other_many_samples_are_told_of(tmp_path: Path, mine: Path) -> None:
    row = judged(planned(source="real.pkl", samples=30), mine, saved(tmp_path, "cd-fvd", "real.pkl"))
    assert "real: real.pkl stands for 50 samples, the metric takes 30" in row["warnings"]


def test_rows_of_saved_features_are_taken_by_name_where_a_metric_says_so(tmp_path: Path, mine: Path) -> None:
    np.savez(tmp_path / "feats.npz", feats=values_of(50, 2))
    row = judged(planned("kernel_exact", "feats.npz", samples=30, samples_by="name"), mine, tmp_path / "feats.npz")
    wanted = metrics.kernel_distance_exact(values_of(50, 2)[:30], values_of(40, 1, 0.5)[:30])
    assert row["value"] == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(VidgaugeError, match=r"datasets\.real\.n: is 7, but .*feats\.npz holds the features of 50"):
        judged(planned("kernel_exact", "feats.npz", 7), mine, tmp_path / "feats.npz")


def test_weights_by_video_need_videos(tmp_path: Path, mine: Path) -> None:
    np.savez(tmp_path / "feats.npz", feats=values_of(50, 2))
    row = judged(planned(source="feats.npz", options={"weighting": "videos"}), mine, tmp_path / "feats.npz")
    assert row["value"] is None
    assert any(text.startswith("undefined: weighting") for text in row["warnings"])


def test_samples_by_name_are_the_first_ones(tmp_path: Path, mine: Path) -> None:
    found = read_samples(mine, "frame", 7, by="name")
    assert list(found.video) == [name for name in ("v000.mp4", "v001.mp4", "v002.mp4", "v003.mp4") for _ in "ab"][:7]
    assert list(found.start) == [0, 1, 0, 1, 0, 1, 0]
    everything = read_samples(mine, "frame", None)
    assert (found.values == everything.values[:7]).all()


def test_a_video_whose_partner_was_rejected_is_left_out_and_told_of(tmp_path: Path, mine: Path) -> None:
    """Thirty of the forty partners are usable: with `reject` the metric goes on with the pairs that are whole."""
    real = features(tmp_path / "real.h5", 30, seed=2)
    manifests = [tmp_path / "mine.jsonl", tmp_path / "real.jsonl"]
    for path, count in zip(manifests, (40, 30), strict=True):
        manifest(path, *((f"v{video:03d}.mp4", {}) for video in range(count)))
    row = evaluate(plan_of("pair_distance", bad_videos={"action": "reject"}), "mine", [mine, real], manifests)
    wanted = np.square(values_of(40, 1, 0.5)[:30].astype(float) - values_of(30, 2)).sum(axis=1).mean()
    assert row["value"] == pytest.approx(wanted, rel=1e-12)
    assert "mine: 10 videos whose partner is missing are left out" in row["warnings"]
    strict = evaluate(plan_of("pair_distance"), "mine", [mine, real], manifests)
    assert strict["value"] is None


def test_saved_features_with_a_failed_video_are_judged_by_its_share(tmp_path: Path, mine: Path) -> None:
    """One of 51 is within a limit of a tenth, and not of a hundredth."""
    real = features(tmp_path / "full.h5", 50, seed=2, failed=[BAD])
    policy = {"action": "reject", "max_fraction": 0.1}
    row = judged(planned("kernel_exact", "full.h5", bad_videos=policy), mine, real)
    assert row["n_reference"] == 50
    assert [bad["dataset"] for bad in row["undecodable"]] == ["real"]
    with pytest.raises(VidgaugeError, match="dataset real has 1 video that could not be decoded"):
        judged(planned("kernel_exact", "full.h5", bad_videos=policy | {"max_fraction": 0.01}), mine, real)
