"""Damages: none at amount 0, more of the same at a larger one, the same again for the same seed and video."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.make_videos import frames
from vidgauge.selftest.damages import DAMAGES, MODES, PARTS, SHUFFLE, SPEED, damaged, faster, kept, modes

CLIP = frames(16, 40, 56, seed=3)
OF_CLIPS = {damage.name: damage for damage in DAMAGES if damage.apply}
PICTURES, ORDERS = ("noise", "blur", "JPEG"), ("shuffle", "freeze")


def spoilt(name, amount, clip=CLIP, seed=1, video="a.mp4"):
    return damaged(OF_CLIPS[name], clip, amount, seed=seed, video=video)


def error(name, amount):
    return float(((spoilt(name, amount).astype(float) - CLIP) ** 2).mean())


def places(clip):
    """Which frame of CLIP each one is."""
    return [int(np.flatnonzero((frame == CLIP).all((1, 2, 3)))[0]) for frame in clip]


def test_all_are_known():
    assert {*OF_CLIPS} == {*PICTURES, *ORDERS}
    assert {damage.name for damage in DAMAGES} - {*OF_CLIPS} == {SPEED.name, MODES.name}
    for damage in DAMAGES:
        assert 4 <= len(damage.amounts) <= 5
        assert list(damage.amounts) == sorted(damage.amounts)
        assert min(damage.amounts) > 0
        labels = [damage.label(amount) for amount in damage.amounts]
        assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", OF_CLIPS)
def test_amount_0_does_nothing_and_others_keep_shape_type_and_the_original(name):
    before = CLIP.copy()
    assert (spoilt(name, 0.0) == CLIP).all()
    for amount in OF_CLIPS[name].amounts:
        found = spoilt(name, amount)
        assert (found.shape, found.dtype) == (CLIP.shape, np.uint8)
        assert (found != CLIP).any()
    assert (before == CLIP).all()


@pytest.mark.parametrize("name", OF_CLIPS)
def test_more_is_worse(name):
    errors = [error(name, amount) for amount in OF_CLIPS[name].amounts]
    assert errors == sorted(errors)
    assert errors[-1] > errors[0] > 0


@pytest.mark.parametrize("name", ["noise", "shuffle"])
def test_the_draw_follows_from_seed_and_video(name):
    amount = OF_CLIPS[name].amounts[-1]
    assert (spoilt(name, amount) == spoilt(name, amount)).all()
    assert (spoilt(name, amount) != spoilt(name, amount, video="b.mp4")).any()
    assert (spoilt(name, amount) != spoilt(name, amount, seed=2)).any()


@pytest.mark.parametrize(("amount", "moved"), [(0.125, 2), (0.25, 4), (0.5, 8), (1.0, 16), (0.01, 2)])
def test_shuffle_moves_a_share_of_the_frames_and_loses_none(amount, moved):
    order = places(spoilt("shuffle", amount))
    assert sorted(order) == list(range(16))
    assert sum(at != place for at, place in enumerate(order)) == moved


@pytest.mark.parametrize(("amount", "still"), [(0.25, 5), (0.5, 9), (1.0, 16)])
def test_freeze_repeats_the_first_frame_and_goes_on_after_it(amount, still):
    assert places(spoilt("freeze", amount)) == [0] * still + list(range(still, 16))


@pytest.mark.parametrize("amount", [4, 32])
def test_noise_has_the_strength_that_it_names(amount):
    grey = np.full((8, 64, 64, 3), 128, np.uint8)
    found = spoilt("noise", amount, grey).astype(float) - grey
    assert found.std() == pytest.approx(amount, rel=0.05)
    assert (found[0] != found[1]).mean() > 0.5  # new in every frame


def test_those_that_need_other_frames_or_videos_are_no_damage_of_a_clip():
    with pytest.raises(ValueError, match="speed is no damage of a clip"):
        damaged(SPEED, CLIP, 1.0, seed=0, video="a.mp4")


@given(st.integers(1, 32), st.integers(1, 4), st.sampled_from(SPEED.amounts))
def test_faster_frames_lie_in_order_and_as_far_apart_as_the_speed_says(count, stride, amount):
    found = faster(count, stride, amount)
    assert found[0] == 0
    assert len(set(found)) == count
    assert found == sorted(found)
    assert found[-1] == int((count - 1) * stride * (1 + amount))


@given(st.integers(1, 40))
def test_modes_hold_every_row_once_and_are_of_one_size(rows):
    found = modes(np.random.default_rng(rows).normal(size=(rows, 3)))
    assert sorted(row for part in found for row in part) == list(range(rows))
    sizes = [len(part) for part in found]
    assert len(found) == PARTS
    assert max(sizes) - min(sizes) <= 1


def test_modes_are_regions_and_the_first_half_of_them_is_one_side():
    x = np.random.default_rng(0).normal(size=(64, 5)) + np.arange(64)[:, None] % 2 * [40.0, 0, 0, 0, 0]
    ids = [tuple(f"{row:02d}" for row in part) for part in modes(x)]
    left = {int(video) % 2 for video in kept(ids, 0.5)}
    assert len(left) == 1
    assert kept(ids, 0.0) == tuple(f"{row:02d}" for row in range(64))
    assert [len(kept(ids, amount)) for amount in MODES.amounts] == [56, 48, 40, 32]
    assert {*kept(ids, 0.5)} < {*kept(ids, 0.375)} < {*kept(ids, 0.25)}


def test_a_shuffle_of_one_frame_is_left_out_elsewhere():
    assert SHUFFLE.temporal
    assert not OF_CLIPS["noise"].temporal
