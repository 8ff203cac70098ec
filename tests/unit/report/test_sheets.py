"""Strips show the frames that the network saw; what cannot be read is said, and never stops a report."""

from __future__ import annotations

import dataclasses
import io
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.make_videos import array_file, encode, frame_folder
from tests.unit.media.helpers import video as measured
from vidgauge import layout
from vidgauge.draws import choose, permuted
from vidgauge.errors import BadVideo
from vidgauge.files import to_jsonl
from vidgauge.report.sheets import GAP, read_some, sheets, strip
from vidgauge.specs import ClipSpec, Video

FRAMES, STEP = 20, 12


def greys(height: int = 48, width: int = 64, offset: int = 0) -> np.ndarray:
    """A clip whose frame i is of the grey 8 + 12 i."""
    levels = 8 + STEP * np.arange(FRAMES, dtype=np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (FRAMES, height, width, 3)) + np.uint8(offset)


def spec(*, seed: int = 7, draws: int = 1, **keys: Any) -> dict[str, Any]:
    return layout.resolved(ClipSpec(**{"frames": 5, "start": "first", **keys}), seed=seed, draws=draws)


def image(data: bytes | str) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(data.split(",")[1]) if isinstance(data, str) else data))


def shown(data: bytes | str, width: int = 128) -> list[int]:
    """Which frames of `greys` a strip shows."""
    pixels = np.asarray(image(data).convert("RGB"))[..., 0].astype(float)
    parts = range(0, pixels.shape[1], width + GAP)
    return [round((pixels[10:-10, at + 10 : at + width - 10].mean() - 8) / STEP) for at in parts]


def as_file(folder: Path, **keys: Any) -> Video:
    return measured(encode(folder / "a.mp4", greys(), options={"crf": "4"}, **keys))


def as_frames(folder: Path) -> Video:
    return measured(frame_folder(folder / "a", greys()), "frames")


def as_array(folder: Path) -> Video:
    return measured(array_file(folder / "a.npy", [greys(offset=99), greys()]), "array", 1, "a.npy[1]")


@pytest.mark.parametrize("make", [as_file, as_frames, as_array])
def test_a_strip_shows_frames_of_the_clip(tmp_path: Path, make: Any) -> None:
    video = make(tmp_path)
    strip_of = strip(video, 5, spec(start="center", stride=2))  # 5, 7, 9, 11, 13
    assert image(strip_of).size == (4 * 128 + 3 * GAP, 96)
    assert shown(strip_of) == [5, 7, 11, 13]
    assert shown(strip(dataclasses.asdict(video), 5, spec(start="center", stride=2), frames=9)) == [5, 7, 9, 11, 13]
    assert image(strip_of).format == "WEBP"
    assert np.asarray(image(strip_of).convert("RGBA"))[:, 128 : 128 + GAP, 3].max() == 0, "the gap is clear"


def test_a_seeded_start_is_drawn_again(tmp_path: Path) -> None:
    video = as_file(tmp_path)
    start = choose(7, video.id, 1, 16)
    strip_of = strip(video, start, spec(start="random", clips_per_video="auto", draws=2))
    assert shown(strip_of) == [start, start + 1, start + 3, start + 4]
    other = next(at for at in range(16) if at not in (start, choose(7, video.id, 0, 16)))
    with pytest.raises(BadVideo, match=f"none of its clips begins at frame {other}"):
        strip(video, other, spec(start="random", draws=2))


def test_every_start_is_found(tmp_path: Path) -> None:
    every = spec(start="each", clips_per_video="all", draws=64)
    assert shown(strip(as_file(tmp_path), 11, every)) == [11, 12, 14, 15]
    first = permuted(7, "a.mp4", 1, 16)[0]
    assert shown(strip(as_file(tmp_path), first, spec(start="each", draws=1)))[0] == first


def test_frames_are_resampled_as_they_were(tmp_path: Path) -> None:
    video = as_file(tmp_path, fps=8)
    assert shown(strip(video, 0, spec(frames=4, fps=4.0))) == [0, 2, 4, 6]
    assert shown(strip(video, 0, spec(frames=32, short="loop")), 128) == [0, 10, 1, 11]  # 10, 21 - 20, 31 - 20


@pytest.mark.parametrize(("size", "wanted"), [((90, 160), (171, 96)), ((160, 90), (54, 96)), ((20, 400), (288, 14))])
def test_frames_keep_their_aspect_ratio(tmp_path: Path, size: tuple[int, int], wanted: tuple[int, int]) -> None:
    video = measured(frame_folder(tmp_path / "a", greys(*size)), "frames")
    assert image(strip(video, 0, spec(frames=1))).size == wanted


def entry(video: str, start: int, distance: float | None, nearest: str, nearest_start: int) -> dict[str, Any]:
    keys = ("video", "start", "distance", "nearest", "nearest_start")
    return dict(zip(keys, (video, start, distance, nearest, nearest_start), strict=True))


def manifest(path: Path, videos: list[Video]) -> Path:
    path.write_bytes(to_jsonl(dataclasses.asdict(video) for video in videos).encode("utf-8", "surrogateescape"))
    return path


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    """videos.jsonl of a reference with one video, and of a candidate with a video of each kind."""
    return {
        "real": manifest(tmp_path / "real.jsonl", [measured(encode(tmp_path / "r.mp4", greys()))]),
        "mine": manifest(tmp_path / "mine.jsonl", [as_file(tmp_path), as_frames(tmp_path), as_array(tmp_path)]),
    }


