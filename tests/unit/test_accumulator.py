"""Accumulators: the workflow's bits without the workflow, whatever the pieces; and the reductions between them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.make_videos import encode, frames
from vidgauge import Accumulator, reduce
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.probing import PROBE_VERSION, probe_shard
from vidgauge.metrics import registry, stats_from_features
from vidgauge.metrics.frechet import frechet_distance
from vidgauge.specs import Asked, ClipSpec, Network, Reduced, ReduceSpec
from vidgauge.stages import make_clips_file
from vidgauge.store.clips import open_clips
from vidgauge.store.features import read_array, read_stats, write_features
from vidgauge.store.merge import merge
from vidgauge.store.seal import seal
from vidgauge.store.statistics import Statistics, read_statistics, read_values

ROOT = Path(__file__).parents[2]
T, SIZE = 4, (32, 48)


def clips_of(count: int, *, seed: int = 0, t: int = T) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, t, *SIZE, 3), np.uint8)


def filled(count: int = 20, *, seed: int = 0, ids: Any = None, **how: Any) -> Accumulator:
    made = Accumulator("pixel_grid", **{"array": "clip", **how})
    made.update(clips_of(count, seed=seed), ids)
    return made


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of real videos by the workflow's stages: c0.h5 and c1.h5, two draws of each video."""
    folder = tmp_path_factory.mktemp("w")
    spec = ClipSpec(frames=T, size=SIZE, clips_per_video=2)
    for shard in (0, 1):
        rows = []
        for number in range(4):
            path = encode(folder / f"{shard}-{number}.mp4", frames(10, seed=4 * shard + number))
            stat = path.stat()
            rows.append(
                {
                    "id": path.name,
                    "path": str(path),
                    "kind": "file",
                    "row": None,
                    "size": stat.st_size,
                    "mtime": stat.st_mtime_ns,
                    "columns": {},
                }
            )
        write_text(folder / "listing.jsonl", to_jsonl([{"probe": PROBE_VERSION}, *rows]))
        probe_shard(folder / "listing.jsonl", folder / "shard.jsonl", contained=False)
        make_clips_file(
            folder / "shard.jsonl",
            [Asked(spec=spec, seed=42, draws=2)],
            folder / f"c{shard}.h5",
            workers=1,
            contained=False,
        )
    return folder


@pytest.mark.parametrize("name", ["clip_agreement", "psnr_ssim", "frame_statistics", "videoscore"])
def test_networks_that_judge_single_videos_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} judges single videos"):
        Accumulator(name)


@pytest.mark.parametrize(("name", "array"), [("efficientnet_lite0", "features"), ("pixel_grid", "clip")])
def test_the_bits_are_the_workflows(workflow: Path, tmp_path: Path, name: str, array: str) -> None:
    for shard in (0, 1):
        extract([workflow / f"c{shard}.h5"], tmp_path / f"f{shard}.h5", network=NetworkAsked(name=name), device="cpu")
    merge([tmp_path / "f0.h5", tmp_path / "f1.h5"], tmp_path / "all.h5")
    wanted, stats = read_array(tmp_path / "all.h5", array), read_stats(tmp_path / "all.h5", array)
    assert stats is not None

    full = Accumulator(name, array=array, device="cpu")
    lean = Accumulator(name, array=array, device="cpu", keep="statistics")
    for shard in (1, 0):
        with open_clips(workflow / f"c{shard}.h5") as clips:
            by_draw = np.lexsort((clips.video, clips.draw))  # draws of a video arrive in their order
            for taken in (by_draw[:3], by_draw[3:]):
                some = np.concatenate([clips[row : row + 1] for row in taken])
                ids = [str(clips.video[row]) for row in taken]
                full.update(torch.from_numpy(some), ids)
                lean.update(some, ids)
    assert full.features().tobytes() == wanted.values.tobytes()
    assert full.rows().video.tolist() == wanted.video.tolist()
    assert full.rows().draw.tolist() == wanted.draw.tolist()
    assert full.statistics().mean.tobytes() == stats[1].tobytes()
    assert full.statistics().cov.tobytes() == stats[2].tobytes()
    assert (lean.statistics().n, len(lean), len(full)) == (stats[0],) * 3
    np.testing.assert_allclose(lean.statistics().cov, stats[2], rtol=0, atol=1e-14 * np.abs(stats[2]).max())
    for what in ("extractor", "version", "weights_sha256", "weights_verified", "licence", "precision"):
        assert full.about[what] == read_statistics(tmp_path / "all.h5", array).about[what], what

    shifted = wanted.values + np.float32(0.5)
    value = frechet_distance(wanted.values, shifted)
    for side in (full, tmp_path / "all.h5", wanted.values):
        assert reduce("frechet", side, shifted, array=array).value == value
    assert reduce("frechet", lean, shifted).value == pytest.approx(value, rel=1e-6)


