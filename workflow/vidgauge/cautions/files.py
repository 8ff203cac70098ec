"""What the videos' files tell: whether two sets could be told apart before one looks at what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidgauge.cautions.shares import DIFFERENT, Shares, differ, listed, merged, share
from vidgauge.manifest.survey import HEAD
from vidgauge.specs import ClipSpec
from vidgauge.wording import counted

RARE = 0.01
"""A smaller share of a set's videos is not worth a sentence."""
RATES_ALIKE, SIZES_ALIKE = 0.01, 0.02
"""How far rates (29.97 and 30) and sizes may be apart, in proportion, and count as one."""
HARDER = 4.0
"""How many times fewer bits per pixel look like another compression, not like other scenes."""
LOSSLESS = frozenset(
    ("apng", "bmp", "ffv1", "ffvhuff", "huffyuv", "magicyuv", "npy", "png", "rawvideo", "tiff", "utvideo")
)


@dataclass(frozen=True)
class Surveyed:
    """A set, what is known of its videos, and the clips that a metric takes of them."""

    name: str
    survey: Mapping[str, Any]
    clips: ClipSpec

    @classmethod
    def of(cls, plan: Mapping[str, Any], name: str, survey: Mapping[str, Any]) -> Surveyed:
        """A set of a metric."""
        return cls(name, survey, ClipSpec(**plan["clips"][int(name == plan["reference"])]))

    @property
    def videos(self) -> int:
        """How many there are, sampled or not."""
        return int(self.survey["videos"])

    @property
    def heads(self) -> np.ndarray:
        """The fingerprint of each video, (n,) bytes, ascending."""
        return np.frombuffer(self.survey["fingerprints"].encode(), f"S{HEAD}")

    @property
    def sizes(self) -> dict[tuple[int, int], int]:
        """Videos by (width, height)."""
        return {(width, height): count for width, height, count in self.survey["sizes"]}

    @property
    def rates(self) -> dict[float, int]:
        """Videos by the frames per second of their clips."""
        rates = [(self.clips.fps, self.videos)] if self.clips.fps is not None else self.survey["fps"]
        return {rate / self.clips.stride: count for rate, count in rates}


def shared(one: Surveyed, other: Surveyed) -> list[str]:
    """Files that are in both sets."""
    ours, known = one.heads, other.heads
    both = int((np.searchsorted(known, ours, "right") > np.searchsorted(known, ours)).sum())
    if not both:
        return []
    return [
        f"{one.name} and {other.name} share files: {other.name} holds {both} of the {counted(one.videos, 'video')} of "
        f"{one.name} as well, which makes the sets look more alike than they are"
    ]


def copies(one: Surveyed) -> list[str]:
    """Files that come several times in a set."""
    heads = one.heads
    again = int((heads[1:] == heads[:-1]).sum())
    if again < max(1.0, RARE * one.videos):
        return []
    found = counted(again, f"of {one.videos} videos is a copy", f"of {one.videos} videos are copies")
    return [
        f"{one.name}: {found} of another file of the set, and nothing new; the interval takes copies for different "
        "videos and is too narrow"
    ]


def enlarged(one: Surveyed) -> list[str]:
    """Videos that are smaller than the clips made of them."""
    if one.clips.size == "native":
        return []
    height, width = one.clips.shape
    fit = all if one.clips.crop == "pad" else any  # fitted into the clip, a video is enlarged if both sides are short
    grown = 1 + SIZES_ALIKE
    small = sum(count for (w, h), count in one.sizes.items() if fit((w * grown < width, h * grown < height)))
    if small < max(1.0, RARE * one.videos):
        return []
    return [
        f"{one.name}: {share(small, one.videos)} of the videos are smaller than the clips ({width}x{height}) and are "
        "enlarged: the network sees blur in the place of detail"
    ]


def filled_up(one: Surveyed) -> list[str]:
    """Videos that are shorter than a clip, where they are used all the same."""
    clips = one.clips
    if clips.short == "reject":
        return []
    short = _too_short(one)
    if short < max(1.0, RARE * one.videos):
        return []
    of = f"of {counted(one.videos, 'video')}"
    what = "begin again" if clips.short == "loop" else "stand still at their end"
    return [
        f"{one.name}: {counted(short, f'{of} is', f'{of} are')} shorter than a clip ({clips.span} frames); such videos "
        f"{what} (short: {clips.short}), and the network sees motion that is not theirs"
    ]


