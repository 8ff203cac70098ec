"""What a dataset looks like in every figure: a colour and a shape, for some cannot tell colours apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SHAPES = (
    ("o", "circle"),
    ("s", "square"),
    ("^", "triangle-up"),
    ("D", "diamond"),
    ("v", "triangle-down"),
    ("P", "cross"),
)
"""Names of marks in matplotlib and in Vega."""


@dataclass(frozen=True)
class Look:
    """colour: the name of a CSS variable. marker: matplotlib's. shape: Vega's."""

    colour: str
    marker: str
    shape: str


def looks(references: Sequence[str], candidates: Sequence[str]) -> dict[str, Look]:
    """References are grey circles; no candidate has a look of another before colours and shapes are used up."""
    found = {name: Look("c0", *SHAPES[0]) for name in references}
    for number, name in enumerate(name for name in candidates if name not in found):
        found[name] = Look(f"c{number % 7 + 1}", *SHAPES[number % 5 + 1])
    return found


def names(results: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The references and the candidates of an evaluation, in its order."""
    rows = results["results"]
    references = dict.fromkeys(row["reference"] for row in rows if row["reference"] is not None)
    candidates = dict.fromkeys(row["candidate"] for row in rows)
    return list(references), list(candidates)
