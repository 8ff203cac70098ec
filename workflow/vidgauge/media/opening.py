"""Opening a file that others made: a pipe, a socket or a device in its place is refused, never waited for."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from vidgauge.errors import BadVideo

MAX_PIXELS = 1 << 27
"""Of one frame: 16K (15360 x 8640) fits. A header may claim a thousand times that in a few bytes."""


def open_file(path: Path) -> BufferedReader:
    """A regular file, open for reading. Raises BadVideo (not-a-file, folder), and OSError as `open` does."""
    _check(path.stat())  # before it is opened, which is an action in itself for a tape or a terminal
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check(os.fstat(file))  # again: it may have been replaced in between
    except BadVideo:
        os.close(file)
        raise
    return os.fdopen(file, "rb")


def _check(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise BadVideo("folder", "it is a folder, a file is wanted")
    if not stat.S_ISREG(found.st_mode):
        raise BadVideo("not-a-file", "it is a pipe, a socket or a device")
