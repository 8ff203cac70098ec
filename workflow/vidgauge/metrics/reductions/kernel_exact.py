"""The kernel distance over all pairs: no draw, so no noise of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec

if TYPE_CHECKING:
    from vidgauge.metrics._mmd import Videos


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


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: Videos | None = None,
    scale: float = 1.0,
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.influence import scaled
    from vidgauge.metrics.kernel import polynomial_mmd_influence

    return scaled(polynomial_mmd_influence(reference, candidate, videos=videos), scale)


METRIC = ReduceSpec(
    name="kernel_exact",
    reduce=reduce,
    influence=influence,
    better="lower",
    version=1,
    source="Gretton et al. 2012 (unbiased MMD²); Bińkowski et al. 2018 (the kernel)",
    bias="known",
    options=defaults(reduce),
)
