"""Fetching: from addresses that work, and from all that can go wrong with the others."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.weights.serving import (
    CONTENT,
    HALF,
    PAGE,
    WRONG,
    Behaviour,
    Server,
    answers,
    begin,
    dead_address,
    git_blob,
    gives,
    gives_all,
    hangs,
    made,
    names,
    part_of,
    ranges,
    refused,
    trickles,
    unknown,
)
from vidgauge.errors import VidgaugeError
from vidgauge.weights import download
from vidgauge.weights.fetch import fetch_entry
from vidgauge.weights.pins import pin_of, read_pin
from vidgauge.weights.registry import kept_at


def test_the_first_address_that_works(server: Server, folder: Path) -> None:
    entry = made(server.at("/a", gives()), server.at("/b", gives()))
    seen: list[tuple[int, int | None]] = []
    before = os.umask(0o077)
    try:
        file = fetch_entry(entry, folder, progress=lambda *now: seen.append(now))
    finally:
        os.umask(before)
    assert (file.path, file.verified, file.name) == (folder / "net" / "net.pt", True, "net")
    assert file.path.read_bytes() == CONTENT
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o644
    assert names(folder) == {"net.pt"}
    assert ranges(server) == [("/a", None)]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_is_checked_and_not_fetched(server: Server, folder: Path) -> None:
    entry = made(server.at("/a", gives()))
    path = fetch_entry(entry, folder).path
    assert fetch_entry(entry, folder).verified
    assert len(server.asked) == 1
    path.write_bytes(WRONG)
    with pytest.raises(VidgaugeError, match="is not net"):
        fetch_entry(entry, folder)
    assert len(server.asked) == 1
    assert path.read_bytes() == WRONG  # deleting it is for the user to decide


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (answers(404), "answers HTTP 404 Not Found"),
        (answers(500, b"x" * len(CONTENT)), "answers HTTP 500 Internal Server Error"),
        (answers(200, PAGE, Content_Type="text/html"), "sends an HTML page instead of the file"),
        (answers(200, b"\n  <html>" + CONTENT[:-9]), "sends an HTML page instead of the file"),
        (gives_all(PAGE, length=False), "sends an HTML page instead of the file"),
        (gives(WRONG), "sends another file: its SHA-256 is "),
        (answers(200, WRONG[1:]), "has a file of 299999 bytes, 300000 were wanted"),
        (gives_all(WRONG * 2, length=False), "sends more than the file's 300000 bytes"),
        (gives_all(CONTENT[:HALF], length=False), "breaks off after 150 kB of 300 kB"),
        (gives_all(until=0), "breaks off"),
        (answers(200, CONTENT, Content_Encoding="gzip"), "sends the file packed (gzip)"),
        (answers(302, Location="/bad"), "leads from one address to the next without end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_address_is_given_up_with_its_reason(server: Server, folder: Path, bad: Behaviour, reason: str) -> None:
    address = server.at("/bad", bad)
    said: list[str] = []
    assert fetch_entry(made(address, server.at("/good", gives())), folder, say=said.append).verified
    assert names(folder) == {"net.pt"}
    assert said[0] == f"net: from {address}"
    assert said[1].startswith(f"net: it {reason}")
    assert said[2:] == [f"net: from {address.replace('bad', 'good')}"]


def test_a_dead_address_is_given_up(server: Server, folder: Path) -> None:
    said: list[str] = []
    assert fetch_entry(made(dead_address(), server.at("/good", gives())), folder, say=said.append).verified
    assert said[1] == "net: it cannot be reached: Connection refused"


@pytest.mark.usefixtures("_impatient")
def test_a_slow_address_is_given_up(server: Server, folder: Path) -> None:
    assert re.search(r" is too slow: \d kB in a second$", refused(made(server.at("/slow", trickles())), folder))


def test_a_silent_address_is_given_up(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    gate = threading.Event()
    text = refused(made(server.at("/silent", hangs(gate))), folder)
    gate.set()
    assert text.endswith("/silent sends nothing for 0.2 seconds")


def test_an_encrypted_address_does_not_lead_to_an_open_one(server: Server, folder: Path) -> None:
    """The check itself: these servers have no certificate."""
    import requests

    answer = requests.get(server.at("/a", gives()), timeout=5)
    with pytest.raises(download.GaveUp, match="without encryption"):
        download._check_source(answer, "https://example.org/a", 200)


def test_a_failed_fetch_names_every_address_and_what_helps(server: Server, folder: Path) -> None:
    dead, lost, page = dead_address(), server.at("/lost", answers(404)), server.at("/page", answers(200, PAGE))
    text = refused(made(dead, lost, page), folder)
    assert text.startswith("weights net are missing: a network of tests")
    assert f"vidgauge weights add net FILE --folder {folder}" in text
    assert text.splitlines()[1:] == [
        f"- {dead} cannot be reached: Connection refused",
        f"- {lost} answers HTTP 404 Not Found",
        f"- {page} sends an HTML page instead of the file",
    ]
    assert names(folder) == set()


def test_a_git_blob_verifies(server: Server, folder: Path) -> None:
    entry = unknown(server.at("/a", gives(WRONG)), server.at("/b", gives()), git_blob=git_blob(CONTENT))
    assert fetch_entry(entry, folder).verified
    assert not pin_of(kept_at(entry, folder)).exists()


def test_without_a_digest_the_first_copy_is_pinned(server: Server, folder: Path) -> None:
    entry = unknown(server.at("/a", gives(), gives(WRONG), gives(WRONG), gives()))
    file = fetch_entry(entry, folder)
    assert (file.verified, read_pin(file.path)) == (False, file.sha256)
    file.path.unlink()
    text = refused(entry, folder)
    assert f"the first copy here had {file.sha256}" in text
    pin_of(file.path).unlink()
    assert fetch_entry(entry, folder).sha256 != file.sha256


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("net/data.pkl", CONTENT)
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xef\xbb\xbf<!DOCTYPE html><html>" + CONTENT, "as no file of weights does"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>' + CONTENT, "as no file of weights does"),
        (b'{"error": "quota exceeded"}' + CONTENT, "as no file of weights does"),
        (b"<!-- moved --><html>" + CONTENT, "as no file of weights does"),
        (b"", "it has 0 bytes, and about 300 kB were wanted"),
        (CONTENT[:20_000], "it has 20 kB, and about 300 kB were wanted"),
        (archive()[:-30], "an archive without an end"),
    ],
)
def test_what_can_be_no_weights_is_refused_though_no_digest_is_known(
    server: Server, folder: Path, body: bytes, why: str
) -> None:
    entry = unknown(server.at("/a", answers(200, body)), bytes_approx=len(CONTENT))
    assert why in refused(entry, folder)
    assert not kept_at(entry, folder).exists()
    assert not pin_of(kept_at(entry, folder)).exists()


def test_a_whole_archive_is_taken(server: Server, folder: Path) -> None:
    entry = unknown(server.at("/a", gives(archive())), bytes_approx=len(CONTENT))
    assert fetch_entry(entry, folder).path.read_bytes() == archive()


def test_what_is_there_unpinned_is_pinned(folder: Path) -> None:
    path = kept_at(unknown(), folder)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch_entry(unknown(), folder).verified is False
    assert read_pin(path) == made().sha256


def test_a_package_is_not_fetched(folder: Path) -> None:
    entry = made("package:no_such_module/net.pt")
    assert "pip install no-such-module" in refused(entry, folder)
    assert not folder.exists()


def test_space_is_asked_for_first(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(folder, CONTENT[:HALF])
    entry = made(server.at("/a", gives()))
    free = HALF - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6 - free, free))
    text = refused(entry, folder)
    assert f"{folder / 'net'}: no space for net: it needs 150 kB more, and 150 kB are free" in text
    assert server.asked == []
    free += 1  # what is there counts
    assert fetch_entry(entry, folder).verified


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(disk)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_fills_up_keeps_what_came(server: Server, small: Path) -> None:
    entry = made(server.at("/a", gives()), bytes=None)  # an unknown size cannot be asked for first
    text = refused(entry, small)
    assert f"{small / 'net'}: no space for net: it needs more than there is" in text
    have = part_of(small).stat().st_size
    assert 100_000 < have < len(CONTENT)
    subprocess.run(["mount", "-o", "remount,size=2m", str(small)], check=True)
    assert fetch_entry(entry, small).path.read_bytes() == CONTENT
    assert ranges(server)[-1] == ("/a", f"bytes={have}-")


def test_other_errors_of_the_system_stay_what_they_are(server: Server, folder: Path) -> None:
    part_of(folder).mkdir(parents=True)  # where a file is to be written
    with pytest.raises(IsADirectoryError):
        fetch_entry(made(server.at("/a", gives_all())), folder)
