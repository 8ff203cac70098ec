"""Folders that are fetched file by file, or brought by hand: whole and checked in the end, or not there."""

from __future__ import annotations

import json
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.weights.serving import (
    CONFIG,
    CONTENT,
    FILES,
    HALF,
    PAGE,
    VOCAB,
    WRONG,
    Server,
    answers,
    bring,
    dead_address,
    folder_of,
    foldered,
    gives,
    piece,
    ranges,
    refused_folder,
)
from tests.unit.weights.test_folders import digest, sha256
from tests.unit.weights.test_processes import wait_until
from tests.unit.weights.test_shards import INDEX, index
from vidgauge.errors import VidgaugeError
from vidgauge.weights.fetch import fetch_entry
from vidgauge.weights.pins import pin_of, read_pins
from vidgauge.weights.registry import Entry

SAFE = (2).to_bytes(8, "little") + b"{}" + bytes(90)  # an empty file of safetensors


def listed(path: Path) -> set[str]:
    return {file.name for file in path.iterdir()}


def test_every_file_is_fetched_and_checked(server: Server, folder: Path) -> None:
    entry = folder_of(server, FILES)
    said: list[str] = []
    seen: list[tuple[int, int | None]] = []
    found = fetch_entry(entry, folder, say=said.append, progress=lambda *now: seen.append(now))
    assert (found.path, found.verified, found.format, found.sha256) == (folder / "net", True, "folder", digest(FILES))
    assert {name: (found.path / name).read_bytes() for name in listed(found.path)} == FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in found.path.iterdir()} == {0o644}
    assert said == [f"net/{name}: from {server.at_folder('/net')}/{name}" for name in FILES]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == sum(map(len, FILES.values()))
    assert fetch_entry(entry, folder) == found
    assert len(server.asked) == len(FILES)
    assert not pin_of(found.path).exists()


def test_a_file_of_its_own_address(server: Server, folder: Path) -> None:
    other = server.at("/other/vocab.json", gives(VOCAB))
    entry = folder_of(server, {"config.json": CONFIG})
    entry = foldered(*entry.files, piece("vocab.json", content=VOCAB, addresses=(dead_address(), other)))
    assert fetch_entry(entry, folder).verified


def test_a_file_that_is_missing_keeps_the_others_for_the_next_time(server: Server, folder: Path) -> None:
    entry = folder_of(server, {**FILES, "model.bin": [answers(404), gives()]})
    text = refused_folder(entry, folder)
    assert text.startswith("weights net are missing: a network of tests")
    assert f"{folder / 'net'}, which has no model.bin, no vocab.json. They can be had at {entry.addresses[0]}" in text
    assert text.splitlines()[1:] == [f"- {entry.addresses[0]}/model.bin answers HTTP 404 Not Found"]
    assert listed(folder / "net") == {"config.json"}
    assert fetch_entry(entry, folder).sha256 == digest(FILES)
    assert [asked.path for asked in server.asked].count("/net/config.json") == 1


@pytest.mark.parametrize(
    ("wrong", "reason"), [(WRONG, "sends another file: its SHA-256 is"), (PAGE, "sends an HTML page")]
)
def test_one_wrong_file_is_not_taken(server: Server, folder: Path, wrong: bytes, reason: str) -> None:
    entry = folder_of(server, {**FILES, "model.bin": [answers(200, wrong)]})
    entry = foldered(*(piece(name, server.at_folder("/net"), content) for name, content in FILES.items()))
    assert f"/net/model.bin {reason}" in refused_folder(entry, folder)
    assert listed(folder / "net") == {"config.json"}


def test_a_wrong_file_that_was_deleted_is_fetched_alone(server: Server, folder: Path) -> None:
    entry = folder_of(server, FILES)
    home = fetch_entry(entry, folder).path
    (home / "vocab.json").write_bytes(b"{}")
    with pytest.raises(VidgaugeError, match=r"of vocab\.json"):
        fetch_entry(entry, folder)
    (home / "vocab.json").unlink()
    assert fetch_entry(entry, folder).verified
    assert [asked.path for asked in server.asked[3:]] == ["/net/vocab.json"]


def test_what_was_put_there_by_hand_is_checked_too(server: Server, folder: Path) -> None:
    entry = folder_of(server, FILES)
    bring(folder / "net", {"model.bin": WRONG})
    with pytest.raises(VidgaugeError, match=r"is not net .*: of model\.bin"):
        fetch_entry(entry, folder)
    assert (folder / "net" / "model.bin").read_bytes() == WRONG  # deleting it is for the user to decide


def test_an_optional_file_that_is_nowhere_is_left_out(server: Server, folder: Path) -> None:
    entry = folder_of(server, {"config.json": CONFIG})
    base = server.at_folder("/net")
    found = fetch_entry(foldered(*entry.files, piece("vocab.json", base, optional=True)), folder)
    assert found.sha256 == digest({"config.json": CONFIG})


