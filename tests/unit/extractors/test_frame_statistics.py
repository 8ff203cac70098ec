"""Statistics of frames: VBench's formulas to the digit, and broken videos found by name among real ones."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.make_videos import encode
from tests.make_videos import frames as scene
from vidgauge.extractors import load, spec
from vidgauge.media.decode import iter_frames
from vidgauge.metrics.frame_statistics import (
    banding,
    broken,
    flicker,
    frame_statistics,
    luma,
    motion_smoothness,
    sharpness,
    temporal_flickering,
)
from vidgauge.specs import Video

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
SPEC = spec("frame_statistics")
NETWORK: Callable[[np.ndarray], dict[str, np.ndarray]] = load("frame_statistics")
NAMES = [column.name for column in SPEC.arrays["scores"].columns]
OF_PAIRS = ["temporal_flickering", "static_share", "duplicate_frames", "flicker_brightness"]
SHAPES = st.tuples(*[st.integers(1, n) for n in (5, 20, 20)])


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def sky(count: int = 8, side: int = 96) -> np.ndarray:
    """(count, side, side, 3) uint8: a gradient of all levels that drifts, with a little grain."""
    y, x = np.mgrid[:side, :side]
    grain = np.random.default_rng(0).integers(0, 2, (count, side, side, 3))
    clips = [40 + (x + y + 2 * i)[..., None] * np.array([0.9, 0.7, 0.5]) for i in range(count)]
    return (np.stack(clips) + grain).astype(np.uint8)


@pytest.mark.golden("formula_frames.npz")
def test_golden(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        clips = [golden[f"{name}__frames_uint8"] for name in golden["clips"]]
        found = [temporal_flickering(clip) for clip in clips]
        np.testing.assert_allclose(found, golden["temporal_flickering_per_video"], rtol=1e-6)
        np.testing.assert_allclose(found, golden["exact_flickering_per_video"], rtol=1e-6)
        assert np.mean(found) == pytest.approx(float(golden["temporal_flickering"]), rel=1e-6)
        for clip, expected in zip(clips, found, strict=True):
            assert NETWORK(clip[None])["scores"][0, NAMES.index("temporal_flickering")] == np.float32(expected)
        cases = [name.removesuffix("__predicted_uint8") for name in golden.files if name.endswith("__predicted_uint8")]
        assert cases
        for case in cases:
            value = motion_smoothness(golden[f"{case}__frames_uint8"], golden[f"{case}__predicted_uint8"])
            assert value == pytest.approx(float(golden[f"{case}__exact_motion_smoothness"]), rel=1e-9)


@settings(max_examples=30)
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_rows_depend_on_the_clip_only(shape: tuple[int, int, int], seed: int) -> None:
    """Bit for bit: in any place, among others, and however it lies in memory; values are as their scales say."""
    clips = noise(3, *shape, seed=seed)
    clips[1] = clips[1, :1]
    rows = NETWORK(clips)["scores"]
    assert (rows.shape, rows.dtype) == ((3, len(NAMES)), np.float32)
    np.testing.assert_array_equal(NETWORK(clips[::-1])["scores"][::-1], rows)
    np.testing.assert_array_equal(NETWORK(np.asfortranarray(clips[2:]))["scores"], rows[2:])
    shares = np.delete(rows, NAMES.index("sharpness"), axis=1)
    assert ((shares >= 0) & (shares <= 1) | np.isnan(shares)).all()


def test_threads_and_batches_do_not_matter() -> None:
    clips = np.stack([scene(6, 48, 64, seed=seed) for seed in range(4)])
    whole = NETWORK(clips)["scores"]
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda clip: NETWORK(clip[None])["scores"], clips))
    np.testing.assert_array_equal(np.concatenate(alone), whole)
    assert NETWORK(clips[:0])["scores"].shape == (0, len(NAMES))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_needs_more_frames_is_undefined(count: int) -> None:
    found = frame_statistics(noise(count, 8, 8))
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {1: {*OF_PAIRS, "motion_smoothness_midpoint"}, 2: {"motion_smoothness_midpoint"}, 3: set()}[count]
    undefined = {column.name: column.undefined for column in SPEC.arrays["scores"].columns}
    assert all(undefined[name] == "one frame has no successor" for name in OF_PAIRS)
    assert np.isnan(frame_statistics(noise(3, 2, 8))["sharpness"])
    assert list(found) == NAMES


def test_luma_and_brightness() -> None:
    assert luma(np.full((1, 1, 3), 255, np.uint8)).item() == 16 * 255
    frames = noise(2, 30, 40)
    expected = (frames @ [0.299, 0.587, 0.114]).mean() / 255
    assert frame_statistics(frames)["brightness"] == pytest.approx(expected, abs=1e-3)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    plane = noise(40, 50).astype(float) @ [77 / 256, 150 / 256, 29 / 256]
    edges = 4 * plane[1:-1, 1:-1] - plane[:-2, 1:-1] - plane[2:, 1:-1] - plane[1:-1, :-2] - plane[1:-1, 2:]
    assert sharpness(luma(noise(40, 50))) == pytest.approx(edges.var(), rel=1e-3)
    checks = np.indices((20, 20)).sum(0) % 2 * 255
    assert sharpness(luma(np.repeat(checks[..., None], 3, 2).astype(np.uint8))) == (4 * 255) ** 2


@given(value=st.integers(0, 255), ramp=st.integers(0, 5))
def test_flat_frames_and_ramps_are_not_sharp(value: int, ramp: int) -> None:
    frame = (np.full((9, 9, 3), value // 2) + ramp * np.arange(9)[:, None, None]).astype(np.uint8)
    assert sharpness(luma(frame)) == 0


def test_blur_lowers_sharpness() -> None:
    frames = scene(3, 60, 80)
    blurred = frames[:, 1:] // 2 + frames[:, :-1] // 2
    assert frame_statistics(blurred)["sharpness"] < 0.9 * frame_statistics(frames)["sharpness"]


def test_even_change_is_smooth() -> None:
    """Where each frame is the mean of its neighbours; noise of the same size is not, nor does the last frame count."""
    steps = 10 * np.arange(8, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 6, 6, 3), np.uint8)
    assert frame_statistics(steps)["motion_smoothness_midpoint"] == 1
    assert frame_statistics(steps[[0, 2, 1, 3, 5, 4, 6, 7]])["motion_smoothness_midpoint"] < 1
    torn = steps.copy()
    torn[7] = 0
    assert frame_statistics(torn)["motion_smoothness_midpoint"] == 1


def test_repeated_frames() -> None:
    a, b, c = noise(3, 8, 8)
    found = frame_statistics(np.stack([a, b, a, c, c]))
    assert (found["duplicate_frames"], found["static_share"]) == (0.5, 0.25)
    other = c.copy()
    other[0, 0] ^= 1  # nearly the same is still, and no repetition
    found = frame_statistics(np.stack([a, b, c, c, other]))
    assert (found["duplicate_frames"], found["static_share"]) == (0.25, 0.5)
    mirrored = frame_statistics(np.stack([a, a[::-1]]))  # of one luma
    assert mirrored["duplicate_frames"] == 0


def test_flicker_is_what_leads_nowhere() -> None:
    assert flicker(np.linspace(0, 1, 9)) == pytest.approx(0, abs=1e-12)
    assert flicker(np.array([0.2, 0.2, 0.9, 0.9])) == pytest.approx(0, abs=1e-12)  # a cut
    assert flicker(np.array([0.2, 0.6] * 4)) == pytest.approx(0.4 * 6 / 7)
    assert flicker(np.array([0.5, 0.6, 0.6, 0.5])) == pytest.approx(0.2 / 3)


def test_black_frames_are_counted() -> None:
    frames = sky(4)
    frames[1:3] = 20
    frames[2, 0, :] = 255  # 1 % of the pixels
    assert frame_statistics(frames)["black_share"] == 0.5
    frames[2, :3, :] = 255
    assert frame_statistics(frames)["black_share"] == 0.25


def test_few_levels_are_bands() -> None:
    clip = sky()
    assert banding(clip) < 0.1
    for step, least in ((8, 0.3), (16, 0.5), (32, 0.5)):
        assert banding(clip // step * step) > least
    assert banding(np.full_like(clip, 9)) == 0  # one level leaves none out
    assert banding(noise(4, 40, 40)) == 0  # and where nothing is smooth there are none
    flat = clip // 16 * 16  # a picture of flat colours has gaps in some channels: the one with the fewest counts
    flat[..., 2] = clip[..., 2]
    assert banding(flat) < 0.1


BREAKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "black": np.zeros_like,
    "frozen": lambda clip: np.repeat(clip[:1], len(clip), axis=0),
    "flickering": lambda clip: np.stack([frame // (1 + 2 * (i % 2)) for i, frame in enumerate(clip)]),
    "banded": lambda clip: clip // 32 * 32,
}


@pytest.mark.parametrize("how", BREAKS)
def test_broken_clips_are_named(how: str) -> None:
    assert broken(frame_statistics(sky())) == []
    assert how in broken(frame_statistics(BREAKS[how](sky())))


def test_thresholds() -> None:
    whole = frame_statistics(sky())
    assert broken({**whole, "black_share": 0.5}) == []
    assert broken({**whole, "black_share": 0.51, "static_share": 0.76, "banding": 0.41}) == [
        "black",
        "frozen",
        "banded",
    ]
    assert broken({**whole, "flicker_brightness": 0.031}) == ["flickering"]
    assert broken({**whole, "temporal_flickering": 0.79}) == ["flickering"]
    assert broken(frame_statistics(noise(4, 40, 40))) == ["flickering"]
    assert broken(dict.fromkeys(whole)) == []
    assert broken(frame_statistics(np.zeros((1, 9, 9, 3), np.uint8))) == ["black"]


def read(path: Path, wanted: range) -> np.ndarray:
    """(t, h, w, 3) uint8: those frames of a video."""
    video = Video(path.name, str(path), "file", None, "", 0, 0, None, None, 0, 0, "", "")
    return np.stack([frame for _, frame in iter_frames(video, wanted)])


def real_clips() -> Iterator[tuple[str, np.ndarray]]:
    """The first 16 frames of each real video, at most 768 pixels wide, and every eighth of those of cameras."""
    for path in sorted(DATA.glob("*/*.mp4")):
        for step in (1, 8) if path.parent.name == "camera" else (1,):
            clip = read(path, range(0, 16 * step, step))
            thin = -(-clip.shape[2] // 768)
            yield f"{path.parent.name}/{path.name} {step}", clip[:, ::thin, ::thin]


@pytest.fixture(scope="module")
def real() -> dict[str, np.ndarray]:
    found = dict(real_clips())
    if not found:
        pytest.skip(f"no videos in {DATA}")
    return found


@pytest.fixture(scope="module")
def whole(real: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """The statistics of the real clips."""
    return {name: frame_statistics(clip) for name, clip in real.items()}


def test_real_videos_are_not_broken(whole: dict[str, dict[str, float]]) -> None:
    assert {name: broken(found) for name, found in whole.items()} == {name: [] for name in whole}


WORST = {"black": "black_share", "frozen": "static_share", "flickering": "flicker_brightness", "banded": "banding"}
CODED = {"black": "*", "frozen": "*", "flickering": "*", "banded": "cogvideox/cogvideox_[07]*"}


@pytest.mark.parametrize("how", BREAKS)
def test_broken_copies_are_the_worst(
    how: str, real: dict[str, np.ndarray], whole: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    """Of real videos, written as files and read again: each is named, and ranks below every real one."""
    worst = max(found[WORST[how]] for found in whole.values())
    chosen = fnmatch.filter(real, CODED[how])
    for name in chosen[:: -(-len(chosen) // 3)]:
        clip = BREAKS[how](real[name][:8])
        clip = clip[:, : clip.shape[1] // 2 * 2, : clip.shape[2] // 2 * 2]
        found = frame_statistics(read(encode(tmp_path / "broken.mp4", clip), range(8)))
        assert how in broken(found), name
        assert found[WORST[how]] > worst, name


def test_most_real_videos_of_few_levels_are_banded(
    real: dict[str, np.ndarray], whole: dict[str, dict[str, float]]
) -> None:
    found = [broken({**whole[name], "banding": banding(clip // 32 * 32)}) for name, clip in real.items()]
    assert found.count(["banded"]) > 0.7 * len(real)


@pytest.mark.parametrize(
    "wrong", [noise(2, 2, 4, 4), noise(2, 4, 4)[..., :1], noise(2, 4, 4).astype(float), noise(0, 4, 4)]
)
def test_what_is_no_clip_is_refused(wrong: np.ndarray) -> None:
    for measure in (frame_statistics, temporal_flickering, banding):
        with pytest.raises(ValueError, match=r"expected frames \(t, h, w, 3\) uint8 with t, h and w >= 1, got \("):
            measure(wrong)


@pytest.mark.parametrize("wrong", [noise(2, 4, 4), noise(2, 2, 4, 4).astype(float), noise(2, 0, 4, 4)])
def test_what_are_no_clips_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .* got \("):
        NETWORK(wrong)


@pytest.mark.parametrize("predicted", [noise(2, 4, 4), noise(1, 4, 5), noise(1, 4, 4).astype(float)])
def test_predictions_must_fit(predicted: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(t - 1\) // 2 >= 1 predicted ones of uint8, got \(4, 4, 4, 3\) and"):
        motion_smoothness(noise(4, 4, 4), predicted)


def test_neither_torch_nor_weights_are_needed() -> None:
    code = (
        "import sys, numpy as np, vidgauge.extractors as e\n"
        "e.load('frame_statistics', device='auto')(np.zeros((1, 3, 9, 9, 3), np.uint8))\n"
        "sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not SPEC.uses_gpu
    assert not SPEC.weights
    assert "vidgauge's own" in (SPEC.arrays["scores"].columns[1].note or "")
