"""What the tests have worker processes run."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidgauge.errors import BadVideo


def call(task: tuple[Any, ...]) -> Iterator[Any]:
    """Call the function that the task names."""
    name, *rest = task
    yield from globals()[name](*rest)


def count(number: int) -> Iterator[int]:
    yield from range(number)


def pid(*_: object) -> Iterator[int]:
    yield os.getpid()


def arrays(megabytes: int) -> Iterator[Any]:
    import numpy as np

    for seed in range(2):
        yield "clip", [seed], np.random.default_rng(seed).integers(0, 256, (megabytes, 1 << 10, 1 << 10), np.uint8)
    yield np.zeros((0, 3)), np.eye(4)[:, ::2]


def raises(what: str) -> Iterator[int]:
    class LocalError(Exception):
        pass

    yield 1
    if what == "memory in libav":
        try:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        except OSError:
            raise BadVideo("damaged", "the decoder stopped") from None
    raise {
        "value": ValueError("no such frame"),
        "bad": BadVideo("damaged", "its frame 3"),
        "local": LocalError("here"),
    }[what]


def dies(folder: Path, number: int, *, times: int = 1 << 30, messages: int = 0) -> Iterator[str]:
    """Die of a signal (or exit with minus the number), the first `times` times; each leaves a file."""
    tries = len(list(folder.iterdir()))
    (folder / str(tries)).touch()
    yield from ["before"] * messages
    if tries < times:
        if number < 0:
            os._exit(-number)
        os.kill(os.getpid(), number)
        time.sleep(60)
    yield "alive"


def dies_once(folder: Path, number: int) -> Iterator[str]:
    return dies(folder, number, times=1)


def dies_late(folder: Path, number: int) -> Iterator[str]:
    return dies(folder, number, messages=2)


def spins() -> Iterator[int]:
    while True:
        sum(range(10_000))
    yield 0


def sleeps() -> Iterator[int]:
    yield os.getpid()
    time.sleep(600)


def hogs(size: int) -> Iterator[int]:
    kept = [b"x" * (1 << 20) for _ in range(size >> 20)]
    yield len(kept)


def writes(path: Path) -> Iterator[int]:
    yield path.write_text("x")


def meets(folder: Path, mine: str, other: str) -> Iterator[str]:
    """Go on when the other task has begun too."""
    (folder / mine).touch()
    while not (folder / other).exists():
        time.sleep(0.01)
    yield mine


def is_stopped(signal_number: int = signal.SIGINT) -> Iterator[bool]:
    """What Ctrl-C on a terminal does to all processes of a job."""
    os.kill(os.getpid(), signal_number)
    yield False


def modules() -> Iterator[list[str]]:
    yield sorted(name for name in sys.modules if name.partition(".")[0] in ("av", "numpy", "torch", "pydantic"))
