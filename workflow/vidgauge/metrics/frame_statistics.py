"""What the pixels of a clip say without any network: cheap screening for videos that are broken.

Temporal flickering and the formula of motion smoothness are VBench's; all else is vidgauge's own. All sums are of whole
numbers that their types hold exactly, so that every number is the same on any machine.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

PEAK = 255
PARTS = (77, 150, 29)  # of red, green and blue in luma (BT.601), of 256: sums stay below 2 ** 16
SHIFT, STEPS = 4, 16  # of a sum, for as many steps to a grey level: its Laplacian stays below 2 ** 15

STILL = 0.1
"""Grey levels: pairs of frames that differ by no more in the mean are still. Decoded frames that a video repeats differ
by 0.03 at most, those of real videos with hardly any motion by 0.3."""

DARK, NEARLY_ALL = 0.10, 0.98
"""A frame is black where this share of its pixels has luma of at most a tenth: what FFmpeg's blackdetect asks."""

LOOKED_AT = 4  # frames of a clip, evenly spread, in which bands are sought
FLAT = 2  # grey levels by which a pixel of a smooth area differs from each of its four neighbours at most
NEAR = 2  # grey levels around a band's own that belong to it: what lossy coding makes of one
REACH = 48  # grey levels within which a level that is left out must lie between two that are there
LEFT_OUT, THERE, FEWEST = 0.2, 0.001, 20  # of the lower of the two; of all pixels; pixels

BLACK = 0.5
"""`broken`: more black frames than that. Videos that fade in or out have fewer."""

FROZEN = 0.75
"""`broken`: more still pairs than that. Videos of half the frame rate, whose frames are shown twice, have half."""

FLICKERS, FLICKERING = 0.03, 0.80
"""`broken`: flicker_brightness above, or temporal_flickering below that. Real videos, even every eighth frame of them
with cuts, have at most 0.01 and at least 0.91; uniform noise has 0.67."""

BANDED = 0.4
"""`broken`: banding above that. 19 real videos have at most 0.35, those of flat colours the most. Cut to 16, 8 or 4
levels, 16, 15 and 16 of them have more; coded by H.264 at its default quality after that, which fills the gaps, 4 of
those of 16 levels and 13 of those of 8. Cut to 32 levels, 3 have: a band counts as five levels wide."""


def frame_statistics(clip: Any) -> dict[str, float]:
    """A clip (t, h, w, 3) uint8 -> the value of each statistic below, in order; NaN where it is undefined.

    temporal_flickering, banding: see there. motion_smoothness_midpoint: `motion_smoothness` of the odd frames from the
    mean of their two neighbours, rounded down; NaN for fewer than three frames. sharpness: see there, mean over frames.
    brightness: mean luma 0..1. static_share: of neighbouring pairs, those that differ by at most 0.1 grey levels in the
    mean. duplicate_frames: of the frames after the first, those that repeat an earlier one exactly. black_share: of the
    frames, those with 98 % of their pixels at a luma of at most 0.1. flicker_brightness: `flicker` of the frames'
    brightness. What compares a frame with the next is NaN for one frame.
    Raises ValueError with the shape seen and the shape wanted.

    >>> found = frame_statistics(np.full((3, 4, 4, 3), 255, np.uint8))
    >>> found["brightness"], found["static_share"], found["sharpness"]
    (1.0, 1.0, 0.0)
    """
    frames = _as_frames(clip)
    apart = differences(frames[:-1], frames[1:])
    midpoints = (_midpoint(*pair) for pair in zip(frames[:-2:2], frames[2::2], strict=True))
    planes = [_plane(luma(frame)) for frame in frames]
    bright = np.array([plane.total for plane in planes]) / (frames[0, ..., 0].size * STEPS * PEAK)
    alone = len(frames) == 1
    return {
        "temporal_flickering": _nearness(apart),
        "motion_smoothness_midpoint": _nearness(differences(frames[1:-1:2], midpoints)),
        "sharpness": float(np.mean([plane.sharpness for plane in planes])),
        "brightness": float(bright.mean()),
        "static_share": math.nan if alone else float(np.mean(apart <= STILL)),
        "duplicate_frames": math.nan if alone else (len(frames) - _distinct(frames, planes)) / (len(frames) - 1),
        "black_share": float(np.mean([plane.black for plane in planes])),
        "banding": banding(frames),
        "flicker_brightness": math.nan if alone else flicker(bright),
    }


