"""Probing a shard and joining shards: every video ends up usable or rejected, whatever happens to its file."""

import os
import threading
from pathlib import Path

import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.files import read_jsonl
from vidgauge.manifest.joining import join, read_videos
from vidgauge.manifest.listing import write_listing
from vidgauge.manifest.probing import probe_shard, read_shard, video_as_dict, write_shard

REAL = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def videos(tmp_path, make_video):
    for number in range(9):
        make_video(tmp_path / "videos" / f"{number}.mp4", frames=10 + number)
    return tmp_path / "videos"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "manifests" / "real"


def probe_all(folder, source, root=None, size=3, workers=2):
    """List, probe and join; returns (usable videos, rejected)."""
    dataset = write_listing(folder, source, root, size, probe_version=1)
    shards = [folder / "shards" / f"{shard}.jsonl" for shard in range(dataset.shards)]
    for shard, out in enumerate(shards):
        probe_shard(folder / "listing" / f"{shard}.jsonl", out, workers=workers, contained=False)
    listing = folder / "listing"
    outs = folder / "videos.jsonl", folder / "rejected.jsonl"
    join(shards, listing / "rejected.jsonl", *outs, lines=listing / "lines.jsonl", columns=listing / "columns.jsonl")
    return list(read_videos(outs[0])), list(read_jsonl(outs[1]))


def test_usable_videos(folder, videos, probe):
    usable, rejected = probe_all(folder, videos)
    assert rejected == []
    assert [video.id for video in usable] == [f"{number}.mp4" for number in range(9)]
    assert [video.frames for video in usable] == list(range(10, 19))
    assert list(next(read_jsonl(folder / "videos.jsonl"))) == [
        "id",
        "path",
        "kind",
        "row",
        "fingerprint",
        "bytes",
        "frames",
        "fps",
        "duration",
        "height",
        "width",
        "codec",
        "pixel_format",
        "columns",
    ]
    assert list(video_as_dict(usable[0])) == list(next(read_jsonl(folder / "videos.jsonl")))


def test_rejects_of_listing_and_probe_stand_together_by_line(folder, videos, probe, write_lines):
    (videos / "1.mp4").write_text("not a fake video")
    source = write_lines(
        videos / "m.jsonl",
        {"videos": ["2.mp4"], "fps": "a column that is named like a field"},
        {"videos": ["gone.mp4"]},
        {"videos": ["1.mp4"]},
        "no json",
    )
    usable, rejected = probe_all(folder, source)
    assert [(bad["line"], bad["path"], bad["reason"], bad["stage"]) for bad in rejected] == [
        (2, str(videos / "gone.mp4"), "missing", "listing"),
        (3, str(videos / "1.mp4"), "undecodable", "probe"),
        (4, None, "not-json", "listing"),
    ]
    assert all(list(bad) == ["line", "path", "reason", "detail", "id", "stage"] for bad in rejected)
    assert [(video.id, video.fps, dict(video.columns)) for video in usable] == [
        ("2.mp4", 8.0, {"fps": "a column that is named like a field"})
    ]


def test_the_same_bytes_whatever_the_order_and_the_workers(tmp_path, videos, probe, write_lines):
    rows = [{"videos": [f"{number}.mp4"], "text": str(number)} for number in range(9)]
    seen = set()
    for number, (order, workers, size) in enumerate([(rows, 1, 3), (rows[::-1], 4, 3), (rows, 2, 100)]):
        folder = tmp_path / f"results{number}" / "manifests" / "real"
        probe_all(folder, write_lines(videos / "m.jsonl", *order), size=size, workers=workers)
        seen.add((folder / "videos.jsonl").read_bytes())
    assert len(seen) == 1


def test_what_happens_while_a_video_is_probed(folder, videos, probe):
    real = probe.probe

    def meddle(path, *, kind, row=None):
        name = Path(path).name
        if name == "0.mp4":
            Path(path).unlink()
        if name == "1.mp4":
            raise PermissionError(13, "Permission denied")
        found = real(path, kind=kind, row=row)
        if name == "2.mp4":
            os.utime(path, ns=(7, 7))
        if name == "3.mp4":
            Path(path).unlink()
        return found

    probe.probe = meddle
    usable, rejected = probe_all(folder, videos, workers=3)
    assert [(bad["id"], bad["reason"]) for bad in rejected] == [
        ("0.mp4", "missing"),
        ("1.mp4", "permission"),
        ("2.mp4", "changed"),
        ("3.mp4", "missing"),
    ]
    assert len(usable) == 5


def test_a_fault_of_the_program_is_raised_and_leaves_no_shard(folder, videos, probe):
    def fail(path, *, kind, row=None):
        raise ZeroDivisionError

    probe.probe = fail
    with pytest.raises(ZeroDivisionError):
        probe_all(folder, videos)
    assert not list(folder.glob("shards/*"))


def test_workers_work_at_the_same_time(folder, videos, probe):
    barrier, real = threading.Barrier(3, timeout=10), probe.probe

    def meet(path, *, kind, row=None):
        barrier.wait()
        return real(path, kind=kind, row=row)

    probe.probe = meet
    write_listing(folder, videos, None, 100, probe_version=1)
    done = []
    probe_shard(
        folder / "listing" / "0.jsonl",
        folder / "0.jsonl",
        workers=3,
        contained=False,
        progress=lambda *n: done.append(n),
    )
    assert done == [(number, 9) for number in range(1, 10)]
    assert len(read_shard(folder / "0.jsonl")[0]) == 9


def test_frames_and_arrays_reach_the_probe(folder, tmp_path, probe):
    (tmp_path / "set" / "v1").mkdir(parents=True)
    (tmp_path / "set" / "v1" / "0.png").write_text("x")
    usable, _ = probe_all(folder, tmp_path / "set")
    assert [(video.id, video.kind, video.fps) for video in usable] == [("v1", "frames", None)]


def test_an_empty_shard(folder, tmp_path, probe, write_lines):
    usable, rejected = probe_all(folder, write_lines(tmp_path / "m.jsonl", "x"))
    assert (usable, [bad["reason"] for bad in rejected]) == ([], ["not-json"])
    (tmp_path / "bad.jsonl").write_text('{"id": "a"}\n')
    with pytest.raises(VidgaugeError, match="no header"):
        probe_shard(tmp_path / "bad.jsonl", tmp_path / "out.jsonl")


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real videos are not at {REAL}")
def test_real_videos_through_the_real_probe(folder):
    usable, rejected = probe_all(folder, REAL / "lavie.jsonl", REAL / "lavie", size=4)
    assert rejected == []
    assert [(video.frames, video.height, video.width, video.fps) for video in usable] == [(16, 512, 512, 8.0)] * 11
    assert all(video.columns["text"] for video in usable)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_shard_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    """At the end of a line too, or to nothing, as a power cut may do: fewer videos would give another number."""
    path, lines = tmp_path / "0.jsonl", [{"rejected": {"id": name}} for name in "abc"]
    write_shard(path, lines)
    assert read_shard(path) == ([], [line["rejected"] for line in lines])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    with pytest.raises(VidgaugeError, match=r"0\.jsonl: holds .* it was cut or changed"):
        read_shard(path)
