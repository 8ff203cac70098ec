"""No video is lost in silence: what the gate did not list is named to the writer."""

from __future__ import annotations

import pytest

from vidgauge.errors import BadVideo
from vidgauge.media import clips, verified
from vidgauge.specs import ClipSpec, Video

GOOD = Video("a.mp4", "/a.mp4", "file", None, "0", 1, 16, 8.0, 2.0, 8, 8, "h264", "yuv420p")


class Writer:
    def __init__(self) -> None:
        self.failed: list[tuple[str, ...]] = []

    def append(self, *_: object) -> None:
        raise AssertionError("no clip was read")

    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None:
        assert clips >= 1
        self.failed.append((video_id, path, reason, detail))


@pytest.mark.parametrize(
    ("problem", "reason"),
    [(BadVideo("no-timing", "its frames have no times"), "no-timing"), (OSError(5, "I/O error"), "unreadable")],
)
def test_trouble_that_the_gate_could_not_see_is_named(
    problem: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(verified, "choose_clips", fails)
    monkeypatch.setattr(verified, "scan_probed", lambda _: None)
    monkeypatch.setattr(verified, "fingerprint", lambda *_: GOOD.fingerprint)
    monkeypatch.setattr(verified, "_state", lambda _: [])
    writer = Writer()
    clips.make_clips([GOOD], [clips.Part(ClipSpec(fps=4.0, frames=4), 0, 1, writer)])
    assert [(video_id, path, word) for video_id, path, word, _ in writer.failed] == [("a.mp4", "/a.mp4", reason)]
    assert writer.failed[0][3]
    listed = Writer()  # too short for the spec: the gate has listed it
    clips.make_clips([GOOD], [clips.Part(ClipSpec(frames=99), 0, 1, listed)])
    assert listed.failed == []