def _too_short(one: Surveyed) -> int:
    """Videos that have fewer frames than a clip, at its rate and in its first seconds.

    Short lengths alone are counted, and lengths apart from rates: what is found is the least that there can be.
    """
    clips, survey = one.clips, one.survey
    if clips.fps is not None:
        if clips.max_seconds is not None and clips.max_seconds * clips.fps < clips.span - 1e-6:
            return one.videos
        seconds = clips.span / clips.fps  # counted to a hundredth
        return sum(count for value, count in survey["short_seconds"] if value + 0.005 < seconds)
    few = sum(count for frames, count in survey["short_frames"] if frames < clips.span)
    if clips.max_seconds is None:
        return few
    slow = sum(count for rate, count in survey["fps"] if clips.max_seconds * rate <= clips.span - 1 + 1e-6)
    return max(few, slow)


def sizes(one: Surveyed, other: Surveyed) -> list[str]:
    """Sets of different sizes, whose clips are then resized differently."""
    if any(sum(each.sizes.values()) <= each.videos / 2 for each in (one, other)):
        return []  # so many sizes that most videos are not counted one by one
    both = [merged(each.sizes, _sizes_alike, like=(one.sizes, other.sizes)) for each in (one, other)]
    if not differ(*both):
        return []
    said = _said((one, other), both, "{0[0]}x{0[1]}")
    if "native" in (one.clips.size, other.clips.size):
        return [f"sizes differ: {said}; the network sees the sets in different scales"]
    shapes = [merged(_ratios(each), _ratios_alike, like=(_ratios(one), _ratios(other))) for each in (one, other)]
    stretched = one.clips.crop == other.clips.crop == "none" and differ(*shapes)
    how = "stretches their shapes" if stretched else "softens their detail"
    return [f"sizes differ: {said}; resizing {how} differently, and the metric sees that"]


def rates(sets: Sequence[Surveyed], *, moving: bool) -> list[str]:
    """Clips whose frames are differently far apart in time, between sets or within one.

    moving: whether a sample stands for a clip; what stands for a frame has no speed.
    """
    sets = [one for one in sets if one.clips.frames > 1 and sum(one.rates.values()) > one.videos / 2]
    if not moving or not sets:
        return []
    known = [one.rates for one in sets]
    counts = [merged(each, _rates_alike, like=known) for each in known]
    cure = "`fps` in the clip spec makes them one"
    if len(sets) == 2 and differ(*counts):
        said = _said(sets, counts, "{:.4g}")
        return [f"frame rates of the clips differ: {said}; one set seems to move faster than the other; {cure}"]
    return [
        f"{one.name}: clips have several frame rates: {listed(each, '{:.4g}')}; equal motion seems differently fast; "
        f"{cure}"
        for one, each in zip(sets, counts, strict=True)
        if max(each.values()) < (1 - DIFFERENT) * sum(each.values())
    ]


def compression(one: Surveyed, other: Surveyed) -> list[str]:
    """Sets that were encoded differently."""
    kinds = [_kinds(each.survey["codecs"]) for each in (one, other)]
    bits = [each.survey["bits_per_pixel"] and each.survey["bits_per_pixel"]["median"] for each in (one, other)]
    lossy = any(kind != "lossless" for each in kinds for kind in each)
    harder = lossy and all(bits) and max(bits) > HARDER * min(bits)
    if not harder and not differ(*kinds):
        return []
    said = "; ".join(
        f"{each.name} is {listed(each.survey['codecs'], '{}')}" + (f", {found:.2g} bits per pixel" if found else "")
        for each, found in zip((one, other), bits, strict=True)
    )
    return [f"compression differs: {said}; it may be what the metric sees"]


def _kinds(codecs: Mapping[str, int]) -> Counter[str]:
    """Videos by codec, all that lose nothing as one."""
    found: Counter[str] = Counter()
    for name, count in codecs.items():
        found["lossless" if name in LOSSLESS else name] += count
    return found


def _ratios(one: Surveyed) -> Counter[float]:
    """Videos by width / height."""
    found: Counter[float] = Counter()
    for (width, height), count in one.sizes.items():
        found[width / height] += count
    return found


def _rates_alike(one: float, other: float) -> bool:
    return _near(one, other, RATES_ALIKE)


def _ratios_alike(one: float, other: float) -> bool:
    return _near(one, other, 2 * SIZES_ALIKE)


def _sizes_alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(_near(*sides, SIZES_ALIKE) for sides in zip(one, other, strict=True))


def _near(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) <= tolerance * max(one, other)


def _said(sets: Sequence[Surveyed], shares: Sequence[Shares], form: str) -> str:
    return ", ".join(f"{one.name} has {listed(each, form)}" for one, each in zip(sets, shares, strict=True))
