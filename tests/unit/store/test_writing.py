"""New HDF5 files: whole, or an OSError; never a crash, whatever is the first byte that does not fit."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from vidgauge.store.writing import NewFile

ROWS = np.arange(4000, dtype=np.float32).reshape(40, 100)


def fill(file: NewFile) -> None:
    """One dataset written in place, one in chunks that HDF5 puts off, and one packed."""
    file["values"] = ROWS
    grown = file.create_dataset("grown", (0, 100), np.float32, maxshape=(None, 100), chunks=(1, 100))
    for number, row in enumerate(ROWS):
        grown.resize(number + 1, axis=0)
        grown[number] = row
    file.create_dataset("packed", data=ROWS, compression="gzip")


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: a write beyond it fails as on a full disk, by another number."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_fits_is_read_back(tmp_path: Path) -> None:
    with NewFile(tmp_path / "a.h5", userblock_size=512) as file:
        fill(file)
        file.check()
    with h5py.File(tmp_path / "a.h5") as read:
        assert all(np.array_equal(read[name][()], ROWS) for name in ("values", "grown", "packed"))


def test_what_does_not_fit_is_said_wherever_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with NewFile(path) as file:
        fill(file)
    whole = path.stat().st_size
    for size in range(0, whole, 2039):
        with room_for(size), pytest.raises(OSError, match="too large"), NewFile(path) as file:
            fill(file)


def test_check_says_so_before_the_end(tmp_path: Path) -> None:
    file = NewFile(tmp_path / "a.h5")
    with room_for(4096):
        file["values"] = ROWS
        for say in (file.check, file.close):
            with pytest.raises(OSError, match="too large"):
                say()
