"""PSNR and SSIM as an extractor: a row for each frame, NaN where a score is undefined, no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidgauge.extractors import load, spec

SPEC = spec("psnr_ssim")
NETWORK: Any = load("psnr_ssim")  # called with partners as well
NAMES = [column.name for column in SPEC.arrays["scores"].columns]


def clips(seed: int, b: int = 2, t: int = 3, h: int = 16, w: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (b, t, h, w, 3), np.uint8)


@pytest.mark.golden("pairs.npz")
def test_golden(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        scores = NETWORK(golden["a_uint8"], golden["b_uint8"])["scores"]
        found = dict(zip(NAMES, scores.T, strict=True))
        identical = golden["exact_mse_uint8"].ravel() == 0
        np.testing.assert_array_equal(np.isnan(found["psnr"]), identical)
        expected = np.where(identical, np.nan, golden["exact_psnr__video_frame"].ravel())
        np.testing.assert_allclose(found["psnr"], expected, rtol=1e-6)
        np.testing.assert_allclose(found["psnr_cmq"], golden["cmq_psnr__video_frame"].ravel(), rtol=1e-6)
        np.testing.assert_allclose(found["ssim"], golden["cmq_ssim__video_frame"].ravel(), atol=1e-6)


def test_a_row_is_a_frame_and_depends_on_its_pair_only() -> None:
    a, b = clips(0), clips(1)
    found = NETWORK(a, b)["scores"]
    assert (found.shape, found.dtype) == ((6, 3), np.float32)
    np.testing.assert_array_equal(NETWORK(a[1:], b[1:])["scores"], found[3:])
    np.testing.assert_array_equal(
        NETWORK(a[:, ::-1], b[:, ::-1])["scores"].reshape(2, 3, 3)[:, ::-1].reshape(6, 3), found
    )
    assert NETWORK(a[:0], b[:0])["scores"].shape == (0, 3)


def test_identical_frames() -> None:
    """The ratio is infinite, which is no number to average: none, and 100 where that is the convention."""
    found = NETWORK(clips(0), clips(0))["scores"]
    assert np.isnan(found[:, 0]).all()
    assert (found[:, 1:] == [100, 1]).all()
    assert SPEC.arrays["scores"].columns[0].undefined.startswith("identical frames")


def test_small_frames_have_no_ssim() -> None:
    found = NETWORK(clips(0, h=10), clips(1, h=10))["scores"]
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(found[:, :2]).all()


@pytest.mark.parametrize(
    ("partners", "said"),
    [
        (clips(0, t=2), r"partners of the clips' own shape \(2, 3, 16, 20, 3\), got \(2, 2, 16, 20, 3\)"),
        (clips(0).astype(np.float32), r"expected clips \(b, t, h, w, 3\) uint8"),
    ],
)
def test_unequal_pairs_are_refused(partners: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NETWORK(clips(0), partners)


def test_the_spec_says_how_it_is_called() -> None:
    assert SPEC.pair
    assert not SPEC.uses_gpu
    assert not SPEC.weights
    assert [column.better for column in SPEC.arrays["scores"].columns] == ["higher"] * 3


def test_no_torch_is_needed() -> None:
    code = (
        "import sys, numpy as np, vidgauge.extractors as e\n"
        "a = np.zeros((1, 2, 12, 12, 3), np.uint8); e.load('psnr_ssim')(a, a + 1)\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
