"""Pages of measurements: one section a device, so that a run on one leaves what was measured on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from stand_ins import device_text

DEVICES = ("cpu", "cuda")
NOTHING = "Not measured."


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def write(page: Path, title: str, introduction: str, device: str, body: str) -> None:
    """Write a page with a new section for a device."""
    old = page.read_text() if page.exists() else ""
    sections = {name: _section(old, name) for name in DEVICES} | {device: f"{device_text(device)}.\n\n{body}"}
    parts = [f"# {title}", introduction, *(f"## {name}\n\n{text}" for name, text in sections.items())]
    page.write_text("\n\n".join(part.strip() for part in parts) + "\n")


def _section(text: str, name: str) -> str:
    """What stands under a device's heading; that nothing was measured where there is none."""
    _, found, rest = text.partition(f"\n## {name}\n")
    return rest.split("\n## ")[0].strip() if found else NOTHING
