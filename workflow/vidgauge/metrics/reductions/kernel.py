"""The kernel distance over random subsets: KVD, KID."""

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
    seed: int,
    subsets: Annotated[int, Field(ge=1)] = 100,
    subset_size: Annotated[int, Field(ge=2)] = 1000,
    subset_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None,
    short: Literal["shrink", "refuse"] = "shrink",
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
) -> Reduced:
    """value: the mean over subsets; subset_std: the population deviation over them; both times `scale`.

    subset_seed: None is the run's seed; torch-fidelity's is 2020. short: refuse gives no value where a set has fewer
    than subset_size rows, as torch-fidelity."""
    from vidgauge.metrics.kernel import kernel_distance

    found = kernel_distance(
        reference,
        candidate,
        subsets=subsets,
        subset_size=subset_size,
        seed=seed if subset_seed is None else subset_seed,
        short=short,
    )
    return Reduced(found.mean * scale, {"subset_std": found.std * scale})


def influence(
    reference: Any,
    candidate: Any,
    *,
    seed: int,
    videos: Videos | None = None,
    subsets: int = 100,
    subset_size: int = 1000,
    subset_seed: int | None = None,
    short: Literal["shrink", "refuse"] = "shrink",
    scale: float = 1.0,
) -> Influence:
    """The effect of each row on the value of `reduce`, averaged over all subsets, and what their drawing adds."""
    from vidgauge.metrics.influence import scaled
    from vidgauge.metrics.kernel import kernel_distance_influence

    found = kernel_distance_influence(
        reference,
        candidate,
        subsets=subsets,
        subset_size=subset_size,
        seed=seed if subset_seed is None else subset_seed,
        short=short,
        videos=videos,
    )
    return scaled(found, scale)


METRIC = ReduceSpec(
    name="kernel",
    reduce=reduce,
    influence=influence,
    better="lower",
    version=1,
    source="Bińkowski et al. 2018 (KID), subsets drawn as in StyleGAN-V, clean-fid and torch-fidelity",
    bias="known",
    options=defaults(reduce),
)
