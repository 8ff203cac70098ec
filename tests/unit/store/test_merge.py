"""Merging: the same bits however the rows are cut into shards; what does not belong together is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.errors import VidgaugeError
from vidgauge.metrics.stats import stats_from_features
from vidgauge.store import merge as module
from vidgauge.store.features import FeatureArray, read_array, read_attrs, read_failed, read_stats, write_features
from vidgauge.store.merge import merge

ATTRS = {
    "extractor": "net",
    "version": 1,
    "weights": None,
    "weights_sha256": None,
    "clips": "4f",
    "clip_spec": {"frames": 4},
    "seed": 42,
    "precision": "float32",
    "device": "cpu",
    "batch_shape": "(8, 3)",
    "versions": {"numpy": "2"},
}
Clip = tuple[str, int]


def rows_of(clips: Sequence[Clip], frames: int, width: int, offset: float = 0.0) -> FeatureArray:
    """Rows that follow from the clip alone, whatever shard it is in."""
    keys = [(video, draw, frame) for video, draw in sorted(clips) for frame in range(frames)]
    values = np.zeros((len(keys), width), np.float32)
    for row, key in enumerate(keys):
        seed = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:4], "big")
        values[row] = offset + np.random.default_rng(seed).normal(size=width)
    video, draw, frame = (np.array([key[i] for key in keys], t) for i, t in ((0, object), (1, int), (2, int)))
    return FeatureArray(values, video, draw, 5 + frame)


def write_shard(path: Path, clips: Sequence[Clip], offset: float = 0.0, failed: Any = (), **attrs: Any) -> Path:
    arrays = {"frame": rows_of(clips, 3, 5, offset), "clip": rows_of(clips, 1, 2, offset)}
    write_features(path, arrays, attrs={**ATTRS, **attrs}, failed=failed)
    return path


def digest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"attrs": read_attrs(path), "failed": read_failed(path)}
    for name in ("frame", "clip"):
        array, stats = read_array(path, name), read_stats(path, name)
        found[name] = [array.values.tobytes(), array.video.tolist(), array.draw.tolist(), array.start.tolist()]
        found[f"{name} stats"] = stats and (stats[0], stats[1].tobytes(), stats[2].tobytes())
    return found


@settings(max_examples=15, deadline=None)
@given(data=st.data(), videos=st.integers(0, 12), draws=st.integers(1, 3), shards=st.integers(1, 5))
def test_any_cut_and_order_give_the_same_bits(
    tmp_path_factory: Any, data: st.DataObject, videos: int, draws: int, shards: int
) -> None:
    folder = tmp_path_factory.mktemp("m")
    clips = [(f"v{video}.mp4", draw) for video in range(videos) for draw in range(draws)]
    home = [data.draw(st.integers(0, shards - 1)) for _ in clips]
    paths = [
        write_shard(folder / f"{n}.h5", [c for c, at in zip(clips, home, strict=True) if at == n], offset=1e3)
        for n in range(shards)
    ]
    merge([write_shard(folder / "all.h5", clips, offset=1e3)], folder / "one.h5")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", 4 * 5 * data.draw(st.integers(1, 9)))
        merge(data.draw(st.permutations(paths)), folder / "cut.h5")
    assert digest(folder / "cut.h5") == digest(folder / "one.h5")


def test_files_are_the_same_bytes(tmp_path: Path) -> None:
    a, b = write_shard(tmp_path / "a", [("x", 0)]), write_shard(tmp_path / "b", [("y", 0)])
    merge([a, b], tmp_path / "ab")
    merge([b, a], tmp_path / "ba")
    assert (tmp_path / "ab").read_bytes() == (tmp_path / "ba").read_bytes()


def test_stats_are_those_of_the_metrics_and_exact_at_a_large_mean(tmp_path: Path) -> None:
    clips = [(f"v{video}", 0) for video in range(900)]
    merge([write_shard(tmp_path / "s.h5", clips, offset=1e3)], tmp_path / "m.h5")
    values = read_array(tmp_path / "m.h5", "frame").values
    stats, wanted = read_stats(tmp_path / "m.h5", "frame"), stats_from_features(values)
    assert stats is not None
    assert stats[0] == 2700
    np.testing.assert_array_equal(stats[1], wanted.mean)
    np.testing.assert_array_equal(stats[2], wanted.cov)
    exact = values.astype(np.longdouble)
    centred = exact - exact.mean(axis=0)
    np.testing.assert_allclose(stats[1], exact.mean(axis=0).astype(float), rtol=1e-15)
    np.testing.assert_allclose(stats[2], (centred.T @ centred / len(values)).astype(float), rtol=1e-11, atol=1e-13)


def test_no_rows_at_all(tmp_path: Path) -> None:
    paths = [write_shard(tmp_path / f"{n}.h5", [], device=None) for n in range(2)]
    merge(paths, tmp_path / "m.h5")
    assert read_stats(tmp_path / "m.h5", "clip") is None
    assert read_array(tmp_path / "m.h5", "clip").values.shape == (0, 2)


def test_no_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VidgaugeError, match="no shards were given"):
        merge([], tmp_path / "m.h5")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("extractor", "other"),
        ("clip_spec", {"frames": 8}),
        ("weights_sha256", "ab"),
        ("precision", "tf32"),
        ("seed", 1),
    ],
)
def test_what_must_agree(tmp_path: Path, key: str, value: Any) -> None:
    a = write_shard(tmp_path / "a.h5", [("x", 0)])
    b = write_shard(tmp_path / "b.h5", [("y", 0)], **{key: value})
    with pytest.raises(VidgaugeError, match=rf"a\.h5 and .*b\.h5 cannot be merged: {key} is .* run again"):
        merge([a, b], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_arrays_must_agree(tmp_path: Path) -> None:
    a = write_shard(tmp_path / "a.h5", [("x", 0)])
    write_features(tmp_path / "b.h5", {"frame": rows_of([("y", 0)], 3, 5)}, attrs=ATTRS)
    with pytest.raises(VidgaugeError, match="arrays is"):
        merge([a, tmp_path / "b.h5"], tmp_path / "m.h5")


def test_what_may_differ_is_recorded(tmp_path: Path) -> None:
    a = write_shard(tmp_path / "a.h5", [("x", 0)], device="cuda H200", shard=0)
    b = write_shard(tmp_path / "b.h5", [("y", 0)], versions={"numpy": "3"}, shard=1)
    empty = write_shard(tmp_path / "e.h5", [], device=None, batch_shape=None, shard=2)
    merge([a, empty, b], tmp_path / "m.h5", attrs={"manifest": "1f"})
    found = read_attrs(tmp_path / "m.h5")
    assert found["mixed"] == ["device", "versions"]
    assert found["device"] == ["cpu", "cuda H200"]
    assert found["versions"] == [{"numpy": "2"}, {"numpy": "3"}]
    assert (found["batch_shape"], found["manifest"], found["extractor"]) == ("(8, 3)", "1f", "net")
    assert "shard" not in found


def test_one_clip_in_two_shards_is_refused(tmp_path: Path) -> None:
    a = write_shard(tmp_path / "a.h5", [("x", 0), ("y", 1)])
    b = write_shard(tmp_path / "b.h5", [("y", 1)])
    with pytest.raises(VidgaugeError, match=r"a\.h5 and .*b\.h5 both have draw 1 of y"):
        merge([a, b], tmp_path / "m.h5")


def test_failed_videos_are_listed_once(tmp_path: Path) -> None:
    bad = [{"video": v, "path": f"/{v}", "reason": "decode_error", "detail": "d"} for v in ("p", "q")]
    a = write_shard(tmp_path / "a.h5", [("x", 0)], failed=bad[1:])
    b = write_shard(tmp_path / "b.h5", [("y", 0)], failed=bad)
    merge([a, b], tmp_path / "m.h5")
    assert read_failed(tmp_path / "m.h5") == bad


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    array = rows_of([("x", 0)], 1, 2)
    array.values[0, 1] = np.inf
    write_features(tmp_path / "a.h5", {"clip": array}, attrs=ATTRS)
    with pytest.raises(VidgaugeError, match="array clip"):
        merge([tmp_path / "a.h5"], tmp_path / "m.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
