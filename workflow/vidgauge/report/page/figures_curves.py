"""How each number falls or rises with the number of videos, and where it would end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from vidgauge.report.page.looks import Look
from vidgauge.report.page.svg import colour, inline, panel, write
from vidgauge.report.page.text import short
from vidgauge.uncertainty.curve import upper

Curve = Mapping[str, Any]

WIDTH, HEIGHT = 340, 240


def curves(label: str, found: Sequence[Curve], looks: Mapping[str, Look], prefix: str) -> Markup:
    """The curves of one metric: a mark for each number of videos, and the line in 1/n to its end at infinity."""
    figure, axes = panel(WIDTH, HEIGHT, left=48, right=6, top=28, bottom=40)
    write(figure, 0, 14, short(label, 44), fontweight="bold", fontsize=12)
    counts = sorted({point["videos"] for curve in found for point in curve["points"]})
    low, high = (counts[0], counts[-1]) if counts else (1, 2)
    ends = any(curve["infinity"] is not None for curve in found)
    beyond = high * (high / low if high > low else 2) ** 0.2
    axes.set_xscale("log")
    for curve in found:
        _curve(axes, curve, looks[curve["candidate"]], high, beyond)
    axes.set_xlim(low / 1.06, beyond * 1.12 if ends else high * 1.06)
    ticks = _spread_out(counts, 5 if ends else 6)
    axes.xaxis.set_major_locator(FixedLocator([*ticks, *([beyond] if ends else [])]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([*map(str, ticks), *(["∞"] if ends else [])])
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="y", color=colour("line"), lw=1)
    axes.set_axisbelow(True)
    axes.set_xlabel("videos of the candidate", fontsize=10, color=colour("muted"))
    return inline(figure, prefix, f"{label} over the number of videos. " + " ".join(one["sentence"] for one in found))


def _curve(axes: Axes, curve: Curve, look: Look, high: float, beyond: float) -> None:
    ink, points = colour(look.colour), curve["points"]
    n, values = [point["videos"] for point in points], [point["value"] for point in points]
    spread = [point["std"] or 0.0 for point in points]
    axes.errorbar(n, values, yerr=spread, fmt=look.marker, color=ink, ms=4.5, mew=0, elinewidth=1, alpha=0.9)
    infinity, slope = curve["infinity"], curve.get("slope")
    if infinity is None:
        axes.plot(n, values, color=ink, lw=1, alpha=0.5)
        return
    axes.errorbar(
        [beyond], [infinity], yerr=[curve["infinity_error"] or 0.0], fmt="D", color=ink, ms=6, mew=0, elinewidth=2
    )
    if slope is not None:
        shares = np.array([point["share"] for point in points])
        fitted = upper(shares)
        axes.plot(np.array(n)[fitted], infinity + slope / shares[fitted], color=ink, lw=1.2)
        axes.plot([high, beyond], [infinity + slope, infinity], color=ink, lw=1, ls=(0, (1, 3)))


def _spread_out(counts: Sequence[int], most: int) -> list[int]:
    """Some of the counts, the last one among them, about evenly apart on a scale of ratios."""
    found: list[int] = []
    ratio = (counts[-1] / counts[0]) ** (1 / most) if counts else 1
    for count in reversed(counts):
        if not found or found[-1] / count >= ratio * 0.98:
            found.append(count)
    return found[::-1]