def found_map(worst: list[dict[str, Any]], best: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"reference": "real", "worst": {"mine": worst}, "best": {"mine": best or []}}


def test_sheets_show_clips_and_their_nearest(lists: dict[str, Path]) -> None:
    specs = {"real": spec(frames=1), "mine": spec(start="center", stride=2)}
    worst = [entry(name, 5, 1.83, "r.mp4", 0) for name in ("a.mp4", "a", "a.npy[1]")]
    sheet = sheets(found_map(worst, [worst[0] | {"distance": 0}]), lists, specs)["mine"]
    assert [len(sheet["worst"]), len(sheet["best"])] == [3, 1]
    for told in sheet["worst"]:
        assert shown(told["clip"]["image"]) == [5, 7, 11, 13]
        assert shown(told["reference"]["image"]) == [0]
        assert (told["clip"]["problem"], told["reference"]["problem"]) == (None, None)
        assert told["clip"]["image"].startswith("data:image/webp;base64,")
    assert sheet["worst"][0]["clip"]["alt"] == (
        "5 frames of a.mp4 from frame 5, 1.8 times as far from the reference as its videos are from one another"
    )
    assert sheet["worst"][0]["reference"]["alt"] == "frame 0 of r.mp4 of real, the nearest clip of the reference"
    assert sheet["best"][0]["clip"]["alt"].endswith(", with the features of a video of the reference")
    assert sheet["worst"][0].items() >= worst[0].items()


@pytest.mark.parametrize(
    ("distance", "text"), [(0.01, "less than 0.1 times"), (27.3, "27 times"), (None, "has no measure")]
)
def test_alt_texts_say_how_far(lists: dict[str, Path], distance: float | None, text: str) -> None:
    sheet = sheets(found_map([entry("a.mp4", 0, distance, "r.mp4", 0)]), lists, {})
    assert text in sheet["mine"]["worst"][0]["clip"]["alt"]


def test_each_clip_is_decoded_once(lists: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("vidgauge.report.sheets.strip", lambda video, start, _: seen.append((video.id, start)) or b"")
    same = [entry(name, 0, 1.0, "r.mp4", 0) for name in ("a.mp4", "a")]
    sheets(found_map(same, same), lists, {"real": spec(), "mine": spec()})
    assert sorted(seen) == [("a", 0), ("a.mp4", 0), ("r.mp4", 0)]


def spoilt(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:  # of the same size, and no video
        path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(("how", "why"), [("gone", "No such file"), ("cut", "its size changed"), ("zeros", "")])
def test_what_cannot_be_read_says_why(tmp_path: Path, lists: dict[str, Path], how: str, why: str) -> None:
    spoilt(tmp_path / "a.mp4", how)
    told = sheets(found_map([entry("a.mp4", 0, 1.0, "r.mp4", 0)]), lists, {"real": spec(), "mine": spec()})
    clip, reference = (told["mine"]["worst"][0][key] for key in ("clip", "reference"))
    assert clip["image"] is None
    assert clip["problem"].startswith("no picture: ")
    assert why in clip["problem"]
    assert reference["image"] is not None


def test_frames_and_arrays_that_are_gone_say_so(tmp_path: Path, lists: dict[str, Path]) -> None:
    (tmp_path / "a" / "frame_4.png").unlink()
    (tmp_path / "a.npy").unlink()
    worst = [entry(name, 0, 1.0, "r.mp4", 0) for name in ("a", "a.npy[1]")]
    told = sheets(found_map(worst), lists, {"real": spec(), "mine": spec(frames=20)})["mine"]["worst"]
    assert [entry["clip"]["problem"] for entry in told] == [
        "no picture: frame 19 is wanted, the folder has 19",
        "no picture: no such file",
    ]


def test_datasets_without_a_list_have_no_picture(lists: dict[str, Path]) -> None:
    del lists["real"]
    told = sheets(found_map([entry("gone.mp4", 0, 1.0, "r.mp4", 3)]), lists, {"mine": spec()})["mine"]["worst"][0]
    for key in ("clip", "reference"):
        assert (told[key]["image"], told[key]["problem"]) == (None, "no picture: where its video lies is not known")
    assert told["reference"]["alt"].startswith("r.mp4 from frame 3 of real")


def test_a_list_is_searched_by_whole_names(tmp_path: Path) -> None:
    base = measured(encode(tmp_path / "r.mp4", 2))
    names = ["a.mp4", "aa.mp4", "a.mp4.mp4", 'quo"te\\.mp4', "Küste.mp4", "bytes\udcff.mp4"]
    columns = {"text": '{"id": "a.mp4", "path"'}
    path = manifest(tmp_path / "v.jsonl", [dataclasses.replace(base, id=name, columns=columns) for name in names])
    for wanted in [{name} for name in names] + [set(names), set()]:
        found = read_some(path, wanted | {"missing.mp4"})
        assert {name: video.id for name, video in found.items()} == {name: name for name in wanted}
