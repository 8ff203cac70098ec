"""Write the tables of the documentation from the code: `python docs/tables.py`; with --check only say what is stale."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from vidgauge import extractors, presets
from vidgauge.definition import MetricDefinition
from vidgauge.evaluate import ROW
from vidgauge.extractors.own import OwnInput, OwnNetwork
from vidgauge.knobs import knobs
from vidgauge.metrics import registry
from vidgauge.presets.commands import resolved
from vidgauge.report.standing import ARROWS
from vidgauge.specs import ArraySpec, ClipSpec, ExtractorSpec, Takes
from vidgauge.weights import Entry
from vidgauge.weights import registry as known_weights

ROOT = Path(__file__).parents[1]
KINDS = {"frame": "single frames", "clip": "whole clips"}


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    rows = [list(head), ["---"] * len(list(head)), *map(list, lines)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def families() -> str:
    """Every family of named metrics."""
    return table(
        ("family", "what it is", "metrics"),
        (
            (f"`{name}`", family.about, ", ".join(f"`{metric}`" for metric in family.metrics))
            for name, family in presets.protocols().items()
        ),
    )


def protocols() -> str:
    """Every family in a section of its own: each metric with every setting in which it differs from a default."""
    return "\n\n".join(_family(name, family) for name, family in presets.protocols().items())


def _family(name: str, family: presets.Protocol) -> str:
    made = {metric: knobs(resolved(metric), "float32") for metric in family.metrics}
    metrics = table(
        ("metric", "what it is", "reduction", "samples", "network: array", "weights"),
        (
            (
                f"`{metric}`",
                said.about,
                _reduction(said, made[metric]),
                _samples(made[metric]),
                f"{said.extractor}: {made[metric]['array']}",
                made[metric]["weights"],
            )
            for metric, said in family.metrics.items()
        ),
    )
    clips = table(
        ("metric", "frames", "spacing", "start", "size", "resize", "antialias", "crop", "rounding", "in the network"),
        ((f"`{metric}`", *_pixels(found)) for metric, found in made.items()),
    )
    head = [f"### {name}", "", f"{family.about[0].upper()}{family.about[1:]}. Source: {family.source}."]
    differs = ["", "Where a number can differ from the source's:", "", *(f"- {text}" for text in family.differs)]
    return "\n".join([*head, *(differs if family.differs else []), "", metrics, "", clips])


def _reduction(said: MetricDefinition, found: dict[str, str]) -> str:
    """The reduction with the options that the definition gives, and a covariance's divisor."""
    shown = [key for key in found if key == "options.ddof" or key.removeprefix("options.") in said.options]
    options = ", ".join(f"{key.removeprefix('options.')} {found[key]}" for key in shown)
    return f"{found['reduce']} ({options})" if options else found["reduce"]


def _both(found: dict[str, str], key: str) -> str:
    """A setting, and after it what the reference has otherwise."""
    other = found.get(f"reference.{key}")
    return found[key] if other is None else f"{found[key]}; reference {other}"


def _samples(found: dict[str, str]) -> str:
    order = " by name" if found["samples_by"] == "name" else ""
    return _both(found, "samples").replace("null", "all") + order


def _pixels(found: dict[str, str]) -> list[str]:
    draws = found["clips_per_video"]
    start = _both(found, "start") + (f", {draws} a video" if draws != "auto" else "")
    least = f", from {_both(found, 'min_frames')} frames" if "reference.min_frames" in found else ""
    if found["min_frames"] != "null":
        least = f", from {found['min_frames']} frames"
    resized = (
        [f"{found['resize']} ({found['backend']})", found["antialias"], found["crop"], found["rounding"]]
        if "resize" in found
        else ["-"] * 4
    )
    inside = f"{found['extractor.resize']}; {found['extractor.range']}"
    return [found["frames"], found["stride"], start + least, found["size"], *resized, inside]


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
                _seen(spec),
                ", ".join(f"`{array}` {_width(kind)}" for array, kind in spec.arrays.items()),
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
        f"- Sees {_seen(spec)}" + (f", {seen.frames_text} frames." if limited else "."),
        f"- Resize: {seen.resize}. Values: {seen.range}.",
        *(
            f"- `{name}`: {_width(array)} numbers for each {array.per}, {array.meaning}"
            + (" (only where a metric asks for it)." if array.on_demand else ".")
            for name, array in spec.arrays.items()
        ),
        *(
            f"  - `{column.name}` {ARROWS.get(column.better, '')}: {column.scale}"
            + (f"; none where {column.undefined}." if column.undefined else ".")
            for array in spec.arrays.values()
            for column in array.columns
        ),
        *(f"- {_file(name, takes, spec)}" for name, takes in spec.weights.items()),
        *([f"- Note: {spec.note}."] if spec.note else []),
    ]
    return "\n".join(lines)


def _file(name: str, takes: Takes, spec: ExtractorSpec) -> str:
    entry = known_weights()[name]
    form = "TorchScript" if takes.torchscript else "folder" if takes.folder else "state dict"
    first = " (default)" if name == next(iter(spec.weights)) else ""
    gives = f", gives {', '.join(f'`{array}`' for array in takes.arrays)}" if takes.arrays else ""
    return f"Weights `{name}`{first}: `{entry.file}`, {form}, {entry.size_text}{gives}."


def _seen(spec: ExtractorSpec) -> str:
    """What a network is given."""
    if spec.of is not None:
        return f"features of `{spec.of}`, and the text"
    seen = f"{KINDS[spec.input.kind]}, {_size(spec.input.size)}"
    return seen + (", and the text" if spec.text else ", beside the reference's" if spec.pair else "")


def _width(array: ArraySpec) -> str:
    return "as many as its weights say" if array.width is None else str(array.width)


def _size(size: tuple[int, int] | None) -> str:
    return "any size" if size is None else f"{size[0]} x {size[1]}"


def weights() -> str:
    """Every file of weights, and every folder."""
    return table(
        ("weights", "file", "size", "checked by", "licence", "to be cited"),
        (
            (
                f"`{name}`",
                f"`{entry.file}/`, {_pieces(entry)}" if entry.files else f"`{entry.file}`",
                entry.size_text,
                _checked_by(entry),
                entry.licence,
                entry.citation,
            )
            for name, entry in known_weights().items()
        ),
    )


def _pieces(entry: Entry) -> str:
    """How many files a folder has."""
    least = "up to " if any(piece.optional for piece in entry.files) else ""
    shards = " and shards" if any(piece.is_index for piece in entry.files) else ""
    return f"{least}{len(entry.files)} files{shards}"


def _checked_by(entry: Entry) -> str:
    if not entry.has_digest:
        return "nothing: must be trusted"
    return "git blob id" if entry.git_blob and not entry.sha256 else "sha256"


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


MAKERS = (families, protocols, rows, clips, reductions, networks, details, weights, own_networks)
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
