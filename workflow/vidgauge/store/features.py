"""Features: what the networks made of a dataset's clips.

    /{array}/values      (n, d) float32, contiguous (it can be mapped into memory)
    /{array}/video       (n,) UTF-8, the id of the video that the row comes from
    /{array}/draw        (n,) int64, which draw of that video
    /{array}/start       (n,) int64, the clip's first frame in the video; of a per-frame array that frame's number
    /{array}/stats/n     int64; mean (d,) float64, cov (d, d) float64 population covariance, both absent where n is 0
    /failed              (k,) JSON text {"video", "path", "reason", "detail", "clips"}: videos that could not be
                         decoded, and how many clips they would have given
    attributes: kind "features", schema, extractor, version, weights (their name, or the file's), weights_sha256,
                weights_verified (a published digest matched), licence (theirs), clips (the clip spec's name),
                clip_spec (all of it, JSON), manifest_digest (of all videos), partners_digest (of their partners, where
                the network sees both), seed, precision, device, batch_shape, versions (JSON), columns (JSON, names of
                the columns of arrays of scores, in which NaN stands for what is not defined) and what the writer was
                given; after a merge also mixed: the names of those that are lists because the shards differ

Rows are in canonical order: video id (by code point), then draw, then frame within the clip. The file of a shard has no
stats: they are computed once, by `merge`, from all rows, but not of scores. Zero rows are valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.store import hdf5
from vidgauge.store.seal import sealed
from vidgauge.store.select import first_by_name, select_of

if TYPE_CHECKING:
    from types import TracebackType

    import h5py

KIND, SCHEMA = "features", 1
READ_BYTES = 32 << 20  # of values at a time where a part of the rows is taken


@dataclass(frozen=True, eq=False)
class Origin:
    """Where the rows of an array come from: video (n,) ids, draw (n,) and start (n,) int64."""

    video: np.ndarray
    draw: np.ndarray
    start: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "video", np.asarray(self.video, dtype=object))
        object.__setattr__(self, "draw", np.asarray(self.draw, dtype=np.int64))
        object.__setattr__(self, "start", np.asarray(self.start, dtype=np.int64))
        shapes = [column.shape for column in (self.video, self.draw, self.start)]
        if self.video.ndim != 1 or len(set(shapes)) != 1:
            raise ValueError("expected video, draw and start of one shape (n,), got {}, {} and {}".format(*shapes))

    def __len__(self) -> int:
        return len(self.video)

    def groups(self) -> Iterator[tuple[tuple[str, int], int, int]]:
        """((video, draw), first row, end) of each run of rows of one clip."""
        new = np.union1d(hdf5.run_starts(self.video), hdf5.run_starts(self.draw)).astype(np.int64)
        for first, end in zip(new.tolist(), [*new[1:].tolist(), len(self)], strict=False):
            yield (self.video[first], int(self.draw[first])), first, end

    def check_order(self) -> None:
        """Raise ValueError, naming the first culprit, where rows are not in canonical order or a clip comes twice."""
        last: tuple[str, int] | None = None
        for key, _, _ in self.groups():
            if last is not None and key <= last:
                raise ValueError(f"rows are not in canonical order: {key} follows {last}")
            last = key


@dataclass(frozen=True, eq=False)
class FeatureArray:
    """One array of a features file. values: (n, d) float32; video (n,) ids; draw, start: (n,) int64."""

    values: np.ndarray
    video: np.ndarray
    draw: np.ndarray
    start: np.ndarray

    def __post_init__(self) -> None:
        origin = Origin(self.video, self.draw, self.start)
        for name in ("video", "draw", "start"):
            object.__setattr__(self, name, getattr(origin, name))
        if self.values.ndim != 2 or len(self.values) != len(origin) or self.values.dtype != np.float32:
            raise ValueError(f"expected values ({len(origin)}, d) float32, got {self.values.shape} {self.values.dtype}")

    @property
    def origin(self) -> Origin:
        """The columns without the values."""
        return Origin(self.video, self.draw, self.start)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"FeatureArray(values {self.values.shape} {self.values.dtype}, {len(set(self.video))} videos)"


class FeaturesWriter:
    """A context manager that fills a new features file piece by piece. Not atomic: give it `sealed`'s path.

    `attrs` may be changed until the block ends. Raises ValueError at its end where rows were left out.
    """

    def __init__(
        self, path: Path, *, attrs: Mapping[str, Any] | None = None, failed: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self.attrs: dict[str, Any] = dict(attrs or {})
        self._path, self._failed = path, failed
        self._written: dict[str, int] = {}

    def __enter__(self) -> FeaturesWriter:
        self._file = hdf5.create(self._path)
        return self

    def create(self, name: str, origin: Origin, width: int) -> None:
        """Begin an array of `width` columns with its rows' origin. ValueError if rows are not in canonical order."""
        origin.check_order()
        group = self._file.create_group(name)
        group.create_dataset("values", (len(origin), width), np.float32)
        hdf5.write_ids(group, "video", list(origin.video))
        hdf5.write_column(group, "draw", origin.draw)
        hdf5.write_column(group, "start", origin.start)
        self._written[name] = 0

    def create_empty(self, name: str, rows: int, width: int, id_bytes: int) -> dict[str, h5py.Dataset]:
        """Begin an array whose origin is not in memory: its columns, to be filled. id_bytes: of the longest id."""
        (group := self._file.create_group(name)).create_dataset("values", (rows, width), np.float32)
        self._written[name] = 0
        kinds = ("video", hdf5.id_dtype(id_bytes)), ("draw", np.dtype(np.int64)), ("start", np.dtype(np.int64))
        return {column: hdf5.create_column(group, column, (rows,), kind) for column, kind in kinds}

    def append(self, name: str, values: np.ndarray) -> None:
        """Write the array's next rows, (b, d)."""
        target, at = self._file[name]["values"], self._written[name]
        if values.ndim != 2 or values.shape[1] != target.shape[1] or at + len(values) > len(target):
            raise ValueError(f"{name}: {values.shape} does not fit {target.shape} from row {at} on")
        if len(values):
            target[at : at + len(values)] = values
        self._written[name] = at + len(values)
        self._file.check()

    def written(self, name: str) -> np.ndarray:
        """(n, d) float32, the array's rows as they stand in the file, mapped into memory."""
        values = self._file[name]["values"]
        if not len(values):
            return np.empty(values.shape, np.float32)
        self._file.flush()
        self._file.check()
        return np.memmap(self._path, np.dtype("<f4"), "r", values.id.get_offset(), values.shape)

    def add_stats(self, name: str, stats: tuple[int, np.ndarray, np.ndarray] | None) -> None:
        """Write the array's n, mean (d,) and population cov (d, d); None where there are no rows."""
        hdf5.write_stats(self._file[name], stats)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._finish()

    def _finish(self) -> None:
        for name, rows in self._written.items():
            if rows != len(self._file[name]["values"]):
                raise ValueError(f"{name}: {rows} of {len(self._file[name]['values'])} rows were written")
        hdf5.write_failed(self._file, self._failed)
        hdf5.write_attrs(self._file, {**self.attrs, "kind": KIND, "schema": SCHEMA})


