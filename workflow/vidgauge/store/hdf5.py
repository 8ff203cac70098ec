"""What the two schemas share: opening with a check, attributes, ids, and the list of failed videos.

Every file has the attributes `kind` ("clips", "features" or "statistics") and `schema` (an integer). Attributes that
are text or numbers are stored as they are; objects, lists and null as JSON text. All that reads raises OSError for what
is not as it should be, as h5py does for damage.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.store import seal
from vidgauge.store.claims import check_claim
from vidgauge.store.writing import NewFile

AGAIN = "delete it and run again if the workflow made it, else get it or make it anew"
# Of files whose seal is broken: `verify` deletes them as a run begins, unless the disk changed them without a trace.
ANEW = "run the same command again, which makes the workflow's files anew (if this comes again, delete it first)"
FAILED = "failed"
DAMAGE = (KeyError, OSError, ValueError, TypeError, RuntimeError)  # what h5py raises for files that are not in order
_JSON_BEGINS = ("{", "[", '"', "null")


def create(path: Path) -> NewFile:
    """A new file, for `seal.sealed` to finish."""
    return NewFile(path, userblock_size=seal.USER_BLOCK)


def check_seal(path: Path, advice: str = AGAIN) -> None:
    """VidgaugeError where a file does not hold what was written."""
    if why := fault(path):
        raise VidgaugeError(f"{path}: {why}; {ANEW if advice == AGAIN else advice}")


def fault(path: Path) -> str | None:
    """`seal.fault`; a process reads each state of a file once, however often it opens it."""
    return _fault(path, seal.state(path))


@cache
def _fault(path: Path, _: tuple[int, ...]) -> str | None:
    return seal.fault(path)


def open_checked(path: Path, kind: str, schema: int, advice: str = AGAIN) -> h5py.File:
    """The file, open for reading, with all its parts in itself; HDF5 sees only what holds the bytes that were written.

    advice: what to do about another file. VidgaugeError if it is missing, damaged, of another kind or schema, if parts
    of it lie elsewhere, and if it claims to hold far more than its size.
    """
    wanted = f"a {kind} file of schema {schema} was wanted"
    try:
        check_seal(path, advice)
        file = h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise VidgaugeError(f"{path}: is not there; {wanted}; run the workflow again to make it") from None
    except OSError as error:
        raise VidgaugeError(f"{path}: cannot be read ({error}); {wanted}; {advice}") from error
    try:
        found = (_attr(file, "kind"), _attr(file, "schema"))
        if not found[0]:
            raise VidgaugeError(f"{path}: is no file of vidgauge; {wanted}")
        if found != (kind, schema):
            said = f"kind {found[0]!r:.40}, schema {found[1]!r:.40}"
            raise VidgaugeError(f"{path}: {said}; {wanted}; {advice}")
        _check_parts(file, path.stat().st_size)
    except DAMAGE as error:
        file.close()
        raise damaged(path, error, advice) from error
    except VidgaugeError:
        file.close()
        raise
    return file


def open_again(path: Path) -> h5py.File:
    """A file that this process has checked before."""
    return h5py.File(path, "r", locking=False)


def kind_of(path: Path, advice: str = AGAIN) -> str | None:
    """What kind of vidgauge's files one is; None for any other file. VidgaugeError where its HDF5 is damaged."""
    if not seal.is_hdf5(path):
        return None
    check_seal(path, advice)
    try:
        with h5py.File(path, "r", locking=False) as file:
            kind = _attr(file, "kind")
    except DAMAGE as error:
        raise damaged(path, error, advice) from error
    return None if kind is None else str(kind)


def damaged(path: Path, error: Exception, advice: str = AGAIN) -> VidgaugeError:
    """The error for a file of the right schema that does not hold what it should."""
    return VidgaugeError(f"{path}: is damaged ({error}); {advice}")


def numbers(group: h5py.Group, name: str, axes: int, kinds: str = "fiu") -> h5py.Dataset:
    """A dataset of a group, which has so many axes and real numbers of these kinds of dtypes."""
    part = group[name] if isinstance(group, h5py.Group) else None
    if not isinstance(part, h5py.Dataset) or part.ndim != axes or part.dtype.kind not in kinds:
        raise OSError(f"{group.name}/{name} holds no numbers of {axes} axes")
    return part


def write_attrs(target: h5py.Group, attrs: Mapping[str, Any]) -> None:
    """Store attributes so that `read_attrs` gives the same values back, for all that JSON knows."""
    for key, value in attrs.items():
        plain = isinstance(value, int | float) or (isinstance(value, str) and not value.startswith(_JSON_BEGINS))
        target.attrs[key] = value if plain else json.dumps(value, ensure_ascii=False)


def read_attrs(target: h5py.Group) -> dict[str, Any]:
    """All attributes, as Python values."""
    return {key: _attr(target, key) for key in sorted(target.attrs)}


def write_ids(target: h5py.Group, name: str, ids: Sequence[str]) -> None:
    """Store ids as UTF-8 of one fixed length: with repeats they compress to almost nothing, and read fast.

    Bytes of file names that are not UTF-8 are kept. Raises ValueError for an id that holds a NUL.
    """
    encoded = [text.encode("utf-8", "surrogateescape") for text in ids]
    if any(b"\0" in text for text in encoded):
        raise ValueError("an id must not hold a NUL character")
    write_column(target, name, np.array(encoded, dtype=id_dtype(max(map(len, encoded), default=0))))


