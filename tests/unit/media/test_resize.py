"""Resizing: the contract of every backend, and the references' own outputs."""

from __future__ import annotations

import builtins
import subprocess
import sys
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation, VideoReformatter
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make_videos import frames
from vidgauge.errors import VidgaugeError
from vidgauge.media import resize
from vidgauge.media.resize import Resizer, plan
from vidgauge.specs import ClipSpec

CLIP = frames(2, 90, 120, noise=20)
FILTERS = ("bilinear", "bicubic", "area", "lanczos")
ALL = [(b, f, a) for b in ("swscale", "cv2", "pil", "torch") for f in FILTERS for a in (True, False)]


def allowed(backend: str, name: str, antialias: bool) -> bool:
    try:
        ClipSpec.model_validate({"backend": backend, "resize": name, "antialias": antialias})
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("backend", "name", "antialias"), ALL)
def test_what_the_spec_allows_works_and_nothing_else(backend: Any, name: Any, antialias: bool) -> None:
    options = {"filter": name, "antialias": antialias, "backend": backend}
    if not allowed(backend, name, antialias):
        with pytest.raises(ValueError, match="use "):
            resize(CLIP, (48, 64), **options)
        return
    before = CLIP.copy()
    for size in ((45, 60), (31, 17), (180, 240), (1, 1)):
        out = resize(CLIP, size, **options)
        assert (out.shape, out.dtype) == ((2, *size, 3), np.uint8)
        assert np.array_equal(out, resize(CLIP, size, **options))
        assert np.array_equal(out[1:], resize(CLIP[1:], size, **options))  # frame by frame
    assert np.array_equal(CLIP, before)
    assert resize(CLIP, (90, 120), **options) is CLIP
    for value in (0, 77, 255):
        assert (resize(np.full((1, 50, 70, 3), value, np.uint8), (33, 90), **options) == value).all()
    planes = np.zeros((1, 40, 40, 3), np.uint8)
    planes[..., 1] = 200  # channels stay apart: no way through YUV
    assert np.array_equal(resize(planes, (20, 30), **options)[0, 0, 0], [0, 200, 0])


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "area"])
@pytest.mark.parametrize("size", [(45, 60), (64, 64), (180, 200)])
def test_antialiasing_backends_agree(name: Any, size: tuple[int, int]) -> None:
    if name == "area" and size != (45, 60):
        pytest.skip("what area means between whole factors differs by library")
    outs = [resize(CLIP, size, name, backend=b).astype(int) for b in ("swscale", "pil", "torch")]  # type: ignore[arg-type]
    assert np.abs(outs[0] - outs[2]).max() <= 6
    assert np.abs(outs[0] - outs[2]).mean() < 0.5
    if size != (180, 200):  # enlarging, Pillow's bicubic has another constant
        assert np.abs(outs[1] - outs[2]).max() <= (2 if name != "bicubic" else 12)


def swscaled(frame: np.ndarray, height: int, width: int, name: str) -> np.ndarray:
    """One (H, W, 3) frame by libswscale, with everything set up anew, and padded with zeros."""
    planar = av.VideoFrame(frame.shape[1], frame.shape[0], "yuv444p")
    for channel, plane in enumerate(planar.planes):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = frame[..., channel]
        plane.update(rows.tobytes())
    flags = Interpolation[name.upper()] | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    scaled = VideoReformatter().reformat(
        planar, width, height, src_color_range=2, dst_color_range=2, interpolation=flags, threads=1
    )
    return scaled.to_ndarray(channel_last=True)


SIDES = st.tuples(st.integers(1, 70), st.integers(1, 70))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILTERS), SIDES, st.lists(SIDES, min_size=1, max_size=4), st.integers(0, 99))
def test_what_is_kept_from_frame_to_frame_changes_no_byte(
    name: Any, size: tuple[int, int], shapes: list[tuple[int, int]], seed: int
) -> None:
    rng, resizer = np.random.default_rng(seed), Resizer(size, name)
    for shape in [*shapes, shapes[0]]:
        frame = rng.integers(0, 256, (*shape, 3), np.uint8)
        turned = frame[::-1, ::-1]  # not contiguous, as frames that are turned
        want = frame if shape == size else swscaled(frame, *size, name)
        assert np.array_equal(resizer(frame[None])[0], want)
        assert np.array_equal(resizer(turned[None]), resize(np.ascontiguousarray(turned)[None], size, name))


@pytest.mark.parametrize(("backend", "antialias"), [("cv2", False), ("pil", True), ("torch", True)])
def test_a_resizer_is_for_frames_of_any_size(backend: Any, antialias: bool) -> None:
    resizer = Resizer(40, antialias=antialias, backend=backend, crop="center")
    for clip in (CLIP, CLIP[:, :50], CLIP[:, :, :41], CLIP):
        assert np.array_equal(resizer(clip), resize(clip, 40, antialias=antialias, backend=backend, crop="center"))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 512), st.integers(1, 512))
def test_plans(height: int, width: int, h: int, w: int) -> None:
    assert plan(height, width, (h, w), "none") == ((h, w), (h, w))
    cover, out = plan(height, width, (h, w), "center")
    assert out == (h, w)
    assert cover[0] >= h
    assert cover[1] >= w
    assert h in cover or w in cover
    fit, out = plan(height, width, (h, w), "pad")
    assert out == (h, w)
    assert 1 <= fit[0] <= h
    assert 1 <= fit[1] <= w
    side, out = plan(height, width, h, "none")
    assert side == out
    assert min(side) == h
    assert plan(height, width, h, "center") == (side, (h, h))


