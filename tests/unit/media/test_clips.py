"""Many videos into a store: canonical order, the same bytes for any number of workers, every failure named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.make_videos import array_file, dataset, encode, frame_folder, frames, spoil
from tests.unit.media.helpers import video
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.media import clips, verified
from vidgauge.media.clips import Part, make_clips
from vidgauge.specs import ClipSpec, Video

SPEC = ClipSpec(frames=4, stride=2, size=(16, 20))


@dataclass
class Rows:
    """A writer that keeps everything."""

    rows: list[tuple[str, int, int, list[int], bytes]] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None:
        assert (frames.shape, frames.dtype) == ((4, 16, 20, 3), np.uint8)
        self.rows.append((video_id, draw, start, index, frames.tobytes()))

    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None:
        assert detail
        assert clips >= 1
        self.rows = [row for row in self.rows if row[0] != video_id]
        self.failures.append((video_id, path, reason))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Video]:
    folder = tmp_path_factory.mktemp("set")
    found = [video(path) for path in dataset(folder, 5, length=20)]
    found.append(video(encode(folder / "short.mp4", 3)))
    found.append(video(frame_folder(folder / "images", frames(9)), "frames"))
    array = array_file(folder / "a.npy", [frames(8, seed=i) for i in range(2)])
    return found + [video(array, "array", row, f"a.npy[{row}]") for row in range(2)]


def made(videos: list[Video], *, workers: int, spec: ClipSpec = SPEC, **options: Any) -> Rows:
    rows = Rows()
    make_clips(videos, [Part(spec, 3, 3, rows)], workers=workers, **options)
    return rows


def test_neither_order_nor_workers_change_a_byte(videos: list[Video]) -> None:
    one = made(videos, workers=1)
    places = [(name, start) for name, _, start, *_ in one.rows]
    assert places == sorted(places)
    keys = {(name, draw) for name, draw, *_ in one.rows}
    assert len(keys) == len(one.rows) == 3 * (len(videos) - 1)  # all but the one that is too short, which is no failure
    assert not one.failures
    for workers in (2, 7):
        assert made(videos[::-1], workers=workers).rows == one.rows
    alone = made(videos[2:3], workers=1)
    assert alone.rows == [row for row in one.rows if row[0] == videos[2].id]


def test_what_cannot_be_decoded_is_named_and_the_rest_goes_on(videos: list[Video], tmp_path: Path) -> None:
    whole = encode(tmp_path / "a_bad.mp4", frames(30, noise=30), container={"movflags": "+faststart"})
    spoil(whole, whole, start=0.2, share=0.75)
    bad, gone = video(whole), video(encode(tmp_path / "gone.mp4", 20))
    Path(gone.path).unlink()
    rows = made([gone, *videos, bad], workers=2)
    assert rows.failures == [(bad.id, bad.path, "damaged"), (gone.id, gone.path, "missing")]
    assert rows.rows == made(videos, workers=1).rows


def test_times_asked_of_what_has_none_is_no_failure(videos: list[Video]) -> None:
    rows = made(videos, workers=2, spec=SPEC.model_copy(update={"fps": 8.0}))
    assert {name for name, *_ in rows.rows} == {f"video_{i:03d}.mp4" for i in range(5)}
    assert not rows.failures


def test_progress_and_bounded_memory(videos: list[Video], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    started = 0
    plain = verified.choose_clips

    def counted(*args: object, **keywords: object) -> object:
        nonlocal started
        started += 1
        return plain(*args, **keywords)  # type: ignore[arg-type]

    class Slow(Rows):
        def append(self, *_: object) -> None:
            assert started <= len(seen) + 2 * 2 + 1

    monkeypatch.setattr(verified, "choose_clips", counted)
    parts = [Part(SPEC, 0, 1, Slow())]
    make_clips(videos, parts, workers=2, progress=lambda done, of: seen.append((done, of)))
    long_enough = len(videos) - 1
    assert seen == [(i + 1, long_enough) for i in range(long_enough)]


def test_faults_of_ours_are_not_swallowed(videos: list[Video]) -> None:
    class Full(Rows):
        def append(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make_clips(videos, [Part(SPEC, 0, 1, Full())], workers=2)


def test_few_clips_of_one_video_are_in_memory(videos: list[Video], monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads wait for the writer, and stop where it fails."""
    monkeypatch.setattr(clips, "HELD_BYTES", 3 * 4 * 16 * 20 * 3)  # three clips
    spec = SPEC.model_copy(update={"start": "each"})
    read, written = 0, 0
    plain = verified.read_clips

    def counted(*args: object) -> object:
        nonlocal read
        for clip in plain(*args):  # type: ignore[arg-type]
            read += 1
            yield clip

    class Watching(Rows):
        def append(self, *_: object) -> None:
            nonlocal written
            written += 1
            assert read - written <= 3 + 1 + 1  # waiting, being put there, and the one before `written` was counted
            if written == 9:
                raise OSError(28, "No space left on device")

    monkeypatch.setattr(verified, "read_clips", counted)
    with pytest.raises(OSError, match="No space"):
        make_clips(videos[:1], [Part(spec, 0, 64, Watching())], workers=1)
    assert written == 9
    assert read <= 9 + 5  # of 14 possible clips


