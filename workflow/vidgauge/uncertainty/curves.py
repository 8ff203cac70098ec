"""The curves of an evaluation: the number over the number of videos, and what follows from it in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vidgauge.uncertainty.curve import fit, upper
from vidgauge.uncertainty.groups import FOR_A_LIMIT

Row = Mapping[str, Any]


def curves(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for each row that has a curve, in their order. rows: with `resampled`."""
    return [_curve(row, rows) for row in rows if row["resampled"].get("curve")]


def _curve(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    found = row["resampled"]
    points = [
        {
            "share": share,
            "videos": round(share * found["videos"]),
            "samples": round(share * found["samples"]),
            "value": value,
            "subsets": subsets,
            "std": None,
        }
        for share, value, subsets in zip(*(found["curve"][key] for key in ("shares", "values", "subsets")), strict=True)
    ]
    named = {key: row[key] for key in ("metric", "candidate", "reference", "infinity", "infinity_error")}
    slope = None
    if row["infinity"] is not None:
        known = found["bias"] == "known"
        slope = row["value"] - row["infinity"] if known else slope_of(found["curve"])
    return named | {"bias": found["bias"], "slope": slope, "points": points, "sentence": sentence(row, rows)}


def _why(found: Mapping[str, Any]) -> str:
    if found["fewest"] < FOR_A_LIMIT:
        return f"it takes {FOR_A_LIMIT} or more"
    return "parts of them lead to different limits; more videos are needed"


def slope_of(curve: Mapping[str, Sequence[float]]) -> float:
    """What the number of all videos is above its infinity: value = infinity + slope / share."""
    shares, values = (np.array(curve[key]) for key in ("shares", "values"))
    chosen = upper(shares)
    return fit(shares[chosen], values[chosen]).bias


def sentence(row: Row, rows: Sequence[Row]) -> str:
    """What the number of videos does to a number, and whether that matters for telling candidates apart."""
    found, at = row["resampled"], f"at {row['resampled']['videos']} videos"
    if found["bias"] == "none" or (found["bias"] == "known" and row["infinity"] is None):
        return f"{at} there is no bias: more videos only narrow the interval"
    if found["bias"] == "size":
        return f"the number depends on how many videos there are: compare it {at} only"
    if row["infinity"] is None:
        return f"{at} the bias cannot be told: {_why(found)}"
    bias = row["value"] - row["infinity"]
    said = f"{at} the bias is about {_two_digits(bias)}"
    others = [one for one in rows if one["metric"] == row["metric"] and one is not row and one["infinity"] is not None]
    if not others:
        return said
    near = min(others, key=lambda one: abs(one["infinity"] - row["infinity"]))
    apart = abs(near["infinity"] - row["infinity"])
    than = "larger" if abs(bias) > apart else "smaller"
    return (
        f"{said}, {than} than the difference between {row['candidate']} and {near['candidate']} ({_two_digits(apart)})"
    )


def _two_digits(value: float) -> str:
    """Plain, without an exponent: 170, 4.1, 0.0032."""
    return f"{float(f'{value:.2g}'):.10f}".rstrip("0").rstrip(".")
