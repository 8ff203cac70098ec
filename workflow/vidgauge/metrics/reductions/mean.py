"""The mean of a score over videos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec


def reduce(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str] | None, Sequence[str]],
) -> Reduced:
    """value: the mean over videos of the mean of each one's rows; videos: how many; least, most: of single videos."""
    from vidgauge.metrics.by_video import mean_by_video, scores_by_video

    mean, count = mean_by_video(candidate, videos=videos[1])
    each = scores_by_video(candidate, videos=videos[1]).values()
    return Reduced(mean, {"videos": float(count), "least": min(each), "most": max(each)})


def influence(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str] | None, Sequence[str]],
) -> Influence:
    """The effect of each video on the value of `reduce`, shared by its rows."""
    from vidgauge.metrics.by_video import mean_by_video_influence

    return mean_by_video_influence(candidate, videos=videos[1])


METRIC = ReduceSpec(
    name="mean",
    reduce=reduce,
    influence=influence,
    by_video=True,
    better="higher",  # the column of the scores says so for each
    version=1,
    source="the mean of scores of single videos, each video once",
    needs_reference=False,
    bias="none",
    options=defaults(reduce),
)
