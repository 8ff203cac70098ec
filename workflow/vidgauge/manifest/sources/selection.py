"""Which of a source's videos are a dataset: the keys of a dataset besides its source and root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.files import to_json

Value = str | bool | int | float
Side = Literal["reference", "candidate"]

VIDEO_KEYS = frozenset({"videos", "video"})
"""Keys of a manifest's row that are no columns."""

SUFFIXES = ("_synthetic", "-synthetic", "_generated", "-generated")
"""What AIGVE's preparation of annotations looks for at the end of a generated video's name."""

_SHOWN = 8
"""Values of a column that a message shows."""


@dataclass(frozen=True)
class Selection:
    """The keys of a dataset that choose among the videos of its source; as they stand here, all of them."""

    where: Mapping[str, Value] = field(default_factory=dict)
    side: Side | None = None
    suffixes: tuple[str, ...] = SUFFIXES

    def said(self) -> dict[str, Any]:
        """The keys that are not at their default, as JSON has them.

        >>> Selection({"b": 1, "a": "x"}, "candidate").said()
        {'where': {'a': 'x', 'b': 1}, 'side': 'candidate'}
        """
        keys = {**asdict(self), "where": dict(sorted(self.where.items())), "suffixes": list(self.suffixes)}
        usual: dict[str, Any] = {"where": {}, "side": None, "suffixes": list(SUFFIXES)}
        return {key: value for key, value in keys.items() if value != usual[key]}


class Where:
    """The rows of one manifest that `where` takes, and what was seen, in case it takes none.

    equal: (found, wanted) -> whether a row's value is the wanted one.
    """

    def __init__(self, source: Path, wanted: Mapping[str, Value], equal: Callable[[Any, Value], bool]) -> None:
        self._source, self._wanted, self._equal = source, wanted, equal
        self._columns: set[str] = set()
        self._seen: dict[str, set[str]] = {name: set() for name in wanted}
        self._met = dict.fromkeys(wanted, False)
        self._rows = self._taken = 0

    def takes(self, columns: Mapping[str, Any]) -> bool:
        """Whether a row belongs to the dataset."""
        if not self._wanted:
            return True
        self._rows += 1
        self._columns.update(columns)
        takes = True
        for name, wanted in self._wanted.items():
            if name in columns:
                self._seen[name].add(to_json(columns[name]))
            is_met = name in columns and self._equal(columns[name], wanted)
            self._met[name] |= is_met
            takes &= is_met
        self._taken += takes
        return takes

    def check(self) -> None:
        """Raise UsageError where a column or a value is in no row; not for a manifest without a readable row."""
        if not self._rows:
            return
        columns = self._columns - VIDEO_KEYS
        for name, wanted in self._wanted.items():
            if name not in columns:
                raise UsageError(f"{self._source}: where: no row has a column '{name}'; {did_you_mean(name, columns)}")
            if not self._met[name]:
                raise UsageError(f"{self._source}: where: no row has {_is(name, wanted)}; {self._values(name)}.")
        if not self._taken:
            both = " and ".join(_is(name, wanted) for name, wanted in self._wanted.items())
            raise UsageError(f"{self._source}: where: each is in some row, but no row has {both}; remove one.")

    def _values(self, name: str) -> str:
        seen = sorted(self._seen[name])
        more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
        return f"the column's values are {', '.join(seen[:_SHOWN])}{more}"


def equal_json(found: Any, wanted: Value) -> bool:
    """Equality of JSON values: 1 is 1.0, but neither is true.

    >>> equal_json(1.0, 1), equal_json(True, 1), equal_json("1", 1)
    (True, False, False)
    """
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def equal_text(found: str, wanted: Value) -> bool:
    """Equality of a CSV field with a value, which is compared as it is written; true and false in any case.

    >>> equal_text("1", 1), equal_text("TRUE", True), equal_text("1.0", 1)
    (True, True, False)
    """
    return found.lower() == str(wanted).lower() if isinstance(wanted, bool) else found == str(wanted)


def _is(name: str, wanted: Value) -> str:
    return f"{name}: {to_json(wanted)}"
