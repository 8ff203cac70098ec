"""Which videos of two datasets belong together: the column `pair`, else the id."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.pairs import pair_keys
from vidgauge.specs import Video

VIDEO = Video("a.mp4", "/a.mp4", "file", None, "0" * 64, 1, 8, 24.0, 1 / 3, 24, 32, "h264", "yuv420p")


def manifest(path: Path, *videos: tuple[str, dict[str, object]]) -> Path:
    write_text(path, to_jsonl(asdict(replace(VIDEO, id=name, columns=columns)) for name, columns in videos))
    return path


def test_a_column_goes_before_the_id(tmp_path: Path) -> None:
    found = pair_keys(manifest(tmp_path / "v.jsonl", ("x/1.mp4", {"pair": "scene"}), ("y.webm", {}), ("v1.2", {})))
    assert found == {"x/1.mp4": "scene", "y.webm": "y", "v1.2": "v1.2"}


def test_two_videos_of_one_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VidgaugeError, match=r"a\.mp4 and b\.mp4 both are the partner 'a'.*`pair` of its own"):
        pair_keys(manifest(tmp_path / "v.jsonl", ("a.mp4", {}), ("b.mp4", {"pair": "a"})))
