"""What the features themselves show: videos that all but repeat one another."""

from __future__ import annotations

import math

import numpy as np

from vidgauge.cautions.samples import is_constant
from vidgauge.cautions.shares import share
from vidgauge.draws import position
from vidgauge.metrics.nearest import nearest_others
from vidgauge.sides import Side

MOST = 1024
"""Videos that are looked at, the first in hash order: the cost is that of a matrix product."""
NEAR = 0.3
"""Nearer than this share of the usual distance to the nearest other video is a near copy.

Measured on scenes of the demo: a copy that was encoded again (crf 18), begins a frame later, or is moved by a pixel
is at 0.09 to 0.15 of it in the demo's network; another video of the same kind seldom below 0.8.
"""
MANY = 0.05
"""Near copies, beyond those of the reference, that are worth a warning."""
DEVIATIONS = 2.75
"""How sure that must be. Over eleven laws, from 1 to 512 dimensions, with heavy tails and with clusters, and 16 to 256
videos, two sets of one law were told apart in 0.7 % of cases at most, in a single one of them in 1 %. Among Gaussian
videos in 8 dimensions and more, 20 % of copies are found in two of three sets of 32, and always from 64 on, and a
collapse to ten modes nearly always from 16 on; laws of few dimensions, and references that hold copies, need more."""
SAME = 1e-3
"""Without a reference only what all but coincides is a copy: this share of the distance that one in ten exceeds."""


def near_copies(candidate: Side, reference: Side | None) -> list[str]:
    """Many near copies among the candidate's videos, more than among the reference's: a collapsed generator.

    A video is the mean of its samples. Copies are videos whose nearest other one is nearer than NEAR of the median of
    that distance in the reference, in as many videos of both sets. The two shares are held apart by their arcsines,
    whose variance does not depend on the share; it counts twice, for copies come in pairs.
    """
    sides = [side for side in (candidate, reference) if side is not None]
    means = [_videos(side) for side in sides]
    n = min(map(len, means))
    if n < 2:
        return []
    found = [nearest_others(np.stack(list(each.values())[:n])) for each in means]
    nearest, distance = found[0]
    limit = SAME * np.quantile(distance, 0.9) if reference is None else NEAR * np.median(found[1][1])
    counts = [int((each <= limit).sum()) for _, each in found]
    chance = _arcsine(counts[1], n) + DEVIATIONS / math.sqrt(n) if reference is not None else 0
    if counts[0] - sum(counts[1:]) <= MANY * n or _arcsine(counts[0], n) < chance:
        return []
    names, first = list(means[0]), int(distance.argmin())
    one, other = sorted((names[first], names[nearest[first]]))
    usual = "" if reference is None else f", in {reference.name} {share(counts[1], n)}"
    return [
        f"{candidate.name}: {share(counts[0], n)} of {n} videos are near copies of one another ({one} and {other}, say)"
        f"{usual}: the generator may repeat itself; if files of one video are among them, the interval takes them for "
        "different videos and is too narrow"
    ]


def _videos(side: Side) -> dict[str, np.ndarray]:
    """The mean row (d,) float64 of each video by id, of the first MOST in hash order and in it.

    None of them where videos are not known, and where nothing can be measured: samples all the same, or not finite.
    """
    if side.samples is None or not side.videos or is_constant(side):
        return {}
    values, video = side.samples.values, side.samples.video
    rows: dict[str, list[int]] = {
        name: [] for name in sorted(set(video), key=lambda name: (position(name), name))[:MOST]
    }
    for row, name in enumerate(video):
        if name in rows:
            rows[name].append(row)
    means = {name: values[which].mean(axis=0, dtype=np.float64) for name, which in rows.items()}
    return means if all(np.isfinite(mean).all() for mean in means.values()) else {}


def _arcsine(count: int, n: int) -> float:
    """Anscombe (1948): of a count out of n, with a standard deviation of 1 / (2 * sqrt(n))."""
    return math.asin(math.sqrt((count + 0.375) / (n + 0.75)))
