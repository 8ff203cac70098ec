"""Room on the disk: asked for before anything is written, and what to say when it runs out all the same."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.weights.registry import readable


def check_space(folder: Path, needed: int | None, what: str) -> None:
    """Raise VidgaugeError where a folder that exists has no room for so many more bytes (None: not known)."""
    if needed is not None and needed > shutil.disk_usage(folder).free:
        raise no_space(folder, needed, what)


@contextmanager
def space_in(folder: Path, needed: Callable[[], int | None], what: str) -> Iterator[None]:
    """Turn a disk that fills up within the block to the error of `no_space`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise no_space(folder, needed(), what) from None


def no_space(folder: Path, needed: int | None, what: str) -> VidgaugeError:
    """The error for a full disk: the folder, what is needed there (None: not known), what is free."""
    more = "more than there is" if needed is None else f"{readable(max(needed, 0))} more"
    return VidgaugeError(
        f"{folder}: no space for {what}: it needs {more}, and {readable(shutil.disk_usage(folder).free)} are free. "
        "Make room, or name another folder with --folder; a fetch goes on from where it stopped."
    )
