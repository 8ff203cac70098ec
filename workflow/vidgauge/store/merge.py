"""The features of a dataset from those of its shards, with the statistics that Gaussian fits need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.digests import joined
from vidgauge.errors import VidgaugeError
from vidgauge.files import replacing
from vidgauge.metrics.stats import stats_from_features
from vidgauge.store import hdf5
from vidgauge.store.features import (
    FeaturesWriter,
    Origin,
    array_widths,
    map_values,
    read_attrs,
    read_failed,
    read_origin,
)

MUST_AGREE = (
    "extractor",
    "version",
    "weights",
    "weights_sha256",
    "weights_verified",
    "clips",
    "clip_spec",
    "seed",
    "precision",
)
MAY_DIFFER = ("device", "batch_shape", "versions")
BLOCK_BYTES = 32 << 20  # of values in memory at a time


@dataclass(frozen=True)
class Shard:
    """The features file of a shard: its attributes, the widths of its arrays, where their rows come from."""

    path: Path
    attrs: Mapping[str, Any]
    widths: Mapping[str, int]
    origins: Mapping[str, Origin]
    failed: Sequence[Mapping[str, Any]]

    @property
    def empty(self) -> bool:
        return not any(map(len, self.origins.values()))


def merge(
    shard_paths: Sequence[str | PathLike[str]], out: str | PathLike[str], *, attrs: Mapping[str, Any] | None = None
) -> None:
    """Merge features files to one in canonical order, with stats. Memory does not grow with the values.

    Arrays, stats and failed videos depend on the rows alone, bit for bit, not on how they were cut into shards or in
    which order these are named. attrs: attributes to add. Devices, batch shapes and versions that differ between
    shards that have rows become lists, and their names stand in the attribute `mixed`.
    Raises VidgaugeError, naming the files: no shards; shards of different networks, clips, seeds, precisions or arrays;
    a clip that is in two of them; rows out of order; values that are not finite.
    """
    if not shard_paths:
        raise VidgaugeError(f"{out}: no shards were given to merge; name the features files of the dataset's shards")
    shards = [_load(Path(path)) for path in shard_paths]
    for other in shards[1:]:
        _check_same_kind(shards[0], other)
    merged = {**_common_attrs(shards), **(attrs or {})}
    with replacing(out) as temporary:
        with FeaturesWriter(temporary, attrs=merged, failed=_failed(shards)) as writer:
            for name, width in shards[0].widths.items():
                _merge_array(writer, name, width, shards)
        _add_stats(temporary, list(shards[0].widths), out)


def _load(path: Path) -> Shard:
    widths = array_widths(path)
    origins = {name: read_origin(path, name) for name in widths}
    for name, origin in origins.items():
        try:
            origin.check_order()
        except ValueError as error:
            raise VidgaugeError(f"{path}: {name}: {error}; delete it and run again") from error
    return Shard(path, read_attrs(path), widths, origins, read_failed(path))


def _check_same_kind(first: Shard, other: Shard) -> None:
    for what in MUST_AGREE:
        _check_same(first, other, what, first.attrs.get(what), other.attrs.get(what))
    _check_same(first, other, "arrays", first.widths, other.widths)


def _check_same(first: Shard, other: Shard, what: str, wanted: Any, found: Any) -> None:
    if wanted != found:
        raise VidgaugeError(
            f"{first.path} and {other.path} cannot be merged: {what} is {_text(wanted)} in the first "
            f"and {_text(found)} in the second; delete the one that is out of date and run again"
        )


def _common_attrs(shards: Sequence[Shard]) -> dict[str, Any]:
    """What all shards agree on, and lists of what they may differ in; shards without rows have no say in these."""
    first = shards[0].attrs
    common = {
        key: value for key, value in first.items() if all(key in s.attrs and s.attrs[key] == value for s in shards)
    }
    mixed = []
    for key in MAY_DIFFER:
        texts = sorted({_text(s.attrs.get(key)) for s in shards if not s.empty} or {_text(first.get(key))})
        found = [json.loads(text) for text in texts]
        common[key] = found[0] if len(found) == 1 else found
        mixed += [key] if len(found) > 1 else []
    parts = [str(digest) for shard in shards if (digest := shard.attrs.get("manifest_digest"))]
    return {**common, "manifest_digest": joined(parts) if len(parts) == len(shards) else None, "mixed": mixed}


def _failed(shards: Sequence[Shard]) -> list[Mapping[str, Any]]:
    """Every failed video once, in the order of ids."""
    unique = {_text(entry): entry for shard in shards for entry in shard.failed}
    return [entry for _, entry in sorted(unique.items(), key=lambda item: (item[1].get("video", ""), item[0]))]


def _merge_array(writer: FeaturesWriter, name: str, width: int, shards: Sequence[Shard]) -> None:
    source, row = _order(name, shards)  # (n,) each
    origins = [shard.origins[name] for shard in shards]
    offsets = np.cumsum([0, *map(len, origins)])[:-1]
    joined = offsets[source] + row  # rows of all shards, one after the other
    columns = (np.concatenate([getattr(o, part) for o in origins])[joined] for part in ("video", "draw", "start"))
    writer.create(name, Origin(*columns), width)
    mapped = [map_values(shard.path, name) for shard in shards]
    step = max(1, BLOCK_BYTES // (4 * max(1, width)))
    for at in range(0, len(row), step):
        writer.append(name, _block(mapped, source[at : at + step], row[at : at + step], width))


def _order(name: str, shards: Sequence[Shard]) -> tuple[np.ndarray, np.ndarray]:
    """Of each row of the merged array: the number of its shard, and its row there. Whole clips are sorted, not rows."""
    groups = sorted(
        (key, number, first, end)
        for number, shard in enumerate(shards)
        for key, first, end in shard.origins[name].groups()
    )
    for (key, number, *_), (after, other, *_) in pairwise(groups):
        if key == after:
            raise VidgaugeError(
                f"{shards[number].path} and {shards[other].path} both have draw {key[1]} of {key[0]}; "
                "delete the one that is out of date and run again"
            )
    counts = np.array([end - first for _, _, first, end in groups], dtype=np.int64)
    source = np.repeat(np.array([number for _, number, *_ in groups], dtype=np.int64), counts)
    firsts = np.array([first for _, _, first, _ in groups], dtype=np.int64)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return source, np.repeat(firsts, counts) + within


def _block(mapped: Sequence[np.ndarray], source: np.ndarray, row: np.ndarray, width: int) -> np.ndarray:
    """(b, d): shards are sorted, so that the block's rows are one contiguous piece of each."""
    block = np.empty((len(row), width), np.float32)
    for number in np.unique(source):
        here = source == number
        rows = row[here]
        block[here] = mapped[number][rows[0] : rows[-1] + 1]
    return block


def _add_stats(path: Path, names: Sequence[str], out: str | PathLike[str]) -> None:
    """Statistics from the merged values as they stand in the file: one order, one block size, whatever the shards."""
    for name in names:
        values = map_values(path, name)
        try:
            stats = stats_from_features(values) if len(values) else None
        except ValueError as error:
            raise VidgaugeError(
                f"{out}: array {name}: {error}; look at the videos, or use precision: float32"
            ) from error
        hdf5.write_stats(path, name, stats)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
