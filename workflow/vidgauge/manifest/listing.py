"""The listing of a dataset: what its source names, split into shards by hash, without opening a video.

    {folder}/listing/{shard}.jsonl     a header {"probe": version, "format": 1}, then a line per video, sorted by id
    {folder}/listing/rejected.jsonl    entries that name no usable video: line, path, reason, detail, id
    {folder}/listing/lines.jsonl       [id, source line] of each, sorted by id, apart from the shards: a line added in
                                       front moves all of them
    {folder}/listing/columns.jsonl     [id, columns] of each that has some, sorted by id, apart as well: another
                                       prompt or rating is no reason to open a video
    {folder}/texts/{shard}.jsonl       [id, text] of each video of a shard that has one, for networks that read it
    {folder}/listing/written.json      what the files were made from: an unchanged source is seen without making them
    {folder}/dataset.json              source, root, selection, shard size, shards, and videos of each shard

Each is written only where its text differs: Snakemake reruns what depends on a file by the file's time.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from vidgauge.draws import shard_of
from vidgauge.errors import VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_if_changed
from vidgauge.manifest.sources import Listing, Reject, Row, Selection, list_source, root_of

FORMAT = 2
"""Raise it when the lines of a listing change their form: it stands in each shard's text, so all are probed again."""

FILES = 3
"""Raise it when the other files of a listing change their form: they are written again, and no shard is probed."""

GROWTH = 4
"""How many times its size a shard may reach before the dataset is cut anew, which redoes all of its features."""

MARGIN = 1.25
"""Videos listed for each one that is needed, so that a few rejects do not ask for another shard."""

_ALL = Selection()


@dataclass(frozen=True)
class Dataset:
    """What dataset.json holds: where a dataset comes from and how it is cut."""

    source: str  # absolute, resolved
    root: str  # absolute, resolved
    shard_size: int
    shards: int
    counts: list[int]  # listed videos of each shard
    selection: Mapping[str, Any] = field(default_factory=dict)  # Selection.said(); absent from the file where empty

    @property
    def binding(self) -> dict[str, Any]:
        """What the dataset's name stands for, by the key of the configuration."""
        return {"source": self.source, "root": self.root, **self.selection}


def write_listing(
    folder: Path,
    source: Path,
    root: Path | None,
    shard_size: int,
    *,
    probe_version: int,
    selection: Selection = _ALL,
) -> Dataset:
    """List what a dataset takes of a source into the dataset's folder (results/manifests/{dataset}).

    Raises VidgaugeError if the folder is already bound to another source, root or selection, or if the source is
    broken, UsageError if it is not there or the selection asks for what is not in it.
    """
    listing = list_source(source, root, selection)
    before = read_dataset(folder) if (folder / "dataset.json").exists() else None
    bound = Dataset(str(source.resolve()), str(root_of(source, root).resolve()), 0, 0, [], selection.said())
    if before is not None and to_json(before.binding) != to_json(bound.binding):
        if _is_in_use(folder):
            raise VidgaugeError(_bound_elsewhere(folder, before.binding, bound.binding))
        before = None
    shards = _shard_count(len(listing.rows), shard_size, before)
    header = to_json({"probe": probe_version, "format": FORMAT}) + "\n"
    digest = _digest(listing, header, to_json(bound.binding), FILES, shard_size, shards)
    if before is not None and _is_written(folder, digest):
        return before
    by_shard = _write_files(folder, header, listing, shards)
    counts = [len(rows) for rows in by_shard]
    dataset = replace(bound, shard_size=shard_size, shards=shards, counts=counts)
    write_if_changed(folder / "dataset.json", _dataset_json(dataset))
    for part in ("listing", "texts"):
        _remove_stale(folder / part, shards)
    write_if_changed(folder / "listing" / "written.json", to_json({"digest": digest, "files": _files(folder)}) + "\n")
    return dataset


def _dataset_json(dataset: Dataset) -> str:
    return to_json({key: value for key, value in asdict(dataset).items() if key != "selection" or value}) + "\n"


def _is_in_use(folder: Path) -> bool:
    """Whether anything rests on a dataset's videos: a listing or a look at them, as a failed run has, binds no name."""
    results = folder.parent.parent
    return any((results / kind / folder.name).exists() for kind in ("clips", "features"))


def _write_files(folder: Path, header: str, listing: Listing, shards: int) -> list[list[Row]]:
    """Write the files of {folder}/listing and {folder}/texts; return the rows of each shard."""
    by_shard: list[list[Row]] = [[] for _ in range(shards)]
    for row in listing.rows:  # sorted by id, and so each shard is
        by_shard[shard_of(row.id, shards)].append(row)
    listed, texts = folder / "listing", folder / "texts"
    for shard, rows in enumerate(by_shard):
        write_if_changed(listed / f"{shard}.jsonl", header + "".join(map(_line, rows)))
        write_if_changed(texts / f"{shard}.jsonl", "".join(map(_text, rows)))
    write_if_changed(listed / "rejected.jsonl", to_jsonl(map(_as_dict, listing.rejected)))
    lines = (f"[{encode_basestring(row.id)}, {row.line}]\n" for row in listing.rows if row.line is not None)
    write_if_changed(listed / "lines.jsonl", "".join(lines))
    columns = (f"[{encode_basestring(row.id)}, {_columns(row.columns)}]\n" for row in listing.rows if row.columns)
    write_if_changed(listed / "columns.jsonl", "".join(columns))
    return by_shard


