"""The share of candidates that are no copies of the reference."""

from __future__ import annotations

from typing import Any

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Reduced, ReduceSpec


def reduce(
    reference: Any,
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - nothing is drawn
) -> Reduced:
    """value: the percentage of authentic candidates, 0 to 100. Rubbish is authentic too: read it beside a distance."""
    from vidgauge.metrics.manifold import authenticity

    return Reduced(authenticity(reference, candidate))


METRIC = ReduceSpec(
    name="authenticity",
    reduce=reduce,
    better="higher",
    version=1,
    source="Alaa et al. 2022 (authenticity), as AuthPct in dgm-eval (Stein et al. 2023)",
    options=defaults(reduce),
)
