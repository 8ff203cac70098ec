"""What the candidates do to clean frames, (t, h, w, 3) uint8 to the same. The self-test uses it as well."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray
SHIFTS = 64  # ways to shift a video's noise, along each axis, from frame to frame
Degradation = Callable[[Array, np.random.Generator], Array]


def clean(frames: Array, rng: np.random.Generator) -> Array:  # noqa: ARG001 - all of them are called alike
    """Nothing: the reference."""
    return frames


def blur_and_noise(frames: Array, rng: np.random.Generator, *, sigma: float, noise: float) -> Array:
    """Gaussian blur of `sigma` pixels (0: none), then Gaussian noise of `noise` grey levels, new in every frame."""
    height, width = frames.shape[1:3]
    grain = rng.standard_normal((3, height + SHIFTS, width + SHIFTS), dtype=np.float32) * np.float32(noise)
    windows = [grain[:, y : y + height, x : x + width] for y, x in rng.integers(0, SHIFTS, (len(frames), 2))]
    return np.stack([_blur_and_noise(frame, sigma, window) for frame, window in zip(frames, windows, strict=True)])


def _blur_and_noise(frame: Array, sigma: float, grain: Array) -> Array:
    picture = np.ascontiguousarray(frame.transpose(2, 0, 1), np.float32)
    if sigma:
        picture = _blur(_blur(picture, sigma, 1), sigma, 2)
    picture += grain
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8).transpose(1, 2, 0)


def _blur(picture: Array, sigma: float, axis: int) -> Array:
    """A Gaussian of radius 2.5 sigma along one axis of (3, h, w); beyond the edge, the edge's pixel repeats."""
    radius, size = math.ceil(2.5 * sigma), picture.shape[axis]
    taps = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    taps = (taps / (2 * taps.sum() - taps[0])).astype(np.float32)
    wide = np.pad(picture, [(radius, radius) if a == axis else (0, 0) for a in range(3)], mode="edge")

    def moved(by: int) -> Array:
        return wide[:, radius + by : radius + by + size] if axis == 1 else wide[..., radius + by : radius + by + size]

    total = picture * taps[0]
    for by, tap in enumerate(taps[1:], 1):
        total += (moved(by) + moved(-by)) * tap
    return total


def mild(frames: Array, rng: np.random.Generator) -> Array:
    """Just visible blur and noise."""
    return blur_and_noise(frames, rng, sigma=0.7, noise=3.5)


def strong(frames: Array, rng: np.random.Generator) -> Array:
    """Blur and noise that nobody misses."""
    return blur_and_noise(frames, rng, sigma=2.5, noise=20.0)


def scramble(frames: Array, rng: np.random.Generator) -> Array:
    """The same frames in a random order: each looks right, and none moves right."""
    return frames[rng.permutation(len(frames))]


DEGRADATIONS: dict[str, Degradation] = {"real": clean, "mild": mild, "strong": strong, "scrambled": scramble}
