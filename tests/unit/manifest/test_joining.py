"""Joining streams: the lines that sorting everything would give, in memory and descriptors that do not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.errors import VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_text
from vidgauge.manifest import joining
from vidgauge.manifest.joining import join, read_videos
from vidgauge.manifest.probing import write_shard
from vidgauge.manifest.screening import Files, Need, screen
from vidgauge.manifest.survey import write_survey
from vidgauge.specs import ClipSpec, Video

VIDEO = Video("", "/a", "file", None, "0" * 64, 100, 8, 8.0, 1.0, 24, 32, "h264", "yuv420p")


def line(name: str, usable: bool) -> dict[str, Any]:
    if usable:
        found = asdict(replace(VIDEO, id=name))
        del found["columns"]
        return {"video": found}
    return {"rejected": {"id": name, "path": "/a", "reason": "no-frames", "detail": "has none"}}


def write_shards(folder: Path, shards: Sequence[Sequence[tuple[str, bool]]]) -> list[Path]:
    paths = [folder / f"{number}.jsonl" for number in range(len(shards))]
    for path, videos in zip(paths, shards, strict=True):
        write_shard(path, [line(*video) for video in sorted(videos)])
    write_text(folder / "listed.jsonl", "")
    return paths


def joined(folder: Path, paths: Sequence[Path]) -> tuple[bytes, list[dict[str, Any]]]:
    columns = folder / "columns.jsonl"
    there = {"columns": columns} if columns.exists() else {}
    join(paths, folder / "listed.jsonl", folder / "v.jsonl", folder / "r.jsonl", **there)
    return (folder / "v.jsonl").read_bytes(), list(read_jsonl(folder / "r.jsonl"))


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


names = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=3), st.tuples(st.integers(0, 4), st.booleans())
)


@settings(max_examples=25, deadline=None)
@given(names, st.integers(1, 200))
def test_the_lines_are_those_of_sorting_everything(
    tmp_path_factory: pytest.TempPathFactory, videos: dict[str, tuple[int, bool]], block: int
) -> None:
    folder = tmp_path_factory.mktemp("j")
    paths = write_shards(folder, [[(n, ok) for n, (at, ok) in videos.items() if at == shard] for shard in range(5)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "BUFFER", 5 * block)
        patch.setattr(joining, "LEAST_BLOCK", 1)
        said = {n: {"text": f"é\u2028{n}"} for n in sorted(videos) if len(n) != 2}  # of rejected ones too
        write_text(folder / "columns.jsonl", to_jsonl([name, columns] for name, columns in said.items()))
        usable, rejected = joined(folder, paths)
    found = sorted(n for n, (_, ok) in videos.items() if ok)
    wanted = [to_json({**line(n, True)["video"], "columns": said.get(n, {})}) for n in found]
    assert usable.decode().split("\n")[:-1] == wanted
    assert sorted(bad["id"] for bad in rejected) == sorted(n for n, (_, ok) in videos.items() if not ok)


def test_a_shard_out_of_order_is_refused(tmp_path: Path) -> None:
    (path,) = write_shards(tmp_path, [[]])
    write_shard(path, [line("b", True), line("a", True)])
    with pytest.raises(VidgaugeError, match=r"0\.jsonl: a comes after b; delete the file"):
        joined(tmp_path, [path])


def test_descriptors_are_few_however_many_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_shards(tmp_path, [[(f"{number:03d}", True)] for number in range(150)])
    most = 0

    def counted(text: Any) -> str:
        nonlocal most
        most = max(most, descriptors())
        return to_json(text)

    before = descriptors()
    monkeypatch.setattr(joining, "to_json", counted)
    usable, _ = joined(tmp_path, paths)
    assert usable.count(b"\n") == 150
    assert most <= before + 3


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def stages(folder: Path, videos: int) -> list[Callable[[], object]]:
    folder.mkdir()
    all_of = [(f"{number:06d}.mp4", True) for number in range(videos)]
    paths = write_shards(folder, [all_of[shard::4] for shard in range(4)])
    write_text(folder / "lines.jsonl", to_jsonl([name, number] for number, (name, _) in enumerate(all_of)))
    files = Files(folder / "v.jsonl", folder / "r.jsonl", folder / "lines.jsonl", [videos // 4] * 4)
    needs = {"each": Need(ClipSpec(frames=4, start="each")), "native": Need(ClipSpec(frames=4, size="native"))}
    return [
        lambda: joined(folder, paths),
        lambda: write_survey(folder / "v.jsonl", folder / "s.json"),
        lambda: screen({"a": files}, needs),
        lambda: sum(video.frames for video in read_videos(folder / "v.jsonl")),
    ]


def test_memory_hardly_grows_with_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their lines have 300 bytes and more, and 1,500 as objects."""
    monkeypatch.setattr(joining, "BUFFER", 1 << 14)
    few, many = stages(tmp_path / "few", 200), stages(tmp_path / "many", 800)
    for work in few:
        work()  # imports
    slopes = [(peak(more) - peak(less)) / 600 for less, more in zip(few, many, strict=True)]
    read_again = (tmp_path / "many" / "v.jsonl").stat().st_size / 800  # `joined` looks at its output
    assert slopes[0] < read_again + 20
    assert slopes[1] < 120
    assert max(slopes[2:]) < 20
