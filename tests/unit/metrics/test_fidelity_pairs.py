"""PSNR and SSIM of frames against the references' numbers, and the laws that hold for any pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics.fidelity_pairs import psnr, psnr_capped, ssim

SIZES = st.tuples(st.integers(11, 24), st.integers(11, 24))


def frames(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


@pytest.mark.golden("pairs.npz")
def test_golden(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        a, b = golden["a_uint8"], golden["b_uint8"]
        ours, theirs = (side.reshape(-1, *side.shape[2:]) for side in (a, b))
        found = psnr(ours, theirs).reshape(a.shape[:2])
        capped, likeness = (measure(ours, theirs).reshape(a.shape[:2]) for measure in (psnr_capped, ssim))
        exact = golden["exact_psnr__video_frame"]
        different = golden["exact_mse_uint8"] > 0
        assert not different.all()
        np.testing.assert_allclose(found[different], exact[different], rtol=1e-12)
        assert np.isinf(found[~different]).all()
        np.testing.assert_allclose(capped, golden["cmq_psnr__video_frame"], rtol=1e-6)
        np.testing.assert_allclose(likeness, golden["cmq_ssim__video_frame"], rtol=0, atol=1e-6)
        np.testing.assert_allclose(likeness, golden["torchmetrics_ssim__cropped_video_frame"], rtol=0, atol=1e-4)
        np.testing.assert_allclose(capped.mean(0), golden["cmq_psnr__per_frame_mean"], rtol=1e-6)
        np.testing.assert_allclose(likeness.mean(), golden["cmq_ssim__all_mean"], rtol=0, atol=1e-6)


@settings(max_examples=20)
@given(size=SIZES, seed=st.integers(0, 999))
def test_pairs_are_symmetric_and_frames_independent(size: tuple[int, int], seed: int) -> None:
    a, b = frames((3, *size), seed), frames((3, *size), seed + 1)
    b[1] = a[1]
    for measure, same in ((psnr, np.inf), (psnr_capped, 100), (ssim, 1)):
        found = measure(a, b)
        assert found.dtype == np.float64
        assert found[1] == same
        assert (found[[0, 2]] < same).all()
        np.testing.assert_array_equal(measure(b, a), found)
        np.testing.assert_array_equal(measure(a[::-1], b[::-1])[::-1], found)
        np.testing.assert_array_equal(measure(a[2:], b[2:]), found[2:])
        np.testing.assert_allclose(measure(a[:, ::-1], b[:, ::-1]), found, rtol=1e-12)
        np.testing.assert_allclose(measure(a[..., ::-1], b[..., ::-1]), found, rtol=1e-12)  # channels
        np.testing.assert_allclose(measure(a.swapaxes(1, 2), b.swapaxes(1, 2)), found, rtol=1e-12)


@given(seed=st.integers(0, 999), shift=st.integers(1, 100))
def test_a_constant_shift_is_its_own_error(seed: int, shift: int) -> None:
    dark = frames((2, 12, 13), seed) // 2
    np.testing.assert_allclose(psnr(dark, dark + np.uint8(shift)), 20 * np.log10(255 / shift), rtol=1e-12)


def test_more_noise_is_further_away() -> None:
    clean = np.broadcast_to(np.linspace(60, 190, 40).astype(np.uint8)[None, :, None, None], (1, 40, 40, 3))
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    noisy = [(clean + scale * noise).astype(np.uint8) for scale in (2, 8, 20)]
    for measure in (psnr, ssim):
        found = [measure(clean, one).item() for one in noisy]
        assert found == sorted(found, reverse=True)


def test_ssim_by_hand() -> None:
    """One window only: the weighted means, variances and covariance of the paper, written out."""
    a, b = frames((1, 11, 11), 0), frames((1, 11, 11), 1)
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(line, line)[..., None] / line.sum() ** 2
    x, y = a[0] / 255, b[0] / 255
    mean_x, mean_y = (weights * x).sum((0, 1)), (weights * y).sum((0, 1))
    var_x, var_y = (weights * (x - mean_x) ** 2).sum((0, 1)), (weights * (y - mean_y) ** 2).sum((0, 1))
    both = (weights * (x - mean_x) * (y - mean_y)).sum((0, 1))
    one = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    two = (2 * both + 0.03**2) / (var_x + var_y + 0.03**2)
    np.testing.assert_allclose(ssim(a, b), (one * two).mean(), rtol=1e-12)


def test_frames_smaller_than_the_window_have_no_ssim() -> None:
    assert np.isnan(ssim(frames((2, 10, 40), 0), frames((2, 10, 40), 1))).all()
    assert np.isfinite(ssim(frames((1, 11, 11), 0), frames((1, 11, 11), 1))).all()


def test_the_cap_is_where_common_metrics_has_it() -> None:
    """One grey level in one place: of small frames it counts, of large ones it is less than 1e-10."""
    for side, capped in ((100, False), (300, True)):
        clean = np.zeros((1, side, side, 3), np.uint8)
        other = clean.copy()
        other[0, 0, 0, 0] = 1
        assert psnr(clean, other)[0] == pytest.approx(10 * np.log10(255**2 * clean.size))
        assert (psnr_capped(clean, other)[0] == 100) == capped


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (
            np.zeros((1, 4, 4, 3), np.uint8),
            np.zeros((1, 4, 5, 3), np.uint8),
            r"of one shape, got \(1, 4, 4, 3\), \(1, 4",
        ),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint8), r"of one shape, got \(4, 4, 3\)"),
        (np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3), np.uint8), "of uint8, got float64 and uint8"),
    ],
)
def test_what_are_no_pairs_is_refused(one: np.ndarray, other: np.ndarray, said: str) -> None:
    for measure in (psnr, psnr_capped, ssim):
        with pytest.raises(ValueError, match=said):
            measure(one, other)
