"""Frames to H.264 in an MP4, in memory: the same frames give the same bytes for the same versions of the libraries.

The colours are converted here, by fixed formulas, for PyAV versions differ in the matrix they assume and libswscale
rounds differently from CPU to CPU.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream

Array = np.ndarray
_BT601 = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))  # limited range


def to_yuv420p(frame: Array) -> Array:
    """(h, w, 3) uint8 RGB with even sides to planar (3h/2, w) uint8, BT.601 limited range, chroma as 2x2 means."""
    height, width, _ = frame.shape
    red, green, blue = (frame[..., c].astype(np.float32) for c in range(3))
    quarters = [(c[0::2, 0::2] + c[0::2, 1::2] + c[1::2, 0::2] + c[1::2, 1::2]) * 0.25 for c in (red, green, blue)]
    planes = [_mix(_BT601[0], (red, green, blue), 16), *(_mix(row, quarters, 128) for row in _BT601[1:])]
    rounded = [np.rint(np.clip(plane, 16, 240)).astype(np.uint8).reshape(-1, width) for plane in planes]
    return np.concatenate(rounded).reshape(height * 3 // 2, width)


def _mix(row: tuple[float, float, float], channels: list[Array] | tuple[Array, ...], offset: int) -> Array:
    parts = [channel * np.float32(weight / 255) for weight, channel in zip(row, channels, strict=True)]
    return parts[0] + parts[1] + parts[2] + np.float32(offset)


def encode(frames: Array, fps: int, crf: int) -> bytes:
    """(t, h, w, 3) uint8 to the bytes of an MP4 file."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf), "preset": "superfast"})
        assert isinstance(stream, VideoStream)  # noqa: S101 - for the type checker
        context = stream.codec_context
        context.height, context.width = frames.shape[1:3]
        context.pix_fmt, context.thread_count = "yuv420p", 1
        context.colorspace, context.color_range = 6, 1  # SMPTE 170M, limited
        context.time_base = Fraction(1, fps)
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(to_yuv420p(frame), format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, fps)
            picture.colorspace, picture.color_range = 6, 1
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return memory.getvalue()
