"""`vidgauge weights`: what its commands print, write and return."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import MappingProxyType

import click
import pytest
from click.testing import CliRunner, Result

from tests.unit.weights.serving import CONTENT, FILES, PAGE, Server, answers, bring, folder_of, gives, made, unknown
from tests.unit.weights.test_folders import LOOSE, NET, digest
from vidgauge.cli import Commands
from vidgauge.weights import Entry, registry
from vidgauge.weights.commands import weights
from vidgauge.weights.registry import kept_at


@click.group(cls=Commands)
def main() -> None:
    """Errors as the command line shows them."""


main.add_command(weights)


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["weights", *map(str, arguments)], prog_name="vidgauge")


def know(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    known = MappingProxyType({entry.name: entry for entry in entries})
    monkeypatch.setattr(sys.modules["vidgauge.weights.registry"], "registry", lambda: known)


def put(entry: Entry, folder: Path, content: bytes = CONTENT) -> Path:
    path = kept_at(entry, folder)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", weights.commands)
def test_every_command_has_an_example_that_it_takes(name: str) -> None:
    help_text = call(name, "--help").stdout
    (example,) = re.findall(rf"^\s*Example: vidgauge weights {name}(.*?)\n\n", help_text, re.MULTILINE | re.DOTALL)
    known = {option for parameter in weights.commands[name].params for option in parameter.opts}
    assert set(re.findall(r"--[a-z]+", example)) <= known
    assert all(word in registry() for word in re.findall(r"\b[a-z0-9]+_[a-z0-9_]+\b(?!\.)", example))


def test_list(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, away = made("https://x/a"), unknown("https://x/b", name="longer_name", bytes_approx=2 * 10**9)
    know(monkeypatch, here, away)
    path = put(here, folder)
    lines = call("list", "--folder", folder).stdout.splitlines()
    assert [re.split(r"  +", line) for line in lines] == [
        ["name", "there", "size", "licence"],
        ["net", "yes", "300 kB", "MIT"],
        ["longer_name", "no", "about 2.0 GB", "MIT"],
    ]
    first, second = json.loads(call("list", "--json", "--folder", folder).stdout)
    assert (first["name"], first["there"], first["path"], first["sha256"]) == ("net", True, str(path), here.sha256)
    assert (second["there"], second["bytes"], second["addresses"]) == (False, None, ["https://x/b"])


def test_list_knows_all_entries() -> None:
    lines = call("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(registry())


def test_fetch(server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = made(server.at("/a", gives()), note="mind the step")
    know(monkeypatch, entry)
    result = call("fetch", "net", "--folder", folder, "--out", tmp_path / "net.json")
    path = kept_at(entry, folder)
    assert (result.exit_code, result.stderr) == (0, f"net: from {entry.addresses[0]}\n")
    assert result.stdout.splitlines() == [
        f"net: {path}: verified, SHA-256 {entry.sha256}",
        "  licence: MIT",
        "  cite: Nobody, Nothing, 2020",
        "  note: mind the step",
    ]
    assert json.loads((tmp_path / "net.json").read_text()) == {
        "name": "net",
        "path": str(path),
        "sha256": entry.sha256,
        "bytes": len(CONTENT),
        "mtime_ns": path.stat().st_mtime_ns,
        "verified": True,
        "licence": "MIT",
    }


def test_fetch_writes_an_absolute_path(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, unknown(server.at("/a", gives())))
    monkeypatch.chdir(tmp_path)
    result = call("fetch", "net", "--folder", "here", "--out", "net.json")
    assert "not verified, for no digest is known" in result.stdout
    written = json.loads(Path("net.json").read_text())
    assert (written["path"], written["verified"]) == (str(tmp_path / "here" / "net" / "net.pt"), False)


def test_a_fetch_that_fails_is_one_paragraph_and_writes_nothing(
    server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, made(server.at("/a", answers(200, PAGE))))
    result = call("fetch", "net", "--folder", folder, "--out", tmp_path / "net.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "vidgauge: weights net are missing" in result.stderr
    assert "sends an HTML page instead of the file\n" in result.stderr
    assert "\n\n" not in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "net.json").exists()


def test_a_misspelt_name_is_found_before_anything_is_fetched(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, made(server.at("/a", gives())))
    result = call("fetch", "net", "nte", "--folder", folder)
    assert (result.exit_code, result.stderr) == (2, "vidgauge: unknown weights 'nte'; did you mean 'net'?\n")
    assert server.asked == []


def test_out_describes_one_file(tmp_path: Path) -> None:
    result = call("fetch", "r3d_18", "c3d_ucf101", "--out", tmp_path / "x.json")
    assert result.exit_code == 2
    assert result.stderr == "vidgauge: --out describes one file, but 2 names were given: r3d_18, c3d_ucf101\n"


def test_add(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, made("https://x/a"))
    (tmp_path / "brought.pt").write_bytes(CONTENT)
    result = call("add", "net", tmp_path / "brought.pt", "--folder", folder)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"net: {folder}/net/net.pt: verified")
    (tmp_path / "brought.pt").write_bytes(PAGE)
    result = call("add", "net", tmp_path / "brought.pt", "--folder", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"vidgauge: {tmp_path}/brought.pt: is not net")


def test_verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, free, away = made("https://x/a"), unknown(name="free"), made(name="away")
    know(monkeypatch, good, free, away)
    path = put(good, folder)
    put(free, folder)
    result = call("verify", "--folder", folder)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"net: verified, SHA-256 {good.sha256}",
        f"free: not verified, for no digest is known; SHA-256 {good.sha256}",
    ]
    assert call("verify", "net", "--folder", folder).stdout.splitlines() == result.stdout.splitlines()[:1]
    assert call("verify", "away", "--folder", folder).exit_code == 1
    path.write_bytes(PAGE)
    result = call("verify", "--folder", folder)
    assert result.exit_code == 1
    wrong, right = result.stdout.splitlines()
    assert wrong.startswith(f"net: {path}: is not net")
    assert right.startswith("free: not verified")


def test_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = made("https://x/a")
    know(monkeypatch, entry)
    result = call("path", "net", "--folder", folder)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("vidgauge: weights net are missing")
    path = put(entry, folder)
    assert call("path", "net", "--folder", folder).stdout == f"{path}\n"


def test_list_and_path_know_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, NET)
    home = bring(folder / "net", {"config.json": FILES["config.json"]})
    assert re.split(r"  +", call("list", "--folder", folder).stdout.splitlines()[1])[:2] == ["net", "no"]
    result = call("path", "net", "--folder", folder)
    assert (result.exit_code, "which has no model.bin, no vocab.json" in result.stderr) == (1, True)
    bring(home)
    assert re.split(r"  +", call("list", "--folder", folder).stdout.splitlines()[1])[:2] == ["net", "yes"]
    assert call("path", "net", "--folder", folder).stdout == f"{home}\n"
    (said,) = json.loads(call("list", "--json", "--folder", folder).stdout)
    assert (said["there"], said["path"], [one["file"] for one in said["files"]]) == (True, str(home), list(FILES))


def test_fetch_a_folder(server: Server, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, folder_of(server, FILES))
    result = call("fetch", "net", "--folder", folder, "--out", tmp_path / "net.json")
    home = folder / "net"
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"net: {home}: verified, SHA-256 {digest(FILES)}")
    assert json.loads((tmp_path / "net.json").read_text()) == {
        "name": "net",
        "path": str(home),
        "sha256": digest(FILES),
        "bytes": sum(map(len, FILES.values())),
        "mtime_ns": max(file.stat().st_mtime_ns for file in home.iterdir()),
        "verified": True,
        "licence": "MIT",
    }


def test_add_and_verify_a_folder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, LOOSE)
    result = call("add", "net", bring(tmp_path / "usb"), "--folder", folder)
    state = f"not verified, for no digest of all its files is known; SHA-256 {digest(FILES)}"
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, f"net: {folder / 'net'}: {state}")
    assert call("verify", "--folder", folder).stdout == f"net: {state}\n"
    (folder / "net" / "config.json").write_bytes(b"{}")
    result = call("verify", "--folder", folder)
    assert result.exit_code == 1
    assert "of config.json: it has 2 bytes" in result.stdout
    result = call("add", "net", tmp_path / "usb" / "config.json", "--folder", folder)
    assert (result.exit_code, "is a file, and net" in result.stderr) == (1, True)
