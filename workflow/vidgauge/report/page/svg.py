"""matplotlib's figures as SVG inside a page: in the page's own colours and font, with names that do not clash.

A figure is drawn in pixels, one per point, with colours that stand for the page's CSS variables: they follow its theme.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

COLOURS = ("ink", "muted", "line", "paper", "band", *(f"c{number}" for number in range(8)))
"""The page's CSS variables that a figure may use: `c0` is the reference's, `c1` to `c7` the candidates'."""

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vidgauge",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.linewidth": 1,
    "font.family": ["DejaVu Sans"],
    "font.size": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "xtick.major.pad": 5,
    "lines.solid_capstyle": "round",
}
_STYLE |= dict.fromkeys(("text.color", "axes.labelcolor"), "#0a0000")
_STYLE |= dict.fromkeys(("xtick.color", "ytick.color"), "#0a0001")
_STYLE |= dict.fromkeys(("axes.edgecolor", "grid.color"), "#0a0002")


def colour(name: str) -> str:
    """What stands for a CSS variable until the figure is in the page."""
    return f"#0a00{COLOURS.index(name):02x}"


@contextmanager
def style() -> Iterator[None]:
    """How all figures look. Draw and save them within."""
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # matplotlib lacks the glyphs of some names; the reader's browser has them
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def panel(
    width: float, height: float, left: float = 0, right: float = 0, top: float = 0, bottom: float = 0
) -> tuple[Figure, Axes]:
    """A figure of a size in pixels with one pair of axes inside of margins."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    axes.set_facecolor("none")
    axes.set_yticks([])
    return figure, axes


def write(figure: Figure, x: float, y: float, text: str, **how: Any) -> None:
    """Text at pixels from the top left corner of a figure."""
    width, height = figure.get_size_inches() * 72
    figure.text(x / width, 1 - y / height, text, **{"va": "baseline", **how})


def inline(figure: Figure, prefix: str, label: str) -> Markup:
    """The SVG of a figure, to be put into a page.

    prefix: of the names inside, different for every figure of the page. label: what the figure shows, for those who
    cannot see it.
    """
    out = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(out, metadata=nothing)
    width, height = (round(float(size) * 72) for size in figure.get_size_inches())
    body = out.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = _renamed(re.sub(r"<[^>]+>", _in_tag, body), prefix)
    body = re.sub(r'<g([^>]*)>((?:\s*<use [^>]* style="[^"]*"/>)+)\s*</g>', _one_style, body)
    body = re.sub(r">\s+<", "><", re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL))
    return Markup(  # noqa: S704 - matplotlib escapes the text in a figure, and the label is escaped here
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">{body}'
    )


def _in_tag(found: re.Match[str]) -> str:
    """A tag with the page's colours and font, and with coordinates of a hundredth of a pixel."""
    tag = found[0]
    if tag.startswith("<!--"):
        return tag
    tag = re.sub(r"#0a00([0-9a-f]{2})", lambda hexed: f"var(--{COLOURS[int(hexed[1], 16)]})", tag)
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag)
    return re.sub(r"-?\d+\.\d{3,}", lambda long: f"{float(long[0]):.2f}".rstrip("0").rstrip("."), tag)


def _renamed(body: str, prefix: str) -> str:
    """Only what is referred to keeps a name, one that no other figure of the page has."""
    tags = "".join(re.findall(r"<[^>]+>", body))
    used = dict.fromkeys(re.findall(r'(?:xlink:href="|url\()#([^")]+)', tags))
    names = {name: f"{prefix}-{number}" for number, name in enumerate(used)}

    def rename(found: re.Match[str]) -> str:
        tag = re.sub(r' id="([^"]*)"', lambda name: f' id="{names[name[1]]}"' if name[1] in names else "", found[0])
        tag = re.sub(r'xlink:href="#([^"]*)"', lambda name: f'href="#{names[name[1]]}"', tag)
        return re.sub(r"url\(#([^)]*)\)", lambda name: f"url(#{names[name[1]]})", tag)

    return re.sub(r"<[^>]+>", rename, body)


def _one_style(found: re.Match[str]) -> str:
    """Marks of one look say so once."""
    styles = set(re.findall(r' style="([^"]*)"', found[2]))
    if len(styles) > 1:
        return found[0]
    return f'<g{found[1]} style="{styles.pop()}">' + re.sub(r' style="[^"]*"', "", found[2]) + "</g>"
