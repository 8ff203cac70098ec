"""Why a number is not to be trusted, in sentences: the warnings of a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.sides import Side, samples_of, saved_warnings


def cautions(plan: Mapping[str, Any], candidates: Sequence[Side], references: Sequence[Side | None]) -> list[str]:
    """The warnings of a metric's runs, each once. The sides are those of each run."""
    there = [side for side in (*candidates, *references) if side]
    found = [*_few_samples(plan, there), *_unverified(plan, there[0]), *_mixed(there)]
    for side in there:
        found += [*saved_warnings(plan, side), *_of_side(side, samples_of(plan, side.name))]
    return list(dict.fromkeys(found))


def _few_samples(plan: Mapping[str, Any], sides: Sequence[Side]) -> list[str]:
    n, width = min((side.distinct for side in sides if side.distinct is not None), default=0), sides[0].width
    if plan["options"].get("fold", "none") != "none":
        width //= 4
    if plan["definition"]["reduce"] != "frechet" or not 0 < n <= width:
        return []
    return [f"{n} samples of {width} features: the covariance is singular, and the distance is biased upward"]


def _unverified(plan: Mapping[str, Any], side: Side) -> list[str]:
    if {**side.attrs, **plan["own"]}.get("weights_verified") is not False:
        return []
    weights = side.attrs.get("weights") or plan["definition"]["extractor"]
    return [f"weights not verified: no digest of {weights} is known, only the configuration vouches for it"]


def _of_side(side: Side, wanted: int | None) -> list[str]:
    if side.samples is None:
        return []
    n, texts = len(side.samples), []
    if wanted is not None and n < wanted:
        texts.append(f"{side.name}: {wanted} samples were asked for, only {n} are there")
    if n > 1 and (side.samples.values == side.samples.values[0]).all():
        texts.append(f"{side.name}: all {n} samples have the same features; look at the network and what it is fed")
    if side.failed:
        texts.append(f"{side.name}: {len(side.failed)} videos could not be decoded and are left out")
    if side.alone:
        texts.append(f"{side.name}: {side.alone} videos whose partner is missing are left out")
    if side.distinct is not None and side.distinct < n:
        texts.append(
            f"{side.name}: only {side.distinct} of {n} samples are distinct; videos are too short for more draws"
        )
    if side.videos is not None and n > side.videos:
        texts.append(f"{n} samples come from {side.videos} videos; those of one video are not independent")
    return texts


def _mixed(sides: Sequence[Side]) -> list[str]:
    """What features of one number should share: its last digits depend on these."""
    texts = []
    for what in ("device", "batch_shape", "versions"):
        found = {json.dumps(side.attrs.get(what), sort_keys=True) for side in sides if side.attrs and side.n}
        if len(found) > 1 or any(what in side.attrs.get("mixed", []) for side in sides):
            texts.append(f"features were made with different {what.replace('_', ' ')}: the last digits may differ")
    return texts
