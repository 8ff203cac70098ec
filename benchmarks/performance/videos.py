"""Videos to measure with: those of a folder that VIDGAUGE_BENCH_VIDEOS names, else made here once and kept."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vidgauge.media.probe import probe
from vidgauge.specs import Video

FOLDER = "VIDGAUGE_BENCH_VIDEOS"
SIZES = ((720, 1280), (360, 640))
FRAMES, EACH = 64, 4  # of a video; videos of each size


def videos(*, quick: bool = False) -> list[Video]:
    """The videos, probed. quick: few, small and short ones."""
    if folder := os.environ.get(FOLDER):
        paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
        return [_probed(path) for path in (paths[:2] if quick else paths)]
    sizes, count, frames = (((96, 128),), 2, 24) if quick else (SIZES, EACH, FRAMES)
    kept = Path(tempfile.gettempdir(), f"vidgauge-benchmark-{os.getuid()}")
    kept.mkdir(exist_ok=True)
    return [_probed(_made(kept, *size, frames, seed)) for size in sizes for seed in range(count)]


def moving(height: int, width: int, frames: int, seed: int) -> np.ndarray:
    """(frames, height, width, 3) uint8: a textured ground passing by, a textured disk that crosses it, camera noise.

    The noise is what costs the encoder bits: they come out as many as generated videos of that size have.
    """
    from vidgauge.demo.textures import noise

    rng = np.random.default_rng([seed, height, width])
    side = max(height, width) + 2 * frames
    ground, skin = (
        np.stack([40 + 175 * noise(rng, side, cells=6, octaves=7) for _ in range(3)], axis=-1) for _ in range(2)
    )
    grain = rng.normal(0, 5, (height + 64, width + 64, 3)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width]
    pan, speed = rng.integers(0, 3, 2), rng.uniform(1, 4, 2)
    clip = np.empty((frames, height, width, 3), np.uint8)
    for i in range(frames):
        top, left = i * pan
        picture = ground[top : top + height, left : left + width].copy()
        inside = (y - height / 3 - i * speed[0]) ** 2 + (x - width / 4 - i * speed[1]) ** 2 < (height / 5) ** 2
        picture[inside] = skin[:height, :width][inside]
        top, left = rng.integers(0, 64, 2)
        picture += grain[top : top + height, left : left + width]
        clip[i] = np.clip(picture, 0, 255)
    return clip


def _made(folder: Path, height: int, width: int, frames: int, seed: int) -> Path:
    from tests.make_videos import encode

    path = folder / f"{width}x{height}_{frames}_{seed}.mp4"
    if not path.exists():
        clip = moving(height, width, frames, seed)
        encode(path.with_suffix(".part.mp4"), clip, fps=24, options={"crf": "23"}).replace(path)
    return path


def _probed(path: Path) -> Video:
    return Video(id=path.name, path=str(path.resolve()), kind="file", row=None, **asdict(probe(path)))
