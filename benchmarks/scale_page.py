"""The tables of docs/scale.md from what benchmarks/scale.py measured, and what they say of ten million videos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured by benchmarks/scale.py: begin -->", "<!-- end -->"
FAR = 10**7
STEEP = 1.25
"""A power of the number of videos from which on a stage is said to grow faster than they do."""

Sizes = Sequence[Mapping[str, Any]]
Value = Callable[[Mapping[str, Any]], float]


def write_page(page: Path, result: Mapping[str, Any]) -> None:
    """Put the tables between the page's markers. ValueError where it has none."""
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"{page}: expected the lines {BEGIN} and {END}, got none")
    page.write_text(f"{before}{BEGIN}\n\n{tables(result)}\n{END}{after}", encoding="utf-8")


def tables(result: Mapping[str, Any]) -> str:
    """Tables in Markdown: the whole, seconds, megabytes and jobs of its stages, its files."""
    sizes, empty = result["sizes"], result["empty"]
    names = list(dict.fromkeys(stage for one in sizes for stage in one["stages"] if stage != "snakemake"))
    kept = list(dict.fromkeys(folder for one in sizes for folder in one["folders"]))
    of_stage = {what: {name: _at("stages", name, what) for name in names} for what in ("seconds", "mb", "jobs")}
    of_folder = {
        f"`{name}`, {unit}": _at("folders", name, what, scale)
        for name in kept
        for what, unit, scale in (("files", "files", 1), ("bytes", "kB", 1e-3))
    }
    return "\n".join(
        [
            f"{result['cores']} cores, shards of {sizes[0]['shard_size']:,} videos. An empty Snakefile alone takes "
            f"{empty['seconds']:.1f} s and {empty['mb']:.0f} MB.\n",
            *_table("whole", sizes, _whole()),
            *_table("seconds, all jobs together", sizes, of_stage["seconds"]),
            *_table("MB, the largest job", sizes, of_stage["mb"]),
            *_table("jobs", sizes, of_stage["jobs"]),
            *_table("on the disk", sizes, of_folder),
        ]
    )


def _whole() -> dict[str, Value]:
    runs = {"dry": "first dry run", "dry_again": "dry run", "run": "run", "again": "run with nothing changed"}
    found = {f"{name}, s": _at(key, "seconds") for key, name in runs.items()}
    found |= {f"{name}, MB of Snakemake": _at(key, "mb") for key, name in runs.items()}
    return {**found, "report.html, kB": lambda one: one["page_bytes"] / 1e3}


def _at(kind: str, *names: Any) -> Value:
    """A value of a measured size, 0 where it has none; a number among the names is what it is multiplied by."""

    def value(one: Mapping[str, Any]) -> float:
        found: Any = one[kind]
        for name in names:
            found = found * name if isinstance(name, int | float) else (found or {}).get(name, 0)
        return float(found)

    return value


def _table(title: str, sizes: Sizes, rows: Mapping[str, Value]) -> Iterable[str]:
    columns = [title, *(f"{one['videos']:,}" for one in sizes), "per 1,000 more", "10,000,000"]
    yield f"| {' | '.join(columns)} |"
    yield f"| --- |{' ---: |' * (len(columns) - 1)}"
    for name, value in rows.items():
        values = [(one["videos"], value(one)) for one in sizes]
        slope, power = growth(values)
        far = _number(extrapolated(values)) + ("" if power < STEEP else f" (as n^{power:.1f})")
        further = [_number(1000 * slope), far] if len(values) > 1 else ["", ""]
        yield f"| {' | '.join([name, *(_number(value) for _, value in values), *further])} |"
    yield ""


def growth(values: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """(slope for each video, power of the number of videos) between the two largest sizes; 0, 0 of one size alone.

    >>> growth([(10, 1.0), (100, 2.0), (1000, 20.0)])
    (0.02, 1.0)
    """
    if len(values) < 2:
        return 0.0, 0.0
    (few, low), (many, high) = values[-2:]
    slope = max(0.0, (high - low) / (many - few))
    return slope, math.log(high / low) / math.log(many / few) if 0 < low < high else 0.0


def extrapolated(values: Sequence[tuple[int, float]], far: int = FAR) -> float:
    """The value at `far` videos: along the line through the two largest sizes, or the power where it is steep.

    >>> extrapolated([(100, 2.0), (1000, 20.0)], 10000), extrapolated([(100, 1.0), (1000, 100.0)], 10000)
    (200.0, 10000.0)
    """
    slope, power = growth(values)
    many, high = values[-1]
    return high * (far / many) ** power if power >= STEEP else high + slope * (far - many)


def _number(value: float) -> str:
    """Three digits: machines differ by more.

    >>> _number(0), _number(8.0), _number(0.01234), _number(98765.4)
    ('0', '8', '0.0123', '98,800')
    """
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, digits):,.{0 if value == int(value) else max(0, digits)}f}"
