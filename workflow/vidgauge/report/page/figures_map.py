"""The map of the features, still and alive, and the distances of each dataset's videos from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vidgauge.draws import position
from vidgauge.report.numbers import digits
from vidgauge.report.page.looks import Look
from vidgauge.report.page.svg import colour, inline, panel, write
from vidgauge.report.page.text import short

Map = Mapping[str, Any]

WIDTH, HEIGHT, ROW = 720, 440, 44
STRIP = 300
"""Marks of a dataset in the strip of distances: more would be a block."""


def thinned(maps: Sequence[Map], marks: int, least: int) -> list[dict[str, Any]]:
    """Maps with so few points that all of them together have about `marks`, but `least` of each dataset in each map.

    Those that stay are the first in hash order, the same videos in every map.
    """
    most = max(least, marks // max(1, sum(len(drawn["datasets"]) for drawn in maps)))
    return [_thinned(drawn, most) for drawn in maps]


def _thinned(drawn: Map, most: int) -> dict[str, Any]:
    of = {name: [point for point in drawn["points"] if point["dataset"] == name] for name in drawn["datasets"]}
    for name, points in of.items():
        kept = {point["video"] for point in sorted(points, key=lambda point: position(point["video"]))[:most]}
        of[name] = [point for point in points if point["video"] in kept]
    datasets = {name: {**said, "shown": len(of[name])} for name, said in drawn["datasets"].items()}
    return {**drawn, "datasets": datasets, "points": [point for points in of.values() for point in points]}


def titles(maps: Sequence[Map]) -> list[str]:
    """The features that each map is of; those of several maps with the map's name."""
    plain = [f"{drawn['extractor']}, {drawn['array']}" for drawn in maps]
    return [
        f"{title} ({drawn['name']})" if plain.count(title) > 1 else title
        for title, drawn in zip(plain, maps, strict=True)
    ]


def still(drawn: Map, looks: Mapping[str, Look], prefix: str) -> Markup:
    """The map for paper and for browsers without JavaScript."""
    figure, axes = panel(WIDTH, HEIGHT)
    axes.set_axis_off()
    for name in drawn["datasets"]:
        points = [point for point in drawn["points"] if point["dataset"] == name]
        axes.plot(
            [point["x"] for point in points],
            [point["y"] for point in points],
            ls="none",
            marker=looks[name].marker,
            color=colour(looks[name].colour),
            ms=4.5,
            mew=0,
            alpha=0.6,
        )
    return inline(figure, prefix, said_of_map(drawn))


def said_of_map(drawn: Map) -> str:
    """The map in text."""
    shown = ", ".join(f"{name} {of['shown']}" for name, of in drawn["datasets"].items())
    medians = [
        f"{name} {digits([of['quantiles']['p50']], 0.02)[0]}"
        for name, of in drawn["datasets"].items()
        if of["quantiles"]
    ]
    said = f"{drawn['method']} map of {drawn['extractor']} {drawn['array']}; points: {shown}."
    return said + (f" Median distance to the reference: {', '.join(medians)}." if medians else "")


def points(drawn: Map, videos: dict[str, int]) -> list[list[Any]]:
    """The points as short lists for the page's script: dataset, video, start, x, y, distance, nearest.

    videos: the number that stands for each video's name in the page; those that are new here are added.
    """
    numbers = {name: at for at, name in enumerate(drawn["datasets"])}

    def named(video: str | None) -> int | None:
        return None if video is None else videos.setdefault(video, len(videos))

    return [
        [
            numbers[point["dataset"]],
            named(point["video"]),
            point["start"],
            _rounded(point["x"]),
            _rounded(point["y"]),
            _rounded(point["distance"]),
            named(point["nearest"]),
        ]
        for point in drawn["points"]
    ]


