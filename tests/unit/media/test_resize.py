"""Resizing: the contract of every backend, and the references' own outputs."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make_videos import frames
from vidgauge.errors import VidgaugeError
from vidgauge.media import resize
from vidgauge.media.resize import plan
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
    [{"size": (0, 4)}, {"size": (4, 4, 4)}, {"filter": "cubic"}, {"backend": "PIL"}, {"crop": "middle"}],
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


@pytest.mark.golden("pre_datajuicer.npz")
def test_golden_opencv(golden_file: Path) -> None:
    clips = _clips(golden_file)
    with np.load(golden_file) as golden:
        keys = [key for key in golden.files if key.endswith("__uint8_cthw")]
        for key in keys:
            clip, shape = clips[key[0]], golden[key].shape
            out = resize(clip, shape[2:], antialias=False, backend="cv2")
            assert np.array_equal(out.transpose(3, 0, 1, 2), golden[key]), key
        assert keys


@pytest.mark.golden("pre_cdfvd.npz")
@pytest.mark.parametrize("backend", ["torch", "swscale", "pil"])
def test_golden_shorter_side_and_crop(golden_file: Path, backend: Any) -> None:
    """The reference truncates where we round, so ours is the same or one more."""
    clips = _clips(golden_file)
    with np.load(golden_file) as golden:
        for key in (key for key in golden.files if "_preprocess" in key and key.endswith("__byte_thwc")):
            want = golden[key].astype(int)
            clip = clips[key[0]][: len(want)]
            more = resize(clip, want.shape[1], crop="center", backend=backend) - want
            slack = 0 if backend == "torch" else 1  # fixed-point arithmetic
            assert -slack <= more.min() <= more.max() <= 1 + slack, key
            if (clip.shape[1], clip.shape[2]) != want.shape[1:3]:
                assert 0.4 < more.mean() < 0.75, key


@pytest.mark.golden("pre_styleganv.npz")
def test_golden_pillow_lanczos(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        name = next(key for key in golden.files if key.startswith("styleganv_convert_videos_to_frames_"))
        want = golden[name]
    clip = _clips(golden_file)["a"][: len(want)]
    assert np.array_equal(resize(clip, want.shape[1], filter="lanczos", backend="pil", crop="center"), want)


def _clips(golden_file: Path) -> dict[str, np.ndarray]:
    path = golden_file.with_name("pre_clips.npz")
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as clips:
        return {key[0]: clips[key] for key in clips.files if key.endswith("__video_uint8_thwc")}
