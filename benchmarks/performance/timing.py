"""Measuring in turns, so that what disturbs the machine disturbs all that is compared."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Took:
    """Median seconds over rounds: on the clock, and of the processors (this process and its ended children)."""

    wall: float
    cpu: float


def in_turns(functions: Mapping[str, Callable[[], Any]], *, rounds: int = 5, warm: bool = True) -> dict[str, Took]:
    """Call all functions one after the other, `rounds` times. warm: once more before, which does not count."""
    walls: dict[str, list[float]] = {name: [] for name in functions}
    cpus: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(-1 if warm else 0, rounds):
        for name, function in functions.items():
            clock, processors = time.perf_counter(), _processors()
            function()
            if number >= 0:
                walls[name].append(time.perf_counter() - clock)
                cpus[name].append(_processors() - processors)
    return {name: Took(statistics.median(walls[name]), statistics.median(cpus[name])) for name in functions}


def _processors() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