def alive(drawn: Map, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The map as Vega-Lite, its points under the name `points`; colours are CSS variables that the script fills in.

    Its parameter `hidden` holds the numbers of datasets that the reader switched off.
    """
    names = list(drawn["datasets"])
    numbers = list(range(len(names)))

    def axis(key: str, at: int) -> dict[str, Any]:
        explained = drawn["explained"]
        kind = "component" if drawn["method"] == "PCA" else "axis"
        share = f", {explained[at]:.0%} of the variance" if explained else ""
        values = [point[key] for point in drawn["points"]]
        room = (max(values) - min(values)) * 0.04 or 1.0 if values else 1.0
        domain = [min(values, default=0) - room, max(values, default=1) + room]
        title = f"{('first', 'second')[at]} {kind}{share}"
        return {
            "field": key,
            "type": "quantitative",
            "scale": {"domain": domain, "zero": False, "nice": False},
            "axis": {"title": title, "labels": False, "ticks": False, "grid": False, "domain": False},
        }

    return {
        "description": said_of_map(drawn),
        "width": "container",
        "height": HEIGHT,
        "background": "transparent",
        "params": [{"name": "hidden", "value": []}],
        "data": {"name": "points"},
        "transform": [{"filter": "indexof(hidden, datum.number) < 0"}],
        "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.7},
        "encoding": {
            "x": axis("x", 0),
            "y": axis("y", 1),
            "color": {
                "field": "number",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": numbers, "range": [f"var(--{looks[name].colour})" for name in names]},
            },
            "shape": {
                "field": "number",
                "type": "nominal",
                "legend": None,
                "scale": {"domain": numbers, "range": [looks[name].shape for name in names]},
            },
            "tooltip": [
                {"field": "dataset", "type": "nominal", "title": "dataset"},
                {"field": "video", "type": "nominal", "title": "video"},
                {"field": "start", "type": "quantitative", "title": "starts at"},
                {"field": "distance", "type": "nominal", "title": "distance"},
                {"field": "nearest", "type": "nominal", "title": "nearest reference"},
            ],
        },
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {"titleColor": "var(--muted)", "titleFontWeight": "normal"},
        },
    }


def distances(drawn: Map, looks: Mapping[str, Look], prefix: str) -> Markup:
    """The distances of one map: a mark for each video, a bar from the 5th to the 95th percentile, the median."""
    known = {name: of["quantiles"] for name, of in drawn["datasets"].items() if of["quantiles"]}
    top, bottom = 24, 40
    figure, axes = panel(340, top + ROW * len(known) + bottom, left=10, right=12, top=top, bottom=bottom)
    write(figure, 0, 12, short(drawn["title"], 46), fontweight="bold", fontsize=12)
    axes.set_ylim(len(known) - 0.5, -0.5)
    for at, (name, quantile) in enumerate(known.items()):
        ink = colour(looks[name].colour)
        values = [p["distance"] for p in drawn["points"] if p["dataset"] == name and p["distance"] is not None]
        write(figure, 0, top + ROW * at + 14, short(name, 24))
        write(figure, 340, top + ROW * at + 14, digits([quantile["p50"]], 0.1)[0], ha="right", fontsize=10)
        strip = values[:STRIP]
        axes.plot(strip, [at + 0.33] * len(strip), "|", color=ink, ms=6, mew=1, alpha=0.35)
        axes.plot([quantile["p05"], quantile["p95"]], [at + 0.08] * 2, color=ink, lw=1.5)
        axes.plot([quantile["p25"], quantile["p75"]], [at + 0.08] * 2, color=ink, lw=5)
        axes.plot([quantile["p50"]], [at + 0.08], "o", mfc=colour("paper"), mec=ink, ms=7, mew=1.5)
    axes.axvline(1, color=colour("muted"), lw=1, ls=(0, (3, 3)), zorder=0)
    axes.set_xlabel("distance to the nearest reference clip", fontsize=10, color=colour("muted"))
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="x", color=colour("line"), lw=1)
    axes.set_axisbelow(True)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    return inline(figure, prefix, f"Distances by {drawn['title']}: {said_of_distances(known)}")


def said_of_distances(known: Mapping[str, Mapping[str, float]]) -> str:
    """The quantiles of each dataset in text."""
    parts = []
    for name, of in known.items():
        low, middle, high = digits([of["p05"], of["p50"], of["p95"]], 0.1)
        parts.append(f"{name} {middle} in the middle, 90 % between {low} and {high}")
    return "; ".join(parts) + "."


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
