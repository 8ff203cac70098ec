"""What the two schemas share: opening with a check, attributes, ids, and the list of failed videos.

Every file has the attributes `kind` ("clips" or "features") and `schema` (an integer). Attributes that are text or
numbers are stored as they are; objects, lists and null as JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from vidgauge.errors import VidgaugeError

FAILED = "failed"
_JSON_BEGINS = ("{", "[", '"', "null")


def create(path: Path) -> h5py.File:
    """A new file. No HDF5 lock: names are unique until they are renamed, and network file systems refuse locks."""
    return h5py.File(path, "w", locking=False)


def open_checked(path: Path, kind: str, schema: int) -> h5py.File:
    """The file, open for reading. VidgaugeError if it is missing, damaged, of another kind or of another schema."""
    wanted = f"a {kind} file of schema {schema} was wanted"
    try:
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise VidgaugeError(f"{path}: is not there; {wanted}; run the workflow again to make it") from None
    except OSError as error:
        again = "; if it is one of the workflow's, delete it and run again"
        raise VidgaugeError(f"{path}: cannot be read ({error}); {wanted}{again}") from error
    found = (file.attrs.get("kind"), file.attrs.get("schema"))
    if found != (kind, schema):
        file.close()
        if not found[0]:
            raise VidgaugeError(f"{path}: is no file of vidgauge; {wanted}")
        raise VidgaugeError(f"{path}: kind {found[0]!r}, schema {found[1]}; {wanted}; delete it and run again")
    return file


def kind_of(path: Path) -> str | None:
    """What kind of vidgauge's files one is; None for any other file. VidgaugeError where its HDF5 is damaged."""
    with path.open("rb") as beginning:
        if beginning.read(8) != b"\x89HDF\r\n\x1a\n":
            return None
    try:
        with h5py.File(path, "r", locking=False) as file:
            kind = file.attrs.get("kind")
    except OSError as error:
        raise damaged(path, error) from error
    return None if kind is None else str(kind)


def damaged(path: Path, error: Exception) -> VidgaugeError:
    """The error for a file of the right schema that does not hold what it should."""
    return VidgaugeError(f"{path}: is damaged ({error}); delete it and run again")


def write_attrs(target: h5py.Group, attrs: Mapping[str, Any]) -> None:
    """Store attributes so that `read_attrs` gives the same values back, for all that JSON knows."""
    for key, value in attrs.items():
        plain = isinstance(value, int | float) or (isinstance(value, str) and not value.startswith(_JSON_BEGINS))
        target.attrs[key] = value if plain else json.dumps(value, ensure_ascii=False)


def read_attrs(target: h5py.Group) -> dict[str, Any]:
    """All attributes, as Python values."""
    return {key: _decoded(value) for key, value in sorted(target.attrs.items())}


def write_ids(target: h5py.Group, name: str, ids: Sequence[str]) -> None:
    """Store ids as UTF-8 of one fixed length: with repeats they compress to almost nothing, and read fast.

    Bytes of file names that are not UTF-8 are kept. Raises ValueError for an id that holds a NUL.
    """
    encoded = [text.encode("utf-8", "surrogateescape") for text in ids]
    if any(b"\0" in text for text in encoded):
        raise ValueError("an id must not hold a NUL character")
    length = max(map(len, encoded), default=1) or 1
    write_column(target, name, np.array(encoded, dtype=h5py.string_dtype("utf-8", length)))


def read_ids(dataset: h5py.Dataset) -> np.ndarray:
    """(n,) object array of str; equal neighbours share one object."""
    data = dataset[()]  # (n,) bytes
    first = run_starts(data)
    texts = np.array([data[row].decode("utf-8", "surrogateescape") for row in first], dtype=object)
    return np.repeat(texts, np.diff(np.append(first, len(data))))


def write_column(target: h5py.Group, name: str, data: np.ndarray) -> None:
    """Store a column that says where rows come from, compressed: it repeats itself."""
    options = {"compression": "gzip", "shuffle": True} if len(data) else {}
    target.create_dataset(name, data=data, **options)


def write_failed(target: h5py.Group, failed: Iterable[Mapping[str, Any]]) -> None:
    """Store the videos that could not be decoded, one JSON object each."""
    lines = [json.dumps(dict(entry)) for entry in failed]  # ASCII, so that any file name survives
    target.create_dataset(FAILED, data=np.array(lines, dtype=object), shape=(len(lines),), dtype=h5py.string_dtype())


def read_failed(target: h5py.Group) -> list[dict[str, Any]]:
    """The videos that could not be decoded: {"video", "path", "reason", "detail"} each."""
    return [json.loads(line) for line in target[FAILED].asstr()[()]]


def write_stats(path: Path, array: str, stats: tuple[int, np.ndarray, np.ndarray] | None) -> None:
    """Add the group `stats` to an array of a features file: n, mean (d,), cov (d, d); None: n is 0, nothing else."""
    with h5py.File(path, "r+", locking=False) as file:
        group = file[array].create_group("stats")
        group["n"] = np.int64(stats[0] if stats else 0)
        if stats:
            group["mean"], group["cov"] = stats[1], stats[2]


def run_starts(column: np.ndarray) -> np.ndarray:
    """The rows of (n,) where a value differs from the one before; row 0 is one, unless there is none.

    >>> run_starts(np.array([5, 5, 7])).tolist()
    [0, 2]
    """
    if not len(column):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], 1 + np.flatnonzero(column[1:] != column[:-1])])


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(value) if value.startswith(_JSON_BEGINS) else value
    return value.item() if isinstance(value, np.generic) else value
