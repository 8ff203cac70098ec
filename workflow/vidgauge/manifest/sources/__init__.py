"""The kinds of source. A kind is one module of this package with a constant SOURCE; it is found, not listed here."""
# abspath: paths are made absolute without following links, for which pathlib has no function
# ruff: noqa: PTH100

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources.pattern import base_of, is_pattern
from vidgauge.manifest.sources.rows import Form, Listing, Reject, Row, SourceSpec, State
from vidgauge.manifest.sources.selection import Selection

__all__ = ["Listing", "Reject", "Row", "Selection", "SourceSpec", "State", "list_source", "root_of"]


def _discover() -> dict[str, SourceSpec]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module.SOURCE for name, module in modules.items() if hasattr(module, "SOURCE")}


SOURCES = _discover()
_ALL = Selection()


def root_of(source: Path, root: Path | None) -> Path:
    """What ids and relative paths are relative to.

    The given root, else the source folder, the manifest's folder, or the longest folder of a pattern without wildcard.
    """
    source = Path(os.path.abspath(source))
    if root is not None:
        return Path(os.path.abspath(root))
    if source.is_dir():
        return source
    return source.parent if source.exists() else base_of(source)


def list_source(source: Path, root: Path | None, selection: Selection = _ALL) -> Listing:
    """List a source without opening its videos.

    Raises UsageError for a source that does not exist or is of no known kind, and for a selection that means nothing
    there, VidgaugeError for a source that is broken.
    """
    form = _form(source)
    spec = SOURCES[_kind(source, form)]
    if means_nothing := sorted(set(selection.said()) - spec.takes):
        raise UsageError(_means_nothing(source, means_nothing[0], spec))
    if root is not None and not root.is_dir():
        raise UsageError(f"{source}: its root {root} is not a folder; correct `root`, or remove it.")
    folder, is_table = root_of(source, root), form == "file" and source.suffix.lower() != ".npy"
    path = Path(os.path.abspath(source))
    if not is_table:  # what stands below a resolved root and source is resolved too, but for links on the way
        path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    try:
        return spec.listing(path, folder, root is not None, selection)
    except PermissionError as error:
        raise VidgaugeError(f"{source}: may not be read ({error.strerror}).") from None


def _form(source: Path) -> Form:
    """What stands at a path, which is a pattern only where nothing does."""
    try:
        if source.is_dir():
            return "folder"
        if source.exists():
            return "file"
        is_there = is_pattern(source) and base_of(Path(os.path.abspath(source))).is_dir()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({error.strerror}).") from None
    if not is_there:
        above = next(folder for folder in Path(os.path.abspath(source)).parents if folder.exists())
        raise UsageError(
            f"{source}: does not exist (looked for {os.path.abspath(source)}; {above} does). "
            "Correct the path; a relative one is relative to the working directory."
        )
    return "pattern"


def _kind(source: Path, form: Form) -> str:
    kinds = [name for name, spec in SOURCES.items() if spec.accepts(source, form)]
    if len(kinds) > 1:
        raise TypeError(f"{source}: more than one kind of source accepts it: {', '.join(kinds)}")
    if not kinds:
        raise UsageError(f"{source}: is a file of a kind that is not known. A source is {_accepted()}.")
    return kinds[0]


def _means_nothing(source: Path, key: str, spec: SourceSpec) -> str:
    takers = [other.says for other in SOURCES.values() if key in other.takes]
    return f"{source}: `{key}` means nothing for {spec.says}; it is for {'; '.join(takers)}. Remove it."


def _accepted() -> str:
    said = [spec.says for spec in SOURCES.values()]
    return "; ".join(said[:-1]) + "; or " + said[-1]
