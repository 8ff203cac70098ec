"""The mean squared distance between the two videos of a pair. AIGVE calls it FVD, which it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str], Sequence[str]],
) -> Reduced:
    """value: the mean over pairs, one row per video; pairs: how many. It compares videos one by one, not two sets."""
    from vidgauge.metrics.by_video import pair_distance

    mean, count = pair_distance(reference, candidate, videos=videos)
    return Reduced(mean, {"pairs": float(count)})


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str], Sequence[str]],
) -> Influence:
    """The effect of each pair on the value of `reduce`, all of it on the reference's rows."""
    from vidgauge.metrics.by_video import pair_distance_influence

    return pair_distance_influence(reference, candidate, videos=videos)


METRIC = ReduceSpec(
    name="pair_distance",
    reduce=reduce,
    influence=influence,
    by_video=True,
    paired=True,
    better="lower",
    version=1,
    source="AIGVE-Tool (Xiang et al. 2025), its FVD: one sample per side has no covariance. Not the FVD of a dataset",
    bias="none",
    options=defaults(reduce),
)
