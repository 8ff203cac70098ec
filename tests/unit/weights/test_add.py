"""Files that are brought by hand."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tests.unit.weights.serving import CONTENT, made, unknown
from vidgauge.errors import VidgaugeError
from vidgauge.weights.fetch import add_entry
from vidgauge.weights.pins import read_pin
from vidgauge.weights.registry import kept_at

ENTRY = made("https://example.org/net.pt")


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    path = tmp_path / "usb" / "copy of net.pt"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    path.chmod(0o600)
    return path


def test_the_right_file_is_copied(brought: Path, folder: Path) -> None:
    file = add_entry(ENTRY, brought, folder)
    assert (file.path, file.verified) == (kept_at(ENTRY, folder), True)
    assert file.path.read_bytes() == CONTENT
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o644
    assert brought.exists()
    assert {path.name for path in file.path.parent.iterdir()} == {"net.pt", ".net.pt.lock"}


def test_a_wrong_file_is_refused_and_nothing_left_behind(brought: Path, folder: Path) -> None:
    brought.write_bytes(CONTENT[:-1])
    with pytest.raises(VidgaugeError) as caught:
        add_entry(ENTRY, brought, folder)
    text = str(caught.value)
    assert text.startswith(f"{brought}: is not net (a network of tests): it has 299999 bytes instead of 300000")
    assert str(ENTRY.sha256) in text
    assert "Nothing was added; get the file again, for instance from https://example.org/net.pt." in text
    assert not folder.exists()


def test_a_wrong_file_does_not_replace_the_right_one_but_the_reverse(brought: Path, folder: Path) -> None:
    path = add_entry(ENTRY, brought, folder).path
    brought.write_bytes(b"other")
    with pytest.raises(VidgaugeError):
        add_entry(ENTRY, brought, folder)
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"spoilt")
    brought.write_bytes(CONTENT)
    assert add_entry(ENTRY, brought, folder).path.read_bytes() == CONTENT


def test_without_a_digest_it_is_pinned(brought: Path, folder: Path) -> None:
    file = add_entry(unknown(), brought, folder)
    assert (file.verified, read_pin(file.path)) == (False, file.sha256)
    brought.write_bytes(b"other")
    with pytest.raises(VidgaugeError, match="the first copy here had"):
        add_entry(unknown(), brought, folder)
    assert file.path.read_bytes() == CONTENT


def test_the_file_that_is_there_already_stays(brought: Path, folder: Path) -> None:
    file = add_entry(unknown(), brought, folder)
    before = file.path.stat()
    assert add_entry(unknown(), file.path, folder) == file
    assert file.path.stat().st_ino == before.st_ino


def test_a_file_that_changes_meanwhile_is_not_added(
    brought: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(_: Path, to: Path) -> None:
        to.write_bytes(b"other")

    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(VidgaugeError, match="changed while it was copied"):
        add_entry(ENTRY, brought, folder)
    assert not kept_at(ENTRY, folder).exists()


def test_a_full_disk_is_told(brought: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 0))
    with pytest.raises(VidgaugeError, match="no space for net: it needs 300 kB more, and 0 bytes are free"):
        add_entry(ENTRY, brought, folder)
    assert [path.name for path in kept_at(ENTRY, folder).parent.iterdir()] == [".net.pt.lock"]


def test_a_packages_file_is_added_to_the_folder_and_never_to_the_package(brought: Path, folder: Path) -> None:
    entry = made("package:click/__init__.py")
    assert add_entry(entry, brought, folder).path == kept_at(entry, folder)