def id_dtype(longest: int) -> np.dtype:
    """What ids are stored as, of which the longest has so many bytes."""
    return h5py.string_dtype("utf-8", max(1, longest))


def read_ids(dataset: h5py.Dataset) -> np.ndarray:
    """(n,) object array of str; equal neighbours share one object."""
    data = dataset[()]  # (n,) bytes
    first = run_starts(data)
    texts = np.array([data[row].decode("utf-8", "surrogateescape") for row in first], dtype=object)
    return np.repeat(texts, np.diff(np.append(first, len(data))))


def write_column(target: h5py.Group, name: str, data: np.ndarray) -> None:
    """Store a column that says where rows come from, compressed: it repeats itself."""
    column = create_column(target, name, data.shape, data.dtype)
    if len(data):
        column[...] = data


def create_column(target: h5py.Group, name: str, shape: tuple[int, ...], dtype: np.dtype) -> h5py.Dataset:
    """A column for `write_column`, or for who writes it in pieces: whole chunks, or each of them is packed twice."""
    options = {"compression": "gzip", "shuffle": True} if shape[0] else {}
    return target.create_dataset(name, shape, dtype, **options)


def write_failed(target: h5py.Group, failed: Iterable[Mapping[str, Any]]) -> None:
    """Store the videos that could not be decoded, one JSON object each."""
    lines = [json.dumps(dict(entry)) for entry in failed]  # ASCII, so that any file name survives
    target.create_dataset(FAILED, data=np.array(lines, dtype=object), shape=(len(lines),), dtype=h5py.string_dtype())


def read_failed(target: h5py.Group) -> list[dict[str, Any]]:
    """The videos that could not be decoded: {"video", "path", "reason", "detail"} each."""
    try:
        return [json.loads(line) for line in target[FAILED].asstr()[()]]
    except (ValueError, RecursionError) as error:
        raise OSError(f"{FAILED}: {error}") from error


def write_stats(array: h5py.Group, stats: tuple[int, np.ndarray, np.ndarray] | None) -> None:
    """Add the group `stats` to that of an array: n, mean (d,), cov (d, d); None: n is 0, nothing else."""
    group = array.create_group("stats")
    group["n"] = np.int64(stats[0] if stats else 0)
    if stats:
        group["mean"], group["cov"] = stats[1], stats[2]


def read_stats(group: h5py.Group) -> tuple[int, np.ndarray | None, np.ndarray | None] | None:
    """What `write_stats` added to an array: n, mean (d,), cov (d, d), both None where n is 0. None where it did not."""
    if not isinstance(group, h5py.Group):
        raise OSError(f"{group.name} is no group")
    stats = group.get("stats")
    if stats is None:
        return None
    n = int(numbers(stats, "n", 0, "iu")[()])
    if n < 0:
        raise OSError(f"{stats.name}/n is {n}")
    if n == 0:
        return 0, None, None
    mean, cov = numbers(stats, "mean", 1), numbers(stats, "cov", 2)
    if cov.shape != 2 * mean.shape:
        raise OSError(f"{stats.name} has a mean of shape {mean.shape} and a cov of {cov.shape}; (d,), (d, d) wanted")
    return n, mean[()], cov[()]


def run_starts(column: np.ndarray) -> np.ndarray:
    """The rows of (n,) where a value differs from the one before; row 0 is one, unless there is none.

    >>> run_starts(np.array([5, 5, 7])).tolist()
    [0, 2]
    """
    if not len(column):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], 1 + np.flatnonzero(column[1:] != column[:-1])])


def _check_parts(file: h5py.File, size: int) -> None:
    names: list[str] = []
    file.visit_links(names.append)  # nothing is raised in it, which h5py does not survive
    for name in names:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            raise OSError(f"{name} is a link to elsewhere; copy what it means into the file")
        part = file[name]
        if isinstance(part, h5py.Dataset):
            _check_dataset(part, size)


def _check_dataset(part: h5py.Dataset, size: int) -> None:
    if part.external or part.is_virtual:
        raise OSError(f"{part.name} has its values in other files; copy them into this one")
    if part.shape is None:
        raise OSError(f"{part.name} has no values")
    claimed, offset = math.prod(part.shape) * part.dtype.itemsize, part.id.get_offset()
    if claimed and not part.id.get_storage_size():
        raise OSError(f"{part.name} was never written")
    if offset is not None and offset + claimed > size:
        raise OSError(f"{part.name} goes on beyond the file's end")
    check_claim(claimed, size)


def _attr(target: h5py.Group, key: str) -> Any:
    """An attribute as a Python value, None where it is not there."""
    if key not in target.attrs:
        return None
    stored = target.attrs.get_id(key)
    if stored.shape != () or not (stored.dtype.kind in "fiub" or h5py.check_string_dtype(stored.dtype)):
        raise OSError(f"attribute {key} is no text and no number")
    try:
        return _decoded(target.attrs[key])
    except (ValueError, RecursionError) as error:
        raise OSError(f"attribute {key}: {error}") from error


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):  # of a fixed length
        value = value.decode()
    if isinstance(value, str):
        return json.loads(value) if value.startswith(_JSON_BEGINS) else value
    return value.item() if isinstance(value, np.generic) else value
