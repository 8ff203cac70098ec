"""Videos that are small JSON files, and a probe that reads them: the manifest stage without libav."""

import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import pytest

from vidgauge.errors import BadVideo


@dataclass(frozen=True)
class FakeProbe:
    fingerprint: str
    bytes: int
    frames: int
    fps: float | None
    duration: float | None
    height: int = 8
    width: int = 8
    codec: str = "fake"
    pixel_format: str = "rgb24"


def fake_probe(path, *, kind, row=None):
    if kind != "file":
        return FakeProbe("0" * 64, 1, 4, None, None)
    data = Path(path).read_bytes()
    try:
        said = json.loads(data)
    except ValueError:
        raise BadVideo("undecodable", "is no fake video") from None
    frames, fps = said["frames"], said.get("fps", 8.0)
    return FakeProbe(hashlib.sha256(data).hexdigest(), len(data), frames, fps, fps and frames / fps)


@pytest.fixture
def probe(monkeypatch):
    """Put the fake probe in the place of vidgauge.media.probe; returns the module, so that a test can change it."""
    module = ModuleType("vidgauge.media.probe")
    module.probe = fake_probe

    def probed(task):
        path, kind, row = task
        try:
            yield asdict(module.probe(path, kind=kind, row=row))
        except FileNotFoundError:
            raise BadVideo("missing", "no such file") from None
        except PermissionError:
            raise BadVideo("permission", "may not be read") from None

    module.probed = probed
    monkeypatch.setitem(sys.modules, "vidgauge.media.probe", module)
    return module


@pytest.fixture
def make_video():
    """make_video(path, frames=16, fps=8.0): a fake video with a fixed time."""

    def make(path, frames=16, fps=8.0):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"frames": frames, "fps": fps, "name": path.name}))
        os.utime(path, ns=(10**18, 10**18))
        return path

    return make


@pytest.fixture
def write_lines():
    """write_lines(path, *values): a JSONL file; a string is written as it is."""

    def write(path, *values):
        lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write
