"""Frames against the references' own outputs: decoding, resizing, and which frames are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.media.helpers import video
from vidgauge.errors import BadVideo
from vidgauge.media import resize
from vidgauge.media.decode import choose_clips, read_clips, read_frames, scan_probed
from vidgauge.media.sampling import clip_indices, spec_problem
from vidgauge.specs import ClipSpec

DRAWS = range(1000)


def clips_beside(golden_file: Path) -> dict[str, np.ndarray]:
    """The clips that all pre_* files rest on: (t, h, w, 3) by letter."""
    path = golden_file.with_name("pre_clips.npz")
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as clips:
        return {key[0]: clips[key] for key in clips.files if key.endswith("__video_uint8_thwc")}


def named(golden: Any, part: str, end: str) -> dict[str, np.ndarray]:
    """Arrays by their full name."""
    return {key: golden[key] for key in golden.files if part in key and key.endswith(end)}


def starts_of(spec: ClipSpec, length: int) -> set[int]:
    """Every start that a video of this length is ever given."""
    return {indices[0] for indices in clip_indices(spec, length, seed=0, video_id="a", draws=DRAWS).values()}


@pytest.mark.golden("pre_datajuicer.npz")
def test_opencv(golden_file: Path) -> None:
    clips = clips_beside(golden_file)
    with np.load(golden_file) as golden:
        whole = {key: array.transpose(1, 2, 3, 0) for key, array in named(golden, "__datajuicer_", "_cthw").items()}
        first = {key: array.transpose(1, 2, 0)[None] for key, array in named(golden, "__datajuicer_", "_chw").items()}
    assert whole
    assert first
    for key, want in {**whole, **first}.items():
        clip = clips[key[0]][: len(want)]
        assert np.array_equal(resize(clip, want.shape[1:3], antialias=False, backend="cv2"), want), key


@pytest.mark.golden("pre_datajuicer.npz")
def test_from_a_lossless_file(golden_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.avi"
    with np.load(golden_file) as golden:
        path.write_bytes(golden["b__avi_ffv1_bytes"].tobytes())
        wanted = {key: array.transpose(1, 2, 3, 0) for key, array in named(golden, "b__datajuicer_", "_cthw").items()}
    item, clip = video(path), clips_beside(golden_file)["b"]
    assert np.array_equal(read_frames(item, range(item.frames)), clip)
    for key, want in wanted.items():
        spec = ClipSpec(frames=len(want), size=want.shape[1:3], antialias=False, backend="cv2")
        scan = scan_probed(item)
        ((*_, got),) = read_clips(item, [choose_clips(item, spec, scan, seed=0, draws=[0])], scan)
        assert np.array_equal(got, want), key


@pytest.mark.golden("pre_quantise.npz")
def test_whole_levels_survive_the_round_trips_that_are_left_out_here(golden_file: Path) -> None:
    """The references go to floats and back to bytes; we keep bytes, and truncation of whole levels is none."""
    levels = np.arange(256, dtype=np.uint8)
    with np.load(golden_file) as golden:
        trips = [key for key in golden.files if golden[key].shape == (256,)]
        assert all(np.array_equal(golden[key], levels) for key in trips)
    assert len(trips) == 4
    tall = np.repeat(np.repeat(levels.reshape(1, 256, 1, 1), 3, axis=3), 2, axis=2)  # (1, 256, 2, 3)
    assert np.array_equal(resize(tall, (256, 5), backend="torch", rounding="truncate")[:, :, :2], tall)


@pytest.mark.golden("pre_cdfvd.npz")
def test_shorter_side_crop_and_truncation(golden_file: Path) -> None:
    clips = clips_beside(golden_file)
    with np.load(golden_file) as golden:
        wanted = named(golden, "_preprocess", "__byte_thwc")
    assert wanted
    for key, want in wanted.items():
        clip, size = clips[key[0]][: len(want)], want.shape[1]
        got = resize(clip, size, backend="torch", crop="center", rounding="truncate")
        off = np.abs(got.astype(int) - want)
        assert off.max() <= 1, key
        doubled = (2 * clip.shape[1], 2 * clip.shape[2]) == (size, size)  # many whole levels before the truncation
        assert (off > 0).mean() <= (0.03 if doubled else 1e-3), key


@pytest.mark.golden("pre_cdfvd.npz")
@pytest.mark.parametrize("backend", ["torch", "swscale"])
def test_rounding_to_nearest_is_the_same_or_one_more(golden_file: Path, backend: Any) -> None:
    clips = clips_beside(golden_file)
    with np.load(golden_file) as golden:
        wanted = named(golden, "_preprocess", "__byte_thwc")
    for key, array in wanted.items():
        want = array.astype(int)
        clip = clips[key[0]][: len(want)]
        more = resize(clip, want.shape[1], crop="center", backend=backend) - want
        slack = 0 if backend == "torch" else 1  # fixed-point arithmetic
        assert -slack <= more.min() <= more.max() <= 1 + slack, key
        if clip.shape[1:3] != want.shape[1:3]:
            assert 0.4 < more.mean() < 0.75, key


@pytest.mark.golden("pre_cdfvd.npz")
def test_every_nth_frame_of_a_clip(golden_file: Path) -> None:
    """sequence_length=10, sample_every_n_frames=3 is 4 frames with stride 3 from the first."""
    clips = clips_beside(golden_file)
    with np.load(golden_file) as golden:
        for letter, clip in clips.items():
            name = f"{letter}__cdfvd_preprocess64_len10_every3__float"
            c, t, h, w = golden[f"{name}__shape"]
            spec = ClipSpec(frames=int(t), stride=3, start="first")
            frames = clip[clip_indices(spec, 10, seed=0, video_id="a", draws=[0])[0]]
            got = resize(frames, int(h), backend="torch", crop="center")  # nearest: at most half a level off
            values = got.transpose(3, 0, 1, 2).reshape(-1)[golden[f"{name}__idx"]]
            assert got.shape == (t, h, w, c)
            assert np.abs(values - 255 * golden[f"{name}__val"].astype(float)).max() < 0.5 + 255e-5


@pytest.mark.golden("pre_cdfvd.npz")
def test_folders_of_images(golden_file: Path) -> None:
    clip = clips_beside(golden_file)["a"]
    with np.load(golden_file) as golden:
        ((key, array),) = named(golden, "_framefolder", "_cthw").items()
        assert golden["a__cdfvd_framefolder_exact_length_num_videos"] == 0
    want = array.transpose(1, 2, 3, 0)
    length, size = len(want), want.shape[1]
    spec = ClipSpec(
        frames=length, min_frames=length + 1, size=size, resize="lanczos", backend="pil", crop="center_first"
    )
    assert spec_problem(spec, length, None, None) is not None  # exactly as many frames as a clip: left out there
    possible = [clip[start : start + length] for start in sorted(starts_of(spec, len(clip)))]
    small = [resize(frames, size, spec.resize, backend=spec.backend, crop=spec.crop) for frames in possible]
    assert sum(np.array_equal(got, want) for got in small) == 1, key


@pytest.mark.golden("pre_styleganv.npz")
def test_pillow_lanczos(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        ((_, want),) = named(golden, "styleganv_convert_videos_to_frames_", "__thwc").items()
    clip = clips_beside(golden_file)["a"][: len(want)]
    assert np.array_equal(resize(clip, want.shape[1], filter="lanczos", backend="pil", crop="center"), want)


@pytest.mark.golden("pre_styleganv.npz")
def test_frames_of_folders_of_frames(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        lengths = golden["styleganv_video_lengths"].tolist()
        for stride, key in ((1, "consecutive_offset0"), (2, "subsample2_offset0")):
            wanted = golden[f"styleganv_{key}__frame_indices"]
            spec = ClipSpec(frames=wanted.shape[1], stride=stride, start="first")
            for length, want in zip(lengths, wanted.tolist(), strict=True):
                assert clip_indices(spec, length, seed=0, video_id="a", draws=[0])[0] == want
        drawn = golden["styleganv_subsample2_random__frame_indices"]  # (passes * videos, frames)
    frames = drawn.shape[1]
    spec = ClipSpec(frames=frames, stride=2, min_frames=2 * frames)
    for at, length in enumerate(lengths):
        theirs = drawn[at :: len(lengths)]
        ours = clip_indices(spec, length, seed=0, video_id="a", draws=DRAWS)
        assert {tuple(row) for row in theirs.tolist()} <= {tuple(row) for row in ours.values()}
        assert starts_of(spec, length) == set(range(length - spec.span + 1))
    assert set(drawn[:, 0].tolist()) == starts_of(spec, max(lengths))
    with pytest.raises(BadVideo, match="too-short"):  # though the span, one frame less, would fit
        clip_indices(spec, 2 * frames - 1, seed=0, video_id="a", draws=[0])


@pytest.mark.golden("pre_sampling_datajuicer.npz")
def test_starts_of_clips(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        total = int(golden["total_frames"])
        for row, (_, frames, *_) in enumerate(golden["seed_seqlen_minspacing_maxspacing"].tolist()):
            starts, spacings = golden[f"row{row}__start"], golden[f"row{row}__spacing"]
            for spacing in np.unique(spacings).tolist():
                spec = ClipSpec(frames=frames, stride=spacing)
                assert starts_of(spec, total) == set(range(total - spec.span + 1))
                assert set(starts[spacings == spacing].tolist()) <= starts_of(spec, total)
        assert golden["too_long_raises"] == 1
    with pytest.raises(BadVideo, match="too-short"):
        clip_indices(ClipSpec(frames=total + 1), total, seed=0, video_id="a", draws=[0])


@pytest.mark.golden("pre_sampling_datajuicer.npz")
def test_every_frame_of_every_video(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        items = [tuple(item) for item in golden["perimage_start_and_count"].tolist()]  # (frame, frames of its video)
        assert len(items) == golden["perimage_len"]
    lengths = [count for frame, count in items if frame == 0]
    spec = ClipSpec(frames=1, start="each", clips_per_video="all")
    ours = [
        (indices[0], length)
        for number, length in enumerate(lengths)
        for indices in clip_indices(spec, length, seed=0, video_id=f"{number}", draws=range(1 << 10)).values()
    ]
    assert sorted(ours) == sorted(items)


@pytest.mark.golden("pre_image_resize.npz")
def test_bytes_of_single_frames(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        for letter, clip in clips_beside(golden_file).items():
            for name, keys in {
                "PIL_bicubic_quant": {"filter": "bicubic", "backend": "pil"},
                "OpenCV_bilinear_float": {"antialias": False, "backend": "cv2"},
            }.items():
                want = golden[f"{letter}__cleanfid_{name}_h48w64_hwc"]
                assert np.array_equal(resize(clip[:1], (48, 64), **keys)[0], want), (letter, name)  # type: ignore[arg-type]
