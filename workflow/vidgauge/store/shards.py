"""The features files of a dataset's shards, read in pieces side by side: few are open, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from vidgauge.store import hdf5
from vidgauge.store.features import KIND, SCHEMA

OPEN = 100
"""Files that stay open; the others are opened for each piece, which takes a millisecond. Systems allow 256 and more."""


@dataclass(frozen=True)
class Shard:
    """The features file of a shard: attributes, how wide each array is, its rows, and the bytes of its longest id."""

    path: Path
    attrs: Mapping[str, Any]
    widths: Mapping[str, int]
    rows: Mapping[str, int]
    id_bytes: Mapping[str, int]
    failed: Sequence[Mapping[str, Any]]

    @property
    def empty(self) -> bool:
        return not any(self.rows.values())


class Shards:
    """A context manager over some features files, each of which is checked as the block begins."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._stack = ExitStack()
        self._open: dict[int, h5py.File] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._stack = stack
            self.all = [self._load(path) for path in self._paths]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, number: int, name: str, column: str, rows: slice) -> np.ndarray:
        """Some rows of an array's values, video, draw or start, as they stand in a file."""
        with self._reading(number) as file:
            found: np.ndarray = file[name][column][rows]
            return found

    @contextmanager
    def _reading(self, number: int) -> Iterator[h5py.File]:
        path = self._paths[number]
        try:
            if number in self._open:
                yield self._open[number]
            elif len(self._open) < OPEN:
                self._open[number] = self._stack.enter_context(hdf5.open_again(path))
                yield self._open[number]
            else:
                with hdf5.open_again(path) as file:
                    yield file
        except hdf5.DAMAGE as error:
            raise hdf5.damaged(path, error) from error

    @staticmethod
    def _load(path: Path) -> Shard:
        with hdf5.open_checked(path, KIND, SCHEMA) as file:
            try:
                names = [name for name in file if name != hdf5.FAILED]
                rows, widths = ({name: file[name]["values"].shape[axis] for name in names} for axis in (0, 1))
                ids = {name: file[name]["video"].dtype.itemsize for name in names}
                return Shard(path, hdf5.read_attrs(file), widths, rows, ids, hdf5.read_failed(file))
            except hdf5.DAMAGE as error:
                raise hdf5.damaged(path, error) from error
