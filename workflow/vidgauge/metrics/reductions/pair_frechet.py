"""The mean Fréchet distance between the frames of the two videos of a pair. AIGVE calls it FID, which it is not."""

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
    """value: the mean over pairs, covariances over n - 1; pairs: how many. A pair is a few frames against a few."""
    from vidgauge.metrics.by_video import pair_frechet

    mean, count = pair_frechet(reference, candidate, videos=videos)
    return Reduced(mean, {"pairs": float(count)})


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str], Sequence[str]],
) -> Influence:
    """The effect of each pair on the value of `reduce`, all of it on the reference's rows."""
    from vidgauge.metrics.by_video import pair_frechet_influence

    return pair_frechet_influence(reference, candidate, videos=videos)


METRIC = ReduceSpec(
    name="pair_frechet",
    reduce=reduce,
    influence=influence,
    by_video=True,
    paired=True,
    better="lower",
    version=1,
    source="AIGVE-Tool (Xiang et al. 2025), its FID: per pair of videos, over their frames. Not the FID of a dataset",
    bias="none",
    options=defaults(reduce),
)
