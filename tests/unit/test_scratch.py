"""Decoded clips wait on the disk: how much they take, how many files at once, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidgauge import scratch
from vidgauge.config import Config, load
from vidgauge.errors import UsageError
from vidgauge.metric import metrics
from vidgauge.plan import Counts
from vidgauge.scratch import MOST_TOGETHER, Piece, files_with, members, pieces, refuse_what_cannot_fit, together, turns

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
    assert all(len(p.features) == 1 for p in found)


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
    found = [Piece("real", "c", shard, (("c", "i3d"), ("c", "r3d")), 4, 10, 10) for shard in range(5)]
    waits = turns(found, 2)
    assert set(waits) == {("real", "c", shard) for shard in (2, 3, 4)}
    assert waits["real", "c", 4] == ["features/real/c/i3d/2.h5", "features/real/c/r3d/2.h5"]


def test_what_cannot_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clips"
    found = [
        Piece("real", "c", 0, (("c", "i3d"),), 1000, 10**9, 10**10),
        Piece("a", "c", 0, (("c", "i3d"),), 10, 10**7, 10**8),
    ]
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
    found = [Piece("real", "c", shard, (("c", "i3d"),), 1, 50, 50) for shard in range(2)]
    refuse_what_cannot_fit(found, tmp_path, kept=True)
    refuse_what_cannot_fit(found, tmp_path, kept=False)
    there.unlink()
    with pytest.raises(UsageError, match="room for 40 bytes"):
        refuse_what_cannot_fit(found, tmp_path, kept=False)


def some_pieces(specs: int, shards: int = 2) -> list[Piece]:
    names = [f"16f-{number:08x}" for number in range(specs)]
    return [
        Piece(dataset, name, shard, ((name, "i3d"),), 4, 10, 10)
        for dataset in ("real", "a")
        for name in names
        for shard in range(shards)
    ]


def test_the_specs_of_a_shard_are_decoded_together() -> None:
    found = some_pieces(3)
    joined = together(found, free=10**6)
    assert [(piece.dataset, piece.shard) for piece in joined] == [("real", 0), ("real", 1), ("a", 0), ("a", 1)]
    assert {piece.clips for piece in joined} == {"together-00000000+00000001+00000002"}
    assert all((piece.videos, piece.least, piece.bytes) == (4, 30, 30) for piece in joined)
    assert [clips for clips, _ in joined[0].features] == [piece.clips for piece in found[::2][:3]]
    names = [piece.clips for piece in found]
    assert members(joined[0].clips, names) == [piece.clips for piece in found[::2][:3]]
    assert together(found[:1], free=0) == found[:1]


def test_what_does_not_fit_together_is_decoded_apart() -> None:
    assert sorted(piece.bytes for piece in together(some_pieces(3, shards=1), free=20)) == [10, 10, 20, 20]
    assert together(some_pieces(3), free=9) == some_pieces(3)


def test_names_of_many_specs_are_no_longer_than_names_can_be() -> None:
    joined = together(some_pieces(40), free=10**6)
    assert max(len(piece.clips) for piece in joined) < 255
    assert {len(piece.features) for piece in joined} == {MOST_TOGETHER, 40 % MOST_TOGETHER}
    assert sum(len(piece.features) for piece in joined) == 160


def test_a_job_finds_the_file_that_holds_its_clips(tmp_path: Path) -> None:
    for age, name in enumerate(["together-1a+2b", "16f-1a", "together-2b+3c"]):
        file = tmp_path / name / "0.h5"
        file.parent.mkdir()
        file.touch()
        os.utime(file, (age, age))
    assert [path.parent.name for path in files_with(tmp_path, "64f-2b", 0)] == ["together-2b+3c", "together-1a+2b"]
    assert [path.parent.name for path in files_with(tmp_path, "16f-1a", 0)] == ["16f-1a", "together-1a+2b"]
    assert files_with(tmp_path, "8f-4d", 0) == files_with(tmp_path, "16f-1a", 1) == []
