"""Write the tables of the documentation from the code: `python docs/tables.py`; with --check only say what is stale."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from vidgauge import config, extractors
from vidgauge.evaluate import ROW
from vidgauge.extractors.own import OwnInput, OwnNetwork
from vidgauge.metrics import registry
from vidgauge.report.table import ARROWS
from vidgauge.specs import ClipSpec, ExtractorSpec, Takes
from vidgauge.weights import registry as known_weights

ROOT = Path(__file__).parents[1]
KINDS = {"frame": "single frames", "clip": "whole clips"}


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    rows = [list(head), ["---"] * len(list(head)), *map(list, lines)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def presets() -> str:
    """Every named metric."""
    known = registry.reductions()
    return table(
        ("metric", "what it is", "array", ""),
        (
            (f"`{name}`", metric.about, f"{metric.extractor}: {metric.array}", ARROWS[known[metric.reduce].better])
            for name, metric in config.presets().items()
        ),
    )


def rows() -> str:
    """Every key of a result."""
    return table(("key", "meaning"), ((f"`{key}`", meaning) for key, meaning in ROW.items()))


def clips() -> str:
    """Every key of a clip spec."""
    return table(
        ("key", "default", "meaning"),
        ((f"`{name}`", f"`{field.default}`", field.description or "") for name, field in ClipSpec.model_fields.items()),
    )


def reductions() -> str:
    """Every reduction."""
    return table(
        ("reduction", "", "options", "source"),
        (
            (
                f"`{name}`",
                ARROWS[spec.better],
                ", ".join(f"`{key}: {value}`" for key, value in spec.options.items()),
                spec.source,
            )
            for name, spec in registry.reductions().items()
        ),
    )


def networks() -> str:
    """Every extractor in a line: what it is called elsewhere, what it sees, what it gives, what it is built from."""
    return table(
        ("extractor", "numbers known as", "sees", "gives", "weights"),
        (
            (
                f"[`{name}`](#{name})",
                spec.known_as or "only here",
                f"{KINDS[spec.input.kind]}, {_size(spec.input.size)}",
                ", ".join(f"`{array}` {kind.width}" for array, kind in spec.arrays.items()),
                ", ".join(f"`{weights}`" for weights in spec.weights) or "none",
            )
            for name, spec in extractors.extractors().items()
        ),
    )


def details() -> str:
    """Every extractor in a section of its own."""
    return "\n\n".join(_section(spec) for spec in extractors.extractors().values())


def _section(spec: ExtractorSpec) -> str:
    seen = spec.input
    limited = seen.min_frames > 1 or seen.max_frames is not None
    lines = [
        f"### {spec.name}",
        "",
        f"{spec.source}.",
        "",
        f"- Sees {KINDS[seen.kind]}, {_size(seen.size)}" + (f", {seen.frames_text} frames." if limited else "."),
        f"- Resize: {seen.resize}. Values: {seen.range}.",
        *(
            f"- `{name}`: {array.width} numbers for each {array.per}, {array.meaning}"
            + (" (only where a metric asks for it)." if array.on_demand else ".")
            for name, array in spec.arrays.items()
        ),
        *(f"- {_file(name, takes, spec)}" for name, takes in spec.weights.items()),
        *([f"- Note: {spec.note}."] if spec.note else []),
    ]
    return "\n".join(lines)


def _file(name: str, takes: Takes, spec: ExtractorSpec) -> str:
    entry = known_weights()[name]
    form = "TorchScript" if takes.torchscript else "state dict"
    first = " (default)" if name == next(iter(spec.weights)) else ""
    gives = f", gives {', '.join(f'`{array}`' for array in takes.arrays)}" if takes.arrays else ""
    return f"Weights `{name}`{first}: `{entry.file}`, {form}, {entry.size_text}{gives}."


def _size(size: tuple[int, int] | None) -> str:
    return "any size" if size is None else f"{size[0]} x {size[1]}"


def weights() -> str:
    """Every file of weights."""
    return table(
        ("weights", "file", "size", "checked by", "licence", "to be cited"),
        (
            (
                f"`{name}`",
                f"`{entry.file}`",
                entry.size_text,
                "sha256" if entry.sha256 else "git blob id" if entry.git_blob else "nothing: must be trusted",
                entry.licence,
                entry.citation,
            )
            for name, entry in known_weights().items()
        ),
    )


def own_networks() -> str:
    """The keys of a network that the user brings."""
    fields = {f"input.{name}": field for name, field in OwnInput.model_fields.items()}
    fields |= {name: field for name, field in OwnNetwork.model_fields.items() if name != "input"}
    return table(
        ("key", "default", "meaning"),
        (
            (f"`{name}`", "" if field.is_required() else f"`{json.dumps(_default(field))}`", field.description or "")
            for name, field in fields.items()
        ),
    )


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value


MAKERS = (presets, rows, clips, reductions, networks, details, weights, own_networks)
TABLES: dict[str, Callable[[], str]] = {make.__name__: make for make in MAKERS}


def filled(text: str) -> str:
    """The text with what stands between `<!-- name -->` and `<!-- /name -->` made anew."""
    for name, make in TABLES.items():
        text = re.sub(
            rf"<!-- {name} -->.*?<!-- /{name} -->",
            lambda _, name=name, make=make: f"<!-- {name} -->\n{make()}\n<!-- /{name} -->",
            text,
            flags=re.DOTALL,
        )
    return text


def stale() -> list[Path]:
    """The pages whose tables are not those of the code."""
    return [page for page in pages() if filled(page.read_text()) != page.read_text()]


def pages() -> list[Path]:
    """README.md and all pages of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


if __name__ == "__main__":
    old = stale()
    if "--check" in sys.argv:
        sys.exit(f"stale: {', '.join(map(str, old))}; run: make docs" if old else 0)
    for path in old:
        path.write_text(filled(path.read_text()))
