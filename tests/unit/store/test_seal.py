"""The seal of HDF5 files: any accident to a file's bytes is found before HDF5 sees them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.errors import VidgaugeError
from vidgauge.store import hdf5
from vidgauge.store.features import FeatureArray, map_values, read_array, write_features
from vidgauge.store.merge import merge
from vidgauge.store.seal import USER_BLOCK, fault, is_hdf5, seal, sealed, state

ROWS = FeatureArray(
    np.arange(60, dtype=np.float32).reshape(20, 3), np.array([f"{i:02}" for i in range(20)]), *[[0] * 20] * 2
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_features(tmp_path / "f.h5", {"clip": ROWS}, attrs={"extractor": "net"})
    return tmp_path / "f.h5"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A path to write to, and the bytes of a whole file."""
    path = tmp_path_factory.mktemp("seal") / "f.h5"
    write_features(path, {"clip": ROWS})
    return path, path.read_bytes()


def test_a_sealed_file_is_plain_hdf5_and_whole(file: Path) -> None:
    assert fault(file) is None
    with h5py.File(file) as opened:
        assert opened.userblock_size == USER_BLOCK
        np.testing.assert_array_equal(opened["clip/values"], ROWS.values)
    with h5py.File(file, "r+"):
        pass
    assert fault(file) is None
    assert isinstance(map_values(file, "clip"), np.memmap)
    np.testing.assert_array_equal(map_values(file, "clip"), ROWS.values)


def test_the_seal_is_read_by_hand(file: Path) -> None:
    line = file.read_bytes().split(b"\n")[0].decode()
    content = file.read_bytes()[USER_BLOCK:]
    assert line == f"vidgauge sha256 {hashlib.sha256(content).hexdigest()} bytes {len(content)}"
    rest = subprocess.run(["tail", "-c", "+513", file], capture_output=True, check=True).stdout
    shown = subprocess.run(["sha256sum"], input=rest, capture_output=True, check=True).stdout
    assert shown.split()[0].decode() == line.split()[2]


def test_the_rest_alone_is_a_file_without_a_seal(file: Path, tmp_path: Path) -> None:
    (tmp_path / "rest.h5").write_bytes(file.read_bytes()[USER_BLOCK:])
    assert fault(tmp_path / "rest.h5") is None
    np.testing.assert_array_equal(read_array(tmp_path / "rest.h5", "clip").values, ROWS.values)
    np.testing.assert_array_equal(map_values(tmp_path / "rest.h5", "clip"), ROWS.values)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(content: tuple[Path, bytes], data: st.DataObject, flip: int) -> None:
    path, whole = content
    at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, USER_BLOCK + 8))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    assert fault(path)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_cut_is_found(content: tuple[Path, bytes], data: st.DataObject) -> None:
    path, whole = content
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1) | st.integers(0, USER_BLOCK + 8))])
    assert "cut short" in str(fault(path))


@settings(max_examples=50, deadline=None)
@given(more=st.binary(min_size=1, max_size=2000) | st.integers(1, 9000).map(bytes))
def test_anything_added_is_found(content: tuple[Path, bytes], more: bytes) -> None:
    path, whole = content
    path.write_bytes(whole + more)
    assert "added to" in str(fault(path))


@settings(max_examples=100, deadline=None)
@given(data=st.data(), length=st.sampled_from([1, 512, 4096]))
def test_any_zeroed_block_is_found(content: tuple[Path, bytes], data: st.DataObject, length: int) -> None:
    path, whole = content
    at = data.draw(st.integers(0, (len(whole) - 1) // length)) * length
    changed = (whole[:at] + bytes(min(length, len(whole) - at)) + whole[at + length :])[: len(whole)]
    path.write_bytes(changed)
    assert bool(fault(path)) == (changed != whole)


def test_a_file_that_was_never_sealed_is_not_whole(tmp_path: Path) -> None:
    with hdf5.create(tmp_path / "f.h5") as file:
        file["x"] = 1
    assert "no whole seal" in str(fault(tmp_path / "f.h5"))
    seal(tmp_path / "f.h5")
    assert fault(tmp_path / "f.h5") is None


def test_files_without_a_user_block_are_accepted(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["x"] = 1
    assert fault(tmp_path / "f.h5") is None
    with pytest.raises(ValueError, match="user block of 512"):
        seal(tmp_path / "f.h5")


def test_what_is_hdf5(file: Path, tmp_path: Path) -> None:
    assert is_hdf5(file)
    (tmp_path / "rest.h5").write_bytes(file.read_bytes()[USER_BLOCK:])
    assert is_hdf5(tmp_path / "rest.h5")
    for other in (b"", b"PK\x03\x04", bytes(600), file.read_bytes()[:512]):
        (tmp_path / "x").write_bytes(other)
        assert not is_hdf5(tmp_path / "x")


def test_a_failure_leaves_the_old_file(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(KeyError), sealed(file) as temporary:  # noqa: PT012 - the error is raised in the block
        hdf5.create(temporary).close()
        raise KeyError("no")
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "read",
    [
        hdf5.kind_of,
        lambda path: read_array(path, "clip"),
        lambda path: map_values(path, "clip"),
        lambda path: merge([path], path.with_name("merged.h5")),
    ],
)
def test_readers_say_what_to_do_and_do_not_open(
    file: Path, read: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    monkeypatch.setattr(hdf5.h5py, "File", None)
    with pytest.raises(
        VidgaugeError, match=r"f\.h5: does not hold what was written \(sha256 .*run the same command again"
    ):
        read(file)


def test_a_process_reads_each_state_of_a_file_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(hdf5.seal, "fault", lambda path: read.append(path))
    for _ in range(3):
        read_array(file, "clip")
    assert len(read) == 1
    before, seen = file.stat(), state(file)
    with file.open("r+b") as opened:
        opened.write(b"v")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had happened
    assert state(file) != seen
    read_array(file, "clip")
    assert len(read) == 2
