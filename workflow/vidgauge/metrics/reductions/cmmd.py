"""The Gaussian-kernel distance: CMMD, on CLIP embeddings."""

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
    sigma: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0,
    normalize: bool = True,
    estimator: Literal["biased", "unbiased"] = "biased",
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000.0,
) -> Reduced:
    """value: MMD² over all pairs with the kernel exp(-|x - y|² / (2 sigma²)), times `scale`.

    normalize: rows are divided by their length first. estimator: biased counts the pairs of a row with itself."""
    from vidgauge.metrics.kernel import gaussian_mmd

    found = gaussian_mmd(reference, candidate, sigma=sigma, normalize=normalize, biased=estimator == "biased")
    return Reduced(found * scale)


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    videos: Videos | None = None,
    sigma: float = 10.0,
    normalize: bool = True,
    estimator: Literal["biased", "unbiased"] = "biased",
    scale: float = 1000.0,
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.influence import scaled
    from vidgauge.metrics.kernel import gaussian_mmd_influence

    biased = estimator == "biased"
    found = gaussian_mmd_influence(reference, candidate, sigma=sigma, normalize=normalize, biased=biased, videos=videos)
    return scaled(found, scale)


METRIC = ReduceSpec(
    name="cmmd",
    reduce=reduce,
    influence=influence,
    better="lower",
    version=1,
    source="Jayasumana et al. 2024 (CMMD), as its code: biased, sigma 10, times 1000; in float64",
    bias="known",
    options=defaults(reduce),
)