def write_features(
    path: str | PathLike[str],
    arrays: Mapping[str, FeatureArray],
    *,
    attrs: Mapping[str, Any] | None = None,
    failed: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Write a features file without stats, as that of a shard is. ValueError if rows are not in canonical order."""
    with sealed(path) as temporary, FeaturesWriter(temporary, attrs=attrs, failed=failed) as writer:
        for name, array in arrays.items():
            writer.create(name, array.origin, array.values.shape[1])
            writer.append(name, array.values)


def read_attrs(path: str | PathLike[str]) -> dict[str, Any]:
    """All attributes of a features file, as Python values."""
    with _opened(path) as file:
        return hdf5.read_attrs(file)


def read_failed(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """The videos that could not be decoded: {"video", "path", "reason", "detail", "clips"} each."""
    with _opened(path) as file:
        return hdf5.read_failed(file)


def is_features(path: Path) -> bool:
    """Whether a file is one of features, with their rows: not other statistics, nor another HDF5 file."""
    return hdf5.kind_of(path) == KIND


def array_widths(path: str | PathLike[str]) -> dict[str, int]:
    """Names of the arrays and how wide their rows are."""
    with _opened(path) as file:
        return {name: file[name]["values"].shape[1] for name in file if name != hdf5.FAILED}


def read_origin(path: str | PathLike[str], name: str) -> Origin:
    """Where the rows of an array come from."""
    with _opened(path) as file:
        return _origin(_group(path, file, name))


def read_array(path: str | PathLike[str], name: str) -> FeatureArray:
    """All rows of an array, in canonical order. VidgaugeError, which lists the arrays, if that one is not there."""
    return read_samples(path, name, None)


def read_samples(
    path: str | PathLike[str], name: str, samples: int | None, by: Literal["hash", "name"] = "hash"
) -> FeatureArray:
    """The rows that `select` picks, in canonical order; fewer where there are fewer, all where `samples` is None.

    by name: the first in order of video and frame, and in that order. By hash, the rows are fewer where videos could
    not be decoded: they keep their places, for which ones stand in for them would depend on the number of shards.
    """
    with _opened(path) as file:
        group = _group(path, file, name)
        origin = _origin(group)
        if by == "name":
            rows = first_by_name(origin, samples)
            values = _take(group["values"], np.sort(rows))[np.argsort(np.argsort(rows))]
        else:
            rows = select_of(origin, hdf5.read_failed(file), samples)
            values = _take(group["values"], rows)
    return FeatureArray(values, origin.video[rows], origin.draw[rows], origin.start[rows])


def read_stats(path: str | PathLike[str], name: str) -> tuple[int, np.ndarray, np.ndarray] | None:
    """(n, mean (d,), population cov (d, d)) over all rows of an array; None where there are no rows.

    VidgaugeError where the file is that of a shard, which has no stats.
    """
    with _opened(path) as file:
        stats = _group(path, file, name).get("stats")
        if stats is None:
            raise VidgaugeError(f"{path}: has no stats, it is the features of a shard; merge it first")
        n = int(stats["n"][()])
        return (n, stats["mean"][()], stats["cov"][()]) if n else None


def map_values(path: str | PathLike[str], name: str) -> np.ndarray:
    """(n, d) float32, mapped into memory and read-only: no file stays open. Chunks, of repacked files, are read."""
    with _opened(path) as file:
        values = hdf5.numbers(_group(path, file, name), "values", 2, "f")
        shape, offset = values.shape, values.id.get_offset()
        if offset is None or values.dtype != np.dtype("<f4"):  # chunks have no offset, nor have no rows
            return np.asarray(values[()], dtype=np.float32)
    return np.memmap(path, np.dtype("<f4"), "r", offset, shape)


@contextmanager
def _opened(path: str | PathLike[str]) -> Iterator[h5py.File]:
    with hdf5.open_checked(Path(path), KIND, SCHEMA) as file:
        try:
            yield file
        except hdf5.DAMAGE as error:
            raise hdf5.damaged(Path(path), error) from error


def _group(path: str | PathLike[str], file: h5py.File, name: str) -> h5py.Group:
    known = [key for key in file if key != hdf5.FAILED]
    if name not in known:
        raise VidgaugeError(f"{path}: has no array {name!r}; it has: {', '.join(known) or 'none'}")
    return file[name]


def _origin(group: h5py.Group) -> Origin:
    return Origin(hdf5.read_ids(group["video"]), group["draw"][()], group["start"][()])


def _take(values: h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Sorted rows of (n, d), read in blocks: h5py's own indexing by a list takes seconds for 1e4 rows."""
    if len(rows) == len(values):
        everything: np.ndarray = values[()]
        return everything
    taken = np.empty((len(rows), values.shape[1]), np.float32)
    step = max(1, READ_BYTES // (4 * values.shape[1]))
    for at in range(0, len(values), step):
        first, end = np.searchsorted(rows, (at, at + step))
        if first < end:
            taken[first:end] = values[at : at + step][rows[first:end] - at]
    return taken
