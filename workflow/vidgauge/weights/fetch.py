"""Weights into the folder, from the network or by hand: whole and checked, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.files import replacing, to_disk
from vidgauge.space import check_space, space_in
from vidgauge.specs import WeightsFile
from vidgauge.weights import folders
from vidgauge.weights.content import Digests, Progress, digests, implausible, mismatch
from vidgauge.weights.download import Absent, GaveUp, download
from vidgauge.weights.missing import missing
from vidgauge.weights.pins import read_pin, read_pins, write_pin, write_pins
from vidgauge.weights.registry import Entry, Piece, kept_at, location
from vidgauge.weights.registry import entry as named
from vidgauge.weights.verify import checked, described, is_there

Say = Callable[[str], None]
MODE = 0o644
MAKE_ROOM = "Make room, or name another folder with --folder; a fetch goes on from where it stopped."


def fetch(
    name: str, folder: Path | None = None, *, progress: Progress | None = None, say: Say | None = None
) -> WeightsFile:
    """The file or files of an entry, fetched into the folder (None: the default one) where they are not there yet.

    progress is called with the bytes that are there and those of all (None: not known), say with a line for each
    address that is tried. An entry without a digest is pinned to what comes and stays `verified=False`.
    Raises UsageError for an unknown name; VidgaugeError where no address gives a file (what came is kept, and the next
    call goes on from there), where the disk is full, and where what is there is something else.
    """
    return fetch_entry(named(name), folder, progress=progress, say=say)


def fetch_entry(
    entry: Entry, folder: Path | None = None, *, progress: Progress | None = None, say: Say | None = None
) -> WeightsFile:
    """`fetch` for an entry."""
    say = say or _silent
    target = location(entry, folder)
    if is_there(target, entry):
        return _there(target, entry)
    if not entry.urls:
        raise missing(entry, folder)
    with _alone(target, say):
        if is_there(target, entry):  # another process fetched it while this one waited
            return _there(target, entry)
        with space_in(target.parent, lambda: _lacking(target, entry), entry.name, MAKE_ROOM):
            check_space(target.parent, _lacking(target, entry), entry.name, MAKE_ROOM)
            if entry.files:
                return _fetch_folder(target, entry, folder, progress, say)
            found, reasons = _from_addresses(target, entry, entry.name, _pinned(target, entry), progress, say)
        if found is None:
            raise _none_gave(entry, folder, reasons, say)
        return _pin(described(target, entry, found), entry, found)


def _fetch_folder(target: Path, entry: Entry, folder: Path | None, progress: Progress | None, say: Say) -> WeightsFile:
    """The files that a folder lacks, one after the other; it is there once the last that it must have is."""
    target.mkdir(exist_ok=True)
    pins = None if entry.has_digest else read_pins(target)
    tried: set[str] = set()
    while todo := [piece for piece in _first_optional(target, entry) if piece.file not in tried]:
        piece = todo[0]  # after it there may be more of them: an index names the shards
        tried.add(piece.file)
        if (target / piece.file).is_file():
            continue  # checked with the others in the end
        file, pin = target / piece.file, (pins or {}).get(piece.file)
        others = _bytes_in(target) - _bytes_in(_part_of(file))
        step = None if progress is None else _onto(others, entry.size, progress)
        found, reasons = _from_addresses(file, piece, f"{entry.name}/{piece.file}", pin, step, say)
        if found is None and not (piece.optional and all(isinstance(reason, Absent) for _, reason in reasons)):
            raise _none_gave(entry, folder, reasons, say)
    return _there(target, entry)


def _first_optional(target: Path, entry: Entry) -> list[Piece]:
    """What a folder may do without first: with all that it must have it counts as complete."""
    return sorted(folders.pieces(target, entry), key=lambda piece: not piece.optional)


def add(name: str, file: Path, folder: Path | None = None) -> WeightsFile:
    """Copy a file, or a folder of files, that was brought by hand into the folder, once it is known not to be wrong.

    Of a folder those files are copied that the entry lists, and the shards that an index there names. Raises
    UsageError for an unknown name, VidgaugeError for what is not the entry's or a full disk, OSError where it cannot
    be read; then nothing is left behind.
    """
    return add_entry(named(name), file, folder)


def add_entry(entry: Entry, file: Path, folder: Path | None = None) -> WeightsFile:
    """`add` for an entry."""
    target = kept_at(entry, folder)
    if file.is_dir() != bool(entry.files):
        raise VidgaugeError(
            f"{file}: is a {'folder' if file.is_dir() else 'file'}, and {entry.name} ({entry.network}) is a "
            f"{entry.what.lower()}{_listed(entry)}. Nothing was added; give the {entry.what.lower()}"
        )
    if entry.files:
        return _add_folder(entry, file, target)
    found = digests(file)
    if why := mismatch(found, entry, _pinned(target, entry)) or (
        None if entry.has_digest else implausible(file, entry)
    ):
        raise _not_added(file, entry, why)
    with _alone(target, _silent):
        if not (target.exists() and target.samefile(file)):
            _copy(file, target, found, entry)
        return _pin(described(target, entry, found), entry, found)


def _add_folder(entry: Entry, source: Path, target: Path) -> WeightsFile:
    pieces = [piece for piece in folders.pieces(source, entry) if (source / piece.file).is_file()]
    found = folders.contents(source, [piece.file for piece in pieces])
    why = folders.wrong(source, entry, found, None if entry.has_digest else read_pins(target))
    why += [
        f"of {piece.file}: {problem}"
        for piece in pieces
        if not piece.has_digest and (problem := implausible(source / piece.file, piece))
    ]
    if why:
        raise _not_added(source, entry, folders.told(why))
    with _alone(target, _silent):
        if not (target.exists() and target.samefile(source)):
            for name in set(folders.there(target, entry)) - set(found):  # of another copy
                (target / name).unlink()
            for name, one in found.items():
                _copy(source / name, target / name, one, entry)
        return _pin(described(target, entry, found), entry, found)


def _not_added(path: Path, entry: Entry, why: str) -> VidgaugeError:
    return VidgaugeError(
        f"{path}: is not {entry.name} ({entry.network}): {why}. Nothing was added; get the {entry.what.lower()} again"
        + (f", for instance from {entry.urls[0]}." if entry.urls else ".")
    )


def _listed(entry: Entry) -> str:
    return f" of {', '.join(piece.file for piece in entry.files if not piece.optional)}" if entry.files else ""


def _there(target: Path, entry: Entry) -> WeightsFile:
    file, found = checked(target, entry)
    with suppress(OSError):  # a folder that only others may write is pinned by them
        _pin(file, entry, found)
    return file


def _from_addresses(
    target: Path, wanted: Entry | Piece, label: str, pin: str | None, progress: Progress | None, say: Say
) -> tuple[Digests | None, list[tuple[str, GaveUp]]]:
    """The digests of a file that now is there, None where no address gave it; and why those did not that were tried."""
    part = _part_of(target)
    reasons: list[tuple[str, GaveUp]] = []
    for address in wanted.urls:
        say(f"{label}: from {address}")
        try:
            found = _from_address(address, part, wanted, pin, progress)
        except GaveUp as reason:
            reasons.append((address, reason))
            say(f"{label}: it {reason}")
            continue
        _publish(part, target)
        return found, reasons
    return None, reasons


def _none_gave(entry: Entry, folder: Path | None, reasons: list[tuple[str, GaveUp]], say: Say) -> VidgaugeError:
    if say is not _silent:  # then the reasons were said, and what helps is to stand last
        return missing(entry, folder)
    lines = "".join(f"\n- {address} {reason}" for address, reason in reasons)
    return VidgaugeError(f"{missing(entry, folder)}. Just now no address gave it:{lines}")


def _from_address(
    address: str, part: Path, entry: Entry | Piece, pin: str | None, progress: Progress | None
) -> Digests:
    """Digests of a part that is the wanted file. Raises GaveUp; a part that is known to be wrong is deleted."""
    why: str | None = ""
    for _ in range(2):
        if not entry.has_digest and pin is None:  # no one could tell whether an end fits its beginning
            part.unlink(missing_ok=True)
        resumed = download(address, part, entry.bytes, progress)
        found = digests(part)
        why = mismatch(found, entry, pin) or (None if entry.has_digest else implausible(part, entry))
        if why is None:
            return found
        part.unlink()
        if not resumed:  # else what was there before may have been the wrong part of it: once more from the start
            break
    raise GaveUp(f"sends another file: {why}")


def _copy(file: Path, target: Path, found: Digests, entry: Entry) -> None:
    check_space(target.parent, found.bytes, entry.name, MAKE_ROOM)
    with space_in(target.parent, lambda: found.bytes, entry.name, MAKE_ROOM), replacing(target) as temporary:
        shutil.copyfile(file, temporary)
        if digests(temporary) != found:
            raise VidgaugeError(f"{file}: changed while it was copied; try again when nothing writes to it")
        temporary.chmod(MODE)


def _publish(part: Path, target: Path) -> None:
    """Give a checked file its name, once its content is on the disk."""
    part.chmod(MODE)
    to_disk(part)
    part.replace(target)
    to_disk(target.parent)


@contextmanager
def _alone(target: Path, say: Say) -> Iterator[None]:
    """One process at a time makes `target`; the kernel ends the turn of one that dies. Folders are made."""
    import fcntl

    target.parent.mkdir(parents=True, exist_ok=True)
    # The lock's file stays: were it deleted, one process could hold the old one and another a new one.
    descriptor = os.open(target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{target}: another process is at it; waiting")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _pin(file: WeightsFile, entry: Entry, found: Digests | folders.Contents) -> WeightsFile:
    """The same file; where the entry has no digest, later copies are compared with this first one."""
    if not entry.has_digest and read_pins(file.path) is None:
        if isinstance(found, Digests):
            write_pin(file.path, found.sha256)
        else:
            write_pins(file.path, {name: one.sha256 for name, one in found.items()})
    return file


def _pinned(target: Path, entry: Entry) -> str | None:
    return None if entry.has_digest else read_pin(target)


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _lacking(target: Path, entry: Entry) -> int | None:
    """Bytes still to come, as far as that is known."""
    return None if entry.size is None else entry.size - _bytes_in(target if entry.files else _part_of(target))


def _bytes_in(path: Path) -> int:
    """Of a file or of the files of a folder, whole or not; 0 where there is none."""
    if path.is_dir():
        return sum(_bytes_in(file) for file in path.iterdir())
    return path.stat().st_size if path.exists() else 0


def _onto(before: int, total: int | None, progress: Progress) -> Progress:
    return lambda done, _: progress(before + done, total)


def _silent(_: str) -> None:
    pass
