"""Improved precision and recall."""

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
    k: Annotated[int, Field(ge=1)] = 3,
    radius: Literal["float64", "float16"] = "float64",
) -> Reduced:
    """value: the F-score (harmonic mean) of precision and recall, 0 where both are 0.

    radius: float16 rounds radii as NVIDIA's code and data-juicer do."""
    from vidgauge.metrics.manifold import precision_recall

    precision, recall = precision_recall(reference, candidate, k=k, radius=radius)
    both = precision + recall
    return Reduced(2 * precision * recall / both if both else 0.0, {"precision": precision, "recall": recall})


METRIC = ReduceSpec(
    name="precision_recall",
    reduce=reduce,
    better="higher",
    version=1,
    source="Kynkäänniemi et al. 2019",
    options=defaults(reduce),
)
