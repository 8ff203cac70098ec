"""The Inception score of a classifier's output on the candidate alone."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from vidgauge.metrics.registry import defaults
from vidgauge.specs import Influence, Reduced, ReduceSpec


def reduce(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - the published scores fix their shuffle: shuffle_seed
    splits: Annotated[int, Field(ge=1)] = 10,
    shuffle_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = 42,
    shuffle_by: Literal["numpy", "torch"] = "numpy",
    epsilon: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0,
    input: Literal["logits", "probabilities"] = "logits",  # noqa: A002 - the word of the configuration
) -> Reduced:
    """value and mean: the mean over splits; std: the population deviation over them. Logits pass a float64 softmax.

    shuffle_by: torch is data-juicer's order of frames. epsilon: added inside the logarithms."""
    from vidgauge.metrics.inception import inception_score, probabilities_from_logits

    probabilities = probabilities_from_logits(candidate) if input == "logits" else candidate
    found = inception_score(
        probabilities, splits=splits, shuffle_seed=shuffle_seed, shuffle_by=shuffle_by, epsilon=epsilon
    )
    return Reduced(found.mean, {"mean": found.mean, "std": found.std})


def influence(
    reference: Any,  # noqa: ARG001 - none is needed
    candidate: Any,
    *,
    seed: int,  # noqa: ARG001 - as in `reduce`
    splits: int = 10,
    shuffle_seed: int | None = 42,
    shuffle_by: Literal["numpy", "torch"] = "numpy",
    epsilon: float = 0.0,
    input: Literal["logits", "probabilities"] = "logits",  # noqa: A002 - the word of the configuration
) -> Influence:
    """The effect of each row on the value of `reduce`."""
    from vidgauge.metrics.inception import inception_influence, probabilities_from_logits

    probabilities = probabilities_from_logits(candidate) if input == "logits" else candidate
    return inception_influence(
        probabilities, splits=splits, shuffle_seed=shuffle_seed, shuffle_by=shuffle_by, epsilon=epsilon
    )


METRIC = ReduceSpec(
    name="inception_score",
    reduce=reduce,
    influence=influence,
    better="higher",
    version=1,
    source="Salimans et al. 2016; shuffled with RandomState(42) as the video Inception score of StyleGAN-V",
    needs_reference=False,
    bias="vanishing",
    bounds=(1, math.inf),
    options=defaults(reduce),
)
