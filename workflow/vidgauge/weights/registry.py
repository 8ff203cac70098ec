"""The weights that are known by name: registry.yaml as objects, and where each file belongs on this machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.files import from_yaml
from vidgauge.space import readable

FILE = Path(__file__).with_name("registry.yaml")
PACKAGE = "package:"
INDEX = ".index.json"  # ending of a file that names others, the shards of large weights

Made = TypeVar("Made", "Entry", "Piece")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is known of the bytes of a file, or of a folder's files together."""

    addresses: tuple[str, ...]
    bytes: int | None = None
    bytes_approx: int | None = None
    sha256: str | None = None  # hex
    git_blob: str | None = None  # hex

    @property
    def size_text(self) -> str:
        """How large it is: "51 MB", "about 2.0 GB", "size not known"."""
        if self.bytes is not None:
            return readable(self.bytes)
        return "size not known" if self.bytes_approx is None else f"about {readable(self.bytes_approx)}"

    @property
    def size(self) -> int | None:
        """Bytes to reckon with, exact or not; None where nothing is known."""
        return self.bytes if self.bytes is not None else self.bytes_approx

    @property
    def has_digest(self) -> bool:
        """Whether a copy can be told from a wrong file."""
        return self.sha256 is not None or self.git_blob is not None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that something can be fetched from."""
        return tuple(address for address in self.addresses if not address.startswith(PACKAGE))


@dataclass(frozen=True, kw_only=True)
class Piece(Content):
    """One file of a folder. Raises ValueError for a name that could lead out of the folder."""

    file: str
    optional: bool = False

    def __post_init__(self) -> None:
        if not is_plain(self.file):
            raise ValueError(
                f"{self.file!r}: no name of a file in a folder of weights; letters, digits, . _ - were wanted"
            )

    @property
    def is_index(self) -> bool:
        """Whether the file names others that belong to the folder as well: the shards of its tensors."""
        return self.file.endswith(INDEX)


@dataclass(frozen=True, kw_only=True)
class Entry(Content):
    """One file of weights, or one folder of files, as registry.yaml explains its keys."""

    name: str
    file: str  # of a folder, its name
    network: str
    licence: str
    citation: str
    note: str | None = None
    files: tuple[Piece, ...] = ()  # of a folder

    @property
    def has_digest(self) -> bool:
        """Whether a copy can be told from a wrong one, in all of its files."""
        if not self.files:
            return super().has_digest
        return all(piece.has_digest and not piece.is_index for piece in self.files)  # nobody states those of shards

    @property
    def packaged(self) -> tuple[str, str] | None:
        """(module, path in its folder) where a Python package brings the file; None for all others."""
        found = [address.removeprefix(PACKAGE) for address in self.addresses if address.startswith(PACKAGE)]
        if not found:
            return None
        module, _, path = found[0].partition("/")
        return module, path

    @property
    def what(self) -> str:
        """What is brought by hand, as commands name it."""
        return "FOLDER" if self.files else "FILE"


def together(digests: Mapping[str, str]) -> str:
    """The SHA-256 of a folder, from those of its files by name.

    It is that of a text with a line "SHA-256  NAME" for each file, the lines sorted, as
    `sha256sum NAMES | LC_ALL=C sort | sha256sum` gives it.
    """
    lines = sorted(f"{sha256}  {name}\n" for name, sha256 in digests.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_plain(name: object) -> bool:
    """Whether it is the name of a file that lies in its folder, and is not hidden there."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name) is not None


@cache
def registry() -> Mapping[str, Entry]:
    """All entries by name, in the order of the file."""
    return MappingProxyType(parse(FILE.read_text(encoding="utf-8")))


def entry(name: str) -> Entry:
    """The entry of that name. Raises UsageError for an unknown one."""
    if name not in registry():
        raise UsageError(f"unknown weights '{name}'; {did_you_mean(name, registry())}")
    return registry()[name]


def default_folder() -> Path:
    """Where weights are kept unless the user names a folder: one for all projects of a user."""
    from platformdirs import user_cache_path

    return user_cache_path("vidgauge", appauthor=False) / "weights"


def kept_at(entry: Entry, folder: Path | None) -> Path:
    """Where the folder (None: the default one) has the entry's file or files, if it has them."""
    home = (folder or default_folder()) / entry.name  # two entries may have files of one name
    return home if entry.files else home / entry.file


def location(entry: Entry, folder: Path | None) -> Path:
    """Where the entry is or would be: in its Python package where that is installed, else in the folder."""
    if entry.packaged is not None:
        module, path = entry.packaged
        found = find_spec(module)  # does not import it
        if found is not None and found.origin and (packaged := Path(found.origin).parent / path).is_file():
            return packaged
    return kept_at(entry, folder)


def parse(text: str) -> dict[str, Entry]:
    """The entries of a registry by name. Raises ValueError for keys that are unknown, missing or of the wrong type."""
    entries: dict[str, Entry] = {}
    for raw in from_yaml(text):
        made = _entry(raw)
        if made.name in entries:
            raise ValueError(f"{made.name}: twice in the registry of weights")
        entries[made.name] = made
    return entries


def _entry(raw: Mapping[str, Any]) -> Entry:
    name = raw.get("name", "entry without a name")
    if "files" not in raw:
        return _made(Entry, name, raw, {"files"})
    pieces = tuple(_piece(name, piece, raw.get("addresses") or ()) for piece in raw["files"])
    _pinned_to_a_revision(name, pieces)
    entry = _made(Entry, name, {**raw, "file": name, "files": pieces}, {"bytes", "sha256", "git_blob"})
    sizes = [piece.bytes for piece in pieces if piece.bytes is not None]
    digests = {piece.file: piece.sha256 for piece in pieces if piece.sha256 and not (piece.optional or piece.is_index)}
    return replace(
        entry,
        bytes=sum(sizes) if len(sizes) == len(pieces) else None,
        sha256=together(digests) if len(digests) == len(pieces) else None,
    )


def _piece(name: str, raw: Mapping[str, Any], bases: Iterable[str]) -> Piece:
    where = f"{name}: {raw.get('file', 'a file without a name')}"
    return _made(Piece, where, {"addresses": [f"{base}/{raw.get('file')}" for base in bases], **raw})


def _pinned_to_a_revision(name: str, pieces: Iterable[Piece]) -> None:
    """ValueError for an address that gives other files when their makers change them: a folder must fit together."""
    for address in (address for piece in pieces for address in piece.addresses):
        if not re.search(r"/resolve/[0-9a-f]{40}/", address):
            raise ValueError(f"{name}: {address} in the registry of weights; /resolve/ and a commit's id were wanted")


def _made(kind: type[Made], where: str, raw: Mapping[str, Any], not_here: Set[str] = frozenset()) -> Made:
    """An entry or a file of one. not_here: keys that it may not have."""
    required = {field.name for field in fields(kind) if field.default is MISSING}
    known = {field.name for field in fields(kind)} - not_here
    if wrong := sorted((set(raw) - known) | (required - set(raw))):
        raise ValueError(f"{where}: unknown or missing in the registry of weights: {', '.join(wrong)}")
    kinds: dict[str, Any] = {"addresses": list, "bytes": int, "bytes_approx": int, "optional": bool, "files": tuple}
    for key, value in raw.items():
        wanted = kinds.get(key, str)
        if not (isinstance(value, wanted) or (value is None and key not in required)):
            raise ValueError(f"{where}: {key}: {value!r} in the registry of weights; a {wanted.__name__} was wanted")
    return kind(**{**raw, "addresses": tuple(raw["addresses"])})
