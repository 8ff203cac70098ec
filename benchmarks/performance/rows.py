"""A row of the performance page: what was measured, what is wanted of it, and whether that is met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement. Ratios are of two things measured in turns in one run, since absolute times are the machine's.

    what: what is measured, against what. value: None where it could not be measured here, and `note` says why.
    unit: "x" (a ratio), "%", "s", "MB". at_least, at_most: the target, in the same unit; neither: a fact without one.
    note: the absolute figures, sizes and what limits it now, in a few words.
    """

    what: str
    value: float | None
    unit: str = "x"
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing was measured."""
        if self.value is None or (self.at_least is None and self.at_most is None):
            return None
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )

    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as text: what, measured, target, met, note."""
        value = "not measured" if self.value is None else _said(self.value, self.unit)
        parts = [("at least", self.at_least), ("at most", self.at_most)]
        target = " and ".join(f"{word} {_said(bound, self.unit)}" for word, bound in parts if bound is not None)
        return self.what, value, target, {True: "yes", False: "no", None: ""}[self.met], self.note


def _said(value: float, unit: str) -> str:
    digits = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{digits}{'' if unit == 'x' else ' '}{unit}"
