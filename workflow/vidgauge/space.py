"""Room on the disk: what is free, and what to say where something does not fit."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vidgauge.errors import VidgaugeError


def readable(size: int) -> str:
    """A number of bytes for people.

    >>> [readable(n) for n in (999, 51_235_320, 999_999_999, 2_023_804_201)]
    ['999 bytes', '51 MB', '1.0 GB', '2.0 GB']
    """
    unit, text = "bytes", str(size)
    for larger, decimals, factor in (("kB", 0, 1e3), ("MB", 0, 1e6), ("GB", 1, 1e9)):
        if float(text) >= 1000:
            unit, text = larger, f"{size / factor:.{decimals}f}"
    return f"{text} {unit}"


def free_for(folder: Path) -> int:
    """Bytes free where a folder is, or will be."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def check_space(folder: Path, needed: int | None, what: str, advice: str) -> None:
    """Raise VidgaugeError where a folder has no room for so many more bytes (None: not known)."""
    if needed is not None and needed > free_for(folder):
        raise no_space(folder, needed, what, advice)


@contextmanager
def space_in(folder: Path, needed: Callable[[], int | None], what: str, advice: str) -> Iterator[None]:
    """Turn a disk that fills up within the block to the error of `no_space`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise no_space(folder, needed(), what, advice) from None


def no_space(folder: Path, needed: int | None, what: str, advice: str) -> VidgaugeError:
    """The error for a full disk: the folder, what is needed there (None: not known), what is free, what to do."""
    more = "more than there is" if needed is None else f"{readable(max(needed, 0))} more"
    return VidgaugeError(
        f"{folder}: no space for {what}: it needs {more}, and {readable(free_for(folder))} are free. {advice}"
    )
