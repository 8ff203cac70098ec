"""Files that are there whole or not at all, whatever is killed and however many processes write them at once."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


@contextmanager
def replacing(path: str | os.PathLike[str], *, sync: bool = True) -> Iterator[Path]:
    """A temporary path beside `path`, which takes the name `path` if the block succeeds and is removed if not.

    The block must create the file. Parent folders are made. The name is unique (process and random number), so that a
    job orphaned by a kill and its successor never write into one file. sync: wait until the content is on the disk,
    so that not even a power cut leaves an empty file under the final name; False where a rerun costs little.
    Raises what the block raises, and OSError where the file cannot be made or renamed.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    # 40 characters tell the reader of a folder enough; a name may have 255 bytes, a character up to 4
    temporary = final.with_name(f".{final.name[:40]}.{os.getpid()}-{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        if sync:
            to_disk(temporary)
        os.replace(temporary, final)  # noqa: PTH105 - Path.replace would hide which of the two names is meant
    except BaseException as error:  # also KeyboardInterrupt and SystemExit: nothing half-written stays
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if number := _failed_write(error, temporary):
            raise OSError(number, os.strerror(number), str(final)) from error
        raise


def write_text(path: str | os.PathLike[str], text: str, *, sync: bool = True) -> None:
    """Write UTF-8 text with the line ends it has. File names that are not UTF-8 keep their bytes."""
    with replacing(path, sync=sync) as temporary:
        temporary.write_bytes(_encoded(text))


def write_lines(path: str | os.PathLike[str], lines: Iterable[str]) -> None:
    """`write_text` of pieces that need not be in memory together."""
    with replacing(path) as temporary, temporary.open("wb") as out:
        out.writelines(map(_encoded, lines))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write indented JSON, keys in their own order. Raises ValueError for NaN: what is not known is null."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def write_if_changed(path: Path, text: str) -> bool:
    """Write only where the text differs, so that an unchanged file keeps its time; True if it was written.

    Without a sync: who writes in this way compares at every run, and mends what a power cut left.
    """
    try:
        if path.read_bytes() == _encoded(text):
            return False
    except FileNotFoundError:
        pass
    write_text(path, text, sync=False)
    return True


def to_json(value: Any) -> str:
    """One line of JSON, readable in any language.

    >>> to_json({"text": "Küste", "row": None})
    '{"text": "Küste", "row": null}'
    """
    return _ENCODER.encode(value)


def to_jsonl(values: Iterable[Any]) -> str:
    """One line of JSON for each value."""
    return "".join(f"{to_json(value)}\n" for value in values)


def from_yaml(text: str) -> Any:
    """What YAML says. libyaml, where PyYAML has it, takes a ninth of the time: a Snakefile is parsed for every job."""
    import yaml

    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe ones


def read_jsonl(path: Path, *, block: int | None = None) -> Iterator[Any]:
    """The objects of a JSONL file. Lines end at a line feed alone: prompts may hold other line separators.

    block: bytes that are read at a time, and the file is closed in between: any number of files can then be read side
    by side. Raises VidgaugeError for a line that is no JSON, and for a file that is replaced between two blocks.
    """
    for number, line in enumerate(_lines(path) if block is None else _lines_of_blocks(path, block), 1):
        try:
            yield json.loads(line.decode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise VidgaugeError(f"{path}: line {number} is no JSON ({error}); delete the file and run again") from None


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as lines:
        yield from lines


def _lines_of_blocks(path: Path, block: int) -> Iterator[bytes]:
    first = path.stat()
    at, rest = 0, b""
    while at < first.st_size:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if (found.st_ino, found.st_size, found.st_mtime_ns) != (first.st_ino, first.st_size, first.st_mtime_ns):
                raise VidgaugeError(f"{path}: was replaced while it was read; run again when nothing writes it")
            file.seek(at)
            piece = file.read(block)
        at += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # a folder above the root may have a name that is not UTF-8


def _failed_write(error: BaseException, path: Path) -> int | None:
    """The system's error number where writing failed: HDF5 gives it in its text alone, and not always as an OSError."""
    if isinstance(error, OSError) and error.errno and error.filename in (None, str(path)):
        return error.errno
    found = re.search(r"errno = (\d+)", str(error)) if isinstance(error, OSError | RuntimeError) else None
    return int(found[1]) if found else None


def to_disk(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
