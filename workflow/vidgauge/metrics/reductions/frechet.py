"""The Fréchet distance of two Gaussian fits: FVD, FID."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    ddof: Annotated[int, Field(ge=0, le=1)] = 0,
) -> Reduced:
    """ddof: 0 divides covariances by n, 1 by n - 1."""
    from vidgauge.metrics.frechet import frechet_distance

    return Reduced(frechet_distance(reference, candidate, ddof=ddof))


METRIC = ReduceSpec(
    name="frechet",
    reduce=reduce,
    better="lower",
    version=1,
    source="Heusel et al. 2017 (FID); Unterthiner et al. 2018 (FVD)",
    options=defaults(reduce),
)
