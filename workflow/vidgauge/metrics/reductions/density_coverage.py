"""Density and coverage."""

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
    k: Annotated[int, Field(ge=1)] = 5,
) -> Reduced:
    """value: the coverage, which falls for bad and for missing samples alike; density is not bounded by 1."""
    from vidgauge.metrics.manifold import density_coverage

    density, coverage = density_coverage(reference, candidate, k=k)
    return Reduced(coverage, {"density": density, "coverage": coverage})


METRIC = ReduceSpec(
    name="density_coverage",
    reduce=reduce,
    better="higher",
    version=1,
    source="Naeem et al. 2020 (PRDC)",
    options=defaults(reduce),
)
