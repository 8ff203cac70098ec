"""The quadratic-kernel distance: JEDi, on V-JEPA features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: Videos | None = None,
    degree: int = 2,
    gamma: float | None = None,
    coef0: float = 0.0,
    estimator: Literal["biased", "unbiased"] = "biased",
    scale: float = 100.0,
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.influence import scaled
    from vidgauge.metrics.kernel import polynomial_mmd_influence

    biased = estimator == "biased"
    found = polynomial_mmd_influence(
        reference, candidate, degree=degree, gamma=gamma, coef0=coef0, biased=biased, videos=videos
    )
    return scaled(found, scale)


METRIC = ReduceSpec(
    name="jedi",
    reduce=reduce,
    influence=influence,
    better="lower",
    version=1,
    source="Luo et al. 2024 (JEDi), as the package videojedi: biased, (x.y / d)², times 100",
    bias="known",
    options=defaults(reduce),
)
