"""How much of a manifest is read at once. Its rows stay in memory, its lines must not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, AnyStr

from vidgauge.errors import VidgaugeError

MAX_LINE = 16 << 20  # bytes, or characters of a .csv: a hundred thousand paths
MAX_COLUMNS = 1 << 20  # characters of a row's columns as JSON, which each of its videos carries
MAX_WHOLE = 256 << 20  # bytes of a .json manifest, which is read as a whole: a million rows
MAX_DEPTH = 100  # of lists in lists: what Python reads to its last level, it might not be able to write


def lines_of(file: IO[AnyStr]) -> Iterator[tuple[int, AnyStr | None]]:
    """(number, text) of every line, from 1; None in the place of one that is longer than MAX_LINE."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) <= MAX_LINE:
            yield number, line
            continue
        while line and line[-1:] not in ("\n", b"\n"):
            line = file.readline(MAX_LINE + 1)
        yield number, None


def check_size(source: Path) -> None:
    """Raise VidgaugeError for a manifest that is too large to be read as a whole."""
    size = source.stat().st_size
    if size > MAX_WHOLE:
        raise VidgaugeError(
            f"{source}: has {size:,} bytes, and a .json manifest of up to {MAX_WHOLE:,} is read. Write it as .jsonl, "
            "one object per line, which may be of any size."
        )


def is_too_deep(value: object) -> bool:
    """Whether lists and objects are nested beyond MAX_DEPTH.

    >>> is_too_deep([[1], {"a": [2]}])
    False
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return False
        within = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [inner for outer in within for inner in outer]
    return True
