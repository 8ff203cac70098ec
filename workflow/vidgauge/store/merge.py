"""The features of a dataset from those of its shards, with the statistics that Gaussian fits need."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.digests import joined
from vidgauge.errors import VidgaugeError
from vidgauge.metrics.stats import stats_from_features
from vidgauge.store.features import FeaturesWriter
from vidgauge.store.order import Order, order_of
from vidgauge.store.seal import sealed
from vidgauge.store.shards import Shard, Shards

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
BLOCK_BYTES = 32 << 20  # of a column in memory at a time


def merge(
    shard_paths: Sequence[str | PathLike[str]], out: str | PathLike[str], *, attrs: Mapping[str, Any] | None = None
) -> None:
    """Merge features files to one in canonical order, with stats.

    Memory does not grow with the values; it grows by twelve bytes with each clip, and with the number of shards.
    Arrays, stats and failed videos depend on the rows alone, bit for bit, not on how they were cut into shards or in
    which order these are named. attrs: attributes to add. Devices, batch shapes and versions that differ between
    shards that have rows become lists, and their names stand in the attribute `mixed`.
    Raises VidgaugeError, naming the files: no shards; shards of different networks, clips, seeds, precisions or arrays;
    a clip that is in two of them; rows out of order; values that are not finite.
    """
    if not shard_paths:
        raise VidgaugeError(f"{out}: no shards were given to merge; name the features files of the dataset's shards")
    with Shards([Path(path) for path in shard_paths]) as shards:
        for other in shards.all[1:]:
            _check_same_kind(shards.all[0], other)
        merged, failed = {**_common_attrs(shards.all), **(attrs or {})}, _failed(shards.all)
        with sealed(out) as temporary, FeaturesWriter(temporary, attrs=merged, failed=failed) as writer:
            for name, width in shards.all[0].widths.items():
                _merge_array(writer, name, width, shards)
                if name not in merged.get("columns", {}):  # of scores nobody fits a Gaussian, and some may be undefined
                    _add_stats(writer, name, out)


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
    digests = {"manifest_digest": _joined_digests("manifest_digest", shards)}
    if "partners_digest" in first:
        digests["partners_digest"] = _joined_digests("partners_digest", shards)
    return {**common, **digests, "mixed": mixed}


def _joined_digests(key: str, shards: Sequence[Shard]) -> str | None:
    parts = [str(digest) for shard in shards if (digest := shard.attrs.get(key))]
    return joined(parts) if len(parts) == len(shards) else None


def _failed(shards: Sequence[Shard]) -> list[Mapping[str, Any]]:
    """Every failed video once, in the order of ids."""
    unique = {_text(entry): entry for shard in shards for entry in shard.failed}
    return [entry for _, entry in sorted(unique.items(), key=lambda item: (item[1].get("video", ""), item[0]))]


def _merge_array(writer: FeaturesWriter, name: str, width: int, shards: Shards) -> None:
    order = order_of(shards, name)
    longest_id = max(shard.id_bytes[name] for shard in shards.all)
    for column, target in writer.create_empty(name, len(order), width, longest_id).items():
        chunk = target.chunks[0] if len(order) else 1
        step = max(1, BLOCK_BYTES // (target.dtype.itemsize * chunk)) * chunk
        for at, piece in _pieces(order, shards, name, column, step):
            target[at : at + len(piece)] = piece
    for _, piece in _pieces(order, shards, name, "values", max(1, BLOCK_BYTES // (4 * max(1, width)))):
        writer.append(name, piece)


def _pieces(order: Order, shards: Shards, name: str, column: str, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, rows) of a column of the merged array, `step` at a time."""
    taken = np.zeros(len(shards.all), np.int64)  # rows of each shard that went before
    for at in range(0, len(order), step):
        source = order.sources(at, min(len(order), at + step))
        counts = np.bincount(source, minlength=len(taken))
        rows = [
            shards.read(number, name, column, slice(taken[number], taken[number] + counts[number]))
            for number in np.flatnonzero(counts).tolist()
        ]
        piece = np.empty((len(source), *rows[0].shape[1:]), np.result_type(*rows))
        place = np.argsort(source, kind="stable")
        for part, end in zip(rows, np.cumsum([len(part) for part in rows]), strict=True):
            piece[place[end - len(part) : end]] = part
        yield at, piece
        taken += counts


def _add_stats(writer: FeaturesWriter, name: str, out: str | PathLike[str]) -> None:
    """Statistics from the merged values as they stand in the file: one order, one block size, whatever the shards."""
    values = writer.written(name)
    try:
        writer.add_stats(name, stats_from_features(values) if len(values) else None)
    except ValueError as error:
        raise VidgaugeError(f"{out}: array {name}: {error}; look at the videos, or use precision: float32") from error


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