def test_each_gives_every_start_once_with_any_workers(videos: list[Video]) -> None:
    spec = SPEC.model_copy(update={"start": "each"})
    found = []
    for workers in (1, 4):
        rows = Rows()
        make_clips(videos, [Part(spec, 3, 16, rows)], workers=workers)
        found.append(rows.rows)
    assert found[0] == found[1]
    for item in videos:
        starts = sorted(start for name, _, start, *_ in found[0] if name == item.id)
        assert starts == list(range(max(0, item.frames - SPEC.span + 1)))[: len(starts)]
        assert len(starts) == min(16, max(0, item.frames - SPEC.span + 1))


def test_a_fault_in_a_thread_is_raised(videos: list[Video], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(verified, "choose_clips", broken)
    with pytest.raises(ZeroDivisionError):
        made(videos, workers=2)


def test_worker_processes_give_the_same_bytes(videos: list[Video]) -> None:
    assert made(videos, workers=2, contained=True) == made(videos, workers=1)


def test_a_crash_is_one_videos_failure(videos: list[Video]) -> None:
    rows = made(videos, workers=2, contained=True, function="tests.unit.media.faulty:crashing_clips")
    assert rows.failures == [(videos[1].id, videos[1].path, "crashed")]
    assert rows.rows == made(videos[:1] + videos[2:], workers=1).rows


def test_a_writer_that_fails_ends_the_processes(videos: list[Video]) -> None:
    class Full(Rows):
        def append(self, *_: object) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        make_clips(videos, [Part(SPEC, 0, 1, Full())], workers=1, contained=True)


def replaced(folder: Path, kind: str) -> tuple[Video, Callable[[], object]]:
    """A video, and what puts another into its place, of the same form and length."""
    if kind == "frames":
        found = video(frame_folder(folder / "v", frames(20)), kind)
        return found, lambda: frame_folder(folder / "v", frames(20, seed=1))
    if kind == "array":
        found = video(array_file(folder / "v.npy", [frames(20)]), kind, 0)
        return found, lambda: array_file(folder / "v.npy", [frames(20, seed=1)])
    return video(encode(folder / "v.mp4", frames(20))), lambda: encode(folder / "v.mp4", frames(20, seed=1))


@pytest.mark.parametrize("kind", ["file", "frames", "array"])
def test_a_video_replaced_since_it_was_probed(tmp_path: Path, kind: str) -> None:
    item, replace = replaced(tmp_path, kind)
    assert len(made([item], workers=1).rows) == 3
    replace()
    with pytest.raises(VidgaugeError, match=rf"^{re.escape(item.path)}: .* Run the same command again") as caught:
        made([item], workers=1)
    assert not isinstance(caught.value, BadVideo)


@pytest.mark.parametrize("kind", ["file", "frames", "array"])
@pytest.mark.parametrize("damaged", [False, True])
def test_a_video_replaced_while_it_is_decoded(
    tmp_path: Path, kind: str, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, replace = replaced(tmp_path, kind)
    plain = verified.read_clips

    def meddling(*args: object) -> object:
        yield from plain(*args)  # type: ignore[arg-type]
        replace()
        if damaged:
            raise BadVideo("damaged", "which comes of the change")

    monkeypatch.setattr(verified, "read_clips", meddling)
    with pytest.raises(VidgaugeError, match="no longer the video that was probed"):
        made([item], workers=1)


OTHERS = [
    SPEC,
    ClipSpec(frames=1, size="native", start="each", clips_per_video=4),
    ClipSpec(frames=6, stride=3, size=(16, 20), start="center"),  # its frames are resized as those of SPEC are
    ClipSpec(frames=2, size=(9, 12), fps=4.0, matrix="bt709", start="first"),
]


class Kept(Rows):
    """Rows of any shape."""

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None:
        self.rows.append((video_id, draw, start, index, frames.tobytes()))


def each_alone(videos: list[Video], specs: list[ClipSpec]) -> list[Kept]:
    kept = [Kept() for _ in specs]
    for spec, rows in zip(specs, kept, strict=True):
        make_clips(videos, [Part(spec, 3, 3, rows)])
    return kept


@pytest.mark.parametrize("contained", [False, True])
def test_several_specs_of_one_decode_are_those_of_each_alone(videos: list[Video], contained: bool) -> None:
    together = [Kept() for _ in OTHERS]
    parts = [Part(spec, 3, 3, rows) for spec, rows in zip(OTHERS, together, strict=True)]
    make_clips(videos, parts, workers=2, contained=contained)
    assert together == each_alone(videos, OTHERS)
    assert len({len(rows.rows) for rows in together}) > 2  # short videos and those without times suit some of them


def test_each_video_is_decoded_once_for_all_specs(videos: list[Video], monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = []
    plain = verified.scan_probed
    monkeypatch.setattr(verified, "scan_probed", lambda item: [scanned.append(item.id), plain(item)][1])
    make_clips(videos, [Part(spec, 3, 3, Kept()) for spec in OTHERS], workers=2)
    assert sorted(scanned) == sorted(item.id for item in videos)


def test_damage_fails_the_specs_that_need_the_damaged_frames(videos: list[Video], tmp_path: Path) -> None:
    """What would be made of a video alone is made of it together with other specs, and no more."""
    whole = encode(tmp_path / "bad.mp4", frames(30, noise=30), container={"movflags": "+faststart"})
    spoil(whole, whole, start=0.5, share=0.45)
    first = ClipSpec(frames=2, size=(16, 20), start="first")
    specs = [ClipSpec(frames=30, size=(8, 8), start="first"), first, *OTHERS[1:]]
    found = [videos[0], video(whole)]
    together = [Kept() for _ in specs]
    make_clips(found, [Part(spec, 3, 3, rows) for spec, rows in zip(specs, together, strict=True)])
    assert together == each_alone(found, specs)
    assert [len(rows.failures) for rows in together][:2] == [1, 0]
    assert any(row[0] == "bad.mp4" for row in together[1].rows)


def test_a_crash_of_one_decode_is_tried_again_for_each_spec(videos: list[Video]) -> None:
    function = "tests.unit.media.faulty:crashing_clips"
    together = [Kept(), Kept()]
    parts = [Part(spec, 3, 1, rows) for spec, rows in zip(OTHERS[2:], together, strict=True)]
    make_clips(videos, parts, workers=2, contained=True, function=function)  # alone, each gives one clip: no crash
    assert not any(rows.failures for rows in together)
    assert all([row[0] for row in rows.rows].count("video_001.mp4") == 1 for rows in together)