@given(data=st.data(), keep=st.sampled_from(["features", "statistics"]))
def test_rows_do_not_depend_on_the_pieces(data: st.DataObject, keep: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(2500, 24)).astype(np.float32)
    whole, cut = (Accumulator("pixel_grid", array="clip", keep=keep) for _ in range(2))
    whole.update_features(rows)
    edges = [0, *sorted(data.draw(st.lists(st.integers(1, 2499), max_size=5, unique=True))), 2500]
    for first, end in pairwise(edges):
        cut.update_features(rows[first:end])
    assert whole.statistics().cov.tobytes() == cut.statistics().cov.tobytes()
    np.testing.assert_allclose(cut.statistics().cov, stats_from_features(rows).cov, rtol=0, atol=1e-14)
    if keep == "features":
        assert cut.features().tobytes() == rows.tobytes()


@given(data=st.data())
def test_ids_make_the_order_and_the_draws(data: st.DataObject) -> None:
    ids = data.draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=12))
    rows = np.arange(len(ids), dtype=np.float32)[:, None] * np.ones(24, np.float32)
    found = Accumulator("pixel_grid", array="clip")
    found.update_features(rows, ids)
    wanted = sorted(range(len(ids)), key=lambda row: (ids[row], row))
    assert found.features()[:, 0].tolist() == wanted
    assert found.rows().video.tolist() == sorted(ids)
    found.rows().origin.check_order()


def test_clips_are_counted_without_ids() -> None:
    found = filled(12, array="frame")
    assert len(found) == 12 * T
    assert found.rows().video.tolist() == [f"{clip:012d}" for clip in range(12) for _ in range(T)]
    assert found.rows().start.tolist() == list(range(T)) * 12


@pytest.mark.parametrize("keep", ["features", "statistics"])
@pytest.mark.parametrize("ids", [None, [f"v{n:02d}" for n in range(20)]])
def test_saved_and_loaded_and_gone_on_with(tmp_path: Path, keep: Any, ids: Any) -> None:
    whole = filled(keep=keep, ids=ids)
    part = Accumulator("pixel_grid", array="clip", keep=keep)
    part.update(clips_of(20)[:7], ids and ids[:7])
    part.save(tmp_path / "s.h5")
    again = Accumulator.load(tmp_path / "s.h5", device="cpu")
    assert (len(again), again.keep, again.about) == (7, keep, part.about)
    again.update(clips_of(20)[7:], ids and ids[7:])
    if keep == "features":
        assert again.features().tobytes() == whole.features().tobytes()
        assert again.rows().video.tolist() == whole.rows().video.tolist()
    np.testing.assert_allclose(again.statistics().cov, whole.statistics().cov, rtol=0, atol=1e-15)
    with pytest.raises(ValueError, match="expected clips"):
        again.update(clips_of(1, t=5))

    saved, values = read_statistics(tmp_path / "s.h5"), read_values(tmp_path / "s.h5")
    assert saved.cov.tobytes() == part.statistics().cov.tobytes()
    assert saved.about["extractor"] == "pixel_grid"
    assert (values is None) == (keep == "statistics")


