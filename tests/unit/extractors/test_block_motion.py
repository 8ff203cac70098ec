"""Block motion: what moves how is counted where it belongs, exactly, and nothing else matters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.extractors import load, spec
from vidgauge.extractors.block_motion import BLOCK, GRID, OUTSIDE, WIDTH, _pairs, histogram, luma, velocities

HALF = WIDTH // 2
RIGHT, DOWN, LEFT, UP = 0, 2, 4, 6  # directions
NETWORK: Callable[[np.ndarray], dict[str, np.ndarray]] = load("block_motion")


def motion(clip: np.ndarray) -> np.ndarray:
    """(t, h, w, 3) -> (82,)."""
    return NETWORK(clip[None])["motion"][0]


def texture(size: int = 400, seed: int = 0) -> np.ndarray:
    """(size, size, 3) uint8, 40 to 215, smooth over a few pixels and nowhere the same."""
    x = np.random.default_rng(seed).standard_normal((size, size, 3))
    for axis in (0, 1):
        x = sum(np.roll(x, shift, axis) for shift in range(-3, 4))
    return (40 + 175 * (x - x.min()) / np.ptp(x)).astype(np.uint8)


TEXTURE = texture()


def moving(*steps: tuple[int, int], size: int = GRID) -> np.ndarray:
    """(t, size, size, 3) uint8: the texture behind a window moves by (dy, dx) pixels from each frame to the next."""
    places = np.cumsum([(0, 0), *steps], axis=0)
    return np.stack([TEXTURE[100 - dy : 100 - dy + size, 100 - dx : 100 - dx + size] for dy, dx in places])


def velocity_bin(direction: int, speed: int) -> int:
    return 1 + 5 * direction + speed


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ((0, 1), velocity_bin(RIGHT, 0)),
        ((0, 5), velocity_bin(RIGHT, 2)),
        ((2, 0), velocity_bin(DOWN, 1)),
        ((0, -7), velocity_bin(LEFT, 3)),
        ((-12, 0), velocity_bin(UP, 4)),
        ((3, 3), velocity_bin(1, 2)),
        ((-4, 4), velocity_bin(7, 2)),
    ],
)
def test_a_moving_texture_is_counted_in_its_bin(step: tuple[int, int], place: int) -> None:
    """All blocks but those whose content leaves the frame; and as it moves evenly, nothing is accelerated."""
    clip = moving(*[step] * 4)
    found = velocities(luma(clip))
    assert found.shape == (4, 12, 12, 2)
    assert (found[:, 1:-1, 1:-1] == step).all()
    row = motion(clip)
    assert row[:HALF].argmax() == place
    assert row[place] >= 100 / 144
    assert row[HALF] >= 100 / 144


def test_acceleration_is_the_change_of_velocity() -> None:
    row = motion(moving((0, 4), (4, 4), (4, 0)))
    assert row[HALF:].argmax() in (velocity_bin(DOWN, 2), velocity_bin(LEFT, 2))
    assert row[HALF + velocity_bin(DOWN, 2)] == pytest.approx(0.5, abs=0.15)
    assert row[HALF + velocity_bin(LEFT, 2)] == pytest.approx(0.5, abs=0.15)


@settings(max_examples=20)
@given(shape=st.tuples(st.integers(3, 4), *[st.integers(1, 70)] * 2), noise=st.booleans(), seed=st.integers(0, 99))
def test_still_clips_are_exactly_still(shape: tuple[int, int, int], noise: bool, seed: int) -> None:
    """Whatever they show and of any shape; and a little noise is no motion."""
    t, h, w = shape
    random = np.random.default_rng(seed)
    clip = np.broadcast_to(random.integers(10, 246, (h, w, 3), np.uint8), (t, h, w, 3))
    if noise:
        clip = TEXTURE[:GRID, :GRID] + random.integers(0, 4, (t, GRID, GRID, 3), np.uint8)
    assert np.flatnonzero(motion(clip)).tolist() == [0, HALF]


def test_time_reversed_goes_the_other_way() -> None:
    forward = moving(*[(2, 5)] * 4)
    there, back = (velocities(luma(clip))[:, 1:-1, 1:-1] for clip in (forward, forward[::-1]))
    np.testing.assert_array_equal(back[::-1], -there)
    first, second = motion(forward), motion(forward[::-1])
    assert np.abs(first - second).max() > 0.5


def test_mirrored_and_turned_clips_move_so() -> None:
    clip = moving(*[(0, 6)] * 3)
    assert motion(clip[:, :, ::-1])[:HALF].argmax() == velocity_bin(LEFT, 3)
    assert motion(clip.swapaxes(1, 2))[:HALF].argmax() == velocity_bin(DOWN, 3)


def test_shuffled_frames_are_other_motion() -> None:
    clip = moving(*[(0, 2)] * 7)
    order = np.random.default_rng(0).permutation(8)
    assert np.abs(motion(clip) - motion(clip[order])).max() > 0.3


def test_brightness_does_not_matter() -> None:
    clip = moving(*[(1, -3)] * 3, size=150)
    np.testing.assert_array_equal(motion(clip + np.uint8(40)), motion(clip))
    np.testing.assert_array_equal(motion(clip - np.uint8(40)), motion(clip))


def test_motion_is_measured_in_the_size_of_the_frame() -> None:
    """Twice as large and twice as fast is the same."""
    clip = moving(*[(0, 4)] * 3)
    np.testing.assert_array_equal(motion(clip.repeat(2, axis=1).repeat(2, axis=2)), motion(clip))


@settings(max_examples=15)
@given(shape=st.tuples(st.integers(3, 5), *[st.integers(1, 90)] * 2), seed=st.integers(0, 99))
def test_rows_are_shares_and_depend_on_the_clip_only(shape: tuple[int, int, int], seed: int) -> None:
    clips = np.random.default_rng(seed).integers(0, 256, (3, *shape, 3), np.uint8)
    rows = NETWORK(clips)["motion"]
    assert (rows.shape, rows.dtype) == ((3, WIDTH), np.float32)
    assert (rows >= 0).all()
    np.testing.assert_allclose(rows[:, :HALF].sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(rows[:, HALF:].sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(NETWORK(clips[::-1])["motion"][::-1], rows)
    np.testing.assert_array_equal(motion(np.asfortranarray(clips[1])), rows[1])


@pytest.mark.parametrize(
    ("size", "cells"),
    [((192, 192), (192, 192)), ((90, 120), (144, 192)), ((1, 500), (16, 192)), ((300, 70), (192, 44))],
)
def test_luma_keeps_the_proportions_and_the_mean(size: tuple[int, int], cells: tuple[int, int]) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (2, *size, 3), np.uint8)
    found = luma(clip)
    assert found.shape == (2, *cells)
    np.testing.assert_array_equal(found, np.rint(found))
    expected = 16 * (clip @ np.array([0.299, 0.587, 0.114])).mean((1, 2))
    np.testing.assert_allclose(found.mean((1, 2)), expected, atol=1)  # cut to whole numbers: half a step less


def test_luma_is_torchs_area_average() -> None:
    """Where cells are whole pixels; black and white stay so."""
    import torch

    clip = np.random.default_rng(0).integers(0, 256, (1, 576, 384, 3), np.uint8)
    grey = torch.from_numpy(clip @ np.array([0.299, 0.587, 0.114]))
    expected = 16 * torch.nn.functional.avg_pool2d(grey, 3)[0].numpy()
    np.testing.assert_allclose(luma(clip)[0], expected - 0.5, atol=0.51)
    assert luma(np.full((1, 50, 70, 3), 255, np.uint8)).min() == 255 * 16 == luma(np.full_like(clip, 255)).max()


def test_no_match_reaches_over_the_edge() -> None:
    """Black turns to white: nothing matches, and what lies outside costs more than the worst match within."""
    frames = np.zeros((3, 40, 40), np.float32)
    frames[1:] = 255 * 16
    assert not velocities(frames).any()
    assert OUTSIDE - _pairs(frames).max() > BLOCK**2 * 255 * 16


def test_speeds_and_directions_are_cut_where_documented() -> None:
    """The middle of the eight directions, and the edges 1.5, 3, 6 and 12."""
    for direction, (dy, dx) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]):
        assert histogram(np.array([[dy, dx]]))[velocity_bin(direction, 0)] == 1
    for dx, speed in ((1, 0), (2, 1), (3, 2), (5, 2), (6, 3), (11, 3), (12, 4), (40, 4)):
        assert histogram(np.array([[0, dx]]))[velocity_bin(RIGHT, speed)] == 1


def test_two_frames_are_too_few() -> None:
    with pytest.raises(ValueError, match=r"t frames, at least 3, got \(1, 2, 8, 8, 3\)"):
        NETWORK(np.zeros((1, 2, 8, 8, 3), np.uint8))
    assert spec("block_motion").arrays["motion"].min_frames == 3
    assert NETWORK(np.zeros((0, 3, 8, 8, 3), np.uint8))["motion"].shape == (0, WIDTH)


def test_results_say_that_they_are_our_own() -> None:
    assert "FVMD" in (spec("block_motion").note or "")
