"""The share of candidates that are no copies of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec

if TYPE_CHECKING:
    import numpy as np


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
) -> Reduced:
    """value: the percentage of authentic candidates, 0 to 100. Rubbish is authentic too: read it beside a distance."""
    from vidgauge.metrics.manifold import authenticity

    return Reduced(authenticity(reference, candidate))


def leave_out(
    reference: Any,
    candidate: Any,
    *,
    groups: tuple[Any, Any],
    seed: int,  # noqa: ARG001 - nothing is drawn
) -> tuple[np.ndarray, np.ndarray]:
    """The value of `reduce` without each group of the reference's rows, and without each of the candidate's."""
    from vidgauge.metrics.manifold_leave_out import authenticity_without

    return authenticity_without(reference, candidate, groups=groups)


METRIC = ReduceSpec(
    name="authenticity",
    reduce=reduce,
    leave_out=leave_out,
    better="higher",
    version=1,
    source="Alaa et al. 2022 (authenticity), as AuthPct in dgm-eval (Stein et al. 2023)",
    bias="size",
    bounds=(0, 100),
    options=defaults(reduce),
)
