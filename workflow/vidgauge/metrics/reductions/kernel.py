"""The kernel distance over random subsets: KVD, KID."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,
    subsets: Annotated[int, Field(ge=1)] = 100,
    subset_size: Annotated[int, Field(ge=2)] = 1000,
) -> Reduced:
    """value: the mean over subsets, not multiplied by 1000; subset_std: the population deviation over them."""
    from vidgauge.metrics.kernel import kernel_distance

    found = kernel_distance(reference, candidate, subsets=subsets, subset_size=subset_size, seed=seed)
    return Reduced(found.mean, {"subset_std": found.std})


METRIC = ReduceSpec(
    name="kernel",
    reduce=reduce,
    better="lower",
    version=1,
    source="Bińkowski et al. 2018 (KID), subsets drawn as in StyleGAN-V and clean-fid",
    options=defaults(reduce),
)