def test_the_workflows_features_are_gone_on_with(workflow: Path, tmp_path: Path) -> None:
    extract([workflow / "c0.h5"], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    found = Accumulator.load(tmp_path / "f.h5", "frame")
    assert found.features().tobytes() == read_array(tmp_path / "f.h5", "frame").values.tobytes()
    with pytest.raises(ValueError, match=r"\(4, 32, 48\)"):
        found.update(clips_of(1, t=5), ["x"])
    found.update(clips_of(1), ["x"])
    assert len(found) == (8 + 1) * T


@pytest.mark.parametrize("native", [list(SIZE), None])
def test_clips_of_native_size_are_gone_on_with(workflow: Path, tmp_path: Path, native: Any) -> None:
    extract([workflow / "c0.h5"], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        spec = {"frames": T, "size": "native"} | ({"native": native} if native else {})
        file.attrs["clip_spec"] = json.dumps(spec)
    seal(tmp_path / "f.h5")
    found = Accumulator.load(tmp_path / "f.h5", "clip")
    if native:
        with pytest.raises(ValueError, match=r"\(4, 32, 48\)"):
            found.update(clips_of(1, t=5), ["x"])
    found.update(clips_of(1), ["x"])
    assert len(found) == 8 + 1


def test_features_that_do_not_say_what_made_them_are_not_gone_on_with(tmp_path: Path) -> None:
    rows = filled(3).rows()
    write_features(tmp_path / "f.h5", {"clip": rows}, attrs={"extractor": "pixel_grid"})
    with pytest.raises(UsageError, match=r"f\.h5: is another tool's file"):
        Accumulator.load(tmp_path / "f.h5")


@pytest.mark.parametrize("keep", ["features", "statistics"])
def test_parts_are_merged(keep: Any) -> None:
    ids = [f"v{n:02d}" for n in range(2000)]
    rows = np.random.default_rng(1).normal(size=(2000, 24)).astype(np.float32)
    whole, *parts = (Accumulator("pixel_grid", array="clip", keep=keep) for _ in range(3))
    whole.update_features(rows, ids)
    for rank, part in enumerate(parts):
        part.update_features(rows[rank::2], ids[rank::2])
    before = parts[1].statistics()
    parts[0].merge(parts[1])
    assert len(parts[0]) == 2000
    assert parts[1].statistics().cov.tobytes() == before.cov.tobytes()
    np.testing.assert_allclose(parts[0].statistics().cov, whole.statistics().cov, rtol=0, atol=1e-14)
    if keep == "features":
        assert parts[0].features().tobytes() == whole.features().tobytes()


def test_what_does_not_belong_together_is_not_merged() -> None:
    one = filled(3)
    for other, difference in (
        (filled(3, array="frame"), "array is 'clip' in the first and 'frame'"),
        (filled(3, precision="bfloat16"), "precision is 'float32' in the first and 'bfloat16'"),
        (filled(3, keep="statistics"), "keep is 'features'"),
        (filled(3, ids=["a", "b", "c"]), "counting of clips"),
        (Accumulator("efficientnet_lite0"), "extractor is 'pixel_grid' in the first and 'efficientnet_lite0'"),
    ):
        with pytest.raises(VidgaugeError, match=difference):
            one.merge(other)
    longer = Accumulator("pixel_grid", array="clip")
    longer.update(clips_of(1, t=5))
    with pytest.raises(VidgaugeError, match="clip_shape"):
        one.merge(longer)
    assert len(one) == 3
    one.merge(Accumulator("pixel_grid", array="clip"))
    assert len(one) == 3


@pytest.mark.parametrize(
    ("clips", "ids", "text"),
    [
        (np.zeros((2, T, *SIZE, 3), np.float32), None, "uint8"),
        (np.zeros((T, *SIZE, 3), np.uint8), None, r"\(4, 32, 48, 3\)"),
        (np.zeros((2, 3, T, *SIZE), np.uint8), None, "got"),
        (torch.zeros((2, T, *SIZE, 3)), None, "torch.float32"),
        (torch.zeros((2, T, *SIZE, 3), dtype=torch.bfloat16), None, "torch.bfloat16"),
        (clips_of(2, t=5), None, r"\(4, 32, 48\), got \(2, 5"),
        (clips_of(2), ["a", "b"], "for all clips or for none"),
        (clips_of(2), "ab", "2 texts"),
        (clips_of(2), ["a"], "2 texts"),
        (clips_of(2), [1, 2], "2 texts"),
    ],
)
def test_other_clips_are_refused_and_leave_nothing(clips: Any, ids: Any, text: str) -> None:
    found = filled(3)
    with pytest.raises(ValueError, match=text):
        found.update(clips, ids)
    assert len(found) == 3


def test_other_rows_are_refused() -> None:
    found = filled(3)
    for rows, text in (
        (np.zeros((2, 23)), r"\(n, 24\), got \(2, 23\)"),
        (np.full((2, 24), np.nan), "NaN"),
        (np.full((2, 24), 1e39), "float32.*infinity"),
    ):
        with pytest.raises(ValueError, match=text), np.errstate(over="ignore"):
            found.update_features(rows)
    assert len(found) == 3


def test_nan_of_a_network_names_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = np.zeros((3 * T, 24), np.float32)
    bad[2 * T] = np.nan
    monkeypatch.setattr(loading, "built", lambda *_, **__: lambda _: {"frame": bad})
    found = Accumulator("pixel_grid", array="frame")
    with pytest.raises(VidgaugeError, match=r"^c: NaN or infinity in frame of pixel_grid"):
        found.update(clips_of(3), ["a", "b", "c"])
    with pytest.raises(VidgaugeError, match=r"^clip 2 of the update: NaN"):
        found.update(clips_of(3))
    assert len(found) == 0


def test_nothing_has_no_statistics(tmp_path: Path) -> None:
    found = filled(3)
    found.reset()
    for keep in ("features", "statistics"):
        empty = Accumulator("pixel_grid", keep=keep)  # type: ignore[arg-type]
        empty.update(clips_of(0))
        for call in (found.features, found.statistics, empty.statistics, lambda e=empty: e.save(tmp_path / "x")):
            with pytest.raises(ValueError, match="nothing was added"):
                call()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"extractor": "pixelgrid"}, "did you mean 'pixel_grid'"),
        ({"array": "clips"}, "did you mean 'clip'"),
        ({"precision": "half"}, "precision: unknown 'half'"),
        ({"keep": "all"}, "keep: unknown 'all'"),
    ],
)
def test_names_that_do_not_exist(how: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Accumulator(**{"extractor": "pixel_grid", **how})


def test_weights_by_path_by_folder_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VidgaugeError, match="i3d"):
        Accumulator("i3d_kinetics400", weights=tmp_path).update(clips_of(1, t=16))
    seen: list[tuple[Any, Any]] = []

    def asked(network: NetworkAsked, place: Path | None) -> None:
        seen.append((network.weights, place))

    monkeypatch.setattr(loading, "weights_asked", asked)
    monkeypatch.setattr(
        loading, "built", lambda *_, **__: lambda clips: {"logits": np.zeros((len(clips), 400), np.float32)}
    )
    for weights in ("i3d_videogpt", str(tmp_path / "x.pt"), None):
        Accumulator("i3d_kinetics400", array="logits", weights=weights).update(clips_of(1, t=16))
    assert seen == [("i3d_videogpt", None), (None, tmp_path / "x.pt"), (None, None)]


