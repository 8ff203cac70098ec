"""The Fréchet distance of two Gaussian fits: FVD, FID."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec

if TYPE_CHECKING:
    from vidgauge.metrics.stats import Moments


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str] | None, Sequence[str]] | None = None,
    ddof: Annotated[int, Field(ge=0, le=1)] = 0,
    weighting: Literal["samples", "videos"] = "samples",
    fold: Literal["none", "data-juicer"] = "none",
) -> Reduced:
    """ddof: 0 divides covariances by n, 1 by n - 1. weighting: videos gives every video, not every sample, weight 1
    (with ddof 0). fold: data-juicer folds d features into d / 4 first; the number is then comparable with no other."""
    from vidgauge.metrics.by_video import video_weights
    from vidgauge.metrics.frechet import fold_quarters, frechet_distance

    weights = None
    if weighting == "videos":
        if videos is None or videos[0] is None:
            raise ValueError("weighting: expected each sample's video on both sides for videos, got none")
        weights = video_weights(videos[0]), video_weights(videos[1])
    if fold == "data-juicer":
        reference, candidate = fold_quarters(reference), fold_quarters(candidate)
    return Reduced(frechet_distance(reference, candidate, ddof=ddof, weights=weights))


def from_stats(
    reference: Moments,
    candidate: Moments,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    ddof: int = 0,
    weighting: Literal["samples", "videos"] = "samples",
    fold: Literal["none", "data-juicer"] = "none",
) -> Reduced:
    """As `reduce`; a covariance whose number of samples or own ddof is not known is used as it is."""
    from vidgauge.metrics.frechet import fold_gaussian, frechet_distance_from_stats
    from vidgauge.metrics.stats import covariance

    if weighting == "videos":
        raise ValueError("weighting: expected samples, got videos, but saved statistics do not tell samples apart")
    sides = [(stats.mean, covariance(stats, ddof)) for stats in (reference, candidate)]
    if fold == "data-juicer":
        sides = [fold_gaussian(*side) for side in sides]
    return Reduced(frechet_distance_from_stats(*sides[0], *sides[1]))


METRIC = ReduceSpec(
    name="frechet",
    reduce=reduce,
    from_stats=from_stats,
    by_video=True,
    better="lower",
    version=1,
    source="Heusel et al. 2017 (FID); Unterthiner et al. 2018 (FVD)",
    options=defaults(reduce),
)
