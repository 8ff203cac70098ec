"""Improved precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    k: Annotated[int, Field(ge=1)] = 3,
    radius: Literal["float64", "float16"] = "float64",
) -> Reduced:
    """value: the F-score (harmonic mean) of precision and recall, 0 where both are 0.

    radius: float16 rounds radii as NVIDIA's code and data-juicer do."""
    from vidgauge.metrics.manifold import precision_recall

    precision, recall = precision_recall(reference, candidate, k=k, radius=radius)
    return Reduced(_f_score(precision, recall), {"precision": precision, "recall": recall})


def leave_out(
    reference: Any,
    candidate: Any,
    *,
    groups: tuple[Any, Any],
    seed: int,  # noqa: ARG001 - nothing is drawn
    k: int = 3,
    radius: Literal["float64", "float16"] = "float64",
) -> tuple[np.ndarray, np.ndarray]:
    """The value of `reduce` without each group of the reference's rows, and without each of the candidate's."""
    import numpy as np

    from vidgauge.metrics.manifold_leave_out import precision_recall_without

    precision, recall = precision_recall_without(reference, candidate, groups=groups, k=k, radius=radius)
    f_score = np.vectorize(_f_score)
    return f_score(precision.reference, recall.reference), f_score(precision.candidate, recall.candidate)


def _f_score(precision: float, recall: float) -> float:
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0


METRIC = ReduceSpec(
    name="precision_recall",
    reduce=reduce,
    leave_out=leave_out,
    better="higher",
    version=1,
    source="Kynkäänniemi et al. 2019",
    bias="size",
    bounds=(0, 1),
    options=defaults(reduce),
)
