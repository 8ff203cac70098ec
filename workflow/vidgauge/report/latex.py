"""Results as a LaTeX table, to be pasted into a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vidgauge.report import grid
from vidgauge.report.footnotes import caption, footnotes
from vidgauge.report.grid import AT_INFINITY
from vidgauge.report.notes import notes, warnings
from vidgauge.report.results import Results
from vidgauge.report.standing import Line, lines

ARROWS = {"↓": r"$\downarrow$", "↑": r"$\uparrow$"}
SPECIAL = {
    **{"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}"},
    **{
        "±": r"$\pm$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "²": r"$^2$",
        "³": r"$^3$",
        "°": r"$^\circ$",
        "∞": r"$\infty$",
    },
    **{"–": "--", "—": "---", "…": r"\ldots{}", "’": "'", "‘": "`", "“": "``", "”": "''", "\u00a0": "~"},
    **ARROWS,
}
LIGATURES = re.compile(r"(?<=([-',]))(?=\1)")
"""Between two like signs of which LaTeX would make one: -- is a dash."""


def latex_text(results: Results) -> str:
    """A `table` with booktabs: numbers with intervals, the best and those as good in bold, and what a paper must say.

    Warnings stand above it as comments.
    """
    found, extra = lines(results), grid.columns(results.rows)
    said, remarks = footnotes(results, found), [*warnings(results), *notes(results, made=False)]
    head = ["metric", *extra, *results.candidates]
    body = [row for line, marks in zip(found, said.numbers, strict=True) for row in _rows(line, marks, extra, results)]
    title = re.sub(r"[^A-Za-z0-9-]+", "-", results.title).strip("-")
    below = [*map(escaped, said.common)]
    below += [f"{_raised([number])}\\,{escaped(text)}" for number, text in enumerate(said.marked, 1)]
    return "\n".join(
        [
            r"% needs \usepackage{booktabs} and \usepackage[T1]{fontenc}",
            *(f"% {_one_line(text)}" for text in remarks),
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escaped(caption(results))}}}",
            rf"  \label{{tab:{title}}}",
            rf"  \begin{{tabular}}{{l{'l' * len(extra)}{'r' * len(results.candidates)}}}",
            r"    \toprule",
            f"    {' & '.join(map(escaped, head))} \\\\",
            r"    \midrule",
            *(f"    {' & '.join(row)} \\\\" for row in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"  \par\medskip",
            r"  \begin{minipage}{\linewidth}",
            r"    \footnotesize\raggedright",
            *(f"    {text}" for text in below),
            r"  \end{minipage}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    r"""Text that LaTeX sets as it is, in one line. Letters beyond those of a font are left to the engine.

    >>> print(escaped("50% of a_b & {c} -- x^2"))
    50\% of a\_b \& \{c\} -{}- x\textasciicircum{}2
    """
    return "".join(SPECIAL.get(sign, sign) for sign in LIGATURES.sub("\0", _one_line(text))).replace("\0", "{}")


def _rows(line: Line, marks: Sequence[int], extra: Sequence[str], results: Results) -> list[list[str]]:
    """The lines of a metric: its numbers, and below them what infinitely many videos would give."""
    found = [line.shown.get(name) for name in results.candidates]
    bold = [line.standing(name) in ("best", "tie") for name in results.candidates]
    values = [
        _cell(one.value, "" if one.limit else one.interval, bold=best and not line.at_infinity) if one else ""
        for one, best in zip(found, bold, strict=True)
    ]
    head = f"{escaped(line.label)} {ARROWS[line.arrow]}{_raised(marks)}"
    rows = [[head, *map(escaped, grid.cells(line, extra)), *values]]
    if line.has_limits:
        limits = [
            _cell(one.limit, one.interval, bold=best and line.at_infinity) if one and one.limit else ""
            for one, best in zip(found, bold, strict=True)
        ]
        rows.append([rf"\quad {AT_INFINITY}", *("" for _ in extra), *limits])
    return rows


def _cell(number: str, interval: str, *, bold: bool = False) -> str:
    """A number, and small beside it its interval.

    >>> print(_cell("1.2e-07", "[1.1e-07, 1.3e-07]", bold=True))
    $\\mathbf{1.2 \\times 10^{-7}}$ {\\scriptsize $[1.1 \\times 10^{-7}, 1.3 \\times 10^{-7}]$}
    """
    if not re.match(r"-?\d", number):
        return escaped(number)
    shown = rf"$\mathbf{{{_math(number)}}}$" if bold else f"${_math(number)}$"
    return rf"{shown} {{\scriptsize ${_math(interval)}$}}" if interval else shown


def _math(text: str) -> str:
    """Numbers in math mode, where a minus is one."""
    text = re.sub(r"e([+-]\d+)", lambda found: rf" \times 10^{{{int(found[1])}}}", text)
    return text.replace("±", r"\pm").replace("%", r"\%")


def _raised(numbers: Sequence[int]) -> str:
    return rf"\textsuperscript{{{','.join(map(str, numbers))}}}" if numbers else ""


def _one_line(text: str) -> str:
    """Text without line ends, of which one would end a comment, and without signs that cannot be shown."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