def _digest(listing: Listing, *parts: str | int) -> str:
    """What a listing's files are made from, in one hash: a tenth of the time that making and comparing them takes."""
    rows = [tuple(row) for row in listing.rows], [tuple(bad) for bad in listing.rejected]
    return hashlib.sha256(marshal.dumps((parts, rows), 0)).hexdigest()  # 0: the bytes depend on values alone


def _is_written(folder: Path, digest: str) -> bool:
    """Whether the files were made from the same listing, and nobody touched them since."""
    try:
        written = json.loads((folder / "listing" / "written.json").read_bytes())
        return bool(written["digest"] == digest and written["files"] == _files(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _files(folder: Path) -> dict[str, list[int]]:
    """{name: [size, time]} of dataset.json and the listing's files."""
    paths = [folder / "dataset.json", *sorted(_entries(folder / "listing")), *sorted(_entries(folder / "texts"))]
    found = {f"{path.parent.name}/{path.name}": path.stat() for path in paths if path.name != "written.json"}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in found.items()}


def read_dataset(folder: Path) -> Dataset:
    """What write_listing returned last. Raises VidgaugeError where there is none or it cannot be read."""
    path = folder / "dataset.json"
    try:
        return Dataset(**json.loads(path.read_text("utf-8", "surrogateescape")))
    except FileNotFoundError:
        raise VidgaugeError(f"{path}: does not exist: dataset {folder.name} was not listed yet.") from None
    except (ValueError, TypeError):
        raise VidgaugeError(f"{path}: cannot be read as a dataset's record. Delete {folder} and run again.") from None


def read_lines(path: Path, ids: Collection[str]) -> dict[str, int]:
    """{id: source line} of some of a dataset's videos, from its listing/lines.jsonl; only these are kept in memory."""
    return {name: line for name, line in read_jsonl(path) if name in ids} if ids else {}


def read_texts(path: Path) -> dict[str, str]:
    """{id: text} of a shard's videos, of those that have one, from its texts/{shard}.jsonl."""
    return dict(read_jsonl(path))


def shards_needed(counts: Sequence[int], videos: int | None, margin: float = MARGIN) -> int:
    """The smallest number of first shards that list `margin` times as many videos as are needed; None: all shards.

    >>> shards_needed([10, 10, 10], 12), shards_needed([10, 10, 10], 17), shards_needed([10, 10, 10], None)
    (2, 3, 3)
    """
    if videos is None:
        return len(counts)
    listed = 0
    for number, count in enumerate(counts, 1):
        listed += count
        if listed >= videos * margin:
            return number
    return len(counts)


def _shard_count(videos: int, shard_size: int, before: Dataset | None) -> int:
    """Kept until shards outgrow their size by far: a new count moves videos between shards and redoes them all."""
    if before is not None and videos <= GROWTH * before.shards * shard_size:
        return before.shards
    return max(1, -(-videos // shard_size))


def _line(row: Row) -> str:
    """A row as JSON. Written by hand: the parse of 100,000 rows is to cost well under a second."""
    number = "null" if row.row is None else row.row
    images = "" if row.images is None else f', "images": {row.images}'
    return (
        f'{{"id": {encode_basestring(row.id)}, "path": {encode_basestring(row.path)}, "kind": "{row.kind}", '
        f'"row": {number}, "size": {row.size}, "mtime_ns": {row.mtime_ns}{images}}}\n'
    )


def _text(row: Row) -> str:
    """The line of a row's text, as the manifest has it; nothing where it has none."""
    text = row.columns.get("text")
    return "" if text is None else f"[{encode_basestring(row.id)}, {encode_basestring(str(text))}]\n"


def _columns(columns: Mapping[str, Any]) -> str:
    """to_json, three times as fast where every value is text."""
    parts = []
    for key, value in columns.items():
        if type(value) is not str:
            return to_json(columns)
        parts.append(f"{encode_basestring(key)}: {encode_basestring(value)}")
    return f"{{{', '.join(parts)}}}"


def _as_dict(reject: Reject) -> dict[str, object]:
    return {**reject._asdict(), "stage": "listing"}


def _remove_stale(listing: Path, shards: int) -> None:
    """Remove shards beyond the count, and what a killed run left half written. The run lock is held."""
    for path in _entries(listing):
        number = path.name.removesuffix(".jsonl")
        if path.name.endswith(".tmp") or (number.isdecimal() and int(number) >= shards):
            path.unlink(missing_ok=True)


def _entries(folder: Path) -> Iterable[Path]:
    with os.scandir(folder) as entries:
        return [folder / entry.name for entry in entries]


def _bound_elsewhere(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    name, results = folder.name, folder.parent.parent
    what = next(key for key in {**before, **now} if to_json(before.get(key)) != to_json(now.get(key)))
    return (
        f"{results} already holds a dataset of this name with another {what}: {_said(before, what)}, and the "
        f"configuration now says {_said(now, what)}. Give the new one another name; or, to replace the old one, delete "
        f"{results}/manifests/{name}, {results}/clips/{name} and {results}/features/{name}."
    )


def _said(binding: Mapping[str, Any], key: str) -> str:
    """A key's value as a person wrote it; without one it is at its default."""
    value = binding.get(key, "nothing (the default)")
    return value if isinstance(value, str) else to_json(value)
