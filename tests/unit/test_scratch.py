"""Decoded clips wait on the disk: how much they take, how many files at once, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidgauge import scratch
from vidgauge.config import Config, load
from vidgauge.errors import UsageError
from vidgauge.metric import metrics
from vidgauge.plan import Counts
from vidgauge.scratch import Piece, pieces, refuse_what_cannot_fit, turns

GRID = {"extractor": "pixel_grid", "reduce": "kernel_exact", "array": "clip"}
CLIP = 3 * 16 * 8 * 10  # bytes


def configured(**clips: object) -> Config:
    """An evaluation of a against real, on small clips."""
    define = {"m": GRID | {"clips": {"frames": 16, "size": [8, 10], **clips}}}
    return load(
        {
            "evaluation": "test",
            "reference": "real",
            "datasets": {"real": {"source": "real"}, "a": {"source": "a"}},
            "metrics": ["m"],
            "define": define,
        }
    )


def counts(config: Config, usable: list[int], clips: list[list[int]] | None = None) -> Counts:
    need = metrics(config)["m"].of("a").need
    each = {name: {need: usable} for name in ("real", "a")}
    return Counts(each, {name: {need: clips} for name in each} if clips else {}, {})


def test_a_piece_for_each_shard_with_its_bytes() -> None:
    config = configured()
    found = pieces(config, counts(config, [3, 2]))
    assert [(p.dataset, p.shard, p.videos, p.bytes) for p in found] == [
        ("real", 0, 3, 3 * CLIP),
        ("real", 1, 2, 2 * CLIP),
        ("a", 0, 3, 3 * CLIP),
        ("a", 1, 2, 2 * CLIP),
    ]
    assert len({p.clips for p in found}) == 1
    assert all(len(p.extractors) == 1 for p in found)


def test_draws_count() -> None:
    config = configured(clips_per_video=5)
    assert [p.bytes for p in pieces(config, counts(config, [3]))] == [15 * CLIP] * 2


def test_clips_of_every_start_count_as_the_gate_counted_them() -> None:
    config = configured(start="each", clips_per_video="all")
    found = pieces(config, counts(config, [3, 2], [[3, 2], [6, 4], [7, 4]]))
    assert [p.bytes for p in found] == [7 * CLIP, 4 * CLIP] * 2


def test_native_size_is_not_known_before_a_video_was_opened() -> None:
    config = configured(size="native")
    assert {p.bytes for p in pieces(config, counts(config, [3]))} == {0}


def test_each_waits_for_the_one_whose_room_it_takes() -> None:
    found = [Piece("real", "c", shard, ("i3d", "r3d"), 4, 10, 10) for shard in range(5)]
    waits = turns(found, 2)
    assert set(waits) == {("real", "c", shard) for shard in (2, 3, 4)}
    assert waits["real", "c", 4] == ["features/real/c/i3d/2.h5", "features/real/c/r3d/2.h5"]


def test_what_cannot_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clips"
    found = [Piece("real", "c", 0, ("i3d",), 1000, 10**9, 10**10), Piece("a", "c", 0, ("i3d",), 10, 10**7, 10**8)]
    monkeypatch.setattr(scratch, "free_for", lambda _: 10**9)
    refuse_what_cannot_fit(found, folder, kept=False)
    with pytest.raises(UsageError, match=r"keep_clips: true they take 1\.0 GB or more, and there is room for 1\.0 GB"):
        refuse_what_cannot_fit(found, folder, kept=True)
    monkeypatch.setattr(scratch, "free_for", lambda _: 10**8)
    with pytest.raises(UsageError, match=r"1000 videos of real take 1.0 GB or more .* room for 100 MB.*to 50 or less"):
        refuse_what_cannot_fit(found, folder, kept=False)
    refuse_what_cannot_fit([], folder, kept=False)


def test_clips_that_are_there_have_their_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed in the middle goes on, though what it has made fills the disk."""
    monkeypatch.setattr(scratch, "free_for", lambda _: 40)
    there = tmp_path / "real/c/0.h5"
    there.parent.mkdir(parents=True)
    there.write_bytes(bytes(60))
    found = [Piece("real", "c", shard, ("i3d",), 1, 50, 50) for shard in range(2)]
    refuse_what_cannot_fit(found, tmp_path, kept=True)
    refuse_what_cannot_fit(found, tmp_path, kept=False)
    there.unlink()
    with pytest.raises(UsageError, match="room for 40 bytes"):
        refuse_what_cannot_fit(found, tmp_path, kept=False)
