"""The mean Inception score of each video's frames by themselves. AIGVE calls it IS, which it is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec


def reduce(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is shuffled
    videos: tuple[Sequence[str] | None, Sequence[str]],
    epsilon: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-10,
    input: Literal["logits", "probabilities"] = "logits",  # noqa: A002 - the word of the configuration
) -> Reduced:
    """value: the mean over videos; videos: how many. It tells how the frames of a video differ, not how videos do."""
    from vidgauge.metrics.by_video import video_inception_score
    from vidgauge.metrics.inception import probabilities_from_logits

    probabilities = probabilities_from_logits(candidate) if input == "logits" else candidate
    mean, count = video_inception_score(probabilities, videos=videos[1], epsilon=epsilon)
    return Reduced(mean, {"videos": float(count)})


def influence(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is shuffled
    videos: tuple[Sequence[str] | None, Sequence[str]],
    epsilon: float = 1e-10,
    input: Literal["logits", "probabilities"] = "logits",  # noqa: A002 - the word of the configuration
) -> Influence:
    """The effect of each video on the value of `reduce`, shared by its rows."""
    from vidgauge.metrics.by_video import video_inception_influence
    from vidgauge.metrics.inception import probabilities_from_logits

    probabilities = probabilities_from_logits(candidate) if input == "logits" else candidate
    return video_inception_influence(probabilities, videos=videos[1], epsilon=epsilon)


METRIC = ReduceSpec(
    name="video_inception_score",
    reduce=reduce,
    influence=influence,
    by_video=True,
    better="higher",
    version=1,
    source="AIGVE-Tool (Xiang et al. 2025), its IS: per video, over its frames. Not the IS of a dataset",
    needs_reference=False,
    bias="none",
    bounds=(1, math.inf),
    options=defaults(reduce),
)
