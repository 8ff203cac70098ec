"""Features files: rows, their origin, attributes, and the choice of samples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.draws import position
from vidgauge.errors import VidgaugeError
from vidgauge.store import features as module
from vidgauge.store import hdf5
from vidgauge.store.features import (
    FeatureArray,
    FeaturesWriter,
    Origin,
    array_widths,
    map_values,
    read_array,
    read_attrs,
    read_failed,
    read_samples,
    read_stats,
    write_features,
)
from vidgauge.store.seal import seal
from vidgauge.store.select import select

IDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(IDS, inner, max_size=3),
    max_leaves=6,
)


def array(rows: int = 5, width: int = 3, seed: int = 0) -> FeatureArray:
    values = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    video = np.array([f"v{row:03}" for row in range(rows)], dtype=object)
    return FeatureArray(values, video, np.zeros(rows, int), np.arange(rows) * 10)


def same(a: FeatureArray, b: FeatureArray) -> None:
    for part in ("values", "video", "draw", "start"):
        np.testing.assert_array_equal(getattr(a, part), getattr(b, part))


def test_round_trip(tmp_path: Path) -> None:
    arrays = {"features": array(5, 3), "logits": array(5, 7, seed=1)}
    failed = [{"video": "x", "path": "/x", "reason": "decode_error", "detail": "é"}]
    write_features(tmp_path / "f.h5", arrays, attrs={"extractor": "net", "seed": None}, failed=failed)
    assert array_widths(tmp_path / "f.h5") == {"features": 3, "logits": 7}
    for name, wanted in arrays.items():
        same(read_array(tmp_path / "f.h5", name), wanted)
        np.testing.assert_array_equal(map_values(tmp_path / "f.h5", name), wanted.values)
    assert read_attrs(tmp_path / "f.h5") == {"extractor": "net", "seed": None, "kind": "features", "schema": 1}
    assert read_failed(tmp_path / "f.h5") == failed
    assert repr(arrays["features"]) == "FeatureArray(values (5, 3) float32, 5 videos)"
    with pytest.raises(VidgaugeError, match="no stats, it is the features of a shard"):
        read_stats(tmp_path / "f.h5", "logits")


def test_stored_types_are_those_of_the_contract(tmp_path: Path) -> None:
    write_features(tmp_path / "f.h5", {"features": array()})
    with h5py.File(tmp_path / "f.h5") as file:
        group = file["features"]
        assert (group["values"].dtype, group["start"].dtype) == (np.float32, np.int64)
        assert group["video"].asstr()[0] == "v000"


def test_no_rows(tmp_path: Path) -> None:
    write_features(tmp_path / "f.h5", {"features": array(0, 3)})
    assert read_array(tmp_path / "f.h5", "features").values.shape == (0, 3)
    assert read_samples(tmp_path / "f.h5", "features", 4).values.shape == (0, 3)
    assert map_values(tmp_path / "f.h5", "features").shape == (0, 3)


@pytest.mark.parametrize("how", [{"compression": "gzip"}, {"chunks": (2, 3)}, {}])
@pytest.mark.parametrize("userblock", [0, 512])
def test_repacked_files_have_the_same_values(tmp_path: Path, how: dict[str, Any], userblock: int) -> None:
    wanted = array(5, 3)
    write_features(tmp_path / "f.h5", {"features": wanted})
    with (
        h5py.File(tmp_path / "f.h5") as source,
        h5py.File(tmp_path / "r.h5", "w", userblock_size=userblock) as target,
    ):
        target.attrs.update(source.attrs)
        source.copy("failed", target)
        for name in ("values", "video", "draw", "start"):
            options = how if name == "values" else {}
            target.create_dataset(f"features/{name}", data=source[f"features/{name}"][()], **options)
    if userblock:
        seal(tmp_path / "r.h5")
    found = map_values(tmp_path / "r.h5", "features")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, wanted.values)
    assert isinstance(found, np.memmap) == (not how)


def test_values_that_were_never_written_are_no_zeros(tmp_path: Path) -> None:
    write_features(tmp_path / "f.h5", {"features": array(5, 3)})
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        del file["features/values"]
        file.create_dataset("features/values", (5, 3), np.float32)
    seal(tmp_path / "f.h5")
    with pytest.raises(VidgaugeError, match=r"f\.h5: is damaged .*values was never written"):
        map_values(tmp_path / "f.h5", "features")


def test_unknown_array_lists_the_known(tmp_path: Path) -> None:
    write_features(tmp_path / "f.h5", {"features": array(), "logits": array()})
    with pytest.raises(VidgaugeError, match=r"f\.h5: has no array 'pool'; it has: features, logits"):
        read_array(tmp_path / "f.h5", "pool")


def test_arrays_check_themselves() -> None:
    one = array(2)
    with pytest.raises(ValueError, match=r"expected values \(2, d\) float32, got \(3, 3\) float32"):
        FeatureArray(array(3).values, one.video, one.draw, one.start)
    with pytest.raises(ValueError, match="float64"):
        FeatureArray(one.values.astype(float), one.video, one.draw, one.start)
    with pytest.raises(ValueError, match=r"got \(2,\), \(1,\) and \(2,\)"):
        Origin(one.video, one.draw[:1], one.start)


@pytest.mark.parametrize(("video", "draw"), [(["b", "a"], [0, 0]), (["a", "a"], [1, 0]), (["a", "b", "a"], [0, 0, 0])])
def test_rows_out_of_order_are_refused(tmp_path: Path, video: list[str], draw: list[int]) -> None:
    rows = len(video)
    wrong = FeatureArray(np.zeros((rows, 1), np.float32), np.array(video, object), np.array(draw), np.zeros(rows))
    with pytest.raises(ValueError, match="canonical order"):
        write_features(tmp_path / "f.h5", {"features": wrong})
    assert not list(tmp_path.iterdir())


def test_rows_left_out_are_refused(tmp_path: Path) -> None:
    with (  # noqa: PT012 - the error comes at the end of the block
        pytest.raises(ValueError, match="features: 2 of 5 rows were written"),
        FeaturesWriter(tmp_path / "f.h5") as writer,
    ):
        writer.create("features", array().origin, 3)
        writer.append("features", array().values[:2])


def test_values_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with FeaturesWriter(tmp_path / "f.h5") as writer:
        writer.create("features", array(2).origin, 3)
        for wrong in (np.zeros((2, 4), np.float32), np.zeros((3, 3), np.float32), np.zeros(3, np.float32)):
            with pytest.raises(ValueError, match="does not fit"):
                writer.append("features", wrong)
        writer.append("features", array(2).values)


@settings(max_examples=40, deadline=None)
@given(ids=st.lists(IDS, max_size=6), attrs=st.dictionaries(IDS.filter(lambda key: key not in ("", ".")), JSON))
def test_ids_and_attributes_come_back(tmp_path_factory: Any, ids: list[str], attrs: dict[str, Any]) -> None:
    with hdf5.create(tmp_path_factory.mktemp("h5") / "x.h5") as file:
        hdf5.write_ids(file, "ids", ids)
        assert hdf5.read_ids(file["ids"]).tolist() == ids
        hdf5.write_attrs(file, attrs)
        assert hdf5.read_attrs(file) == attrs


@settings(max_examples=60, deadline=None)
@given(
    videos=st.integers(1, 8),
    draws=st.integers(1, 3),
    frames=st.integers(1, 3),
    samples=st.integers(1, 80) | st.none(),
)
def test_select_is_the_order_by_draw_hash_and_frame(videos: int, draws: int, frames: int, samples: int | None) -> None:
    keys = [(f"v{v}", draw, frame) for v in range(videos) for draw in range(draws) for frame in range(frames)]
    rows = select(np.array([key[0] for key in keys], object), np.array([key[1] for key in keys]), samples)
    first = sorted(keys, key=lambda key: (key[1], position(key[0]), key[2]))[:samples]
    assert [keys[row] for row in rows] == sorted(first)


def test_select_refuses_none_at_all() -> None:
    with pytest.raises(ValueError, match="samples"):
        select(np.array(["a"], object), np.array([0]), 0)


def test_samples_are_read_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_BYTES", 4 * 3 * 7)  # 7 rows a block
    whole = array(50)
    write_features(tmp_path / "f.h5", {"features": whole})
    rows = select(whole.video, whole.draw, 20)
    part = read_samples(tmp_path / "f.h5", "features", 20)
    same(part, FeatureArray(whole.values[rows], whole.video[rows], whole.draw[rows], whole.start[rows]))
    same(read_samples(tmp_path / "f.h5", "features", 500), whole)


def test_store_never_imports_torch() -> None:
    code = "import sys, vidgauge.store.merge, vidgauge.store.clips; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
