"""vidgauge: evaluate generated videos. Snakemake runs the stages, this package holds all the logic.

For programs of one's own: `Accumulator`, `reduce` and `interval`, imported, with NumPy, when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidgauge.accumulator import Accumulator as Accumulator
    from vidgauge.comparing import interval as interval
    from vidgauge.comparing import reduce as reduce

__version__ = "0.1.0"

_HOMES = {"Accumulator": "accumulator", "interval": "comparing", "reduce": "comparing"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