def test_crops() -> None:
    wide = np.zeros((1, 10, 30, 3), np.uint8)
    wide[:, :, 10:20] = 255
    assert (resize(wide, 10, crop="center") == 255).all()
    assert (resize(wide, (10, 10), crop="center") == 255).all()
    padded = resize(np.full((1, 10, 30, 3), 200, np.uint8), (30, 30), crop="pad")
    assert (padded[0, 10:20] == 200).all()
    assert (padded[0, :10] == 0).all()
    assert (padded[0, 20:] == 0).all()
    assert resize(wide, 5, crop="none").shape == (1, 5, 15, 3)
    tall = wide.swapaxes(1, 2)
    assert np.array_equal(
        resize(tall, (7, 20), crop="center")[0], resize(wide, (20, 7), crop="center")[0].swapaxes(0, 1)
    )


@pytest.mark.parametrize(
    "options",
    [
        {"size": (0, 4)},
        {"size": (4, 4, 4)},
        {"filter": "cubic"},
        {"backend": "PIL"},
        {"crop": "middle"},
        {"rounding": "up"},
    ],
)
def test_wrong_arguments(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        resize(CLIP, **options)


@pytest.mark.parametrize("wrong", [CLIP[0], CLIP.astype(np.float32), CLIP[..., :1]])
def test_wrong_frames(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        resize(wrong)


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def absent(name: str, *args: Any, **keywords: Any) -> Any:
        if name == "cv2":
            raise ImportError(name)
        return plain(name, *args, **keywords)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(VidgaugeError, match=r"pip install vidgauge\[cv2\]"):
        resize(CLIP, (48, 64), antialias=False, backend="cv2")


def test_media_imports_without_torch_and_opencv() -> None:
    code = (
        "import sys, vidgauge.media, vidgauge.media.clips, vidgauge.media.probe;"
        "assert not {'torch', 'cv2', 'snakemake'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_longer_side_between_two_lengths() -> None:
    """Of 320 x 240 the shorter side to 256: 341 1/3."""
    assert plan(240, 320, 256, "center") == ((256, 342), (256, 256))
    assert plan(240, 320, 256, "center", "pil") == ((256, 341), (256, 256))
    assert plan(320, 240, (256, 200), "center", "pil") == ((266, 200), (256, 200))
    ramp = np.repeat(np.arange(8, dtype=np.uint8)[None, :, None], 3, axis=2)[None].repeat(3, axis=1)  # (1, 3, 8, 3)
    assert resize(ramp, (3, 3), crop="center", backend="swscale")[0, 0, :, 0].tolist() == [2, 3, 4]
    assert resize(ramp, (3, 3), crop="center", backend="pil")[0, 0, :, 0].tolist() == [2, 3, 4]  # 2.5 is nearest to 2
    assert resize(ramp[:, :, :6], (3, 3), crop="center", backend="pil")[0, 0, :, 0].tolist() == [2, 3, 4]  # and 1.5


@pytest.mark.parametrize("backend", ["swscale", "cv2", "pil", "torch"])
def test_crop_first_then_scale(backend: Any) -> None:
    options = {"backend": backend, "antialias": backend != "cv2"}
    square = CLIP[:, :, 15:105]
    assert np.array_equal(resize(CLIP, 48, crop="center_first", **options), resize(square, (48, 48), **options))
    band = CLIP[:, 15:75]  # 2 : 1
    assert np.array_equal(resize(CLIP, (30, 60), crop="center_first", **options), resize(band, (30, 60), **options))
    assert np.array_equal(resize(CLIP, 90, crop="center_first", **options), square)
    odd = CLIP[:, :, :119]  # one column more on the right
    assert np.array_equal(resize(odd, 90, crop="center_first", **options), odd[:, :, 14:104])


@settings(max_examples=100)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12))
def test_crop_first_gives_every_size(height: int, width: int, h: int, w: int) -> None:
    clip = np.full((1, height, width, 3), 9, np.uint8)
    out = resize(clip, (h, w), crop="center_first", backend="pil")
    assert out.shape == (1, h, w, 3)
    assert (out == 9).all()


def test_rounding() -> None:
    near, down = (resize(CLIP, (45, 77), backend="torch", rounding=rounding) for rounding in ("nearest", "truncate"))
    less = near.astype(int) - down
    assert set(np.unique(less)) == {0, 1}
    assert 0.4 < less.mean() < 0.6
    flat = np.full((1, 7, 9, 3), 77, np.uint8)
    assert (resize(flat, (5, 31), backend="torch", rounding="truncate") == 77).all()  # whole levels stay
    doubled = resize(np.array([[[[0] * 3, [1] * 3]]], np.uint8), (1, 4), backend="torch", rounding="truncate")
    assert doubled[0, 0, :, 0].tolist() == [0, 0, 0, 1]
    for backend in ("swscale", "pil", "cv2"):
        with pytest.raises(ValueError, match="rounds by itself; use"):
            resize(CLIP, (45, 77), "area", backend=backend, rounding="truncate")  # type: ignore[arg-type]
