"""Clips files for tests, of one clip spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidgauge.store.clips import ClipsWriter, Group, write_clips

NAME = "clips"


@contextmanager
def clips_file(
    path: Path, *, spec: Mapping[str, Any], shape: tuple[int, int, int], attrs: Mapping[str, Any] | None = None
) -> Iterator[ClipsWriter]:
    """The writer of the only group of a new file."""
    with write_clips(path, Group(NAME, spec, shape, attrs or {})) as (writer,):
        yield writer
