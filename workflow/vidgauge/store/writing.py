"""New HDF5 files on a disk that may be full."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py


class NewFile(h5py.File):
    """A new file. What HDF5 could not write it tries again at its end, and crashes; so it never hears of that here.

    `check` and `close` raise OSError where anything could not be written. No HDF5 lock: names are unique until they
    are renamed, and network file systems refuse locks.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        self._bytes = _Bytes(path, "w+")
        super().__init__(self._bytes, "w", **options)

    def check(self) -> None:
        """Raise OSError where anything could not be written so far: else a full disk would show after hours."""
        if self._bytes.error:
            raise self._bytes.error

    def close(self) -> None:
        """Write what is left, close, and `check`."""
        super().close()
        self._bytes.close()
        self.check()


class _Bytes(io.FileIO):
    """A file on the disk. After the first write that fails, its `error`, it takes everything and writes nothing."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        size = len(data)
        try:
            while not self.error and data:
                data = data[super().write(data) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        return size or 0 if self.error else super().truncate(size)
