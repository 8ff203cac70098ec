"""All rows of docs/performance.md, measured on this machine: `make bench`, or `python -m benchmarks.performance`.

    python -m benchmarks.performance                    # everything, with nothing else running
    python -m benchmarks.performance decoding warm      # these sections alone; the page keeps the others
    python -m benchmarks.performance --quick            # the smallest sizes: only whether it runs; nothing is written

Each section is written when it is finished: into benchmarks/performance.json, and from there into the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import fill

from benchmarks.performance.page import PAGE, Section, keep, summary
from benchmarks.performance.rows import Row

SECTIONS = ("decoding", "clip_store", "feeding", "networks", "reductions", "startup", "whole", "growth", "warm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"default: all of {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, and nothing is written")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print(f"{machine()}.", flush=True)
    found = {}
    for name in asked.sections or SECTIONS:
        found[name] = measured(name, quick=asked.quick)
        if not asked.quick:
            keep(name, found[name], order=SECTIONS)
    print(f"\n{summary(found.values())}{'' if asked.quick else f' They are in {os.path.relpath(PAGE)}.'}")


def measured(name: str, *, quick: bool) -> Section:
    """A section, its rows printed as they come."""
    module = import_module(f"benchmarks.performance.{name}")
    title = module.__doc__.splitlines()[0].rstrip(".")
    print(f"\n{title}\n{'-' * len(title)}", flush=True)
    began = time.monotonic()
    rows = list(_printed(module.rows(quick=quick)))
    print(f"({name}: {time.monotonic() - began:.0f} s)", flush=True)
    return Section(title, machine(), rows)


def _printed(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        what, value, target, met, note = row.cells()
        verdict = {"yes": " - met", "no": " - NOT MET", "": ""}[met]
        print(fill(f"{what}: {value}{f' (target: {target})' if target else ''}{verdict}", 110), flush=True)
        if note:
            print(fill(note, 110, initial_indent="    ", subsequent_indent="    "), flush=True)
        yield row


def machine() -> str:
    """What the figures were measured on, in words."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
