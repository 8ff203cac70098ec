"""Scaling and cropping of uint8 RGB clips, with four libraries: what they do differs, so it is part of a clip spec."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from vidgauge.errors import VidgaugeError

if TYPE_CHECKING:
    from av.video.plane import VideoPlane

Filter = Literal["bilinear", "bicubic", "area", "lanczos"]
Backend = Literal["swscale", "cv2", "pil", "torch"]
Crop = Literal["none", "center", "center_first", "pad"]
Rounding = Literal["nearest", "truncate"]
Scale = Callable[[np.ndarray, int, int], np.ndarray]
"""(H, W, 3) uint8, height, width -> (height, width, 3) uint8."""

_TIE = 1e-6  # torch: far above float64 rounding, far below what one grey level means


def resize(
    frames: np.ndarray,
    size: tuple[int, int] | int = (224, 224),
    filter: Filter = "bilinear",  # noqa: A002 - the contract's word
    antialias: bool = True,
    backend: Backend = "swscale",
    crop: Crop = "none",
    rounding: Rounding = "nearest",
) -> np.ndarray:
    """Scale a clip: (t, H, W, 3) uint8 RGB -> (t, h, w, 3) uint8. The same bytes on every machine.

    size: (h, w), or the shorter side. crop: none stretches to (h, w) (a shorter side keeps the aspect ratio);
    center scales to cover (h, w), or a square of the shorter side, and cuts the middle out; center_first cuts the
    middle of that aspect ratio out and scales it (the loader for folders of images of Ge et al., 2024, cd-fvd); pad
    scales to fit and fills with black. antialias: widen the filter when shrinking; swscale and pil always do, cv2 never
    does but for area. rounding: of values to whole levels; truncate (torch only): down, as casts to bytes do in cd-fvd
    and VideoGPT. Frames that have the size already are returned as they are.

    Raises ValueError for another shape or dtype and for what a backend cannot do, VidgaugeError if OpenCV is missing.

    >>> resize(np.zeros((2, 90, 120, 3), np.uint8), 45, crop="center").shape
    (2, 45, 45, 3)
    """
    return Resizer(size, filter, antialias, backend, crop, rounding)(frames)


@dataclass(frozen=True)
class Resizer:
    """`resize` with its options, for frames that come one after the other: what a library sets up is kept.

    The sizes of the frames may change. Not for several threads at once.
    """

    size: tuple[int, int] | int = (224, 224)
    filter: Filter = "bilinear"
    antialias: bool = True
    backend: Backend = "swscale"
    crop: Crop = "none"
    rounding: Rounding = "nearest"

    def __post_init__(self) -> None:
        _check(self.size, self.filter, self.antialias, self.backend, self.crop, self.rounding)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """(t, H, W, 3) uint8 RGB -> (t, h, w, 3) uint8. Raises as `resize`."""
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ValueError(f"expected (t, h, w, 3) uint8 frames, got {frames.shape} {frames.dtype}")
        size, crop = self.size, self.crop
        if crop == "center_first":
            size, crop = (size, size) if isinstance(size, int) else size, "none"
            frames = _middle(frames, size)
        height, width = frames.shape[1:3]
        inner, outer = plan(height, width, size, crop, self.backend)
        if inner == outer == (height, width):
            return frames
        offset = round if self.backend == "pil" else math.floor  # of halves: torchvision's go to the even number
        out = np.zeros((len(frames), *outer, 3), np.uint8)
        for i, frame in enumerate(frames):
            scaled = frame if inner == (height, width) else self._scale(frame, *inner)  # (inner_h, inner_w, 3)
            _place(scaled, out[i], offset)
        return out

    @cached_property
    def _scale(self) -> Scale:
        return _BACKENDS[self.backend](self.filter, self.antialias, self.rounding)


def plan(
    height: int, width: int, size: tuple[int, int] | int, crop: Crop, backend: Backend = "swscale"
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((height, width) to scale to, (height, width) of the result) for every crop but center_first.

    The longer side of what covers is rounded up, as in cd-fvd; with pil down, as by torchvision's Resize of Pillow
    images (StyleGAN-V).

    >>> plan(90, 120, (48, 48), "center"), plan(90, 120, (48, 48), "pad"), plan(90, 120, 48, "none")
    (((48, 64), (48, 48)), ((36, 48), (48, 48)), ((48, 64), (48, 64)))
    """
    h, w = (size, size) if isinstance(size, int) else size
    wide = h * width >= w * height  # the source is wider than what is wanted
    if crop == "pad":
        fit = (max(1, _half_up(height * w, width)), w) if wide else (h, max(1, _half_up(width * h, height)))
        return fit, (h, w)
    if crop == "none" and not isinstance(size, int):
        return (h, w), (h, w)
    up = 0 if backend == "pil" else 1
    cover = (h, (width * h - up) // height + up) if wide else ((height * w - up) // width + up, w)
    return cover, (h, w) if crop == "center" else cover


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _middle(frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest part of (t, H, W, 3) of the aspect ratio of `size`, whole pixels from the middle."""
    height, width = frames.shape[1:3]
    h, w = size
    wide = h * width >= w * height
    part = (height, max(1, height * w // h)) if wide else (max(1, width * h // w), width)
    top, left = (height - part[0]) // 2, (width - part[1]) // 2
    return frames[:, top : top + part[0], left : left + part[1]]


def _place(scaled: np.ndarray, out: np.ndarray, offset: Callable[[float], int]) -> None:
    """Centred: cut where it is larger, black around where it is smaller; odd remainders to the right and below."""
    cuts, places = [], []
    for have, want in zip(scaled.shape[:2], out.shape[:2], strict=True):
        cut, place, length = offset(max(0, have - want) / 2), max(0, want - have) // 2, min(have, want)
        cuts.append(slice(cut, cut + length))
        places.append(slice(place, place + length))
    out[tuple(places)] = scaled[tuple(cuts)]


def _check(size: Any, name: str, antialias: bool, backend: str, crop: str, rounding: str) -> None:
    """The rules of ClipSpec, for callers who come without one."""
    sides = (size,) if isinstance(size, int) else tuple(size)
    if len(sides) not in (1, 2) or (len(sides) == 1) != isinstance(size, int) or min(sides) < 1:
        raise ValueError(f"size must be (height, width) or a shorter side, all at least 1, got {size}")
    for word, value, known in (
        ("filter", name, get_args(Filter)),
        ("backend", backend, tuple(_BACKENDS)),
        ("crop", crop, get_args(Crop)),
        ("rounding", rounding, get_args(Rounding)),
    ):
        if value not in known:
            raise ValueError(f"{word} must be one of {', '.join(known)}, got {value!r}")
    if not antialias and (backend in ("swscale", "pil") or name == "area"):
        raise ValueError(
            f"antialias=False is not possible with backend={backend!r}, filter={name!r}; "
            "use backend='torch' (bilinear, bicubic) or 'cv2' (bilinear, bicubic, lanczos)"
        )
    if backend == "torch" and name == "lanczos":
        raise ValueError("backend='torch' has no lanczos filter; use backend='swscale' or 'pil'")
    if backend == "cv2" and antialias and name != "area":
        raise ValueError(
            f"backend='cv2' does not antialias with filter={name!r}; "
            "use antialias=False, filter='area', or another backend"
        )
    if rounding == "truncate" and backend != "torch":
        raise ValueError(f"backend={backend!r} rounds by itself; use rounding='nearest' or backend='torch'")


def _swscale(name: str, *_: Any) -> Scale:
    """Each channel as a plane of its own (4:4:4, full range on both sides): RGB planes would go through YUV."""
    import av
    from av.video.reformatter import Interpolation, VideoReformatter

    flags = Interpolation[name.upper()] | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    reformatter = VideoReformatter()

    @lru_cache(maxsize=1)
    def buffer(height: int, width: int) -> av.VideoFrame:
        return av.VideoFrame(width, height, "yuv444p")

    def pixels(plane: VideoPlane) -> np.ndarray:
        return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]

    def scale(frame: np.ndarray, height: int, width: int) -> np.ndarray:
        planar = buffer(*frame.shape[:2])
        for channel, plane in enumerate(planar.planes):
            pixels(plane)[...] = frame[..., channel]
        scaled = reformatter.reformat(
            planar, width, height, src_color_range=2, dst_color_range=2, interpolation=flags, threads=1
        )
        return np.stack([pixels(plane) for plane in scaled.planes], axis=-1)  # (height, width, 3)

    return scale


def _pil(name: str, *_: Any) -> Scale:
    from PIL import Image

    resample = {"area": Image.Resampling.BOX}.get(name) or Image.Resampling[name.upper()]

    def scale(frame: np.ndarray, height: int, width: int) -> np.ndarray:
        return np.asarray(Image.fromarray(np.ascontiguousarray(frame)).resize((width, height), resample))

    return scale


def _torch(name: str, antialias: bool, rounding: Rounding) -> Scale:
    """In float64, so that no value is near enough to the next level for the CPU's order of sums to matter."""
    import torch
    from torch.nn.functional import interpolate

    options: dict[str, Any] = {"mode": name}
    up = _TIE + (0.5 if rounding == "nearest" else 0)
    if name != "area":
        options |= {"align_corners": False, "antialias": antialias}

    def scale(frame: np.ndarray, height: int, width: int) -> np.ndarray:
        x = torch.from_numpy(frame.astype(np.float64)).permute(2, 0, 1)[None]  # (1, 3, H, W) 0..255
        x = interpolate(x, size=(height, width), **options)  # (1, 3, height, width), bicubic overshoots
        x = torch.floor(x + up).clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(x[0].permute(1, 2, 0).numpy())  # (height, width, 3)

    return scale


def _cv2(name: str, *_: Any) -> Scale:
    try:
        import cv2
    except ImportError:
        raise VidgaugeError("backend: cv2 needs OpenCV, which is not installed: pip install vidgauge[cv2]") from None

    filters = {
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos": cv2.INTER_LANCZOS4,
    }

    def scale(frame: np.ndarray, height: int, width: int) -> np.ndarray:
        return np.asarray(cv2.resize(np.ascontiguousarray(frame), (width, height), interpolation=filters[name]))

    return scale


_BACKENDS: dict[str, Callable[[str, bool, Rounding], Scale]] = {
    "swscale": _swscale,
    "cv2": _cv2,
    "pil": _pil,
    "torch": _torch,
}
