"""How many samples there are, of how many videos, and which are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.sides import Side
from vidgauge.store.failed import DECODING, FAILED
from vidgauge.wording import counted

FEW_VIDEOS = 256
"""Below it, an interval is wider than most differences that one wants to see."""
FEW_SCORES = 30
"""The same for the mean of a score, which has no bias."""
NAMED = 3
"""Videos that a sentence names."""


def few(plan: Mapping[str, Any], sides: Sequence[Side]) -> list[str]:
    """Too few samples for the covariance, too few videos for differences."""
    texts = []
    n, width = min((side.distinct for side in sides if side.distinct is not None), default=0), sides[0].width
    if plan["options"].get("fold", "none") != "none":
        width //= 4
    if plan["definition"]["reduce"] == "frechet" and 0 < n <= width:
        texts.append(f"{n} samples of {width} features: the covariance is singular, and the distance is biased upward")
    counts: dict[str, int] = {}
    for side in sides:
        if side.videos:
            counts[side.name] = min(side.videos, counts.get(side.name, side.videos))
    if "column" in plan:
        said = [f"{count} in {name}" for name, count in counts.items() if count < FEW_SCORES]
        return [f"few videos: {', '.join(said)}; the interval is wide"] if said else []
    if said := [f"{count} in {name}" for name, count in counts.items() if count < FEW_VIDEOS]:
        texts.append(f"few videos: {', '.join(said)}; below {FEW_VIDEOS}, intervals are wide and biases large")
    return texts


def constant(side: Side) -> list[str]:
    """A network that answers the same to everything."""
    if side.samples is None or not is_constant(side):
        return []
    n = len(side.samples)
    return [f"{side.name}: all {n} samples have the same features; look at the network and what it is fed"]


def is_constant(side: Side) -> bool:
    """Whether all of several samples are one and the same."""
    values = None if side.samples is None else side.samples.values
    return values is not None and len(values) > 1 and bool((values == values[0]).all())


def missing(side: Side, wanted: int | None) -> list[str]:
    """Samples that were asked for and videos that are left out."""
    if side.samples is None:
        return []
    n, texts = len(side.samples), []
    if wanted is not None and n < wanted:
        texts.append(f"{side.name}: {counted(wanted, 'sample was', 'samples were')} asked for, only {n} are there")
    for what in (DECODING, *FAILED.values()):
        names = [str(bad["video"]) for bad in side.failed if FAILED.get(bad.get("reason", ""), DECODING) == what]
        rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        if names:
            number = counted(len(names), f"video {what} is", f"videos {what} are")
            texts.append(
                f"{side.name}: {number} left out: {', '.join(names[:NAMED])}{rest}; see undecodable in metrics.json"
            )
    if side.alone:
        alone = counted(side.alone, "video whose partner is missing is", "videos whose partner is missing are")
        texts.append(f"{side.name}: {alone} left out")
    return texts


def undefined(plan: Mapping[str, Any], side: Side) -> list[str]:
    """Videos, and frames of others, of which a score has no value."""
    if not (side.undefined or side.gaps):
        return []
    column, texts = plan["column"], []
    why = f" ({column['undefined']})" if column["undefined"] else ""
    counts = (
        (side.undefined, side.undefined + (side.videos or 0), "videos"),
        (side.gaps, side.gaps + (side.n or 0), f"{column['per']}s"),
    )
    for number, of, what in counts:
        if number:
            have, are = ("has", "is") if number == 1 else ("have", "are")
            texts.append(f"{side.name}: {number} of {of} {what} {have} no {column['name']}{why} and {are} left out")
    return texts


def dependent(side: Side) -> list[str]:
    """Samples that say less than as many videos would."""
    if side.samples is None:
        return []
    n, texts = len(side.samples), []
    if side.distinct is not None and side.distinct < n:
        texts.append(
            f"{side.name}: only {side.distinct} of {n} samples are distinct; videos are too short for more draws"
        )
    if side.videos is not None and n > side.videos:
        of = counted(side.videos, "video")
        texts.append(f"{n} samples come from {of}; those of one video are not independent")
    return texts


def of_clips(side: Side) -> bool:
    """Whether a sample stands for a clip and not for one of its frames, as far as samples tell."""
    if side.samples is None:
        return True
    return len(set(zip(side.samples.video, side.samples.draw, strict=True))) == len(side.samples)
