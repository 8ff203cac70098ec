"""The weights that are known by name: registry.yaml as objects, and where each file belongs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.files import from_yaml
from vidgauge.space import readable

FILE = Path(__file__).with_name("registry.yaml")
PACKAGE = "package:"


@dataclass(frozen=True)
class Entry:
    """One file of weights, as registry.yaml explains its keys."""

    name: str
    file: str
    network: str
    addresses: tuple[str, ...]
    licence: str
    citation: str
    bytes: int | None = None
    bytes_approx: int | None = None
    sha256: str | None = None  # hex
    git_blob: str | None = None  # hex
    note: str | None = None

    @property
    def size_text(self) -> str:
        """How large the file is: "51 MB", "about 2.0 GB", "size not known"."""
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
    def packaged(self) -> tuple[str, str] | None:
        """(module, path in its folder) where a Python package brings the file; None for all others."""
        found = [address.removeprefix(PACKAGE) for address in self.addresses if address.startswith(PACKAGE)]
        if not found:
            return None
        module, _, path = found[0].partition("/")
        return module, path

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that something can be fetched from."""
        return tuple(address for address in self.addresses if not address.startswith(PACKAGE))


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
    """Where the folder (None: the default one) has the entry's file, if it has it."""
    return (folder or default_folder()) / entry.name / entry.file  # two entries may have files of one name


def location(entry: Entry, folder: Path | None) -> Path:
    """Where the entry's file is or would be: in its Python package where that is installed, else in the folder."""
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
    required = {field.name for field in fields(Entry) if field.default is MISSING}
    known = {field.name for field in fields(Entry)}
    if wrong := sorted((set(raw) - known) | (required - set(raw))):
        raise ValueError(f"{name}: unknown or missing in the registry of weights: {', '.join(wrong)}")
    for key, value in raw.items():
        kind: Any = {"addresses": list, "bytes": int, "bytes_approx": int}.get(key, str)
        if not (isinstance(value, kind) or (value is None and key not in required)):
            raise ValueError(f"{name}: {key}: {value!r} in the registry of weights; a {kind.__name__} was wanted")
    return Entry(**{**raw, "addresses": tuple(raw["addresses"])})
