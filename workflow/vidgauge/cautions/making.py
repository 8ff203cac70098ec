"""How features and statistics were made: which network, which arithmetic, on what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge.sides import DRAWN, Side, samples_of
from vidgauge.wording import counted

_SEEN = {
    "tf32": "the last digits differ from those of float32",
    "bfloat16": "differences of less than 1 % may be rounding",
    "float16": "differences of less than 1 % may be rounding",
}
"""What each precision below float32 does to a distance; docs/precision.md has the measurements."""


def unverified(plan: Mapping[str, Any], side: Side) -> list[str]:
    """Weights that nobody but the user vouches for."""
    if {**side.attrs, **plan["own"]}.get("weights_verified") is not False:
        return []
    weights = side.attrs.get("weights") or plan["definition"]["extractor"]
    return [f"weights not verified: no digest of {weights} is known, only the configuration vouches for it"]


def saved(plan: Mapping[str, Any], side: Side) -> list[str]:
    """Where saved statistics may have been made otherwise than the metric says, or of other samples."""
    if side.file is None:
        return []
    name, texts = side.file.name, []
    made = {key: side.attrs[key] for key in plan["made_with"] if side.attrs.get(key) is not None}
    clips = {key: value for key, value in (side.clip_spec or {}).items() if key not in DRAWN}
    if unknown := [word for word, known in (("network", made), ("clips", clips)) if not known]:
        what = " and ".join(unknown)
        texts.append(
            f"{side.name}: {name} does not say which {what} made it; that it is the metric's is the user's word"
        )
    wanted = plan["clips"][int(side.name == plan["reference"])]
    differ = [key for key in made if made[key] != plan["made_with"][key]]
    differ += [f"clips.{key}" for key in clips if clips[key] != wanted.get(key, clips[key])]
    if differ:
        texts.append(f"{side.name}: {name} was made with another {', '.join(differ)}")
    found, ddof = side.saved, plan["options"].get("ddof")
    if found is not None and ddof is not None and ddof != found.ddof and found.n is None:
        texts.append(
            f"{side.name}: {name} does not say from how many samples its covariance was made, so it is used as it is, "
            f"and not with ddof {ddof}"
        )
    asked = samples_of(plan, side.name)
    if found is not None and asked is not None and found.n not in (None, asked):
        texts.append(f"{side.name}: {name} stands for {counted(found.n, 'sample')}, the metric takes {asked}")
    return texts


def precision(sides: Sequence[Side]) -> list[str]:
    """Arithmetic below float32; what has no weights is exact at any precision."""
    made = dict.fromkeys(side.attrs.get("precision") for side in sides if side.attrs.get("weights_sha256"))
    return [f"features were made in {name}, not in float32: {_SEEN[name]}" for name in made if name in _SEEN]


def mixed(sides: Sequence[Side]) -> list[str]:
    """What features of one number should share: its last digits depend on these."""
    texts = []
    for what in ("device", "batch_shape", "versions"):
        found = {json.dumps(side.attrs.get(what), sort_keys=True) for side in sides if side.attrs and side.n}
        if len(found) > 1 or any(what in side.attrs.get("mixed", []) for side in sides):
            texts.append(f"features were made with different {what.replace('_', ' ')}: the last digits may differ")
    return texts


def halved(sides: Sequence[Side]) -> list[str]:
    """Batches that a GPU's memory did not hold; of merged shards, if it was so for one of them."""
    texts = []
    for side in sides:
        shapes = side.attrs.get("batch_shape")
        short = [shape for shape in (shapes if isinstance(shapes, list) else [shapes]) if "halved" in (shape or "")]
        texts += [
            f"{side.name}: the GPU's memory did not hold whole batches ({shape}): the last digits may differ from "
            "those of a run with whole ones"
            for shape in short
        ]
    return texts