def test_rows_of_other_weights_are_not_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = filled(2)
    found._made_with = {**found._made_with, "weights_sha256": "0" * 64}
    found.save(tmp_path / "s.h5")
    again = Accumulator.load(tmp_path / "s.h5")
    with pytest.raises(VidgaugeError, match="weights of sha256 0000"):
        again.update(clips_of(1))
    assert len(again) == 2
    again.reset()
    again.update(clips_of(1))


def test_the_network_is_built_when_needed_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    built, devices = loading.built, []

    def counted(*rest: Any, **how: Any) -> Network:
        devices.append(how["device"])
        return built(*rest, **how)

    monkeypatch.setattr(loading, "built", counted)
    found = Accumulator("pixel_grid", array="clip", device="cpu")
    found.update_features(np.zeros((1, 24)))
    assert devices == []
    for _ in range(2):
        found.update(clips_of(1))
    assert devices == ["cpu"]
    found.offload()
    found.update(clips_of(1))
    found.to("cpu")
    found.update(clips_of(1))
    found.to("cuda:1")
    found.update(clips_of(1))
    assert devices == ["cpu", "cpu", "cuda:1"]
    assert len(found) == 6


@pytest.mark.gpu
def test_offload_gives_the_gpu_back() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    found = Accumulator("efficientnet_lite0", device="cuda")
    found.update(torch.from_numpy(clips_of(4)).cuda())
    used = torch.cuda.memory_allocated()
    found.offload()
    assert torch.cuda.memory_allocated() < used - 10e6  # 4.6 million parameters
    rows = found.features()
    found.reset()
    found.update(clips_of(4))
    assert found.features().tobytes() == rows.tobytes()


@pytest.mark.parametrize("name", ["frechet", "kernel", "kernel_exact", "precision_recall", "density_coverage"])
def test_reductions_by_their_names(name: str) -> None:
    real, fake = filled(30), filled(30, seed=1)
    wanted = registry.reduction(name).reduce(real.features(), fake.features(), seed=42)
    assert reduce(name, real, fake) == wanted


def test_a_reduction_of_the_candidate_alone() -> None:
    fake = filled(30, seed=1)
    wanted = registry.reduction("inception_score").reduce(None, fake.features(), seed=42, splits=2)
    assert reduce("inception_score", None, fake, splits=2) == wanted


