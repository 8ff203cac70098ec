"""Everything that a metric's number depends on besides the videos, as one flat list of settings.

Two numbers compare if theirs are equal. The names are the keys of config.yaml; what only the reference does otherwise
is named `reference.<key>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.metric import Metric
from vidgauge.specs import ClipSpec, Precision

RESIZING = ("resize", "antialias", "backend", "rounding", "crop")


def knobs(metric: Metric, precision: Precision) -> dict[str, str]:
    """The settings of a metric by name, in the order in which a video passes them."""
    candidate, definition = metric.sampling(reference=False), metric.definition
    found = {**_clips(candidate.clips), "samples": _text(candidate.samples), "samples_by": definition.samples_by}
    if metric.reduce.needs_reference:
        reference = metric.sampling(reference=True)
        other = {**_clips(reference.clips), "samples": _text(reference.samples)}
        found |= {f"reference.{key}": value for key, value in other.items() if found.get(key) != value}
    seen = metric.extractor.input
    found |= {
        "extractor": metric.extractor.name,
        "extractor.resize": seen.resize,
        "extractor.range": seen.range,
        "weights": metric.weights or (metric.own.digest[:8] if metric.own else "none"),
        "array": metric.array,
        **({"column": metric.column.name} if metric.column else {}),
        **({"partners": metric.partners, "unequal": definition.unequal} if metric.partners else {}),
        "precision": precision,
        "reduce": definition.reduce,
    }
    options = {**metric.reduce.options, **definition.options}
    return found | {f"options.{key}": _text(value) for key, value in options.items()}


def _clips(spec: ClipSpec) -> dict[str, str]:
    unused = RESIZING if spec.size == "native" else ()
    return {key: _text(value) for key, value in spec.model_dump(mode="json").items() if key not in unused}


def _text(value: Any) -> str:
    """A value as config.yaml would have it.

    >>> _text([240, 320]), _text("native"), _text(None), _text(False)
    ('[240, 320]', 'native', 'null', 'false')
    """
    return value if isinstance(value, str) else json.dumps(value)


def differing(several: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """The knobs in which some of several metrics differ, with the value of each; '-' where one has no such knob.

    >>> differing([{"stride": "1", "start": "first"}, {"stride": "8", "start": "first"}])
    {'stride': ['1', '8']}
    """
    names = dict.fromkeys(name for one in several for name in one)
    values = {name: [one.get(name, "-") for one in several] for name in names}
    return {name: each for name, each in values.items() if len(set(each)) > 1}
