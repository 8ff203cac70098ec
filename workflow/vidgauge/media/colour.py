"""One decoded frame to RGB as it is meant to be seen: matrix, range and rotation.

libswscale does it (PyAV's `VideoReformatter.reformat` takes its flags). Without `accurate_rnd` its result depends on
the CPU by up to 3 levels; with `accurate_rnd` and `bitexact` it is the portable one, and C and SIMD code agree
(measured). Chroma of 8-bit 4:2:0 and 4:2:2 is repeated, not interpolated: that is what `to_rgb()` of PyAV, decord and
OpenCV do, so the values stay within 3 levels of those that published numbers rest on; with interpolation they would
be up to 36 away on the golden clip. An alpha plane is ignored, HDR is not tone-mapped, fields are not deinterlaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from vidgauge.errors import BadVideo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Matrix = Literal["auto", "bt601", "bt709"]

_EXACT = Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_REPEATED_CHROMA = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuva420p"})
_UNTAGGED, _HD_LINES = 2, 720
# ITU-T H.273 matrix coefficients to swscale's; 0 is RGB, 3 reserved, 8 and from 10 on are no plain matrices
_TAGS = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
_LIMITED, _FULL = 1, 2  # AVColorRange


def rgb_from_frame(frame: VideoFrame, matrix: Matrix, reformatter: VideoReformatter) -> np.ndarray:
    """(H, W, 3) uint8 RGB of a decoded frame, H and W as shown. BadVideo('unsupported') for colour it cannot convert.

    reformatter: one for all frames of a video (it keeps its tables).
    """
    plain = frame.format.name in _REPEATED_CHROMA and frame.width % 2 == 0 and frame.height % 2 == 0
    full = frame.format.name.startswith("yuvj") or frame.color_range == _FULL or frame.format.is_rgb
    converted = reformatter.reformat(
        frame,
        format="rgb24",
        src_colorspace=_colorspace(frame, matrix),
        dst_colorspace=Colorspace.DEFAULT,
        src_color_range=_FULL if full else _LIMITED,
        dst_color_range=_FULL,
        interpolation=_EXACT | (Interpolation.POINT if plain else Interpolation.BILINEAR),
        threads=1,
    )
    return np.ascontiguousarray(_upright(converted.to_ndarray(), frame))


def shown_size(frame: VideoFrame) -> tuple[int, int]:
    """(height, width) after rotation."""
    shape = _upright(np.empty((frame.height, frame.width, 0), np.uint8), frame).shape
    return shape[0], shape[1]


def _colorspace(frame: VideoFrame, matrix: Matrix) -> Colorspace:
    """The matrix asked for; with auto the frame's tag; without one BT.709 from 720 coded lines on, BT.601 below."""
    if matrix != "auto":
        return Colorspace.ITU709 if matrix == "bt709" else Colorspace.ITU601
    tag = int(frame.colorspace)
    if tag == _UNTAGGED or frame.format.is_rgb or len(frame.format.components) < 3:
        return Colorspace.ITU709 if frame.height >= _HD_LINES else Colorspace.ITU601
    if tag not in _TAGS:
        raise BadVideo(
            "unsupported", f"its colour matrix (H.273 number {tag}) has no conversion here; set matrix: bt709"
        )
    return _TAGS[tag]


def _upright(image: np.ndarray, frame: VideoFrame) -> np.ndarray:
    """Turned and mirrored by the display matrix [a b . c d .]: (x, y) is shown at (a x + c y, b x + d y)."""
    by_type: Any = frame.side_data
    side_data = by_type.get(Type.DISPLAYMATRIX)
    if side_data is None:
        return image
    a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(side_data), np.int32)[:5])
    if a == d == 0 and b and c:
        image = image.swapaxes(0, 1)  # (W, H, 3): x and y change places
        flip_x, flip_y = c < 0, b < 0
    elif b == c == 0 and a and d:
        flip_x, flip_y = a < 0, d < 0
    else:
        raise BadVideo("unsupported", "its display matrix turns it by an angle that is no multiple of 90 degrees")
    return image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
