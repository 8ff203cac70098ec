"""An .npy array (n, t, h, w, 3) of uint8: n videos of t frames, with ids `name.npy[row]`. Only its header is read."""

from __future__ import annotations

import ast
import struct
from pathlib import Path
from typing import BinaryIO

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources.rows import NO_COLUMNS, Listing, Row, SourceSpec, State
from vidgauge.manifest.sources.selection import Selection

_MAX_HEADER = 10_000  # bytes, as in NumPy: Python's own parser may be led too deep
_WANTED = "expected an array of shape (n, t, h, w, 3) and type uint8"


def listing(source: Path, root: Path, _root_is_given: bool, _selection: Selection) -> Listing:
    """List an .npy array. Raises UsageError for another shape or type, VidgaugeError for a file that is broken."""
    if not source.is_relative_to(root):
        raise UsageError(f"{source}: lies outside its root {root}; change or remove `root`.")
    with source.open("rb") as file:
        shape, dtype = _header(source, file)
        begins = file.tell()
    if len(shape) != 5 or shape[-1] != 3 or 0 in shape or dtype not in ("|u1", "<u1", ">u1", "u1"):
        raise UsageError(f"{source}: {_WANTED}, none of them 0; found shape {shape} and type {dtype!r}.")
    found = source.stat()
    count, size = shape[0], shape[1] * shape[2] * shape[3] * shape[4]
    if found.st_size != begins + count * size:
        raise VidgaugeError(
            f"{source}: has {found.st_size:,} bytes, its header of shape {shape} needs {begins + count * size:,}; "
            "it was cut off: write or copy it again."
        )
    name = source.relative_to(root).as_posix()
    state = State(size, found.st_mtime_ns)
    rows = [Row(f"{name}[{row}]", str(source), "array", row, *state, NO_COLUMNS, None) for row in range(count)]
    return Listing(sorted(rows, key=lambda row: row.id), [])


def _header(source: Path, file: BinaryIO) -> tuple[tuple[int, ...], str]:
    """(shape, type) as the header states them: this is parse time, where importing numpy would cost more."""
    try:
        magic, major = file.read(6), file.read(2)[0]
        if magic != b"\x93NUMPY" or major not in (1, 2, 3):
            raise ValueError(magic)
        (length,) = struct.unpack(*(("<H", file.read(2)) if major == 1 else ("<I", file.read(4))))
        header = ast.literal_eval(file.read(min(length, _MAX_HEADER)).decode("latin1").strip())
        shape, dtype = header["shape"], header["descr"]
        if not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError(shape)
    except (ValueError, LookupError, TypeError, SyntaxError, MemoryError, RecursionError, struct.error):
        raise VidgaugeError(f"{source}: is not an .npy file, or its header is broken; {_WANTED}.") from None
    return tuple(shape), str(dtype)


SOURCE = SourceSpec(
    says="an .npy array (n, t, h, w, 3) of uint8",
    accepts=lambda path, form: form == "file" and path.suffix.lower() == ".npy",
    listing=listing,
)
