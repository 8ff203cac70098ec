"""The kernel distance over all pairs: no draw, so no noise of its own."""

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
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
) -> Reduced:
    """value: unbiased MMD² of the cubic kernel, times `scale`."""
    from vidgauge.metrics.kernel import kernel_distance_exact

    return Reduced(kernel_distance_exact(reference, candidate) * scale)


METRIC = ReduceSpec(
    name="kernel_exact",
    reduce=reduce,
    better="lower",
    version=1,
    source="Gretton et al. 2012 (unbiased MMD²); Bińkowski et al. 2018 (the kernel)",
    options=defaults(reduce),
)
