"""The quadratic-kernel distance: JEDi, on V-JEPA features."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    degree: Annotated[int, Field(ge=1)] = 2,
    gamma: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None,
    coef0: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0,
    estimator: Literal["biased", "unbiased"] = "biased",
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100.0,
) -> Reduced:
    """value: MMD² over all pairs with the kernel (gamma x.y + coef0)^degree, times `scale`.

    gamma: None is 1 / width. estimator: biased counts the pairs of a row with itself."""
    from vidgauge.metrics.kernel import polynomial_mmd

    biased = estimator == "biased"
    found = polynomial_mmd(reference, candidate, degree=degree, gamma=gamma, coef0=coef0, biased=biased)
    return Reduced(found * scale)


METRIC = ReduceSpec(
    name="jedi",
    reduce=reduce,
    better="lower",
    version=1,
    source="Luo et al. 2024 (JEDi), as the package videojedi: biased, (x.y / d)², times 100",
    options=defaults(reduce),
)
