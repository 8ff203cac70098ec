"""Two sets' shares of values - frame rates, sizes, codecs - held against each other and put into words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

DIFFERENT = 0.05
"""Share of videos by which two sets must differ at least: more with few videos, where chance explains as much."""
SHOWN = 3
"""Values that a sentence names."""

Shares = Mapping[Any, int]  # videos by what they are


def differ(one: Shares, other: Shares) -> bool:
    """Whether two sets have other shares of their values than chance explains.

    The share of videos that would have to change is compared with what two samples of one law differ by: its mean (of
    a normal law for each value) and two standard deviations, at most.
    """
    n, m, values = sum(one.values()), sum(other.values()), {*one, *other}
    if not n or not m or len(one) == len(other) == 1:
        return bool(n and m) and len(values) > 1
    moved = sum(abs(one.get(value, 0) / n - other.get(value, 0) / m) for value in values) / 2
    pooled = [(one.get(value, 0) + other.get(value, 0)) / (n + m) for value in values]
    spread = 1 / n + 1 / m
    chance = sum(math.sqrt(p * (1 - p) * spread * 2 / math.pi) for p in pooled) / 2 + math.sqrt(spread)
    return moved > max(DIFFERENT, chance)


def merged(counts: Shares, alike: Callable[[Any, Any], bool], like: Sequence[Shares]) -> Counter[Any]:
    """The counts with values that are alike as one: the most frequent of `like`, which all sets share."""
    total: Counter[Any] = Counter()
    for each in like:
        for value, count in each.items():
            total[value] += count
    leaders: list[Any] = []
    for value, _ in sorted(total.items(), key=lambda item: (-item[1], item[0])):
        if not any(alike(value, leader) for leader in leaders):
            leaders.append(value)
    found: Counter[Any] = Counter()
    for value, count in counts.items():
        found[next(leader for leader in leaders if alike(value, leader))] += count
    return found


def listed(shares: Shares, form: str) -> str:
    """The most frequent values with their shares.

    >>> listed({30.0: 2, 24.0: 6}, "{:.4g}")
    '24 (75 %) and 30 (25 %)'
    """
    total = sum(shares.values())
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{form.format(value)} ({share(count, total)})" for value, count in ranked[:SHOWN]]
    if rest := sum(count for _, count in ranked[SHOWN:]):
        parts.append(f"others ({share(rest, total)})")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def share(count: int, total: int) -> str:
    """In whole per cent, and never 0 or 100 where that is not true.

    >>> share(1, 1000), share(999, 1000), share(1, 3)
    ('<1 %', '>99 %', '33 %')
    """
    percent = round(100 * count / total)
    if percent == 0 < count:
        return "<1 %"
    return ">99 %" if percent == 100 and count < total else f"{percent} %"
