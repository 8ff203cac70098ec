"""What every table says of its lines, whatever it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vidgauge.presets import presets
from vidgauge.report.comparable import Row
from vidgauge.report.standing import Line

AT_INFINITY = "at infinity"
LIMITS = (
    f"{AT_INFINITY}: what infinitely many videos would give, and its interval; the number above is biased by the "
    "number of videos (and by ids that both sets share), and may lie outside of that"
)


def columns(rows: Sequence[Row]) -> list[str]:
    """What a line must say besides its metric: the protocol where it is not plain, the reference where several are."""
    protocols = {row["protocol"] for row in rows}
    own = {row["metric"] for row in rows if row["protocol"] == "user"}
    plain = protocols in ({"vidgauge"}, {"user"}) and not own & presets().keys()
    several = len({row["reference"] for row in rows if row["reference"] is not None}) > 1
    return [*([] if plain else ["protocol"]), *(["reference"] if several else [])]


def cells(line: Line, extra: Sequence[str]) -> list[str]:
    """A line's cells of the columns that `columns` names."""
    return [line.first[key] or "-" for key in extra]


def counts(line: Line, kind: Literal["n", "videos"]) -> str:
    """The counts behind a line: one number where all candidates have the same, ? where none is known."""

    def span(side: str) -> str:
        values = {row[f"{kind}_{side}"] for row in line.rows.values()}
        known = sorted(value for value in values if value is not None)
        return "?" if not known else str(known[0]) if len(known) == 1 else f"{known[0]}-{known[-1]}"

    return span("candidate") if line.first["reference"] is None else f"{span('candidate')} / {span('reference')}"
