"""Folders of weights: which of their files count, what these are together, and what is wrong with them.

A folder is known by the content of its files, those that an entry lists, or of a folder of unknown origin those that a
loader may read. Its SHA-256 is `registry.together` of theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vidgauge.specs import file_state
from vidgauge.weights.content import Digests, Progress, digests, mismatch
from vidgauge.weights.registry import INDEX, Entry, Piece, is_plain, together

READ = (".bin", ".json", ".model", ".safetensors", ".txt")
"""Endings of files that a network's loader may look for, and that therefore count."""

MOST_TOLD = 3

Contents = Mapping[str, Digests]
"""The digests of files by name."""


def names(path: Path) -> list[str]:
    """The files of a folder that a network's loader may read, sorted. Raises OSError where it cannot be listed."""
    found = {file.name for file in path.iterdir() if file.suffix in READ and file.name[0] != "." and file.is_file()}
    shards = {name for index in found if index.endswith(INDEX) for name in _shards(path / index) or ()}
    return sorted(found | {name for name in shards if (path / name).is_file()})


def broken(path: Path, files: Iterable[str]) -> list[str]:
    """What is wrong with those of a folder's files that are indices, in a few words each."""
    return [
        f"{name} does not say in which files of the folder the tensors are (weight_map)"
        for name in files
        if name.endswith(INDEX) and _shards(path / name) is None
    ]


def paths(path: Path) -> list[Path]:
    """The files that weights consist of: of a folder those that count, else the file itself."""
    return [path / name for name in names(path)] if path.is_dir() else [path]


def state(path: Path) -> tuple[int, ...]:
    """What changes when a file of a folder is written to or replaced, when one comes or goes, and seldom else."""
    return tuple(number for file in paths(path) for number in file_state(file))


def pieces(path: Path, entry: Entry) -> tuple[Piece, ...]:
    """The files of an entry, as far as they are known: those that it lists and the shards that an index there names."""
    listed = {piece.file: piece for piece in entry.files}
    for index in [piece for piece in entry.files if piece.is_index]:
        for name in _shards(path / index.file) or ():
            listed.setdefault(name, _shard(index, name))
    return tuple(listed.values())


def lacking(path: Path, entry: Entry) -> list[str]:
    """The names of an entry's files that are not in a folder and must be."""
    return [piece.file for piece in pieces(path, entry) if not (piece.optional or (path / piece.file).is_file())]


def contents(path: Path, files: Iterable[str], progress: Progress | None = None) -> Contents:
    """The digests of a folder's files. Raises OSError, and VidgaugeError for a file that changes meanwhile."""
    wanted = list(files)
    total, before = sum((path / name).stat().st_size for name in wanted), 0
    found: dict[str, Digests] = {}
    for name in wanted:
        step = None if progress is None else _after(before, total, progress)
        found[name] = digests(path / name, step)
        before += found[name].bytes
    return found


def there(path: Path, entry: Entry) -> list[str]:
    """The names of an entry's files that are in a folder."""
    return [piece.file for piece in pieces(path, entry) if (path / piece.file).is_file()]


def sha256_of(found: Contents) -> str:
    """The SHA-256 of a folder, from those of its files."""
    return together({name: one.sha256 for name, one in found.items()})


def wrong(path: Path, entry: Entry, found: Contents, pins: Mapping[str, str] | None) -> list[str]:
    """What says that a folder with these files is not the entry's, in a few words each.

    pins: the SHA-256 that an earlier copy's files had, which count where the registry has no digest; None: no pins.
    """
    known = pieces(path, entry)
    problems = [f"it has no {name}" for name in lacking(path, entry)]
    problems += broken(path, found)
    for piece in known:
        if piece.file in found:
            pin = None if pins is None else pins.get(piece.file)
            if why := mismatch(found[piece.file], piece, pin):
                problems.append(f"of {piece.file}: {why}")
    if pins is not None:
        loose = {piece.file for piece in known if not piece.has_digest}
        problems += [
            f"it has {name}, the first copy here had none" for name in sorted((loose & set(found)) - set(pins))
        ]
        problems += [
            f"it has no {name}, the first copy here had one" for name in sorted((loose & set(pins)) - set(found))
        ]
    return problems


def told(problems: Sequence[str]) -> str:
    """What is wrong, as part of a sentence: not more of it than can be read."""
    more = f"; and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
    return "; ".join(problems[:MOST_TOLD]) + more


def strangers(path: Path, entry: Entry) -> list[str]:
    """Files of a folder that are not the entry's, and that a loader might read instead."""
    known = {piece.file for piece in pieces(path, entry)}
    return [name for name in names(path) if name not in known]


def verified(path: Path, entry: Entry, found: Contents) -> bool:
    """Whether the registry has a digest of every file."""
    return all(piece.has_digest for piece in pieces(path, entry) if piece.file in found)


def _shards(index: Path) -> list[str] | None:
    """The files that an index names; [] where there is no index, None where it names none or files elsewhere."""
    try:
        where = json.loads(index.read_bytes())["weight_map"]
        found = sorted(set(where.values()))
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if found and all(map(is_plain, found)) else None


def _shard(index: Piece, name: str) -> Piece:
    beside = tuple(address.removesuffix(index.file) + name for address in index.addresses)
    return Piece(file=name, addresses=beside)


def _after(before: int, total: int, progress: Progress) -> Progress:
    return lambda done, _: progress(before + done, total)
