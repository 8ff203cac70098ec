"""How long each stage took, and how much of it was there from before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vidgauge.report.page.svg import colour, inline, panel, write
from vidgauge.report.timing import duration

WIDTH, ROW = 420, 34


def stages(found: Sequence[Mapping[str, Any]], prefix: str) -> Markup:
    """A bar for each stage, dark what ran now and pale what did not need to."""
    names = list(dict.fromkeys(entry["stage"] for entry in found))
    now = {name: sum(one["seconds"] - one["saved"] for one in found if one["stage"] == name) for name in names}
    saved = {name: sum(one["saved"] for one in found if one["stage"] == name) for name in names}
    figure, axes = panel(WIDTH, ROW * len(names) + 4, left=70, right=150)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, max(now[name] + saved[name] for name in names) or 1))
    axes.set_axis_off()
    for at, name in enumerate(names):
        y = ROW * (at + 0.5) + 6
        write(figure, 0, y, name)
        axes.barh([at], [now[name]], height=0.5, color=colour("c1"), lw=0)
        axes.barh([at], [saved[name]], left=[now[name]], height=0.5, color=colour("c1"), alpha=0.3, lw=0)
        write(figure, WIDTH, y, said_of_stage(now[name], saved[name]), ha="right", fontsize=10.5)
    said = "; ".join(f"{name} {said_of_stage(now[name], saved[name])}" for name in names)
    return inline(figure, prefix, f"Time of each stage: {said}.")


def said_of_stage(now: float, saved: float) -> str:
    """What ran and what was reused."""
    parts = [*([duration(now)] if now or not saved else []), *([f"{duration(saved)} reused"] if saved else [])]
    return " + ".join(parts)
