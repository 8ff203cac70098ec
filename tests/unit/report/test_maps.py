"""The map of the features: who is far from the reference and whose neighbour, whatever the order of the rows."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.draws import position
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.report.maps import LISTED, SHOWN, feature_map
from vidgauge.report.maps_command import map_command
from vidgauge.report.projection import pca
from vidgauge.store.features import FeatureArray, write_features

WIDTH = 8


def side(values: Any, *, names: Any = None, draw: Any = None, start: Any = None) -> FeatureArray:
    """Features of videos v0000.mp4 ..., one row each unless `names` says otherwise."""
    values = np.asarray(values, np.float32)
    n = len(values)
    names = [f"v{i:04d}.mp4" for i in range(n)] if names is None else names
    zeros = np.zeros(n, int)
    return FeatureArray(
        values, np.array(names, object), zeros if draw is None else draw, zeros if start is None else start
    )


def cloud(n: int, seed: int = 0, shift: float = 0.0, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, width)).astype(np.float32)


def shuffled(of: FeatureArray, seed: int) -> FeatureArray:
    order = np.random.default_rng(seed).permutation(len(of))
    return FeatureArray(of.values[order], of.video[order], of.draw[order], of.start[order])


def made(sides: dict[str, FeatureArray], reference: str | None = "real", **keys: Any) -> dict[str, Any]:
    found = feature_map(sides, reference, seed=3, **keys)
    json.dumps(found, allow_nan=False)  # nothing but what JSON knows
    return found


def test_a_copy_of_the_reference_is_at_distance_0_of_itself() -> None:
    real = cloud(30) * 1000  # where a matrix product would round
    found = made({"real": side(real), "copy": side(real)})
    copies = [point for point in found["points"] if point["dataset"] == "copy"]
    assert [(point["distance"], point["nearest"]) for point in copies] == [(0, point["video"]) for point in copies]
    assert found["datasets"]["copy"]["quantiles"] == dict.fromkeys(("p05", "p25", "p50", "p75", "p95"), 0)
    names = [f"v{i:04d}.mp4" for i in range(LISTED)]
    assert [entry["video"] for entry in found["worst"]["copy"]] == names  # ties by id
    assert [entry["video"] for entry in found["best"]["copy"]] == names


def test_the_planted_outlier_is_the_worst_and_its_neighbour_the_right_one() -> None:
    real, mine = cloud(40), cloud(40)
    mine += 1e-3
    mine[17] = real[5] + np.float32(50)
    found = made({"real": side(real), "mine": side(mine, start=np.arange(40))})
    towards = int((((mine[17] - real).astype(np.float64)) ** 2).sum(axis=1).argmin())
    worst = found["worst"]["mine"][0]
    assert (worst["video"], worst["start"], worst["nearest"]) == ("v0017.mp4", 17, f"v{towards:04d}.mp4")
    assert worst["nearest_start"] == 0
    assert worst["video"] not in {entry["video"] for entry in found["best"]["mine"]}
    assert set(found["worst"]) == {"mine"}, "the reference is no candidate"


def test_distances_are_multiples_of_the_references_own() -> None:
    real = np.array([[0], [1], [3], [13]])  # nearest others at 1, 1, 2, 10; median 1.5
    found = made({"real": side(real), "mine": side([[1.5], [16]])})
    of = {(point["dataset"], point["video"]): point for point in found["points"]}
    assert [of["real", f"v000{i}.mp4"]["distance"] for i in range(4)] == pytest.approx(
        [2 / 3, 2 / 3, 4 / 3, 20 / 3], rel=1e-5
    )
    assert [of["real", f"v000{i}.mp4"]["nearest"][4] for i in range(4)] == ["1", "0", "1", "2"]
    assert (of["mine", "v0000.mp4"]["distance"], of["mine", "v0000.mp4"]["nearest"]) == (
        pytest.approx(1 / 3, 1e-5),
        "v0001.mp4",
    )
    assert of["mine", "v0001.mp4"]["distance"] == 2
    assert found["datasets"]["mine"]["quantiles"]["p50"] == pytest.approx(7 / 6, 1e-5)


@given(seed=st.integers(0, 50), draws=st.integers(1, 3), frames=st.integers(1, 3))
def test_the_order_of_rows_does_not_matter(seed: int, draws: int, frames: int) -> None:
    keys = [(f"v{video}.mp4", draw, frame) for video in range(12) for draw in range(draws) for frame in range(frames)]
    columns = {"names": [key[0] for key in keys], "draw": [key[1] for key in keys], "start": [key[2] for key in keys]}
    sides = {name: side(cloud(len(keys), number), **columns) for number, name in enumerate(("real", "a", "b"))}
    assert made(sides) == made({name: shuffled(of, seed) for name, of in sides.items()})


def test_a_video_is_the_mean_over_the_frames_of_its_first_draw() -> None:
    names, draw, start = ["a", "a", "a", "a", "b", "b"], [0, 0, 1, 1, 0, 0], [4, 5, 0, 1, 7, 8]
    values = [[0.0, 0], [2, 0], [90, 90], [90, 90], [5, 0], [5, 0]]
    found = made({"real": side(values, names=names, draw=draw, start=start), "mine": side([[1.0, 0], [5, 3]])})
    real = {point["video"]: point for point in found["points"] if point["dataset"] == "real"}
    assert {name: point["start"] for name, point in real.items()} == {"a": 4, "b": 7}
    assert real["a"]["nearest"] == "b"
    assert found["datasets"]["real"] == {
        **{"videos": 2, "samples": 6, "shown": 2, "not_finite": 0},
        "quantiles": dict.fromkeys(("p05", "p25", "p50", "p75", "p95"), 1.0),
    }
    assert [entry["distance"] for entry in found["best"]["mine"]] == [0, 0.75]  # (1, 0) is the mean of a's frames
    assert abs(real["b"]["x"] - real["a"]["x"]) == pytest.approx(4)


def test_more_videos_than_fit_are_the_first_in_hash_order_and_all_are_ranked() -> None:
    real, mine = cloud(SHOWN + 200, width=2), cloud(SHOWN + 200, 1, width=2)
    by_hash = sorted((f"v{i:04d}.mp4" for i in range(len(mine))), key=position)
    last = int(by_hash[-1][1:5])
    mine[last] += 100
    found = made({"real": side(real), "mine": side(mine)})
    shown = [point["video"] for point in found["points"] if point["dataset"] == "mine"]
    assert shown == sorted(by_hash[:SHOWN])
    assert (found["datasets"]["mine"]["videos"], found["datasets"]["mine"]["shown"]) == (SHOWN + 200, SHOWN)
    assert found["worst"]["mine"][0]["video"] == by_hash[-1]


def test_constant_features_have_a_place_and_no_measure() -> None:
    found = made({"real": side(np.full((5, WIDTH), 0.1)), "mine": side(np.full((4, WIDTH), 0.1))})
    assert {(point["x"], point["y"], point["distance"]) for point in found["points"]} == {(0, 0, None)}
    assert found["explained"] is None
    assert found["datasets"]["mine"]["quantiles"] is None
    assert found["worst"]["mine"][0] == {
        **{"video": "v0000.mp4", "start": 0, "distance": None, "nearest": "v0000.mp4", "nearest_start": 0}
    }
    assert [point["nearest"][:5] for point in found["points"]][:3] == ["v0001", "v0000", "v0000"]


@pytest.mark.parametrize("reference", [None, "elsewhere", "empty"])
def test_without_a_reference_there_are_places_alone(reference: str | None) -> None:
    found = made({"a": side(cloud(6)), "empty": side(np.empty((0, WIDTH)))}, reference)
    assert (found["reference"], found["worst"], found["best"]) == (None, {}, {})
    assert {(point["distance"], point["nearest"]) for point in found["points"]} == {(None, None)}
    assert np.abs([point["x"] for point in found["points"]]).max() > 0
    assert found["datasets"]["empty"]["videos"] == 0


def test_one_video_of_the_reference_is_near_but_no_measure() -> None:
    found = made({"real": side(cloud(1)), "mine": side(cloud(3, 1)), "none": side(np.empty((0, WIDTH)))})
    assert [entry["distance"] for entry in found["worst"]["mine"]] == [None] * 3
    assert {entry["nearest"] for entry in found["worst"]["mine"]} == {"v0000.mp4"}
    assert "none" not in found["worst"]


def test_nothing_at_all_gives_an_empty_map() -> None:
    assert made({"real": side(np.empty((0, WIDTH)))})["points"] == []


def test_videos_without_finite_features_are_left_out_and_counted() -> None:
    values = cloud(6)
    values[2, 3], values[4, 0] = np.nan, np.inf
    found = made({"real": side(cloud(5, 1)), "mine": side(values)})
    assert found["datasets"]["mine"]["not_finite"] == 2
    assert {p["video"] for p in found["points"] if p["dataset"] == "mine"} == {f"v000{i}.mp4" for i in (0, 1, 3, 5)}


def test_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one width d, got .*8.*9"):
        feature_map({"a": side(cloud(3)), "b": side(cloud(3, width=9))}, "a", seed=0)


@given(seed=st.integers(0, 1000), n=st.integers(3, 30), width=st.integers(1, 30))
def test_the_axes_are_those_of_a_singular_value_decomposition(seed: int, n: int, width: int) -> None:
    fit, points = cloud(n, seed, width=width).astype(float), cloud(4, seed + 1, width=width).astype(float)
    scores, shares = pca(fit, points)
    _, spread, axes = np.linalg.svd(fit - fit.mean(axis=0), full_matrices=False)
    for axis in range(min(2, width)):
        signed = axes[axis] * np.sign(axes[axis][np.abs(axes[axis]).argmax()])
        np.testing.assert_allclose(scores[:, axis], (points - fit.mean(axis=0)) @ signed, rtol=0, atol=1e-6)
        assert shares[axis] == pytest.approx(spread[axis] ** 2 / (spread**2).sum(), rel=1e-9)
    assert width > 1 or not scores[:, 1].any()


def test_tsne_keeps_groups_together() -> None:
    pytest.importorskip("sklearn")
    sides = {"real": side(cloud(30)), "far": side(cloud(30, 1, shift=20))}
    found = made(sides, method="tsne")
    assert (found["method"], found["explained"]) == ("t-SNE", None)
    assert found == made(sides, method="tsne")
    places = {
        name: np.array([(p["x"], p["y"]) for p in found["points"] if p["dataset"] == name]) for name in ("real", "far")
    }
    between = np.linalg.norm(places["real"].mean(axis=0) - places["far"].mean(axis=0))
    assert between > 2 * max(np.linalg.norm(of - of.mean(axis=0), axis=1).mean() for of in places.values())
    assert made({"real": side(cloud(3))}, method="tsne")["method"] == "PCA"
    assert made({"real": side(np.zeros((60, WIDTH)))}, method="tsne")["method"] == "PCA"


def test_tsne_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(UsageError, match=r"\[tsne\]"):
        made({"real": side(cloud(20))}, method="tsne")


def planned(folder: Path, **keys: Any) -> Path:
    plan = {
        **{"name": "clip", "metrics": ["m"], "extractor": "pixel_grid", "array": "clip", "clips": {"real": "16f"}},
        **{"reference": "real", "seed": 0, "method": "pca", **keys},
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder / "plan.json"


def run(plan: Path, files: dict[str, Path]) -> Any:
    options = [part for name, file in files.items() for part in ("--features", f"{name}={file}")]
    out = plan.parent / "map.json"
    result = CliRunner().invoke(map_command, [str(plan), *options, "--out", str(out)])
    if result.exception:
        raise result.exception
    return json.loads(out.read_text())


def test_the_command_writes_the_map_of_files(tmp_path: Path) -> None:
    sides = {"real": side(cloud(12)), "mine": side(cloud(12, 1))}
    files = {name: tmp_path / f"{name}.h5" for name in sides}
    write_features(files["real"], {"clip": sides["real"]})
    write_features(files["mine"], {"other": sides["mine"]})
    found = run(planned(tmp_path, arrays={"mine": "other"}), files)
    about = {key: found.pop(key) for key in ("name", "metrics", "extractor", "array", "clips")}
    assert about == {
        **{"name": "clip", "metrics": ["m"], "extractor": "pixel_grid", "array": "clip", "clips": {"real": "16f"}}
    }
    assert found == feature_map(sides, "real", seed=0)
    fewer = run(planned(tmp_path, arrays={"mine": "other"}, samples={"real": 5, "mine": None}), files)
    assert [fewer["datasets"][name]["videos"] for name in sides] == [5, 12]


def test_the_command_explains_what_cannot_be_compared(tmp_path: Path) -> None:
    files = {"real": tmp_path / "real.h5", "mine": tmp_path / "mine.h5"}
    write_features(files["real"], {"clip": side(cloud(3))})
    write_features(files["mine"], {"clip": side(cloud(3, width=9))})
    with pytest.raises(VidgaugeError, match=r"real\.h5: 8, .*mine\.h5: 9"):
        run(planned(tmp_path), files)
