"""Rows of results as named metrics give them, without the hours that their networks take."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests import stand_ins
from vidgauge import layout
from vidgauge.evaluate import ROW
from vidgauge.knobs import knobs
from vidgauge.metric import Metric

SEED = 42


@cache
def known() -> dict[str, Metric]:
    return stand_ins.known()


def preset_row(name: str, candidate: str = "mild", *, videos: int = 90, **changes: Any) -> dict[str, Any]:
    """The row of a named metric for a candidate of some videos, and a reference `real` where it has one."""
    metric = known()[name]
    sides = {"candidate": metric.sampling(reference=False)}
    if metric.reference is not None:
        sides["reference"] = metric.sampling(reference=True)
    specs = {
        side: layout.resolved(sampling.clips, seed=SEED, draws=sampling.draws(videos, [videos]))
        for side, sampling in sides.items()
    }
    weights = metric.weights
    found = dict.fromkeys(ROW) | {
        "metric": name,
        "protocol": metric.definition.protocol,
        "candidate": candidate,
        "value": 84.123,
        "better": metric.better,
        "column": metric.column.name if metric.column else None,
        "scale": 1.0,
        "extractor": metric.extractor.name,
        "array": metric.array,
        "weights": weights,
        "weights_sha256": "0123abcd" * 8 if weights else None,
        "weights_verified": True if weights else None,
        "licence": "Apache-2.0",
        "clips": layout.clips_name(sides["candidate"].clips, seed=SEED, draws=1),
        "clip_spec": specs["candidate"],
        "clip_spec_reference": specs.get("reference"),
        "precision": "float32",
        "options": {**metric.reduce.options, **metric.definition.options},
        "seed": SEED,
        "runs": 1,
        "runs_values": [84.123],
        "warnings": [],
        "knobs": knobs(metric, "float32"),
        "undecodable": [],
        "note": metric.note,
        "made_with": {candidate: {"device": "cpu", "batch_shape": None, "versions": {"numpy": "2.4.6"}}},
        "values": {},
    }
    for side, sampling in sides.items():
        found |= {f"n_{side}": videos * sampling.rows, f"videos_{side}": videos, f"{side}_digest": side[0] * 64}
        found[side] = candidate if side == "candidate" else "real"
    return found | changes