def temporal_flickering(frames: Any) -> float:
    """(t, h, w, 3) uint8 -> 1 - mean over neighbouring pairs of the mean absolute difference / 255; higher is better.

    NaN for one frame. Motion lowers it as flicker does: VBench asks it of still scenes only. Source: Huang et al.
    (2024), "VBench: comprehensive benchmark suite for video generative models". Raises ValueError for other shapes.

    >>> temporal_flickering(np.zeros((2, 1, 1, 3), np.uint8))
    1.0
    """
    found = _as_frames(frames)
    return _nearness(differences(found[:-1], found[1:]))


def motion_smoothness(frames: Any, predicted: Any) -> float:
    """(t, h, w, 3) uint8 and the predicted frames 1, 3, 5 ... -> 1 - mean absolute difference / 255; higher is better.

    predicted: (k, h, w, 3) uint8, made from the even frames, k = (t - 1) // 2: the last frame of an even number has no
    successor, and no prediction. Source: VBench, where a network that may not be used commercially predicts them.
    Raises ValueError with the shapes seen and wanted.
    """
    found, made = _as_frames(frames), np.asarray(predicted)
    count = (len(found) - 1) // 2
    if made.shape != (count, *found.shape[1:]) or made.dtype != np.uint8 or not count:
        raise ValueError(
            f"expected frames (t, h, w, 3) and (t - 1) // 2 >= 1 predicted ones of uint8, got {found.shape} and "
            f"{made.shape} {made.dtype}"
        )
    return _nearness(differences(found[1:-1:2], made))


def differences(frames: Iterable[np.ndarray], others: Iterable[np.ndarray]) -> np.ndarray:
    """(n,) float64 mean absolute differences of n frames (h, w, 3) uint8 from as many others, in grey levels 0..255."""
    apart = (np.maximum(*pair) - np.minimum(*pair) for pair in zip(frames, others, strict=True))
    return np.array([_total(one) / one.size for one in apart])


