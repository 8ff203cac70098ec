"""The picture of a self-test: a panel per damage, a line per metric."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidgauge.files import replacing
from vidgauge.selftest.damages import DAMAGES, Damage
from vidgauge.selftest.measure import Answers
from vidgauge.selftest.words import SIGMAS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00", "#8C6D1F")
"""Okabe and Ito's, which the colour-blind can tell apart, the darkest first; their yellow, too light, is ochre here."""

MARKERS = "osD^vPX*"
COLUMNS = 4
KEY = (
    "Above 0: the metric says worse. Grey: within\n2 spreads, which sampling alone gives as well.\n"
    "Solid: of whole clips. Dashed: of single frames."
)
TICKS = (*(-(10**power) for power in range(8, 0, -1)), -SIGMAS, 0, SIGMAS, *(10**power for power in range(1, 9)))


def figure(title: str, answers: Sequence[Answers]) -> Figure:
    """Small multiples with one scale: how many spreads of sampling each amount adds to a metric's number."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator

    rows = -(-(len(DAMAGES) + 1) // COLUMNS)
    picture = Figure(figsize=(13, 3.4 * rows + 0.5), layout="constrained")
    axes = picture.subplots(rows, COLUMNS, sharey=True).ravel()
    for panel, damage in zip(axes, DAMAGES, strict=False):
        _panel(panel, damage, answers)
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(min(low, -2 * SIGMAS), max(high, 5 * SIGMAS))
    axes[0].yaxis.set_major_locator(FixedLocator(TICKS))
    axes[0].yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for panel in axes[len(DAMAGES) :]:
        panel.axis("off")
    handles, labels = axes[0].get_legend_handles_labels()
    legend = axes[len(DAMAGES)]
    legend.legend(handles, labels, loc="upper left", frameon=False, handlelength=3.2, borderaxespad=0)
    legend.text(0, 0, KEY, va="bottom", fontsize=9, color="0.25", transform=legend.transAxes)
    picture.suptitle(title, x=0.01, ha="left", fontsize=13)
    picture.supylabel("worse than undamaged, in spreads of sampling", fontsize=10)
    return picture


def save(picture: Figure, path: Path) -> None:
    """As the suffix says. The same figure gives the same bytes."""
    import matplotlib

    memory = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "vidgauge"}):
        picture.savefig(memory, format=path.suffix[1:], dpi=150, metadata=metadata)
    with replacing(path, sync=False) as temporary:
        temporary.write_bytes(memory.getvalue())


def _panel(panel: Axes, damage: Damage, answers: Sequence[Answers]) -> None:
    panel.axhspan(-SIGMAS, SIGMAS, color="0.9", lw=0, zorder=0)
    panel.axhline(0, color="0.6", lw=0.8, zorder=1)
    for number, found in enumerate(answers):
        _line(panel, damage, found, number, _aside(number, len(answers)))
    panel.set_yscale("symlog", linthresh=SIGMAS, linscale=0.6)
    labels = ["none", *(damage.label(amount).replace(" %", "%") for amount in damage.amounts)]
    panel.set_xticks(range(len(labels)), labels)
    panel.set_xlim(-0.4, len(labels) - 0.6)
    panel.tick_params(labelleft=True, labelsize=9)
    panel.grid(axis="y", color="0.85", lw=0.6)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_title(damage.name, loc="left", fontsize=11, fontweight="bold")
    panel.set_xlabel(damage.unit, fontsize=9)
    for place, amount in enumerate(damage.amounts, 1):
        if all(amount != point.amount for found in answers for point in found.points[damage.name]):
            panel.text(place, 0, "not\ntried", ha="center", va="center", fontsize=8, color="0.35")


def _line(panel: Axes, damage: Damage, found: Answers, number: int, aside: float) -> None:
    """One metric's answers. What lies exactly on another's line is drawn beside it."""
    there = [(damage.amounts.index(point.amount) + 1, point.answer) for point in found.points[damage.name]]
    known = [(place, answer) for place, answer in there if answer is not None]
    places = [0.0, *(float(place) for place, _ in known)]
    panel.plot(
        [place + aside for place in places],
        [0.0, *(answer for _, answer in known)],
        color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[number % len(MARKERS)],
        ls="-" if found.metric.array_spec.per == "clip" else (0, (4, 1.5)),
        lw=1.6,
        ms=5,
        label=found.metric.name,
        zorder=3,
    )


def _aside(number: int, count: int) -> float:
    return 0.0 if count < 2 else 0.3 * (number / (count - 1) - 0.5)
