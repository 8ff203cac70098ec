"""Periodic textures: a pattern of two colours with fine grain.

They are packed for fast lookup: (2 size, 2 size) uint32, each the four bytes red, green, blue, 0, so that the nearest
texel is at most a quarter of a pixel away.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
OVERSAMPLING = 2
Field = Callable[[np.random.Generator, int], Array]


def _smooth(x: Array) -> Array:
    """The cubic ramp from 0 to 1 that is flat at both ends."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _stretch(grid: Array, size: int) -> Array:
    """A periodic grid (cells, cells) drawn out smoothly to (size, size)."""
    cells = len(grid)
    at = np.arange(size, dtype=np.float32) * (cells / size)
    low = at.astype(np.int64)
    weight = _smooth(at - low)
    rows = grid[low] * (1 - weight[:, None]) + grid[(low + 1) % cells] * weight[:, None]
    return rows[:, low] * (1 - weight) + rows[:, (low + 1) % cells] * weight


def noise(rng: np.random.Generator, size: int, cells: int = 4, octaves: int = 4) -> Array:
    """Value noise of several octaves, each twice as fine and half as strong, in 0 .. 1."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        side = min(cells << octave, size)
        total += _stretch(rng.random((side, side), dtype=np.float32), size) * np.float32(0.5**octave)
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def _waves(size: int, across: int, down: int) -> Array:
    """A periodic ramp: how many wavelengths each pixel is away from the corner."""
    axis = np.arange(size, dtype=np.float32) / np.float32(size)
    return axis[None, :] * across + axis[:, None] * down


def _checker(rng: np.random.Generator, size: int) -> Array:
    count = int(rng.choice([4, 6, 8, 12]))
    across, down = (np.sin(2 * np.pi * _waves(size, *way)) for way in ((count, 0), (0, count)))
    return _smooth(across * down * 4 + 0.5)


def _stripes(rng: np.random.Generator, size: int) -> Array:
    across, down = (int(n) for n in rng.integers(3, 11, 2))
    bend = noise(rng, size, octaves=1) * rng.uniform(0.0, 1.0)
    wave = np.sin(2 * np.pi * (_waves(size, across, down * int(rng.choice([-1, 1]))) + bend))
    return _smooth(wave * 2 + 0.5).astype(np.float32)


def _clouds(rng: np.random.Generator, size: int) -> Array:
    return noise(rng, size, cells=int(rng.choice([3, 4, 6])), octaves=5)


def _gradient(rng: np.random.Generator, size: int) -> Array:
    wave = np.sin(2 * np.pi * (_waves(size, 1, int(rng.choice([-1, 0, 1]))) + rng.random()))
    return (wave * 0.5 + 0.5).astype(np.float32)


def _cells(rng: np.random.Generator, size: int) -> Array:
    """Contour lines of noise: closed, curved outlines like those of cells or stones."""
    height = noise(rng, size, cells=6, octaves=2)
    return _smooth(np.abs(np.sin(height * np.float32(np.pi * 5))) * 2.0)


FIELDS: dict[str, Field] = {
    "checkerboard": _checker,
    "striped wall": _stripes,
    "cloudy sky": _clouds,
    "smooth gradient": _gradient,
    "stone floor": _cells,
}


def texture(rng: np.random.Generator, kind: str, size: int, dark: Array, light: Array, grain: float) -> Array:
    """The pattern `kind` (a key of FIELDS) between two colours, with grain of that strength."""
    field = FIELDS[kind](rng, size).astype(np.float32)
    fine = (noise(rng, size, cells=size // 8, octaves=2) - np.float32(0.5)) * np.float32(grain)
    low, high = (np.asarray(colour, np.float32)[:, None, None] for colour in (dark, light))
    return _pack(np.clip(low + (high - low) * field + fine, 0, 255))


def _pack(planes: Array) -> Array:
    """(3, n, n) float32 to (2n, 2n) uint32, linear between the texels."""
    size = OVERSAMPLING * planes.shape[-1]
    packed = np.zeros((size, size, 4), np.uint8)
    for channel, plane in enumerate(planes):
        wide = _halfway(plane, 1)
        packed[..., channel] = _halfway(wide, 0)
    return packed.view(np.uint32)[..., 0]


def _halfway(plane: Array, axis: int) -> Array:
    """The plane with a new line halfway between any two along an axis."""
    middle = (plane + np.roll(plane, -1, axis)) * np.float32(0.5)
    shape = (len(plane) * 2, -1) if axis == 0 else (len(plane), plane.shape[1] * 2)
    return np.stack([plane, middle], axis + 1).reshape(shape)
