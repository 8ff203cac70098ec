"""A probe goes on where it was: videos that the journal has are not opened, and results do not depend on it."""

import json
import os
from pathlib import Path

import pytest

from vidgauge.errors import BadVideo
from vidgauge.files import read_jsonl
from vidgauge.manifest import probing
from vidgauge.manifest.journal import PASSING
from vidgauge.manifest.listing import write_listing
from vidgauge.manifest.probing import probe_shard, read_shard


@pytest.fixture
def videos(tmp_path, make_video):
    for number in range(9):
        make_video(tmp_path / "videos" / f"{number}.mp4", frames=10 + number)
    return tmp_path / "videos"


@pytest.fixture
def shard(tmp_path, videos, probe):
    """shard(journal=True): the bytes of the probed shard, and the names of the videos that were opened for it."""
    opened = []
    real = probe.probe

    def counted(path, *, kind, row=None):
        opened.append(Path(path).name)
        return real(path, kind=kind, row=row)

    def run(source=videos, *, journal=True, **options):
        opened.clear()
        probe.probe = counted if "probe" not in options else options.pop("probe")
        folder, out = tmp_path / "results" / "manifests" / "real", tmp_path / "out.jsonl"
        write_listing(folder, source, None, 100, probe_version=1)
        kept = tmp_path / "probes" / "0.jsonl" if journal else None
        probe_shard(folder / "listing" / "0.jsonl", out, journal=kept, **{"contained": False} | options)
        return out.read_bytes(), sorted(opened)

    run.opened, run.real, run.journal = opened, real, tmp_path / "probes" / "0.jsonl"
    return run


ALL = [f"{number}.mp4" for number in range(9)]


def test_a_second_probe_opens_nothing_and_starts_no_process(shard):
    plain, opened = shard(journal=False)
    assert opened == ALL
    assert not shard.journal.exists()
    assert shard() == (plain, ALL)
    assert shard() == (plain, [])
    assert shard(contained=True, function="no.such:function") == (plain, [])


@pytest.mark.parametrize("workers", [1, 3])
def test_killed_half_way(shard, workers):
    plain, _ = shard(journal=False)
    done = []

    def dies(path, *, kind, row=None):
        if len(done) == 5:
            raise KeyboardInterrupt
        done.append(Path(path).name)
        return shard.real(path, kind=kind, row=row)

    with pytest.raises(KeyboardInterrupt):
        shard(probe=dies, workers=workers)
    assert len(list(read_jsonl_lines(shard.journal))) == 5
    assert shard(workers=workers) == (plain, sorted({*ALL} - {*done}))
    assert len(list(read_jsonl(shard.journal))) == 9


def read_jsonl_lines(path):
    return [line for line in path.read_text().splitlines() if line]


def test_one_of_many_changed(shard, videos, make_video):
    shard()
    make_video(videos / "3.mp4", frames=500)
    os.utime(videos / "5.mp4", ns=(7, 7))
    found, opened = shard()
    assert opened == ["3.mp4", "5.mp4"]
    assert (found, ALL) == shard(journal=False)
    assert b'"frames": 500' in found


def test_videos_that_left_the_shard_leave_the_journal(shard, videos):
    shard()
    for number in range(8):
        (videos / f"{number}.mp4").unlink()
    shard()
    assert [line["seen"][0] for line in read_jsonl(shard.journal)] == [str(videos / "8.mp4")]


def test_another_text_opens_nothing_and_changes_nothing(shard, videos, write_lines):
    """Columns are joined to what was probed: a prompt or a rating is no reason to look at a video again."""
    probed = []
    for text in ("one", "another"):
        source = write_lines(videos / "m.jsonl", *({"videos": [f"{n}.mp4"], "text": text} for n in range(9)))
        probed.append(shard(source))
    assert probed[1] == (probed[0][0], [])


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[: len(line) // 2],
        lambda line: line.replace('"frames": 13', '"frames": 31'),
        lambda line: json.dumps(json.loads(line) | {"probe": [0, "1.0"]}),
        *(lambda _, found=found: found for found in ("null", "[1]", "\x00\x00", '{"crc32": 1}')),
    ],
)
def test_lines_that_cannot_be_read_are_probed_again(shard, damage):
    plain, _ = shard()
    lines = shard.journal.read_text().splitlines()
    assert '"frames": 13' in lines[3]
    lines[3] = damage(lines[3])
    shard.journal.write_text("\n".join(lines))  # the last one is without its end
    assert shard() == (plain, ["3.mp4"])
    assert shard() == (plain, [])


def test_a_line_cut_short_does_not_spoil_the_next(shard):
    shard()
    lines = shard.journal.read_text().splitlines(keepends=True)
    shard.journal.write_text("".join(lines[:7]) + lines[7][:50])
    seen = []

    def dies(path, *, kind, row=None):
        if seen:
            raise KeyboardInterrupt
        seen.append(path)
        return shard.real(path, kind=kind, row=row)

    with pytest.raises(KeyboardInterrupt):
        shard(probe=dies)
    assert shard()[1] == ["8.mp4"]


def test_another_version_of_the_probe_opens_all(shard, monkeypatch):
    shard()
    monkeypatch.setattr(probing, "PROBE_VERSION", 1 << 30)
    assert shard()[1] == ALL


@pytest.mark.parametrize("reason", [*sorted(PASSING), "damaged", "truncated"])
def test_rejects_that_may_not_come_again_are_not_kept(shard, reason):
    def refuse(path, *, kind, row=None):
        if Path(path).name == "6.mp4":
            raise BadVideo(reason, "as it is now")
        return shard.real(path, kind=kind, row=row)

    found, _ = shard(probe=refuse)
    assert b"as it is now" in found
    assert shard()[1] == (["6.mp4"] if reason in PASSING else [])


def test_a_journal_that_cannot_be_written_is_named(shard):
    shard.journal.parent.write_text("a file in the place of the folder")
    with pytest.raises(OSError, match="probes") as caught:
        shard()
    assert str(caught.value.filename) == str(shard.journal)


def test_a_video_whose_probe_crashes_is_rejected_by_name_and_others_go_on(shard):
    shard(contained=True, function="tests.unit.manifest.faulty:probed", workers=2)
    usable, rejected = read_shard(shard.journal.parents[1] / "out.jsonl")
    assert [video.frames for video in usable] == [10, 11, 12, 13, 15, 16, 17, 18]
    assert [(bad["id"], bad["reason"], "SIGSEGV" in bad["detail"]) for bad in rejected] == [("4.mp4", "crashed", True)]
    assert len(list(read_jsonl(shard.journal))) == 8
