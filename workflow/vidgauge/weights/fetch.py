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
from vidgauge.weights.download import GaveUp, download
from vidgauge.weights.missing import missing
from vidgauge.weights.registry import Entry, kept_at, location
from vidgauge.weights.registry import entry as named
from vidgauge.weights.verify import (
    Digests,
    Progress,
    check,
    described,
    digests,
    implausible,
    mismatch,
    read_pin,
    write_pin,
)

Say = Callable[[str], None]
MODE = 0o644
MAKE_ROOM = "Make room, or name another folder with --folder; a fetch goes on from where it stopped."


def fetch(
    name: str, folder: Path | None = None, *, progress: Progress | None = None, say: Say | None = None
) -> WeightsFile:
    """The file of an entry, fetched into the folder (None: the default one) where it is not there yet.

    progress is called with the bytes that are there and those of the whole file (None: not known), say with a line for
    each address that is tried. An entry without a digest is pinned to what comes and stays `verified=False`.
    Raises UsageError for an unknown name; VidgaugeError where no address gives the file (what came of it is kept, and
    the next call goes on from there), where the disk is full, and where the file that is there is another one.
    """
    return fetch_entry(named(name), folder, progress=progress, say=say)


def fetch_entry(
    entry: Entry, folder: Path | None = None, *, progress: Progress | None = None, say: Say | None = None
) -> WeightsFile:
    """`fetch` for an entry."""
    say = say or _silent
    target = location(entry, folder)
    if target.is_file():
        return _there(target, entry)
    if not entry.urls:
        raise missing(entry, folder)
    with _alone(target, say):
        if target.is_file():  # another process fetched it while this one waited
            return _there(target, entry)
        return _from_addresses(target, entry, folder, progress, say)


def add(name: str, file: Path, folder: Path | None = None) -> WeightsFile:
    """Copy a file that was brought by hand into the folder, once it is known not to be a wrong one.

    Raises UsageError for an unknown name, VidgaugeError for a file that is not the entry's or a full disk, OSError
    where the file cannot be read; then nothing is left behind.
    """
    return add_entry(named(name), file, folder)


def add_entry(entry: Entry, file: Path, folder: Path | None = None) -> WeightsFile:
    """`add` for an entry."""
    target = kept_at(entry, folder)
    found = digests(file)
    if why := mismatch(found, entry, _pinned(target, entry)) or (
        None if entry.has_digest else implausible(file, entry)
    ):
        raise VidgaugeError(
            f"{file}: is not {entry.name} ({entry.network}): {why}. Nothing was added; get the file again"
            + (f", for instance from {entry.urls[0]}." if entry.urls else ".")
        )
    with _alone(target, _silent):
        if not (target.exists() and target.samefile(file)):
            _copy(file, target, found, entry)
        return _pin(described(target, entry, found), entry)


def _there(target: Path, entry: Entry) -> WeightsFile:
    file = check(target, entry)
    with suppress(OSError):  # a folder that only others may write is pinned by them
        _pin(file, entry)
    return file


def _from_addresses(
    target: Path, entry: Entry, folder: Path | None, progress: Progress | None, say: Say
) -> WeightsFile:
    part = target.with_name(f".{target.name}.part")
    pin = _pinned(target, entry)
    reasons = []
    with space_in(target.parent, lambda: _lacking(part, entry), entry.name, MAKE_ROOM):
        check_space(target.parent, _lacking(part, entry), entry.name, MAKE_ROOM)
        for address in entry.urls:
            say(f"{entry.name}: from {address}")
            try:
                found = _from_address(address, part, entry, pin, progress)
            except GaveUp as reason:
                reasons.append(f"\n- {address} {reason}")
                say(f"{entry.name}: it {reason}")
                continue
            return _publish(part, target, entry, found)
    if say is not _silent:  # then the reasons were said, and what helps is to stand last
        raise missing(entry, folder)
    raise VidgaugeError(f"{missing(entry, folder)}. Just now no address gave it:{''.join(reasons)}")


def _from_address(address: str, part: Path, entry: Entry, pin: str | None, progress: Progress | None) -> Digests:
    """Digests of a part that is the entry's file. Raises GaveUp; a part that is known to be wrong is deleted."""
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


def _publish(part: Path, target: Path, entry: Entry, found: Digests) -> WeightsFile:
    """Give a checked file its name, once its content is on the disk."""
    part.chmod(MODE)
    to_disk(part)
    part.replace(target)
    to_disk(target.parent)
    return _pin(described(target, entry, found), entry)


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


def _pin(file: WeightsFile, entry: Entry) -> WeightsFile:
    """The same file; where the entry has no digest, later copies are compared with this first one."""
    if not entry.has_digest and read_pin(file.path) is None:
        write_pin(file.path, file.sha256)
    return file


def _pinned(target: Path, entry: Entry) -> str | None:
    return None if entry.has_digest else read_pin(target)


def _lacking(part: Path, entry: Entry) -> int | None:
    """Bytes still to come, as far as that is known."""
    there = part.stat().st_size if part.exists() else 0
    return None if entry.size is None else entry.size - there


def _silent(_: str) -> None:
    pass
