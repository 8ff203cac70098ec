"""What the tests of media/ share."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from vidgauge.media.probe import probe
from vidgauge.specs import Video

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def video(path: Path, kind: str = "file", row: int | None = None, name: str | None = None) -> Video:
    """A Video as a manifest would hold it."""
    measured = dataclasses.asdict(probe(path, kind, row))
    return Video(id=name or path.name, path=str(path), kind=kind, row=row, **measured)
