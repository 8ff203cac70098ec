"""The leaderboard and the differences: numbers with their intervals, a small panel for each metric or pair."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vidgauge.report.numbers import digits
from vidgauge.report.page.looks import Look
from vidgauge.report.page.svg import colour, inline, panel, write
from vidgauge.report.page.text import short
from vidgauge.report.standing import Difference, Line

WIDTH = 340
ROW = 28


def leaderboard(line: Line, looks: Mapping[str, Look], prefix: str, unsure: Collection[str] = ()) -> Markup:
    """A metric's numbers: a dot each with its interval, or the value hollow and its infinity with the interval of it.

    unsure: candidates whose bias is not known: their dots are half full.

    The candidates stand in the order of the evaluation in every panel, so that the eye need not search for them.
    """
    names = list(line.rows)
    left = 16 + 7 * min(14, max(map(len, names)))
    height = 46 + ROW * len(names) + 26
    figure, axes = panel(WIDTH, height, left, right=92, top=46, bottom=26)
    write(figure, 0, 14, short(line.label, 44), fontweight="bold", fontsize=12)
    write(
        figure,
        0,
        31,
        f"{line.arrow} {line.first['better']} is better",
        fontsize=10,
        color=colour("muted"),
    )
    axes.set_ylim(len(names) - 0.5, -0.5)
    _limits(axes, [value for row in line.rows.values() for value in _all_of(row)])
    for at, name in enumerate(names):
        row, ink = line.rows[name], colour(looks[name].colour)
        y = 46 + ROW * (at + 0.5)
        standing = line.place(name)
        said = {"fontweight": "bold"} if standing == "best" else {}
        write(figure, 0, y + 4, short(name, 14), **said)
        shown = line.shown[name]
        judged = shown.limit if line.at_infinity and shown.limit else shown.value.partition(" ")[0]
        write(figure, WIDTH - 32, y + 4, judged, ha="right", **said)
        if standing in ("best", "tie"):
            tint = colour("ink" if standing == "best" else "muted")
            write(figure, WIDTH, y + 4, standing, ha="right", fontsize=10, color=tint, **said)
        if row["value"] is None:
            continue
        if row["ci95"] is not None:
            axes.plot(row["ci95"], [at, at], color=ink, lw=3, alpha=0.55)
        if row["infinity"] is None:
            half = {"fillstyle": "left", "markerfacecoloralt": colour("paper"), "mew": 1.5, "ms": 7}
            axes.plot([row["value"]], [at], "o", color=ink, **(half if name in unsure else {"ms": 8, "mew": 0}))
        else:
            axes.plot([row["value"]], [at], "o", mfc=colour("paper"), mec=ink, ms=7, mew=1.5)
            axes.plot([row["infinity"]], [at], "D", color=ink, ms=7, mew=0)
    return inline(figure, prefix, said_of_line(line))


def said_of_line(line: Line) -> str:
    """The figure of a metric in words, all numbers in it."""
    parts = []
    for name in line.rows:
        shown = line.shown[name]
        limit = f", {shown.limit} with infinitely many videos" if shown.limit else ""
        standing = {"best": ", the best", "tie": ", tied for best"}.get(line.place(name), "")
        parts.append(
            " ".join(filter(None, [name, shown.value]))
            + limit
            + (f" {shown.interval}" * bool(shown.interval))
            + standing
        )
    return f"{line.label}, {line.first['better']} is better: {'; '.join(parts)}."


def _all_of(row: Mapping) -> list[float]:
    found = [row["value"], row["infinity"], *(row["ci95"] or [])]
    return [value for value in found if value is not None]


def differences(
    a: str, b: str, found: Sequence[tuple[Line, Difference]], looks: Mapping[str, Look], prefix: str
) -> Markup:
    """Two candidates: for each metric the interval of their difference beside zero, on the better one's side.

    Every line has a scale of its own: only zero is common to them.
    """
    step, middle = 38, WIDTH / 2
    height = 42 + step * len(found)
    figure, axes = panel(WIDTH, height)
    for name, x, side, arrow in ((a, 0, "left", "← better"), (b, WIDTH, "right", "better →")):
        ink = colour(looks[name].colour)
        write(figure, x, 14, short(name, 20), fontweight="bold", fontsize=12, color=ink, ha=side)
        write(figure, x, 31, arrow, fontsize=10, color=colour("muted"), ha=side)
    axes.set(xlim=(-middle, middle), ylim=(height, 0))
    axes.set_axis_off()
    axes.plot([0, 0], [38, height - 4], color=colour("muted"), lw=1)
    for at, (line, one) in enumerate(found):
        y = 42 + step * at
        winner = one["better"] if one["distinguishable"] else None
        ink = colour(looks[winner].colour if winner else "muted")
        said = "tie" if one["distinguishable"] is False else short(winner or "not known", 12)
        write(figure, 0, y + 12, short(line.label, 34), fontsize=10.5)
        write(
            figure, WIDTH, y + 12, said, ha="right", fontsize=10.5, color=ink, fontweight="bold" if winner else "normal"
        )
        if one["difference"] is None:
            continue
        axes.plot([-middle, middle], [y + 23, y + 23], color=colour("line"), lw=1, zorder=0)
        scale = (middle - 6) / _widest(line)
        # the better one's side is that of the difference's sign: a - b is negative where a lower a is better
        scale *= 1 if (line.first["better"] == "lower") == ((one["a"], one["b"]) == (a, b)) else -1
        ends = [scale * end for end in one["ci95"] or []]
        axes.plot(ends, [y + 23] * len(ends), color=ink, lw=3, alpha=0.55)
        axes.plot([scale * one["difference"]], [y + 23], "o", color=ink, ms=7, mew=0)
    return inline(figure, prefix, f"{a} and {b}: " + " ".join(one["sentence"] for _, one in found))


def _widest(line: Line) -> float:
    """The end of a metric's differences that is farthest from zero."""
    ends = [end for _, _, one in line.pairs for end in (one["difference"], *(one["ci95"] or ())) if end is not None]
    return max(map(abs, ends), default=0) or 1.0


def _limits(axes: Axes, values: Sequence[float]) -> None:
    """A scale that the values fill, with few marks on it."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.grid(axis="x", color=colour("line"), lw=1)
    axes.spines["bottom"].set_visible(False)
    axes.set_axisbelow(True)
    ticks = [tick for tick in axes.get_xticks() if low - room <= tick <= high + room]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0
    axes.set_xticks(ticks, digits(ticks, step * 10) if ticks else [])
