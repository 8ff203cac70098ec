"""What a self-test is asked for: metrics, put together where they see the same clips through the same network."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from vidgauge import extractors
from vidgauge.definition import MetricDefinition
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.extractors import loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.metric import Metric
from vidgauge.presets import presets
from vidgauge.specs import ArraySpec, ClipSpec

REDUCTIONS = ("frechet", "kernel_exact", "density_coverage")
"""Of each array of an extractor that is asked for alone: one by moments, one by a kernel, one by neighbours."""


@dataclass(frozen=True)
class Group:
    """Metrics that share a decode and a pass through a network for each damage."""

    network: NetworkAsked
    clips: ClipSpec
    metrics: tuple[Metric, ...]


def of_extractor(network: NetworkAsked, clips: ClipSpec, array: str | None) -> Group:
    """REDUCTIONS of one array, or of the first array of frames and the first of clips.

    Raises UsageError for an extractor or array that does not exist, and for clips that it cannot see.
    """
    spec = loading.spec_of(network)
    if spec.judges:
        raise UsageError(
            f"{spec.name} judges single videos, and a self-test is of features of sets; take another network"
        )
    if network.weights is not None and network.weights not in spec.weights:
        raise UsageError(
            f"weights: {spec.name} does not take '{network.weights}'; {did_you_mean(network.weights, spec.weights)}"
        )
    given = loading.given_arrays(spec, spec.weights[network.weights] if network.weights else None)
    there = {name: kind for name, kind in extractors.arrays_of(spec, clips.frames).items() if name in given}
    if array is not None and array not in given:
        raise UsageError(f"--array: {spec.name} has no array {array!r}; {did_you_mean(array, given)}")
    if not there or array not in (None, *there):
        least = f"{spec.arrays[array].min_frames} or more" if there and array else spec.input.frames_text
        raise UsageError(
            f"--clips: {array or 'every array'} of {spec.name} needs clips of {least} frames, and these have "
            f"{clips.frames}; say --clips frames=..."
        )
    names = [array] if array else _first_of_each_kind(there)
    metrics = [
        Metric(
            f"{reduce} {name}",
            MetricDefinition(reduce=reduce, extractor=spec.name, array=name, weights=network.weights, clips=clips),
            spec,
            own=network.own,
        )
        for name in names
        for reduce in REDUCTIONS
    ]
    return Group(network.model_copy(update={"arrays": tuple(names)}), clips, tuple(metrics))


def _first_of_each_kind(arrays: dict[str, ArraySpec]) -> list[str]:
    kinds: dict[str, str] = {}
    for name, array in arrays.items():
        if not array.on_demand:
            kinds.setdefault(array.per, name)
    return list(kinds.values()) or list(arrays)[:1]


def of_presets(names: Sequence[str]) -> list[Group]:
    """Named metrics by network and clip spec. Both halves are sampled as the metric samples candidates.

    Raises UsageError for names that do not exist, and for metrics that compare each video with its own reference video.
    """
    metrics = [_preset(name) for name in dict.fromkeys(names)]
    together: dict[str, list[Metric]] = {}
    for metric in metrics:
        key = (metric.extractor.name, metric.weights, metric.definition.clips.model_dump_json())
        together.setdefault(repr(key), []).append(metric)
    return [_group(found) for found in together.values()]


def _group(metrics: Sequence[Metric]) -> Group:
    first = metrics[0]
    arrays = tuple(dict.fromkeys(metric.array for metric in metrics))
    network = NetworkAsked(name=first.extractor.name, weights=first.weights, arrays=arrays)
    return Group(network, first.definition.clips, tuple(metrics))


def _preset(name: str) -> Metric:
    if name not in presets():
        raise UsageError(f"unknown metric '{name}'; {did_you_mean(name, presets())}")
    definition = presets()[name]
    metric = Metric(name, definition, extractors.spec(definition.extractor))
    if metric.column is not None:
        raise UsageError(f"{name} judges single videos, and a self-test is of distances between sets; leave it out")
    if metric.reduce.paired:
        raise UsageError(
            f"{name} compares each video with its own reference video, and the two halves of a self-test are of "
            "different videos; leave it out"
        )
    return metric


def clip_spec(text: str | None) -> ClipSpec:
    """A clip spec from JSON, or from key=value parts with commas between them; UsageError where it is none.

    >>> clip_spec("frames=8,size=[96, 128]").shape
    (96, 128)
    """
    said = _said(text or "{}")
    try:
        return ClipSpec.model_validate(said)
    except ValidationError as error:
        raise UsageError("; ".join(f"--clips: {_problem(item)}" for item in error.errors())) from None


def _said(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise UsageError(f"--clips: is no JSON ({error}); give it as frames=16,size=[224,224]") from None
    parts = [part.partition("=") for part in re.split(r",(?![^\[]*\])", text)]
    if bad := next((key for key, equals, _ in parts if not equals), None):
        raise UsageError(f"--clips: '{bad}' has no value; give it as frames=16,size=[224,224]")
    return {key.strip(): _value(value.strip()) for key, _, value in parts}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _problem(item: Any) -> str:
    key = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key; {did_you_mean(key, ClipSpec.model_fields)}"
    text = str(item["ctx"]["error"]) if item["type"] == "value_error" else item["msg"]
    return f"{key}: {text}" if key else text
