"""Named metrics: bundles of the keys that `define` in config.yaml takes, in families whose numbers compare.

A family is one YAML file of this folder, named as the protocol that its metrics carry. What several of its metrics
share stands under `bases`; a metric names one by `like` and adds its own keys, to `clips` and `options` key by key.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from vidgauge.definition import MetricDefinition, Name
from vidgauge.files import from_yaml
from vidgauge.specs import Closed

NESTED = ("clips", "options")


class Protocol(Closed):
    """A family of named metrics."""

    about: str
    source: str = Field(description="the tool or the papers whose numbers these are")
    differs: list[str] = Field(default_factory=list, description="where a number can differ from the tool's own, why")
    metrics: dict[Name, MetricDefinition]


@cache
def protocols() -> dict[str, Protocol]:
    """Every family by name, in alphabetical order."""
    return {path.stem: _read(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))}


@cache
def presets() -> dict[str, MetricDefinition]:
    """The metrics of all families by name. Raises ValueError where two families give one name."""
    found: dict[str, MetricDefinition] = {}
    for protocol, family in protocols().items():
        if twice := found.keys() & family.metrics.keys():
            raise ValueError(f"presets/{protocol}.yaml: {', '.join(sorted(twice))} is named in another file too")
        found |= family.metrics
    return found


def _read(path: Path) -> Protocol:
    raw = from_yaml(path.read_text("utf-8"))
    bases = raw.pop("bases", {})
    metrics = {name: _metric(path.stem, bases, dict(keys)) for name, keys in raw.pop("metrics").items()}
    return Protocol.model_validate({**raw, "metrics": metrics})


def _metric(protocol: str, bases: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    base = bases[keys.pop("like")] if "like" in keys else {}
    nested = {key: {**base.get(key, {}), **keys.get(key, {})} for key in NESTED}
    return {"protocol": protocol, **base, **keys, **nested}
