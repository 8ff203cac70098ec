"""Reductions with the options that follow another tool, against what that tool gives from file to number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidgauge.metrics.registry import reduction
from vidgauge.specs import Reduced

Arrays = dict[str, np.ndarray]


@pytest.fixture
def golden(golden_file: Path) -> Arrays:
    with np.load(golden_file, allow_pickle=False) as arrays:
        return dict(arrays)


def need(golden: Arrays, name: str) -> None:
    if name not in golden:
        pytest.skip(f"the project's own copy is cut and has no {name}")


def reduced(name: str, reference: np.ndarray | None, candidate: np.ndarray, **options: object) -> Reduced:
    return reduction(name).reduce(reference, candidate, seed=42, **options)


def keys_of(golden: Arrays, side: str) -> list[str]:
    videos, frames = golden[f"{side}_videos_uint8_nthwc"].shape[:2]
    return [f"{video}.avi" for video in range(videos) for _ in range(frames)]


@pytest.mark.golden("e2e_datajuicer.npz")
def test_data_juicer_from_features_to_results(golden: Arrays) -> None:
    need(golden, "result__fid50k")
    real, fake = golden["real_image_features"], golden["fake_image_features"]
    videos = keys_of(golden, "real"), keys_of(golden, "fake")
    fvd = reduced("frechet", golden["real_video_features"], golden["fake_video_features"])
    assert fvd.value == pytest.approx(golden["result__fvd2048_16f"], rel=1e-6)  # 2048 draws: each clip 256 times
    fid = reduced("frechet", real, fake, videos=videos, weighting="videos", fold="data-juicer")
    assert fid.value == pytest.approx(golden["result__fid50k"], rel=1e-6)
    kid = reduced("kernel", real, fake, subset_seed=42, scale=1000)
    assert kid.value == pytest.approx(golden["result__kid50k"], rel=1e-3)
    isc = reduced("inception_score", None, 8.0 * fake, shuffle_seed=42, shuffle_by="torch")
    assert isc.values["mean"] == pytest.approx(golden["result__is50k_mean"], rel=2e-5)
    assert isc.values["std"] == pytest.approx(golden["result__is50k_std"], rel=2e-5)
    other = reduced("inception_score", None, 8.0 * fake, shuffle_seed=42)
    assert other.values["std"] != pytest.approx(golden["result__is50k_std"], rel=1e-2)  # the order tells
    pr = reduced("precision_recall", real, fake, radius="float16").values
    votes = pytest.approx(golden["result__pr50k_3n_precision"], abs=2 / len(fake))
    assert pr["precision"] == votes
    assert pr["recall"] == pytest.approx(golden["result__pr50k_3n_recall"], abs=2 / len(real))


@pytest.mark.golden("metric_pair_n1200_d32.npz")
def test_torch_fidelity_and_styleganv_kid(golden: Arrays) -> None:
    found = reduced("kernel", golden["real"], golden["fake"], subset_seed=2020, short="refuse")
    expected = golden["kid_torchfidelity_f64_mean_std"][0]
    assert [found.value, found.values["subset_std"]] == pytest.approx(expected.tolist(), rel=1e-9)
    scaled = reduced("kernel", golden["real"], golden["fake"], scale=1000.0)
    assert scaled.value == pytest.approx(golden["kid_styleganv_x1000_f32"][0], rel=2e-5)


@pytest.mark.golden("net_r3d18_aigve.npz")
def test_aigve_fvd_is_a_squared_distance(golden: Arrays) -> None:
    need(golden, "a__fvd_aigve")
    real, fake = (np.stack([golden[f"{case}__{side}__feature_512"] for case in "ab"]) for side in ("real", "fake"))
    for row, case in enumerate("ab"):
        videos = ["x.mp4"], ["x.mp4"]
        found = reduced("pair_distance", real[row : row + 1], fake[row : row + 1], videos=videos)
        assert found.value == pytest.approx(golden[f"{case}__squared_feature_distance"], rel=1e-9)
        assert found.value == pytest.approx(golden[f"{case}__fvd_aigve"], rel=1e-6)
    both = reduced("pair_distance", real, fake[::-1], videos=(["a", "b"], ["b", "a"]))
    assert both.value == pytest.approx(np.mean([golden[f"{case}__fvd_aigve"] for case in "ab"]), rel=1e-6)
    assert both.values == {"pairs": 2.0}


@pytest.mark.golden("metric_inception_score.npz")
def test_aigve_inception_score(golden: Arrays) -> None:
    cases = [
        golden["a__probs"],
        np.pad(golden["b__probs"], ((0, 0), (0, 24))),
    ]  # to one width; empty classes add nothing
    videos = ["a"] * len(cases[0]) + ["b"] * len(cases[1])
    found = reduced("video_inception_score", None, np.concatenate(cases), videos=(None, videos), input="probabilities")
    assert found.value == pytest.approx((golden["a__is_aigve"] + golden["b__is_aigve"]) / 2, rel=2e-5)
    assert found.values == {"videos": 2.0}
