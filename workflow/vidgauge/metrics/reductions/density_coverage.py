"""Density and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec

if TYPE_CHECKING:
    import numpy as np


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


def leave_out(
    reference: Any,
    candidate: Any,
    *,
    groups: tuple[Any, Any],
    seed: int,  # noqa: ARG001 - nothing is drawn
    k: int = 5,
) -> tuple[np.ndarray, np.ndarray]:
    """The value of `reduce` without each group of the reference's rows, and without each of the candidate's."""
    from vidgauge.metrics.manifold_leave_out import coverage_without

    return coverage_without(reference, candidate, groups=groups, k=k)


METRIC = ReduceSpec(
    name="density_coverage",
    reduce=reduce,
    leave_out=leave_out,
    better="higher",
    version=1,
    source="Naeem et al. 2020 (PRDC)",
    bias="size",
    bounds=(0, 1),
    options=defaults(reduce),
)
