"""`vidgauge presets`: what the named metrics are made of."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill, indent
from typing import Any

import click
import yaml

from vidgauge import extractors
from vidgauge.errors import UsageError, did_you_mean
from vidgauge.knobs import differing, knobs
from vidgauge.metric import Metric
from vidgauge.presets import presets, protocols
from vidgauge.weights import entry

WIDTH = 100


@click.command("presets")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--define", is_flag=True, help="As YAML, to be pasted into a configuration and changed there.")
def command(names: tuple[str, ...], define: bool) -> None:
    """Print the named metrics; of NAME, a metric, all that it is made of; of several, where they differ.

    The name of a family stands for all of its metrics.

    Example: vidgauge presets fvd2048_16f cd-fvd.i3d
    """
    chosen = [metric for name in names for metric in _metrics(name)] or list(presets())
    if define:
        said = {"define": {name: definition(name) for name in chosen}}
        click.echo(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=WIDTH), nl=False)
    elif len(chosen) == 1:
        click.echo(described(chosen[0]))
    elif names:
        click.echo(side_by_side(chosen))
    else:
        click.echo(listed())


def listed() -> str:
    """Every family with its metrics, a line each."""
    widest = max(map(len, presets()))
    families = []
    for name, family in protocols().items():
        lines = [f"  {metric.ljust(widest)}  {said.about}" for metric, said in family.metrics.items()]
        families.append("\n".join([f"{name}: {family.about}", *lines]))
    return "\n\n".join([*families, "vidgauge presets NAME says what a metric or a family is made of"])


def described(name: str) -> str:
    """A metric in words: what it is, where it differs from its source, each of its settings."""
    metric = resolved(name)
    protocol = metric.definition.protocol
    family = protocols()[protocol]
    settings = knobs(metric, "float32")
    widest = max(map(len, settings))
    lines = [
        f"{name}: {metric.definition.about}",
        *_wrapped("protocol", f"{protocol}: {family.about}"),
        *_wrapped("source", family.source),
        *_wrapped("reduction", metric.reduce.source),
    ]
    if metric.weights:
        lines += _wrapped("weights", f"{metric.weights}, licence: {entry(metric.weights).licence}")
    for what in family.differs:
        lines += _wrapped("differs", what)
    if metric.note:
        lines += _wrapped("note", metric.note)
    return "\n".join([*lines, "  settings", *(f"    {key.ljust(widest)}  {value}" for key, value in settings.items())])


def side_by_side(names: Sequence[str]) -> str:
    """The settings in which metrics differ, a column for each."""
    rows = differing([{"protocol": presets()[name].protocol, **knobs(resolved(name), "float32")} for name in names])
    cells = [["", *names], *([key, *values] for key, values in rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join([*lines, "", "All other settings are the same; `vidgauge presets NAME` prints those of one."])


def definition(name: str) -> dict[str, Any]:
    """A metric as the keys of `define`, those at their default left out."""
    return presets()[name].model_dump(mode="json", exclude_defaults=True, exclude={"protocol"})


def resolved(name: str) -> Metric:
    """A named metric with everything looked up, compared with a dataset `reference` if it needs one."""
    said = presets()[name]
    metric = Metric(name, said, extractors.spec(said.extractor))
    return Metric(name, said, metric.extractor, "reference" if metric.reduce.needs_reference else None)


def _metrics(name: str) -> list[str]:
    if name in presets():
        return [name]
    if name in protocols():
        return list(protocols()[name].metrics)
    raise UsageError(f"unknown metric or family '{name}'; {did_you_mean(name, [*presets(), *protocols()])}")


def _wrapped(head: str, text: str) -> list[str]:
    first, _, rest = fill(f"{head}: {text}", WIDTH - 4, break_on_hyphens=False).partition("\n")
    return [f"  {first}", *([indent(rest, "    ")] if rest else [])]
