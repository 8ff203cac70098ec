"""Folders that are brought by hand."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tests.unit.weights.serving import (
    CONFIG,
    CONTENT,
    FILES,
    WRONG,
    bring,
    foldered,
)
from tests.unit.weights.test_fetch_folder import SAFE, listed
from tests.unit.weights.test_folders import LOOSE, NET, digest, sha256
from tests.unit.weights.test_shards import INDEX, SHARDED, index
from vidgauge.errors import VidgaugeError
from vidgauge.weights.fetch import add_entry
from vidgauge.weights.pins import pin_of, read_pins
from vidgauge.weights.registry import kept_at


def test_add_copies_what_the_entry_lists(tmp_path: Path, folder: Path) -> None:
    source = bring(tmp_path / "usb", {**FILES, "model.safetensors": b"another form", "run.py": b"raise SystemExit"})
    (source / "config.json").chmod(0o600)
    found = add_entry(NET, source, folder)
    assert (found.path, found.verified, found.sha256) == (kept_at(NET, folder), True, digest(FILES))
    assert listed(found.path) == set(FILES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in found.path.iterdir()} == {0o644}
    assert add_entry(NET, found.path, folder) == found
    assert add_entry(NET, source, folder) == found


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"model.bin": WRONG}, f"of model.bin: its SHA-256 is {sha256(WRONG)}, wanted was {sha256(CONTENT)}"),
        ({"vocab.json": None}, "it has no vocab.json"),
    ],
)
def test_add_refuses_a_wrong_folder_and_leaves_nothing(
    tmp_path: Path, folder: Path, change: dict[str, bytes | None], part: str
) -> None:
    files = {name: content for name, content in {**FILES, **change}.items() if content is not None}
    with pytest.raises(VidgaugeError) as caught:
        add_entry(NET, bring(tmp_path / "usb", files), folder)
    assert str(caught.value) == (
        f"{tmp_path / 'usb'}: is not net (a network of tests): {part}. Nothing was added; get the folder again, for "
        "instance from https://x/net."
    )
    assert not folder.exists()


def test_add_takes_a_folder_for_a_folder_and_a_file_for_a_file(tmp_path: Path, folder: Path) -> None:
    source = bring(tmp_path / "usb")
    with pytest.raises(
        VidgaugeError, match=r"is a file, and net .* is a folder of config\.json, model\.bin, vocab\.json"
    ):
        add_entry(NET, source / "config.json", folder)
    with pytest.raises(
        VidgaugeError, match=r"usb: is a folder, and net .* is a file\. Nothing was added; give the file"
    ):
        add_entry(foldered(), source, folder)
    assert not folder.exists()


def test_add_without_digests_pins_and_refuses_another_copy(tmp_path: Path, folder: Path) -> None:
    source = bring(tmp_path / "usb")
    found = add_entry(LOOSE, source, folder)
    assert read_pins(found.path) == {name: sha256(content) for name, content in FILES.items()}
    (source / "model.bin").write_bytes(WRONG)
    with pytest.raises(VidgaugeError, match="the first copy here had"):
        add_entry(LOOSE, source, folder)
    assert (found.path / "model.bin").read_bytes() == CONTENT
    pin_of(found.path).unlink()
    (source / "vocab.json").unlink()
    assert add_entry(LOOSE, source, folder).sha256 == digest({"config.json": CONFIG, "model.bin": WRONG})
    assert listed(found.path) == {"config.json", "model.bin"}


def test_add_without_digests_refuses_what_cannot_be_it(tmp_path: Path, folder: Path) -> None:
    for name, content, part in (
        ("model.bin", b"version https://git-lfs.github.com/spec/v1\n", "of model.bin: it is a pointer of Git LFS"),
        ("model.bin", b"tensors", "of model.bin: it begins with b'tens', as no file of weights does"),
        ("vocab.json", b"<html>", "of vocab.json: it is no JSON"),
    ):
        with pytest.raises(VidgaugeError, match=part):
            add_entry(LOOSE, bring(tmp_path / "usb", {**FILES, name: content}), folder)
    assert not folder.exists()


def test_add_takes_the_shards(tmp_path: Path, folder: Path) -> None:
    files = {"config.json": CONFIG, INDEX: index("a.safetensors"), "a.safetensors": SAFE}
    found = add_entry(SHARDED, bring(tmp_path / "usb", {**files, "b.safetensors": SAFE}), folder)
    assert (found.sha256, listed(found.path)) == (digest(files), set(files))


def test_a_folder_that_changes_while_it_is_copied_is_not_added(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bring(tmp_path / "usb")
    monkeypatch.setattr(shutil, "copyfile", lambda _, to: to.write_bytes(b"other"))
    with pytest.raises(VidgaugeError, match="changed while it was copied"):
        add_entry(NET, source, folder)
    assert listed(kept_at(NET, folder)) == set()
