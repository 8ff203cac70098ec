"""The grid of colours against torch's pooling, and against the golden features of the reference pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.extractors import load


@settings(max_examples=30, deadline=None)
@given(shape=st.tuples(*[st.integers(1, n) for n in (3, 5, 13, 13)]), seed=st.integers(0, 99))
def test_bins_are_those_of_adaptive_pooling(shape: tuple[int, ...], seed: int) -> None:
    import torch
    from torch.nn.functional import adaptive_avg_pool2d, adaptive_avg_pool3d

    clips = np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)
    found = load("pixel_grid")(clips)
    x = torch.from_numpy(clips).double().div(255).permute(0, 4, 1, 2, 3)  # (b, 3, t, h, w) 0..1
    frames = x.transpose(1, 2).reshape(-1, 3, *shape[2:])
    np.testing.assert_allclose(found["frame"], adaptive_avg_pool2d(frames, (2, 4)).flatten(1), rtol=1e-6)
    np.testing.assert_allclose(found["clip"], adaptive_avg_pool3d(x, (2, 2, 2)).flatten(1), rtol=1e-6)
    assert found["frame"].dtype == found["clip"].dtype == np.float32


def test_rows_do_not_depend_on_their_neighbours() -> None:
    clips = np.random.default_rng(0).integers(0, 256, (4, 3, 9, 7, 3), np.uint8)
    whole = load("pixel_grid")(clips)
    one = load("pixel_grid")(clips[2:3])
    np.testing.assert_array_equal(one["clip"], whole["clip"][2:3])
    np.testing.assert_array_equal(one["frame"], whole["frame"][6:9])
    assert load("pixel_grid")(clips[:0])["frame"].shape == (0, 24)


@pytest.mark.golden("e2e_datajuicer.npz")
def test_golden_features(golden_file: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    with np.load(golden_file, allow_pickle=False) as golden:
        size = (int(golden["width"]), int(golden["height"]))
        for side in ("real", "fake"):
            videos = golden[f"{side}_videos_uint8_nthwc"]
            clips = np.stack([[cv2.resize(frame, size) for frame in video] for video in videos])
            found = load("pixel_grid")(clips)
            np.testing.assert_allclose(found["clip"], golden[f"{side}_video_features"], rtol=1e-5)
            np.testing.assert_allclose(found["frame"], golden[f"{side}_image_features"], rtol=1e-5)
