"""Files are there whole or not at all."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.files import read_jsonl, replacing, to_json, write_json, write_lines, write_text


def test_makes_parents_and_leaves_only_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "x.txt"
    with replacing(target) as temporary:
        assert temporary.parent == target.parent
        assert not target.exists()
        temporary.write_text("new")
    assert [path.name for path in target.parent.iterdir()] == ["x.txt"]
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(error), replacing(target) as temporary:  # noqa: PT012 - the error is raised in the block
        temporary.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]
    assert target.read_text() == "old"


def test_two_writers_have_two_names(tmp_path: Path) -> None:
    with replacing(tmp_path / "x") as first, replacing(tmp_path / "x") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "x").read_text() == "1"  # whole, from the one that ended last


def test_block_that_makes_no_file_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "x"):
        pass


def test_longest_names_work(tmp_path: Path) -> None:
    write_text(tmp_path / ("視" * 85), "x")  # 255 bytes
    assert len(list(tmp_path.iterdir())) == 1


def test_kill_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    code = (
        "import os, signal, sys; from vidgauge.files import replacing\n"
        "with replacing(sys.argv[1]) as t: t.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"


def test_json_keeps_order_and_letters(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"b": 1, "a": ["é", None], "bytes": "a\udcff"})
    data = (tmp_path / "x.json").read_bytes()
    assert data.endswith(b"}\n")
    assert b'"\xc3\xa9"' in data
    assert b"\xff" in data
    assert list(json.loads(data.decode("utf-8", "surrogateescape"))) == ["b", "a", "bytes"]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_lines_read_in_blocks_are_the_same(tmp_path: Path, block: int) -> None:
    path = tmp_path / "l.jsonl"
    values = [{"a": "é\u2028\udce9" * 9}, [], 3, "\n"]
    write_lines(path, (f"{to_json(value)}\n" for value in values))
    assert list(read_jsonl(path, block=block)) == list(read_jsonl(path)) == values
    path.write_bytes(b"1\n2")
    assert list(read_jsonl(path, block=block)) == [1, 2]
    path.write_bytes(b"1\nx\n3\n")
    with pytest.raises(VidgaugeError, match="line 2 is no JSON"):
        list(read_jsonl(path, block=block))
    write_text(path, "")
    assert list(read_jsonl(path, block=block)) == []


def test_a_file_that_is_replaced_between_blocks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    write_text(path, "1\n2\n")
    lines = read_jsonl(path, block=2)
    assert next(lines) == 1
    write_text(path, "3\n4\n")
    with pytest.raises(VidgaugeError, match="was replaced while it was read"):
        next(lines)
