"""What a file of weights is, whatever its name: its digests, whether they are the wanted ones, how it is to be read."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vidgauge.errors import VidgaugeError
from vidgauge.space import readable
from vidgauge.specs import file_state
from vidgauge.weights.registry import Content, Entry, Piece

CHUNK = 1 << 20  # bytes
POINTER = b"version https://git-lfs"  # what stands for a large file where Git LFS did not fetch it
TEXTS = (".txt", ".model")  # endings of files that may hold anything

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


def mismatch(found: Digests, entry: Content, pin: str | None) -> str | None:
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


def implausible(path: Path, entry: Entry | Piece) -> str | None:
    """Why a file whose digest nobody knows can be no weights, or not all of them; None where nothing says so."""
    with path.open("rb") as file:
        head = file.read(len(POINTER))
    size, ending = path.stat().st_size, Path(entry.file).suffix
    if entry.size is not None and size < entry.size // 10:
        return f"it has {readable(size)}, and {entry.size_text} were wanted"
    if head == POINTER:
        return "it is a pointer of Git LFS, not the file itself"
    if ending == ".json":
        return None if _is_json(path) else "it is no JSON"
    if ending in TEXTS:
        return None
    if head.startswith(b"PK\x03\x04"):  # what torch writes; its directory is at the end
        return None if zipfile.is_zipfile(path) else "it is an archive without an end"
    if head[:1] == b"\x80" or format_of(path) == "safetensors":
        return None
    return f"it begins with {head[:4]!r}, as no file of weights does"


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


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
