"""How near frames are to those of their reference: PSNR and SSIM, frame by frame, in float64 whatever comes in.

The mean over frames of PSNR is not the PSNR of the mean squared error over frames; here each frame has its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PEAK = 255.0
WINDOW, DEVIATION = 11, 1.5  # of SSIM's Gaussian window: its side, and its standard deviation, in pixels
LUMINANCE, CONTRAST = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2  # SSIM's two constants, K1 and K2 of the paper
CAP, TINY = 100.0, 1e-10  # dB, and the mean squared error of values 0..1 below which `psnr_capped` gives it


def psnr(frames: Any, reference: Any) -> np.ndarray:
    """Two (n, h, w, 3) uint8 -> (n,) float64 peak signal to noise ratio in dB; higher is better, inf where identical.

    10 log10(255^2 / mse), the mean squared error over all pixels and channels of a frame. Raises ValueError with the
    shapes seen and wanted.

    >>> black = np.zeros((1, 2, 2, 3), np.uint8)
    >>> psnr(black, black + 255).item(), psnr(black, black).item()
    (0.0, inf)
    """
    with np.errstate(divide="ignore"):
        found: np.ndarray = 10 * np.log10(PEAK**2 / _squared_error(*_as_frames(frames, reference)))
    return found


def psnr_capped(frames: Any, reference: Any) -> np.ndarray:
    """`psnr`, but 100 dB where values 0..1 have a mean squared error below 1e-10, as common_metrics counts it.

    >>> psnr_capped(np.zeros((1, 2, 2, 3), np.uint8), np.zeros((1, 2, 2, 3), np.uint8)).item()
    100.0
    """
    found = psnr(frames, reference)
    return np.where(found > -10 * np.log10(TINY), CAP, found)


def ssim(frames: Any, reference: Any) -> np.ndarray:
    """Two (n, h, w, 3) uint8 -> (n,) float64 structural similarity, -1..1; higher is better, 1 where identical.

    Mean over channels and over the places where a Gaussian window (11 pixels, deviation 1.5) fits into the frame;
    variances are those of a population. NaN where a side is below 11 pixels. Source: Wang et al. (2004), "Image quality
    assessment: from error visibility to structural similarity"; the numbers are those of common_metrics, and of
    libraries that pad where what was padded is cut off. Raises ValueError with the shapes seen and wanted.

    >>> ssim(np.full((1, 11, 11, 3), 9, np.uint8), np.full((1, 11, 11, 3), 9, np.uint8)).item()
    1.0
    """
    first, second = _as_frames(frames, reference)
    if min(first.shape[1:3]) < WINDOW:
        return np.full(len(first), np.nan)
    return np.array([_ssim(*pair) for pair in zip(first, second, strict=True)])


def _ssim(frame: np.ndarray, reference: np.ndarray) -> float:
    """One frame at a time, whose planes stay in the processor's cache."""
    x, y = (np.moveaxis(image, -1, 0).astype(np.float64) for image in (frame, reference))  # (3, h, w)
    mean_x, mean_y, squares, products = (_windowed(plane) for plane in (x, y, x * x + y * y, x * y))
    both, means = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    likeness = (2 * both + LUMINANCE) * (2 * (products - both) + CONTRAST)
    return float(np.mean(likeness / ((means + LUMINANCE) * (squares - means + CONTRAST))))


def _windowed(planes: np.ndarray) -> np.ndarray:
    """(3, h, w) -> (3, h - 10, w - 10): weighted means over the windows that lie within."""
    from scipy.ndimage import correlate1d

    offsets = np.arange(WINDOW) - WINDOW // 2
    kernel = np.exp(-(offsets**2) / (2 * DEVIATION**2))
    kernel /= kernel.sum()
    inner = slice(WINDOW // 2, -(WINDOW // 2))
    rows = correlate1d(planes, kernel, axis=1)[:, inner]
    found: np.ndarray = correlate1d(rows, kernel, axis=2)[:, :, inner]
    return found


def _squared_error(frames: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(n,) float64 means of squared differences. The sums are of whole numbers, and exact."""
    apart = (np.maximum(*pair) - np.minimum(*pair) for pair in zip(frames, reference, strict=True))
    return np.array([np.sum(one.astype(np.uint32) ** 2, dtype=np.int64) / one.size for one in apart])


def _as_frames(frames: Any, reference: Any) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(frames), np.asarray(reference)
    if first.shape != second.shape or first.ndim != 4 or first.shape[-1] != 3 or 0 in first.shape[1:]:
        raise ValueError(f"expected frames and reference (n, h, w, 3) of one shape, got {first.shape}, {second.shape}")
    if first.dtype != np.uint8 or second.dtype != np.uint8:
        raise ValueError(f"expected frames and reference of uint8, got {first.dtype} and {second.dtype}")
    return first, second
