"""From effects and a curve to an interval."""

from __future__ import annotations

import math
from typing import NamedTuple

from vidgauge.specs import ReduceSpec
from vidgauge.uncertainty.curve import Curve, Fit, limits
from vidgauge.uncertainty.effects import Effects

LEVEL = 0.95

APART = 2.0
"""Standard errors by which two limits may differ and still be one."""

OF_BIAS = 0.25
"""Part of the bias by which they may differ likewise."""

ROUNDING = 1e-9
"""A known bias below this part of the number is none."""


class Interval(NamedTuple):
    """A 95 % interval of `infinity` if that is known, else of the number's mean at this number of videos."""

    low: float
    high: float
    standard_error: float
    infinity: float | None
    infinity_error: float | None


def interval(value: float, spec: ReduceSpec, effects: Effects, curve: Curve | None) -> Interval:
    """The interval of a value with its effects, and with its curve where its bias vanishes."""
    found = _limit(value, spec, effects, curve)
    error = effects.standard_error or _of_share(value, spec.bounds, effects)
    centre = value
    if found is not None:
        centre, error = found.infinity, math.hypot(error, found.error)
    reach = quantile(effects.units - 1) * error
    nearest = min(max(centre, spec.bounds[0]), spec.bounds[1])  # of a limit that noise took beyond what can be
    low, high = max(min(nearest, centre) - reach, spec.bounds[0]), min(max(nearest, centre) + reach, spec.bounds[1])
    return Interval(low, high, error, found and found.infinity, found and found.error)


def _limit(value: float, spec: ReduceSpec, effects: Effects, curve: Curve | None) -> Fit | None:
    """What infinitely many videos would give; None where it is not known, or the number itself."""
    if spec.bias == "known" and effects.bias is not None and math.isfinite(effects.bias):
        rounding = ROUNDING * max(abs(value), effects.standard_error)
        return Fit(value - effects.bias, 0.0, effects.bias) if abs(effects.bias) > rounding else None
    return limit(effects, curve) if spec.bias == "vanishing" and curve is not None else None


def limit(effects: Effects, curve: Curve) -> Fit | None:
    """What infinitely many videos would give; None where the sizes at hand do not lie on a line in 1/n.

    The limits that the lower and the upper sizes lead to must agree, within what sampling allows or a part of the bias.
    What of their difference is more than a standard error goes into that of the limit.
    """
    fits = limits(curve)
    if fits is None:
        return None
    high, low = fits
    apart, chance = abs(high.infinity - low.infinity), effects.standard_error
    if apart > max(APART * chance, OF_BIAS * abs(high.bias)):
        return None
    return high._replace(error=math.hypot(high.error, max(0.0, apart - chance)))


def quantile(freedom: int) -> float:
    """Of Student's t: how many standard errors an interval reaches to either side."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def _of_share(value: float, bounds: tuple[float, float], effects: Effects) -> float:
    """The standard error of a share that is 0 or 1 in every part of the set, by Agresti & Coull (1998).

    Such a share does not vary with its groups, and is not certain all the same. 0 where the number has no bounds.
    """
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0
    count = effects.units
    share = ((value - low) / (high - low) * count + 2) / (count + 4)
    return (high - low) * math.sqrt(share * (1 - share) / (count + 4))
