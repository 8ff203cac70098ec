"""What docs/security.md says, held against the package: what it never calls, and what hostile input comes to."""

from __future__ import annotations

import ast
import io
import json
import os
import pickle
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.sources import bounded, list_source
from vidgauge.store.statistics import read_statistics
from vidgauge.store.unpickle import read_pickle

PACKAGE = Path(__file__).resolve().parents[2] / "workflow" / "vidgauge"
RULES = PACKAGE.parent / "rules"


def calls() -> Iterator[tuple[str, str, dict[str, ast.expr]]]:
    """(file, what is called, by keyword) of every call in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                named = {word.arg: word.value for word in node.keywords if word.arg}
                yield path.relative_to(PACKAGE).as_posix(), ast.unparse(node.func), named


CALLS = list(calls())


@pytest.mark.parametrize(
    ("what", "where"),
    [
        (r"eval|exec|compile|__import__|breakpoint", ()),
        (r"os\.(system|popen|exec\w*|spawn\w*)|subprocess\.(getoutput|getstatusoutput)", ()),
        (
            r"pickle\.loads?|(pickle\.)?Unpickler|marshal\.loads?|shelve\.\w+|joblib\.load|dill\.\w+",
            ("contained/child.py", "contained/wire.py"),
        ),
        (r"yaml\.(unsafe_load|full_load|load_all)|yaml\.UnsafeLoader", ()),
        (r"np\.(load|fromregex)|numpy\.load", ()),
        (r"torch\.jit\.load", ("extractors/_torchscript.py",)),
        (r"torch\.hub\.\w+", ()),
        (r"h5py\.File", ("store/hdf5.py",)),
        (r"av\.open", ("media/demux.py", "demo/encode.py")),
        (r"requests\.\w+|urllib\.\w+\.\w+|urlopen|socket\.create_connection", ("weights/download.py",)),
        (r"tempfile\.mktemp|shutil\.unpack_archive|\w+\.extractall", ()),
    ],
)
def test_what_is_called_nowhere_else(what: str, where: tuple[str, ...]) -> None:
    found = [(file, called) for file, called, _ in CALLS if re.fullmatch(what, called) and file not in where]
    assert not found
    for file in where:  # so that this list does not outlive its reasons
        assert any(name == file and re.fullmatch(what, called) for name, called, _ in CALLS), file


def test_how_dangerous_calls_are_made() -> None:
    for file, called, words in CALLS:
        said = {key: ast.unparse(value) for key, value in words.items()}
        assert said.get("shell", "False") == "False", file
        assert said.get("allow_pickle", "False") == "False", file
        if called == "torch.load":
            assert said["weights_only"] == "True", file
        if called == "Image.open" and file != "selftest/damages.py":  # what it wrote itself, in memory
            assert "formats" in said, file
        if called == "yaml.load":
            assert file == "files.py"  # `from_yaml`, whose loaders are the safe ones
        if called == "jinja2.Environment":
            assert said["autoescape"] == "True", file


def test_rules_quote_all_that_is_not_a_word_of_their_own() -> None:
    words = {"{threads}", "{resources.device}", "{params.precision}", "{wildcards.metric}"}
    for path in RULES.glob("*.smk"):
        text = path.read_text("utf-8")
        shells = re.findall(r'\n    shell:\n((?:        ["(].*\n)+)', text)
        assert len(shells) == text.count("shell:"), path
        for field in re.findall(r"\{[^{}]+\}", "".join(shells)):
            assert field.endswith(":q}") or field in words, (path, field)


class Pwned:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("suffix", [".pkl", ".npy", ".npz"])
def test_saved_statistics_are_not_run(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"saved{suffix}"
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps({"mean": Pwned(), "n": 3}))
        with pytest.raises(VidgaugeError, match="mkdir"):
            read_pickle(path)
    else:
        array = np.array([Pwned()], object)
        np.save(path, array) if suffix == ".npy" else np.savez(path, mu=array, sigma=array)
    with pytest.raises(VidgaugeError):
        read_statistics(path)
    assert not Path("pwned").exists()


def test_hdf5_that_points_elsewhere_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["mean"], file["cov"], file["n"] = np.zeros(2), np.eye(2), 5
    with h5py.File(tmp_path / "given.h5", "w") as file:
        for name in ("mean", "cov", "n"):
            file[name] = h5py.ExternalLink("secret.h5", name)
    with pytest.raises(VidgaugeError):
        read_statistics(tmp_path / "given.h5")


@pytest.fixture
def manifest(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"x")

    def write(name: str, content: bytes):
        (tmp_path / name).write_bytes(content)
        return list_source(tmp_path / name, None)

    return write


ROW = b'{"video": "a.mp4", "x": %s}'
DEEP = b"[" * 500 + b"]" * 500


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        (ROW % DEEP, ["not-json"]),
        (ROW % (b"[" * 10**6), ["not-json"]),
        (ROW % (b"9" * 9999), ["not-json"]),
        (b"\0" * 1000, ["not-json"]),
        (b'{"video": "a\\u0000.mp4"}', ["no-videos-key"]),
        (b'{"video": "' + b"a" * 5000 + b'"}', ["unreadable"]),
        (b'{"video": "' + b"a/" * 4000 + b'"}', ["unreadable"]),
    ],
)
def test_lines_that_mean_harm_are_rejects_and_the_others_are_read(manifest, content: bytes, reasons: list[str]) -> None:
    listing = manifest("a.jsonl", content + b"\n" + ROW % b"1" + b"\n")
    assert [bad.reason for bad in listing.rejected] == reasons
    assert [row.columns for row in listing.rows] == [{"x": 1}]


def test_lines_without_end(manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_LINE", 1000)
    for ending in (b"\n", b""):
        listing = manifest("a.jsonl", ROW % b"1" + b"\n" + b"x" * 5000 + b"\n" + b"y" * 1001 + ending)
        assert [(bad.line, bad.reason) for bad in listing.rejected] == [(2, "too-large"), (3, "too-large")]
        assert len(listing.rows) == 1
    with pytest.raises(VidgaugeError, match=r"line 2 has more than"):
        manifest("a.csv", b"video\n" + b"x" * 5000)
    assert list(bounded.lines_of(io.BytesIO(b"a\nb"))) == [(1, b"a\n"), (2, b"b")]


def test_a_json_manifest_is_read_whole_only_up_to_a_size(manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_WHOLE", 1000)
    with pytest.raises(VidgaugeError, match=r"\.jsonl"):
        manifest("a.json", b"[" + b" " * 1000 + b"]")
    with pytest.raises(VidgaugeError, match="nested more than 100 deep"):
        manifest("b.json", b"[" + (ROW % (b"[" * 150 + b"]" * 150)) + b"]")


def test_columns_are_not_multiplied(manifest) -> None:
    """Each video of a line carries the line's columns."""
    row = {"x": "y" * (bounded.MAX_COLUMNS + 1), "videos": ["a.mp4", "b.mp4"]}
    assert [bad.reason for bad in manifest("a.jsonl", json.dumps(row).encode()).rejected] == ["too-large"]
    row["videos"] = ["a.mp4"]
    assert len(manifest("b.jsonl", json.dumps(row).encode()).rows) == 1


@pytest.mark.parametrize("header", [b"-" * 60000 + b"1", b"(" * 9000, b"[" * 9000, b"{'shape': " + b"9" * 9000 + b"}"])
def test_array_headers_that_mean_harm(manifest, header: bytes) -> None:
    with pytest.raises(VidgaugeError, match="header is broken"):
        manifest("a.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)


def test_pipes_sockets_and_devices_are_listed_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to("pipe.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
    names = ("pipe.mp4", "link.mp4", "zero.mp4", "s.mp4", "loop.mp4")
    (tmp_path / "m.jsonl").write_text("".join(json.dumps({"video": name}) + "\n" for name in names))
    for source in (tmp_path, tmp_path / "m.jsonl"):
        found = {Path(str(bad.path)).name: bad.reason for bad in list_source(source, None).rejected}
        assert found == dict.fromkeys(names, "not-a-file") | {"loop.mp4": "unreadable"}
