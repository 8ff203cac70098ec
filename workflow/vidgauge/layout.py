"""Readable, unambiguous names for the folders of clips and features.

The paths themselves stand in the rules; these are the parts of them that only a specification can give.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from vidgauge.clipspec import ALL_DRAWS
from vidgauge.specs import Asked, ClipSpec, ExtractorSpec, Precision

CLIPS_VERSION = 1
"""Raise it when the same clip spec gives other pixels: it is part of every clip folder's name."""

FEATURES_VERSION = 2
"""Raise it when the features file or the way it is filled changes: it is part of every feature file's name."""

RESERVED = ("manifests", "clips", "features", "weights", "logs", "benchmarks")
"""Folders of results/ that no evaluation can be named after."""


def resolved(spec: ClipSpec, *, seed: int, draws: int) -> dict[str, Any]:
    """The clip spec with its draws settled, and the seed where a draw is made: all that the pixels depend on."""
    settled = spec.clips_per_video if spec.clips_per_video == "all" else draws
    return spec.as_stored() | {"clips_per_video": settled, "seed": seed if spec.seeded else None}


def asked(stored: Mapping[str, Any]) -> Asked:
    """What `resolved` was asked for, of a clip spec as rows and features files keep it. Raises ValueError for no other.

    stored: may also have `native`, the size where it is that of the videos.
    """
    keys = {key: value for key, value in stored.items() if key not in ("seed", "native")}
    draws = ALL_DRAWS if keys["clips_per_video"] == "all" else keys["clips_per_video"]
    return Asked(spec=ClipSpec(**keys), seed=stored.get("seed") or 0, draws=draws, native=stored.get("native"))


def clips_name(spec: ClipSpec, *, seed: int, draws: int) -> str:
    """The folder of a dataset's clips.

    >>> clips_name(ClipSpec(start="first"), seed=42, draws=1)
    '16f-s1-224x224-first-...'
    """
    return _clips_name(spec, seed, draws, CLIPS_VERSION)


@cache  # a parse asks for the same few names thousands of times
def _clips_name(spec: ClipSpec, seed: int, draws: int, version: int) -> str:
    parts = [f"{spec.frames}f", f"s{spec.stride}"]
    if spec.fps is not None:
        parts.append(f"{spec.fps:g}fps")
    parts.append("native" if spec.size == "native" else "{}x{}".format(*spec.shape))
    number = "all" if spec.clips_per_video == "all" else draws
    parts.append(spec.start if number == 1 else f"{spec.start}{number}")
    if spec.seeded:
        parts.append(f"seed{seed}")
    version += spec.backend == "pil" and spec.crop == "center"  # whose rounding was another once
    parts.append(_digest({"version": version, **resolved(spec, seed=seed, draws=draws)}))
    return "-".join(parts)


def extractor_name(
    spec: ExtractorSpec,
    precision: Precision,
    weights: str | None,
    arrays: Sequence[str] = (),
    *,
    partners: str | None = None,
) -> str:
    """The name of a features file: network, partners, arrays on demand, precision, head of a digest, versions.

    weights: the digest of the weights, and of how they are used where a user says that. arrays: those that the file
    holds, for some are computed only on demand; none: the usual ones. partners: the dataset that has each video's
    partner, where the network sees both.
    """
    extra = [name for name in arrays if spec.arrays[name].on_demand]
    usual = len(extra) < len(arrays) or not arrays
    name = "+".join([spec.name, *extra]) if usual else f"{spec.name}-{'+'.join(extra)}"
    name += f"-vs-{partners}" if partners else ""
    return f"{name}-{precision}-{weights[:8] if weights else 'noweights'}-v{spec.version}.{FEATURES_VERSION}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
