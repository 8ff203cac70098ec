"""The Fréchet distance of two Gaussian fits: FVD, FID."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec

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
    from vidgauge.metrics.frechet import frechet_distance

    reference, candidate, weights = _weighed(reference, candidate, videos, weighting, fold)
    return Reduced(frechet_distance(reference, candidate, ddof=ddof, weights=weights))


def approximate(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str] | None, Sequence[str]] | None = None,
    ddof: int = 0,
    weighting: Literal["samples", "videos"] = "samples",
    fold: Literal["none", "data-juicer"] = "none",
) -> Reduced:
    """As `reduce`, faster and to about six digits."""
    from vidgauge.metrics.frechet import frechet_approximately

    reference, candidate, weights = _weighed(reference, candidate, videos, weighting, fold)
    return Reduced(frechet_approximately(reference, candidate, ddof=ddof, weights=weights))


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: tuple[Sequence[str] | None, Sequence[str]] | None = None,
    ddof: int = 0,
    weighting: Literal["samples", "videos"] = "samples",
    fold: Literal["none", "data-juicer"] = "none",
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.frechet import frechet_influence

    reference, candidate, weights = _weighed(reference, candidate, videos, weighting, fold)
    return frechet_influence(reference, candidate, ddof=ddof, weights=weights)


def influence_from_stats(
    reference: Moments,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    ddof: int = 0,
    weighting: Literal["samples", "videos"] = "samples",  # noqa: ARG001 - `from_stats` has refused videos
    fold: Literal["none", "data-juicer"] = "none",
) -> Influence:
    """The effect of each of the candidate's rows (m, d) on the value of `from_stats`."""
    from vidgauge.metrics.frechet import fold_gaussian, fold_quarters, frechet_influence_from_stats
    from vidgauge.metrics.stats import covariance

    mean, cov = reference.mean, covariance(reference, ddof)
    if fold == "data-juicer":
        (mean, cov), candidate = fold_gaussian(mean, cov), fold_quarters(candidate)
    return frechet_influence_from_stats(mean, cov, candidate, ddof=ddof)


def _weighed(
    reference: Any, candidate: Any, videos: tuple[Any, Any] | None, weighting: str, fold: str
) -> tuple[Any, Any, tuple[Any, Any] | None]:
    """Both sets, folded where that is asked for, and the weights of their rows."""
    from vidgauge.metrics.by_video import video_weights
    from vidgauge.metrics.frechet import fold_quarters

    weights = None
    if weighting == "videos":
        if videos is None or videos[0] is None:
            raise ValueError("weighting: expected each sample's video on both sides for videos, got none")
        weights = video_weights(videos[0]), video_weights(videos[1])
    if fold == "data-juicer":
        reference, candidate = fold_quarters(reference), fold_quarters(candidate)
    return reference, candidate, weights


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
    approximate=approximate,
    influence=influence,
    influence_from_stats=influence_from_stats,
    bias="vanishing",
    by_video=True,
    better="lower",
    version=1,
    source="Heusel et al. 2017 (FID); Unterthiner et al. 2018 (FVD)",
    bounds=(0, math.inf),
    options=defaults(reduce),
)