def luma(frame: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 -> (h, w) int16, BT.601's luma in sixteenths of a grey level: 0 .. 16 * 255."""
    red, green, blue = (np.multiply(frame[..., at], part, dtype=np.uint16) for at, part in enumerate(PARTS))
    return ((red + green + blue) >> SHIFT).astype(np.int16)


def sharpness(plane: np.ndarray) -> float:
    """(h, w) of `luma` -> the variance of its Laplacian (four neighbours) within the frame, in grey levels squared.

    Blur lowers it, and noise raises it; it depends on what is shown and on the size of the frame. NaN where a side is
    below 3 pixels.
    """
    if min(plane.shape) < 3:
        return math.nan
    edges = 4 * plane[1:-1, 1:-1]
    for neighbour in (plane[:-2, 1:-1], plane[2:, 1:-1], plane[1:-1, :-2], plane[1:-1, 2:]):
        edges -= neighbour
    total = _total(edges)
    return (_total(np.square(edges, dtype=np.int32)) - total**2 / edges.size) / (edges.size * STEPS**2)


def banding(frames: Any) -> float:
    """(t, h, w, 3) uint8 -> how many grey levels the smooth areas of a clip leave out, 0..1; lower is better.

    Gradients have all levels; where they were cut to a few, bands show, and the levels between those of the bands are
    missing. Of four frames of the clip, a channel's levels are counted where a pixel differs from its neighbours by at
    most 2. A level is left out where there are at most a fifth as many pixels as at a level below and at one above it,
    both within 48; their share is of the levels from the lowest to the highest (of 48 if these are fewer). The channel
    that leaves out the fewest counts: pictures of a few flat colours have gaps in one or the other, seldom in all.

    >>> banding(np.zeros((1, 9, 9, 3), np.uint8))
    0.0
    """
    found = _as_frames(frames)
    chosen = np.unique(np.linspace(0, len(found) - 1, LOOKED_AT).astype(int))
    counts = np.array([[_smooth(found[at, ..., channel]) for at in chosen] for channel in range(3)]).sum(1)
    least = max(THERE * len(chosen) * found[0, ..., 0].size, FEWEST)
    return min(_gaps(np.convolve(levels, np.ones(2 * NEAR + 1, int), "same"), least) for levels in counts)


def _smooth(channel: np.ndarray) -> np.ndarray:
    """(h, w) uint8 -> (256,) pixels of smooth areas at each grey level."""
    channel = np.ascontiguousarray(channel)
    down, across = (_alike(*pair) for pair in ((channel[:-1], channel[1:]), (channel[:, :-1], channel[:, 1:])))
    flat = down[:-1, 1:-1] & down[1:, 1:-1] & across[1:-1, :-1] & across[1:-1, 1:]
    return np.bincount(channel[1:-1, 1:-1][flat], minlength=PEAK + 1)


def _alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.maximum(one, other) - np.minimum(one, other) <= FLAT
    return found


def _gaps(levels: np.ndarray, least: float) -> float:
    """Of the levels (256,) between the lowest and the highest that are there, the share of those left out."""
    there = np.flatnonzero(levels > least)
    if not len(there):
        return 0.0
    padded = np.pad(levels, REACH)
    windows = np.lib.stride_tricks.sliding_window_view(padded, REACH + 1).max(1)  # from each place on
    both = np.minimum(windows[: PEAK + 1], windows[REACH:])  # the fullest level below, and above
    out = (both > least) & (levels < LEFT_OUT * both)
    return float(out.sum() / max(REACH, there[-1] - there[0]))


def flicker(bright: np.ndarray) -> float:
    """(t,) brightness of frames, t >= 2 -> mean of its steps' sizes, less the size of their sum.

    >>> flicker(np.array([0.0, 0.5, 1.0])), flicker(np.array([0.0, 0.5, 0.0]))
    (0.0, 0.5)
    """
    steps = np.abs(np.diff(bright)).sum()
    return max(0.0, float(steps - abs(bright[-1] - bright[0]))) / (len(bright) - 1)


def broken(scores: Mapping[str, float | None]) -> list[str]:
    """What is broken in a video with these statistics: of black, frozen, flickering, banded, in this order.

    scores: of `frame_statistics`, by name; NaN and None say nothing. The thresholds are constants of this module.

    >>> broken(frame_statistics(np.zeros((4, 8, 8, 3), np.uint8)))
    ['black', 'frozen']
    """
    value = {name: math.nan if score is None else score for name, score in scores.items()}
    found = {
        "black": value["black_share"] > BLACK,
        "frozen": value["static_share"] > FROZEN,
        "flickering": value["flicker_brightness"] > FLICKERS or value["temporal_flickering"] < FLICKERING,
        "banded": value["banding"] > BANDED,
    }
    return [name for name, so in found.items() if so]


class _Plane(NamedTuple):
    """What is kept of a frame's luma."""

    total: int
    sharpness: float
    black: bool


def _plane(plane: np.ndarray) -> _Plane:
    dark = np.count_nonzero(plane <= DARK * PEAK * STEPS)
    return _Plane(_total(plane), sharpness(plane), bool(dark >= NEARLY_ALL * plane.size))


def _nearness(apart: np.ndarray) -> float:
    """From differences in grey levels to 0..1, where 1 is none; NaN where there are no differences."""
    return 1 - float(apart.mean()) / PEAK if len(apart) else math.nan


def _midpoint(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The mean of two frames of uint8, rounded down."""
    found: np.ndarray = (before & after) + ((before ^ after) >> 1)
    return found


def _distinct(frames: np.ndarray, planes: Sequence[_Plane]) -> int:
    """How many different frames there are. The sums of their luma tell most of them apart."""
    sums = [plane.total for plane in planes]
    often = Counter(sums)
    return len(
        {(total, _digest(frame) if often[total] > 1 else b"") for frame, total in zip(frames, sums, strict=True)}
    )


def _digest(frame: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(frame).data, digest_size=16).digest()


def _total(values: np.ndarray) -> int:
    return int(values.sum(dtype=np.int64))


def _as_frames(frames: Any) -> np.ndarray:
    found = np.asarray(frames)
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[-1] != 3 or 0 in found.shape:
        raise ValueError(f"expected frames (t, h, w, 3) uint8 with t, h and w >= 1, got {found.shape} {found.dtype}")
    return found
