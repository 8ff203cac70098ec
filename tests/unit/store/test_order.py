"""The order of a merge: that of sorting all clips, from files of which few are open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.errors import VidgaugeError
from vidgauge.store import merge as merging
from vidgauge.store import order as module
from vidgauge.store import shards as opening
from vidgauge.store.features import FeatureArray, read_array, write_features
from vidgauge.store.merge import merge
from vidgauge.store.order import order_of
from vidgauge.store.shards import Shards

Clip = tuple[str, int]


def write(path: Path, clips: dict[Clip, int]) -> Path:
    """A features file with so many rows of each clip."""
    keys = [(*clip, row) for clip, rows in sorted(clips.items()) for row in range(rows)]
    video, draw, start = (np.array([key[at] for key in keys], kind) for at, kind in enumerate((object, int, int)))
    values = np.array([[hash(key) % 1000, key[2]] for key in keys], np.float32).reshape(-1, 2)
    write_features(path, {"a": FeatureArray(values, video, draw, start)}, attrs={"extractor": "x"})
    return path


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


clips = st.dictionaries(
    st.tuples(st.text("aé\udce9b", min_size=1, max_size=3), st.integers(0, 2)),
    st.tuples(st.integers(0, 2), st.integers(1, 4)),
    max_size=12,
)


@settings(max_examples=12, deadline=None)
@given(clips, st.integers(1, 5), st.integers(1, 7))
def test_it_is_that_of_sorting_all_clips(
    tmp_path_factory: Any, found: dict[Clip, tuple[int, int]], block: int, step: int
) -> None:
    folder = tmp_path_factory.mktemp("o")
    paths = [write(folder / f"{n}.h5", {clip: rows for clip, (at, rows) in found.items() if at == n}) for n in range(3)]
    wanted = [(clip, at, row) for clip, (at, rows) in sorted(found.items()) for row in range(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST_ROWS", block)
        patch.setattr(module, "ROWS", 0)
        patch.setattr(opening, "OPEN", 1)
        patch.setattr(merging, "BLOCK_BYTES", 8 * step)
        with Shards(paths) as shards:
            order = order_of(shards, "a")
            pieces = [order.sources(at, min(len(order), at + step)) for at in range(0, len(order), step)]
        merge(paths, folder / "m.h5")
    assert [int(number) for piece in pieces for number in piece] == [at for _, at, _ in wanted]
    array = read_array(folder / "m.h5", "a")
    rows = list(zip(array.video, array.draw.tolist(), array.start.tolist(), strict=True))
    assert rows == [(*clip, row) for clip, _, row in wanted]
    assert array.values.tolist() == [[hash((*clip, row)) % 1000, row] for clip, _, row in wanted]


def test_columns_of_several_blocks_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than a chunk of a column has."""
    monkeypatch.setattr(merging, "BLOCK_BYTES", 8000)
    found = {(f"v{number:05d}", 0): 3 for number in range(3000)}
    paths = [write(tmp_path / f"{n}.h5", dict(list(found.items())[n::3])) for n in range(3)]
    merge(paths, tmp_path / "m.h5")
    whole, again = read_array(write(tmp_path / "all.h5", found), "a"), read_array(tmp_path / "m.h5", "a")
    assert whole.video.tolist() == again.video.tolist()
    np.testing.assert_array_equal(whole.start, again.start)
    np.testing.assert_array_equal(whole.values, again.values)


def test_a_clip_that_goes_on_in_the_next_block_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_ROWS", 2)
    monkeypatch.setattr(module, "ROWS", 0)
    with Shards([write(tmp_path / "a.h5", {("x", 0): 5, ("x", 1): 1}), write(tmp_path / "b.h5", {("w", 0): 1})]) as two:
        order = order_of(two, "a")
    assert (order.source.tolist(), order.end.tolist()) == ([1, 0, 0], [1, 6, 7])


def test_a_file_out_of_order_is_named_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_ROWS", 1)
    monkeypatch.setattr(module, "ROWS", 0)
    path = write(tmp_path / "a.h5", {("x", 0): 1, ("y", 0): 1})
    with Shards([path]) as shards:
        read, swapped = shards.read, {0: 1, 1: 0}
        monkeypatch.setattr(
            shards,
            "read",
            lambda number, name, column, rows: read(
                number, name, column, slice(swapped[rows.start], swapped[rows.start] + 1)
            ),
        )
        with pytest.raises(VidgaugeError, match=r"a\.h5: a: rows are not in canonical order: \('x', 0\) follows"):
            order_of(shards, "a")


def test_descriptors_are_few_however_many_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OPEN", 4)
    paths = [write(tmp_path / f"{n}.h5", {(f"v{n}", 0): 1}) for n in range(12)]
    before, most = descriptors(), 0
    with Shards(paths) as shards:
        for number in range(12):
            assert shards.read(number, "a", "video", slice(0, 1))[0] == f"v{number}".encode()
            most = max(most, descriptors() - before)
        assert shards.read(0, "a", "draw", slice(0, 1)).tolist() == [0]
    assert 4 <= most <= 6
    assert descriptors() <= before
