"""Numbers for people: as many digits as mean something, and the interval beside the number that it belongs to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vidgauge.report.comparable import Row


@dataclass(frozen=True)
class Number:
    """A result as text. `interval` is that of `limit` where there is one, else of `value`; empty where not known."""

    value: str
    interval: str = ""
    limit: str = ""  # what infinitely many videos would give


def number(row: Row) -> Number:
    """The texts of a row's result, with digits down to a tenth of half the interval's width.

    >>> number({"value": 84.123, "std": None, "ci95": [79.21, 88.97]})
    Number(value='84.1', interval='[79.2, 89.0]', limit='')
    """
    value, infinity, ci95 = row["value"], row.get("infinity"), row["ci95"]
    if value is None:
        return Number("undefined")
    error = (ci95[1] - ci95[0]) / 2 if ci95 else row.get("infinity_error") or 0.0
    shown = digits([value, *([infinity] if infinity is not None else []), *(ci95 or [])], error)
    spread = f" ± {row['std']:.2g}" if row["std"] is not None else ""
    return Number(
        shown[0] + spread,
        f"[{', '.join(shown[-2:])}]" if ci95 else "",
        shown[1] if infinity is not None else "",
    )


def digits(values: Sequence[float], error: float) -> list[str]:
    """The numbers with the first two digits of their error; with five digits each where that is 0 or not known.

    The first number keeps a digit of its own, whatever the error.

    >>> digits([0.061599, 0.0571], 0.0042), digits([32468.2], 4900), digits([123.456789], 0)
    (['0.0616', '0.0571'], ['32500'], ['123.46'])
    """
    if not error > 0 or not math.isfinite(error):
        return [f"{value:.5g}" for value in values]
    places = 1 - _exponent(error)
    if values[0]:
        places = max(places, -_exponent(values[0]))
    if places > 6 or max(map(abs, values)) >= 1e7:
        return [f"{value:.{max(0, places + _exponent(value)) if value else 0}e}" for value in values]
    return [f"{round(value, places) + 0.0:.{max(0, places)}f}" for value in values]


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value)))
