"""Small real videos for tests, encoded with PyAV. Every frame differs from every other; equal arguments, equal pixels.

from tests.make_videos import encode, frames
encode(tmp_path / "a.mp4", frames(16, 48, 64, seed=1), fps=8)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image


def frames(count: int = 16, height: int = 48, width: int = 64, *, seed: int = 0, noise: int = 0) -> np.ndarray:
    """(count, height, width, 3) uint8 RGB: drifting waves, a bright square that moves, and `noise` (peak, 0..255)."""
    rng = np.random.default_rng(seed)
    phase, speed = rng.uniform(0, 6.28, 3), rng.uniform(0.15, 0.5, 3)
    y, x = np.mgrid[0:height, 0:width]  # (h, w) each
    t = np.arange(count)[:, None, None]
    waves = [np.sin(x / (5 + 2 * c) + y / (9 - 2 * c) + phase[c] + speed[c] * t) for c in range(3)]
    clip = 128 + 80 * np.stack(waves, axis=-1)  # (t, h, w, 3)
    side = max(1, min(height, width) // 4)
    for i in range(count):
        top, left = (3 * i + seed) % max(1, height - side), (5 * i + 2 * seed) % max(1, width - side)
        clip[i, top : top + side, left : left + side] = 40 + (37 * i) % 200, 230, 30
    clip += rng.integers(-noise, noise + 1, clip.shape)
    return np.clip(clip, 0, 255).astype(np.uint8)


def encode(
    path: Path,
    clip: np.ndarray | int = 16,
    *,
    fps: float | Fraction = 8,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    gop: int | None = None,
    rotation: int = 0,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    container: Mapping[str, str] | None = None,
    tags: Mapping[str, Any] | None = None,
    format: str | None = None,  # noqa: A002 - PyAV's own word
) -> Path:
    """Encode (t, h, w, 3) uint8 RGB (or that many of `frames()`) to `path` and give the path back.

    rotation: degrees counter-clockwise, written as a display matrix (mp4, mkv). pts: one per frame, in `time_base`
    (default 1/1000), for variable frame rates. options: the encoder's; container: the muxer's; tags: attributes of
    the codec context such as colorspace or color_range. Files of two calls may differ in bytes: x264 does not repeat.
    Not with libx265 below 64 columns: it overruns its buffers and takes the process down.
    """
    clip = frames(clip) if isinstance(clip, int) else clip
    with av.open(str(path), "w", format=format, options=dict(container or {})) as out:
        stream: Any = out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=dict(options or {}))
        stream.height, stream.width, stream.pix_fmt = *clip.shape[1:3], pix_fmt
        context = stream.codec_context
        context.thread_count = 1
        if pts is not None:
            context.time_base = time_base or Fraction(1, 1000)
        if gop is not None:
            context.gop_size = gop
        for name, value in (tags or {}).items():
            setattr(context, name, value)
        if rotation:
            stream.set_display_rotation(rotation)
        for i, image in enumerate(clip):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24").reformat(format=pix_fmt)
            if pts is not None:
                frame.pts, frame.time_base = pts[i], context.time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def dataset(folder: Path, count: int, *, suffix: str = ".mp4", length: int = 16, **keywords: Any) -> list[Path]:
    """`count` videos video_000.mp4, video_001.mp4 ... with different contents, in a folder that is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    size = {key: keywords.pop(key) for key in ("height", "width", "noise") if key in keywords}
    return [encode(folder / f"video_{i:03d}{suffix}", frames(length, seed=i, **size), **keywords) for i in range(count)]


def frame_folder(folder: Path, clip: np.ndarray, *, suffix: str = ".png", start: int = 0, digits: int = 0) -> Path:
    """One image per frame: frame_0.png, frame_1.png ... (without zero padding unless `digits` is given)."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(clip, start):
        Image.fromarray(image).save(folder / f"frame_{i:0{digits}d}{suffix}")
    return folder


def array_file(path: Path, clips: Iterable[np.ndarray]) -> Path:
    """A .npy of (n, t, h, w, 3) uint8."""
    np.save(path, np.stack(list(clips)))
    return path


def cut(path: Path, to: Path, *, share: float = 0.6) -> Path:
    """The first `share` of a file's bytes: a broken download."""
    data = path.read_bytes()
    to.write_bytes(data[: int(len(data) * share)])
    return to


def spoil(
    path: Path, to: Path, *, start: float = 0.5, share: float = 0.2, seed: int = 0, value: int | None = None
) -> Path:
    """A copy with a stretch of bytes overwritten: noise, or `value` everywhere (0: a download never filled in)."""
    data = bytearray(path.read_bytes())
    first, count = int(len(data) * start), int(len(data) * share)
    noise = np.random.default_rng(seed).integers(0, 256, count, np.uint8).tobytes()
    data[first : first + count] = noise if value is None else bytes([value]) * count
    to.write_bytes(bytes(data))
    return to
