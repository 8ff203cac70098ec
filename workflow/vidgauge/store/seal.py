"""A seal on the HDF5 files that vidgauge writes: a digest of their bytes, checked before HDF5 parses any of them.

HDF5 leaves the first 512 bytes of a file, its user block, to whoever writes it. Here they hold one line of text, then
NULs:

    vidgauge sha256 <64 hexadecimal digits> bytes <how many>

Both are of the bytes from 512 to the end, so that `tail -c +513 FILE | sha256sum` gives the digest. It is there for
accidents (a failing disk, a cut copy, another program), which HDF5 does not notice in pixels and values, and on which
its native code may loop or crash; not for attackers, who can seal what they changed. sha256 because processors have
instructions for it: 1.1 GB/s, where BLAKE2b takes twice the time, and CRC-32 a third but has too few bits.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidgauge.files import replacing

USER_BLOCK = 512
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SEAL = re.compile(rb"vidgauge sha256 ([0-9a-f]{64}) bytes ([0-9]{1,20})\n\0+")


@contextmanager
def sealed(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[Path]:
    """`vidgauge.files.replacing` for an HDF5 file of `hdf5.create`: what the block has written and closed is sealed."""
    with replacing(path, sync=sync) as temporary:
        yield temporary
        seal(temporary)


def seal(path: Path) -> None:
    """Write the digest of a file that is finished. ValueError where it is no HDF5 file with a user block of 512."""
    with path.open("r+b") as file:
        file.seek(USER_BLOCK)
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise ValueError(f"{path}: expected an HDF5 file with a user block of {USER_BLOCK} bytes")
        file.seek(USER_BLOCK)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        line = f"vidgauge sha256 {digest} bytes {file.tell() - USER_BLOCK}\n".encode()
        file.seek(0)
        file.write(line.ljust(USER_BLOCK, b"\0"))


def fault(path: Path) -> str | None:
    """Why a file does not hold what was written; None if it does, or begins as HDF5 without a user block.

    Those have no seal: what earlier versions and other tools write. Raises OSError where it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(USER_BLOCK)
        if head.startswith(_SIGNATURE):
            return None
        said = _SEAL.fullmatch(head)
        if len(head) < USER_BLOCK:
            return "was cut short, or is no file of vidgauge"
        if not said:
            return "has no whole seal: its first 512 bytes were overwritten, or it is no file of vidgauge"
        wanted, found = int(said[2]), os.fstat(file.fileno()).st_size - USER_BLOCK
        if found != wanted:
            return f"was cut short or added to: {wanted} bytes were written after its seal, {found} are there"
        written, digest = said[1].decode(), hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == written else f"does not hold what was written (sha256 {written[:12]}, now {digest[:12]})"


def state(path: Path) -> tuple[int, ...]:
    """What changes with a file's content: inode, size and times, of which no program can set back the last."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_hdf5(path: Path) -> bool:
    """Whether a file has the signature of HDF5 at its beginning or after a user block such as ours."""
    with path.open("rb") as file:
        head = file.read(USER_BLOCK + len(_SIGNATURE))
    return head.startswith(_SIGNATURE) or head[USER_BLOCK:] == _SIGNATURE
