"""Scenes to pixels: (frames, side, side, 3) uint8."""

from __future__ import annotations

import math

import numpy as np

from vidgauge.demo.scenes import PATCH, TILE, Camera, Scene, Shape
from vidgauge.demo.textures import OVERSAMPLING

Array = np.ndarray
SCALE = 160  # texels of background or skin across a picture


def render(scene: Scene, frames: int, side: int) -> Array:
    """All frames of a scene, in the order of time."""
    return np.stack([_frame(scene, time, time / max(1, frames - 1), side) for time in range(frames)])


def _frame(scene: Scene, time: int, progress: float, side: int) -> Array:
    place = min(int(progress * (len(scene.backgrounds) - 1)), len(scene.backgrounds) - 2)
    picture, other = (_background(tile, scene.camera, time, side) for tile in scene.backgrounds[place : place + 2])
    _blend(picture, other, _wipe(scene.wipe, progress * (len(scene.backgrounds) - 1) - place, side))
    for shape in scene.shapes:
        _paint(picture, shape, time)
    return np.rint(picture).astype(np.uint8).transpose(1, 2, 0)


def _wipe(angle: float, progress: float, side: int) -> Array:
    """How far the second background has come in, per pixel: a soft edge that crosses the picture."""
    axis = np.arange(side, dtype=np.float32) / np.float32(side) - np.float32(0.5)
    along = axis[None, :] * np.float32(math.cos(angle)) + axis[:, None] * np.float32(math.sin(angle))
    return np.clip((along + np.float32(1.4 * progress - 0.7)) * np.float32(8) + np.float32(0.5), 0, 1)


def _background(tile: Array, camera: Camera, time: int, side: int) -> Array:
    """The periodic texture seen by the camera: (3, side, side) float32."""
    scale = math.exp(camera.zoom * time) * SCALE / side
    cos, sin = np.float32(scale * math.cos(camera.turn * time)), np.float32(scale * math.sin(camera.turn * time))
    axis = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
    left = np.float32((camera.start[0] + camera.pan[0] * time) % TILE + 4 * TILE)
    top = np.float32((camera.start[1] + camera.pan[1] * time) % TILE + 4 * TILE)
    x = (axis * cos + left)[None, :] - (axis * sin)[:, None]
    y = (axis * sin)[None, :] + (axis * cos + top)[:, None]
    return _sample(tile, x, y)


def _sample(tile: Array, x: Array, y: Array) -> Array:
    """The texels of a periodic, packed texture nearest to coordinates (h, w) of texels: (3, h, w) float32."""
    mask = len(tile) - 1  # the side is a power of two
    finer = np.float32(OVERSAMPLING)
    column, row = ((at * finer).astype(np.int64) & mask for at in (x, y))
    row *= len(tile)
    row += column
    packed = tile.ravel().take(row, mode="clip")
    return np.ascontiguousarray(packed.view(np.uint8).reshape(*x.shape, 4)[..., :3].transpose(2, 0, 1), np.float32)


def _blend(here: Array, there: Array, weight: Array) -> None:
    """Move `here` towards `there` by `weight`, in place of both."""
    there -= here
    there *= weight
    here += there


def _bounce(start: float, speed: float, time: int) -> float:
    """A point that runs to and fro between 0.1 and 0.9."""
    way = (start - 0.1 + speed * time) % 1.6
    return 0.1 + min(way, 1.6 - way)


def _paint(picture: Array, shape: Shape, time: int) -> None:
    """Lay a shape over the picture, with edges one pixel soft."""
    side = picture.shape[-1]
    radius = shape.radius * side
    x, y = (_bounce(s, v, time) * side for s, v in zip(shape.start, shape.speed, strict=True))
    reach = radius * 1.35 + 1
    left, right = max(0, int(x - reach)), min(side, int(x + reach) + 2)
    top, bottom = max(0, int(y - reach)), min(side, int(y + reach) + 2)
    across = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x)
    down = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    angle = shape.angle + shape.turn * time
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    u, v = across * cos + down * sin, down * cos - across * sin
    cover = np.clip(np.float32(0.5) - _distance(shape.kind, u, v, np.float32(radius)), 0, 1)
    scale, middle = np.float32(SCALE / side), np.float32(4 * PATCH)
    skin = _sample(shape.texture, u * scale + middle, v * scale + middle)
    _blend(picture[:, top:bottom, left:right], skin, cover)


def _distance(kind: str, u: Array, v: Array, radius: np.float32) -> Array:
    """How far outside a shape's edge each point lies; negative inside."""
    if kind == "disk":
        return np.sqrt(u * u + v * v) - radius
    if kind == "box":
        return np.maximum(np.abs(u), np.abs(v)) - radius * np.float32(0.9)
    if kind == "star":
        return np.minimum(_polygon(u, v, radius, 3, 0.0), _polygon(u, v, radius, 3, math.pi))
    return _polygon(u, v, radius, {"triangle": 3, "hexagon": 6}[kind], 0.0)


def _polygon(u: Array, v: Array, radius: np.float32, corners: int, angle: float) -> Array:
    """A regular polygon as the part common to half planes."""
    ways = [angle + 2 * math.pi * side / corners for side in range(corners)]
    inner = radius * np.float32(0.65 if corners == 3 else 0.95)
    sides = [u * np.float32(math.cos(way)) + v * np.float32(math.sin(way)) for way in ways]
    return np.maximum.reduce(sides) - inner
