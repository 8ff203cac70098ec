"""Write the tables of the documentation from the code: `python docs/tables.py`; with --check only say what is stale."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from vidgauge import config, extractors
from vidgauge.evaluate import ROW
from vidgauge.metrics import registry
from vidgauge.report.table import ARROWS
from vidgauge.specs import ClipSpec

ROOT = Path(__file__).parents[1]


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


def arrays() -> str:
    """Every array of every extractor."""
    return table(
        ("extractor", "array", "width", "one row per", "meaning"),
        (
            (f"`{name}`", f"`{array}`", str(spec.width), spec.per, spec.meaning)
            for name, network in extractors.extractors().items()
            for array, spec in network.arrays.items()
        ),
    )


TABLES: dict[str, Callable[[], str]] = {f.__name__: f for f in (presets, rows, clips, reductions, arrays)}


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
