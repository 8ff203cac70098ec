"""The Vendi score of the candidate alone: how many different samples it is worth."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec


def reduce(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    order: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0,
) -> Reduced:
    """value: exp of the entropy of the eigenvalues of the cosine matrix over n; order: q of that (Rényi) entropy."""
    from vidgauge.metrics.diversity import vendi_score

    return Reduced(vendi_score(candidate, order=order))


def influence(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
    order: float = 1.0,
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.diversity import vendi_influence

    return vendi_influence(candidate, order=order)


METRIC = ReduceSpec(
    name="vendi",
    reduce=reduce,
    influence=influence,
    better="higher",
    version=1,
    source="Friedman & Dieng 2023 (Vendi score), cosine kernel as in dgm-eval; Pasarkar & Dieng 2024 (order)",
    needs_reference=False,
    bias="vanishing",
    bounds=(1, math.inf),
    options=defaults(reduce),
)
