"""Arrays in NumPy's own files, .npy and .npz. What a file claims is compared with what it has before it is read."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.store.claims import check_claim

_UNREADABLE = (
    *(ValueError, OSError, EOFError, LookupError, TypeError, OverflowError, MemoryError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, SyntaxError, TokenError),
)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those of NumPy


def read_npy(path: Path) -> np.ndarray:
    """The array of a .npy, mapped into memory and read-only. VidgaugeError for other files and damaged ones."""
    try:
        with path.open("rb") as file:
            dtype, shape, order = _header(file, path.stat().st_size)
            return np.memmap(path, dtype, "r", file.tell(), shape, order)
    except _UNREADABLE as error:
        raise _unreadable(path, ".npy", error) from error


def read_npz(path: Path, *choices: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays of a .npz by name: the first of `choices` that is there in full.

    VidgaugeError where none is, for a name that comes twice, other files and damaged ones.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            twice = [name for name, count in Counter(archive.namelist()).items() if count > 1]
            names = next((names for names in choices if {f"{name}.npy" for name in names} <= entries.keys()), None)
            if twice:
                raise ValueError(f"{twice[0]:.80} comes twice")
            if names is None:
                there = ", ".join(f"{name.removesuffix('.npy'):.40}" for name in sorted(entries)[:8])
                wanted = ", or ".join(" and ".join(choice) for choice in choices)
                raise VidgaugeError(f"{path}: holds {there or 'nothing'}; {wanted} were wanted")
            chosen = [entries[f"{name}.npy"] for name in names]
            check_claim(sum(entry.file_size for entry in chosen), path.stat().st_size)
            return {name: _member(archive, entry) for name, entry in zip(names, chosen, strict=True)}
    except _UNREADABLE as error:
        raise _unreadable(path, ".npz", error) from error


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    if entry.compress_type not in _METHODS:
        raise ValueError(f"{entry.filename} is compressed in a way that NumPy does not use")
    with archive.open(entry) as file:
        dtype, shape, order = _header(file, entry.file_size)
        return np.frombuffer(file.read(), dtype, math.prod(shape)).reshape(shape, order=order)


def _header(file: IO[bytes], size: int) -> tuple[np.dtype[Any], tuple[int, ...], Any]:
    """(dtype, shape, order) of what follows in a file of `size` bytes. ValueError where that is not all there."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"has version {version} of NumPy's format, which numbers do not need")
    shape, fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("holds Python objects, which are pickled and not read")
    there = size - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > there:
        raise ValueError(f"claims an array of {len(shape)} axes that does not fit into the {there} bytes that it has")
    return dtype, shape, "F" if fortran else "C"


def _unreadable(path: Path, kind: str, error: BaseException) -> VidgaugeError:
    return VidgaugeError(f"{path}: cannot be read as {kind} ({error}); get the file again, or make it anew")
