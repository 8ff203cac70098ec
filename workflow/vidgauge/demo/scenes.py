"""Scenes: what is in a video and how it moves.

All datasets of a seed answer the same captions, as generators do that are given the same prompts: scene i has the same
traits (what there is, its colours, how the camera moves) in each, and its own textures, places and paths. The traits
come from a Kronecker sequence, the fractions of offset + i * sqrt(prime), which covers them evenly: a few dozen videos
are enough for a stable order, and scene i is the same however many there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vidgauge.demo.textures import FIELDS, texture

Array = np.ndarray
TILE = 256  # side of a background texture, in texels
PLACES = 3  # backgrounds in a video, one after the other
PATCH = 64  # side of a shape's texture
COLOURS = {
    "red": (214, 48, 42),
    "orange": (235, 140, 40),
    "yellow": (236, 214, 70),
    "green": (66, 160, 71),
    "cyan": (58, 180, 190),
    "blue": (48, 92, 200),
    "purple": (134, 64, 176),
    "pink": (230, 120, 170),
    "brown": (120, 84, 56),
    "white": (232, 232, 226),
}
SHAPES = ("disk", "box", "triangle", "hexagon", "star")
SKINS = ("checkerboard", "striped wall", "cloudy sky", "stone floor")
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


@dataclass(frozen=True)
class Camera:
    """Where the background is seen from: texels per frame, logarithmic zoom per frame, radians per frame."""

    start: tuple[float, float]
    pan: tuple[float, float]
    zoom: float
    turn: float


@dataclass(frozen=True)
class Shape:
    """One moving thing. Lengths are fractions of the picture's side, speeds the same per frame."""

    kind: str
    texture: Array
    radius: float
    start: tuple[float, float]
    speed: tuple[float, float]
    angle: float
    turn: float


@dataclass(frozen=True)
class Scene:
    """Backgrounds that follow each other, coming in from the direction `wipe`; shapes from back to front."""

    backgrounds: tuple[Array, ...]
    wipe: float
    camera: Camera
    shapes: tuple[Shape, ...]
    text: str


class _Traits:
    """A scene's traits, and a generator `rng` for all that differs between the datasets."""

    def __init__(self, seed: int, dataset: int, index: int) -> None:
        offsets = np.random.default_rng([seed]).random(len(_PRIMES))
        self.rng = np.random.default_rng([seed, dataset, index])
        self._next = iter([float(o + index * math.sqrt(p)) % 1.0 for o, p in zip(offsets, _PRIMES, strict=True)])

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """The next trait, even between the two."""
        return low + (high - low) * next(self._next)

    def one_of(self, names: tuple[str, ...]) -> str:
        return names[min(int(self.number(0, len(names))), len(names) - 1)]

    def away_from_zero(self, low: float, high: float) -> float:
        """A number of either sign whose size is between the two."""
        value = self.number(-1.0, 1.0)
        return math.copysign(low + (high - low) * abs(value), value)


def _colour(traits: _Traits) -> tuple[str, Array]:
    name = traits.one_of(tuple(COLOURS))
    tint = np.asarray(COLOURS[name], np.float32) + traits.rng.normal(0, 10, 3).astype(np.float32)
    return name, np.clip(tint, 0, 255)


def _place(traits: _Traits) -> tuple[str, Array]:
    """A background's name and texture."""
    kind = traits.one_of(tuple(FIELDS))
    name, light = _colour(traits)
    dark = np.asarray(COLOURS[str(traits.rng.choice(list(COLOURS)))], np.float32) * np.float32(0.6)
    return _with_article(f"{name} {kind}"), texture(traits.rng, kind, TILE, dark, light, traits.rng.uniform(20, 70))


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _camera(traits: _Traits) -> Camera:
    heading, speed = traits.number(0, 2 * math.pi), traits.number(1.0, 4.0)
    zoom, turn = traits.away_from_zero(0.012, 0.035), traits.away_from_zero(0.0, 0.03)
    start = traits.rng.uniform(0, TILE, 2)
    pan = (speed * math.cos(heading), speed * math.sin(heading))
    return Camera((float(start[0]), float(start[1])), pan, zoom, turn)


def _shape(traits: _Traits) -> tuple[str, Shape]:
    kind = traits.one_of(SHAPES)
    name, light = _colour(traits)
    pattern = traits.one_of(SKINS)
    rng = traits.rng
    radius, speed = rng.uniform(0.11, 0.24), rng.uniform(0.012, 0.03)
    heading, angle = rng.uniform(0, 2 * math.pi, 2)
    skin = texture(rng, pattern, PATCH, light * np.float32(rng.uniform(0.35, 0.7)), light, grain=24)
    start = rng.uniform(0.15, 0.85, 2)
    shape = Shape(
        kind=kind,
        texture=skin,
        radius=float(radius),
        start=(float(start[0]), float(start[1])),
        speed=(speed * math.cos(heading), speed * math.sin(heading)),
        angle=float(angle),
        turn=float(rng.uniform(-0.15, 0.15)),
    )
    return _with_article(f"{name} {kind}"), shape


def make_scene(seed: int, dataset: int, index: int) -> Scene:
    """Scene `index` of a dataset: the same for the same three numbers, whatever else is made."""
    traits = _Traits(seed, dataset, index)
    places = [_place(traits) for _ in range(PLACES)]
    camera = _camera(traits)
    named = [_shape(traits) for _ in range(2 + int(traits.number(0, 2.999)))]
    things = [phrase for phrase, _ in named]
    wipe = float(traits.rng.uniform(0, 2 * math.pi))
    text = f"{', '.join(things[:-1])} and {things[-1]} moving over {' then '.join(name for name, _ in places)}"
    return Scene(tuple(tile for _, tile in places), wipe, camera, tuple(shape for _, shape in named), text)
