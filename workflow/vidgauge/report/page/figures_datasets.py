"""What the datasets are made of: frame rates, sizes and lengths, a row for each dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vidgauge.report.page.looks import Look
from vidgauge.report.page.svg import colour, inline, panel, write
from vidgauge.report.page.text import short
from vidgauge.report.words import listed

Survey = Mapping[str, Any]
Bars = Mapping[str, Sequence[tuple[float, float, float]]]
"""For each dataset the bars of its histogram: left edge, right edge, share of the videos."""

WIDTH, ROW = 340, 48
MOST = 6
"""So many sizes or rates have a place of their own; with more, rates are drawn along a scale and sizes as others."""


def histograms(surveys: Mapping[str, Survey], looks: Mapping[str, Look], prefix: str) -> list[Markup]:
    """Frame rates, sizes, and lengths in frames and in seconds; what no dataset has is left out."""
    rates = {name: {f"{value:g}": count for value, count in of["fps"]} for name, of in surveys.items()}
    for name, of in surveys.items():
        if of["unknown_fps"]:
            rates[name]["unknown"] = of["unknown_fps"]
    sizes = {
        name: {f"{width}×{height}": count for width, height, count in of["sizes"]}
        | ({"others": of["other_sizes"]} if of["other_sizes"] else {})
        for name, of in surveys.items()
    }
    found = [_by_kind("Frame rate, per second", rates, looks, f"{prefix}-fps")]
    if len({value for of in rates.values() for value in of if value != "unknown"}) > MOST:
        along = {
            name: [(value - 0.5, value + 0.5, count) for value, count in of["fps"]] for name, of in surveys.items()
        }
        found = [_along("Frame rate, per second", along, looks, f"{prefix}-fps")]
    found.append(_by_kind("Size, pixels", sizes, looks, f"{prefix}-size"))
    for key, title in (("frames", "Length, frames"), ("seconds", "Length, seconds")):
        bars = {
            name: list(zip(of[key]["edges"], of[key]["edges"][1:], of[key]["counts"], strict=False))
            for name, of in surveys.items()
            if of[key] and sum(of[key]["counts"])
        }
        if bars:
            found.append(_along(title, bars, looks, f"{prefix}-{key}"))
    return found


def _by_kind(title: str, counts: Mapping[str, Mapping[str, int]], looks: Mapping[str, Look], prefix: str) -> Markup:
    """A place for each value, the most frequent ones of all datasets."""
    total: Counter[str] = Counter()
    for of in counts.values():
        total.update(of)
    kept = [value for value, _ in total.most_common() if value != "others"][:MOST]
    order = sorted(kept, key=_numbers)
    if total.keys() - set(kept):
        order.append("others")
    bars, wide = {}, len(order) / 24  # of the figure, however few values there are
    for name, of in counts.items():
        of = {value: count for value, count in of.items() if value in kept} | {
            "others": sum(count for value, count in of.items() if value not in kept)
        }
        bars[name] = [(at - wide, at + wide, of.get(value, 0)) for at, value in enumerate(order)]
    said = "; ".join(f"{name} " + listed([f"{v}: {n}" for v, n in of.items()]) for name, of in counts.items())
    return _rows(title, bars, looks, prefix, (-0.6, len(order) - 0.4), dict(enumerate(order)), said)


def _along(title: str, bars: Bars, looks: Mapping[str, Look], prefix: str) -> Markup:
    """Bars along a scale."""
    filled = {name: [bar for bar in of if bar[2]] for name, of in bars.items()}
    low = min(bar[0] for of in filled.values() for bar in of)
    high = max(bar[1] for of in filled.values() for bar in of)
    one = len({bar[:2] for of in filled.values() for bar in of}) == 1  # which is no block as wide as the figure
    room = (high - low) * (6 if one else 0.03) or 1
    said = "; ".join(f"{name} {of[0][0]:g} to {of[-1][1]:g}" for name, of in filled.items() if of)
    return _rows(title, filled, looks, prefix, (low - room, high + room), None, said)


def _rows(
    title: str,
    bars: Bars,
    looks: Mapping[str, Look],
    prefix: str,
    limits: tuple[float, float],
    ticks: Mapping[int, str] | None,
    said: str,
) -> Markup:
    """Histograms above one another on one scale; heights are shares of a dataset's videos."""
    top, bottom = 26, 24
    figure, axes = panel(WIDTH, top + ROW * len(bars) + bottom, left=4, right=4, top=top, bottom=bottom)
    write(figure, 0, 12, title, fontweight="bold", fontsize=12)
    axes.set(xlim=limits, ylim=(len(bars), 0))
    shares = {name: [count / (sum(one[2] for one in of) or 1) for *_, count in of] for name, of in bars.items()}
    highest = max((share for of in shares.values() for share in of), default=0) or 1
    for at, (name, of) in enumerate(bars.items()):
        write(figure, 4, top + ROW * at + 13, short(name, 40), fontsize=10.5)
        narrow = (limits[1] - limits[0]) * 0.004
        axes.bar(
            [(left + right) / 2 for left, right, _ in of],
            [-0.6 * share / highest for share in shares[name]],
            width=[max(right - left, narrow) * 0.94 for left, right, _ in of],
            bottom=at + 0.97,
            color=colour(looks[name].colour),
            lw=0,
        )
        axes.plot(limits, [at + 0.97] * 2, color=colour("line"), lw=1, zorder=0)
    axes.spines["bottom"].set_visible(False)
    if ticks is None:
        axes.locator_params(axis="x", nbins=6)
    else:
        axes.set_xticks(list(ticks), [short(text, 11) for text in ticks.values()], fontsize=9 if len(ticks) > 4 else 10)
    return inline(figure, prefix, f"{title}. {said}.")


def _numbers(text: str) -> tuple[float, str]:
    """The order of sizes and rates; words come last."""
    head = text.partition("×")[0]
    return (float(head) if head.replace(".", "", 1).isdigit() else float("inf"), text)