@pytest.mark.parametrize("behaviour", [answers(503), answers(200, b"not JSON")])
def test_an_optional_file_that_fails_otherwise_is_not(server: Server, folder: Path, behaviour: object) -> None:
    server.at("/net/vocab.json", behaviour)  # type: ignore[arg-type]
    entry = folder_of(server, {"config.json": CONFIG})
    refused_folder(foldered(*entry.files, piece("vocab.json", server.at_folder("/net"), optional=True)), folder)


def test_without_digests_the_first_copy_is_pinned(server: Server, folder: Path) -> None:
    base = server.at_folder("/net")
    entry = foldered(*(piece(name, base) for name in FILES))
    folder_of(server, {**FILES, "model.bin": [gives(), gives(WRONG)]})
    found = fetch_entry(entry, folder)
    assert (found.verified, found.sha256) == (False, digest(FILES))
    assert read_pins(found.path) == {name: sha256(content) for name, content in FILES.items()}
    (found.path / "model.bin").unlink()
    text = refused_folder(entry, folder)
    assert f"sends another file: its SHA-256 is {sha256(WRONG)}, the first copy here had {sha256(CONTENT)}" in text


@pytest.mark.parametrize("content", [b"{", b"version https://git-lfs.github.com/spec/v1\n"])
def test_without_a_digest_what_cannot_be_it_is_not_taken(server: Server, folder: Path, content: bytes) -> None:
    server.at("/net/config.json", answers(200, content))
    entry = foldered(piece("config.json", server.at_folder("/net")))
    assert "sends another file: it is " in refused_folder(entry, folder)


def test_the_shards_that_an_index_names_are_fetched(server: Server, folder: Path) -> None:
    files = {"config.json": CONFIG, INDEX: index("b.safetensors", "a.safetensors"), "a.safetensors": SAFE}
    folder_of(server, {**files, "b.safetensors": [answers(404), gives(SAFE)]})
    entry = foldered(*(piece(name, server.at_folder("/net")) for name in ("config.json", INDEX)))
    assert "which has no b.safetensors" in refused_folder(entry, folder)
    assert fetch_entry(entry, folder).sha256 == digest({**files, "b.safetensors": SAFE})


def test_a_folder_without_addresses_is_brought_by_hand(folder: Path) -> None:
    text = refused_folder(foldered(piece("config.json", addresses=()), addresses=(), note="ask them"), folder)
    assert f"vidgauge weights add net FOLDER --folder {folder}. Note: ask them" in text


def test_a_full_disk_is_told_before(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = folder_of(server, FILES, bytes=sum(map(len, FILES.values())))
    bring(folder / "net", {"model.bin": CONTENT})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 0))
    with pytest.raises(VidgaugeError, match="no space for net: it needs 38 bytes more, and 0 bytes are free"):
        fetch_entry(entry, folder)
    assert server.asked == []


CODE = """
import json, sys
from pathlib import Path
from vidgauge.weights import Entry
from vidgauge.weights.registry import Piece
from vidgauge.weights.fetch import fetch_entry
keys = json.loads(sys.argv[1])
files = tuple(Piece(**{**one, "addresses": tuple(one["addresses"])}) for one in keys["files"])
entry = Entry(**{**keys, "addresses": tuple(keys["addresses"]), "files": files})
print(fetch_entry(entry, Path(sys.argv[2]), say=lambda line: print(line, flush=True)).verified)
"""


def fetching(entry: Entry, folder: Path) -> subprocess.Popen[str]:
    from dataclasses import asdict

    command = [sys.executable, "-c", CODE, json.dumps(asdict(entry)), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_after_a_kill_it_goes_on(server: Server, folder: Path) -> None:
    gate = threading.Event()
    entry = folder_of(server, FILES)
    server.at("/net/model.bin", gives(until=HALF, gate=gate), gives())
    part = folder / "net" / ".model.bin.part"
    with fetching(entry, folder) as killed:
        wait_until(lambda: part.exists() and part.stat().st_size > 0)
        killed.kill()
        assert killed.wait(timeout=60) == -signal.SIGKILL
    gate.set()
    have = part.stat().st_size
    assert listed(folder / "net") == {"config.json", part.name}
    assert fetch_entry(entry, folder).sha256 == digest(FILES)
    expected = [("/net/config.json", None), ("/net/model.bin", None), ("/net/model.bin", f"bytes={have}-")]
    assert ranges(server) == [*expected, ("/net/vocab.json", None)]
    assert listed(folder / "net") == set(FILES)


def test_two_at_once_fetch_once(server: Server, folder: Path) -> None:
    gate = threading.Event()
    entry = folder_of(server, FILES)
    server.at("/net/model.bin", gives(until=HALF, gate=gate))
    with fetching(entry, folder) as first:
        wait_until(lambda: len(server.asked) == 2)
        with fetching(entry, folder) as second:
            assert second.stdout
            assert second.stdout.readline() == f"{folder}/net: another process is at it; waiting\n"
            gate.set()
            assert first.communicate(timeout=60)[0].splitlines()[-1] == "True"
            assert second.communicate(timeout=60)[0] == "True\n"
    assert len(server.asked) == len(FILES)