def test_statistics_stand_for_features_where_they_are_enough(tmp_path: Path) -> None:
    real, fake = filled(30), filled(30, seed=1)
    wanted = reduce("frechet", real, fake, ddof=1).value
    lean = filled(30, keep="statistics")
    lean.save(tmp_path / "lean.h5")
    mean, cov = real.features().mean(axis=0, dtype=np.float64), np.cov(real.features().astype(np.float64), rowvar=False)
    for side in (lean, lean.statistics(), tmp_path / "lean.h5", Statistics(30, mean, cov, 1, {})):
        assert reduce("frechet", side, fake, ddof=1).value == pytest.approx(wanted, rel=1e-6)
    with pytest.raises(VidgaugeError, match=r"lean\.h5 holds statistics only; save with keep='features'"):
        reduce("kernel", tmp_path / "lean.h5", fake)
    with pytest.raises(VidgaugeError, match="kernel needs features, but the candidate holds statistics"):
        reduce("kernel", fake, lean)
    with pytest.raises(VidgaugeError, match="only statistics are kept"):
        lean.features()


def test_reductions_by_video_are_given_the_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def same(reference: Any, candidate: Any, *, seed: int, videos: Any) -> Reduced:
        seen.append([side.tolist() for side in videos])
        return Reduced(float(np.abs(reference - candidate).sum()))

    spec = ReduceSpec(name="pairs", reduce=same, better="lower", version=1, source="", by_video=True, paired=True)
    monkeypatch.setattr("vidgauge.comparing.reduction", lambda _: spec)
    ids = ["b", "c", "a"]
    real, fake = filled(3, ids=ids), filled(3, ids=ids)
    real.save(tmp_path / "real.h5")
    assert reduce("pairs", real, fake).value == 0
    assert reduce("pairs", tmp_path / "real.h5", fake).value == 0
    assert seen == [[["a", "b", "c"]] * 2] * 2
    with pytest.raises(VidgaugeError, match="give ids to the reference"):
        reduce("pairs", real.features(), fake)

    def either(reference: Any, candidate: Any, *, seed: int, videos: Any = None) -> Reduced:
        return Reduced(0.0 if videos is None else 1.0)

    spec = replace(spec, reduce=either)
    assert reduce("pairs", real, fake).value == 1
    assert reduce("pairs", real.features(), fake).value == 0


def test_one_weights_file_may_have_two_names() -> None:
    mean, cov = np.zeros(2), np.eye(2)
    about = {"extractor": "net", "weights": "a", "weights_sha256": "0"}
    first = Statistics(5, mean, cov, 0, about)
    assert reduce("frechet", first, Statistics(5, mean, cov, 0, {**about, "weights": "b"})).value == 0
    for change, key in (
        ({"weights": "b", "weights_sha256": None}, "weights"),
        ({"weights_sha256": "1"}, "weights_sha256"),
        ({"version": 2}, "version"),
    ):
        other = Statistics(5, mean, cov, 0, {**about, **change})
        with pytest.raises(VidgaugeError, match=f"compared: {key} is"):
            reduce("frechet", Statistics(5, mean, cov, 0, {**about, "version": 1}), other)


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    real = filled(30)
    with pytest.raises(UsageError, match="did you mean 'frechet'"):
        reduce("frechett", real, real)
    with pytest.raises(UsageError, match="ddofs: unknown option"):
        reduce("frechet", real, real, ddofs=1)
    with pytest.raises(UsageError, match="none was given"):
        reduce("frechet", None, real)
    with pytest.raises(VidgaugeError, match="array is 'clip' in the first and 'frame' in the second"):
        reduce("frechet", real, filled(30, array="frame"))
    filled(30, precision="bfloat16").save(tmp_path / "b.h5")
    with pytest.raises(VidgaugeError, match=r"b\.h5 and the candidate cannot be compared: precision"):
        reduce("frechet", tmp_path / "b.h5", real)


@pytest.mark.parametrize("heavy", ["torch", "numpy", "h5py"])
def test_the_package_alone_imports_nothing_heavy(heavy: str) -> None:
    code = f"import sys, vidgauge; assert '{heavy}' not in sys.modules; from vidgauge import Accumulator"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torch_is_imported_only_with_a_network() -> None:
    code = "import sys; from vidgauge import Accumulator, reduce; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)
    assert len(blocks) >= 5
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102 - our own page
    said = capsys.readouterr().out
    assert "kernel needs features, but the reference holds statistics only; save with keep='features'" in said
    assert "Statistics(n=64, d=24, ddof=0)" in said


def test_the_table_names_what_exists() -> None:
    page = (ROOT / "docs/python.md").read_text()
    for method in re.findall(r"`(?:real|fake)\.([a-z_]+)\(", page):
        assert hasattr(Accumulator, method), method
    for name in re.findall(r'Accumulator\("(\w+)"', page):
        Accumulator(name)
