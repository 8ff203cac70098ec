"""A pattern of paths with wildcards: `runs/a/*.mp4`, `runs/**/*.mp4`, `frames/shot_??`.

`*` and `?` stand for characters within a name, `[ab]` and `[!ab]` for one of them, `**` for any number of folders.
A match is a video or a folder of frames; hidden files and folders and all else that matches is passed over.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path

from vidgauge.errors import UsageError
from vidgauge.manifest.sources.folder import Folder, rows_of, walk
from vidgauge.manifest.sources.rows import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Listing, Reject, SourceSpec, suffix
from vidgauge.manifest.sources.selection import Selection

_OTHER_SOURCES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".npy"})


def is_pattern(source: Path) -> bool:
    """Whether a path holds a wildcard."""
    return re.search(r"[*?[]", str(source)) is not None


def base_of(source: Path) -> Path:
    """The longest folder above a pattern that is none itself: ids are relative to it. `source` is absolute."""
    return _split(source)[0]


def listing(source: Path, root: Path, _root_is_given: bool, selection: Selection) -> Listing:
    """List what matches a pattern. Raises UsageError where nothing does, or both videos and frame folders."""
    base, names = _split(source)
    if not base.is_relative_to(root):
        raise UsageError(f"{source}: {base} lies outside its root {root}; change or remove `root`.")
    if (ending := suffix(names[-1])) in _OTHER_SOURCES:
        raise UsageError(
            f"{source}: a pattern names videos or frame folders, not {ending} files. A source is one manifest or "
            "array, by its own path: make each a dataset, or join the manifests in one."
        )
    is_named = re.compile(fnmatch.translate(names[-1])).match
    rejected: list[Reject] = []
    videos: list[Folder] = []
    frames: list[Folder] = []
    folders: list[Folder] = []  # that match and are none of frames
    for folder in walk(base, root, rejected, enter=lambda below: _fits(below, names, or_above=True)):
        if folder.videos and _fits(folder.below, names[:-1]):
            named = [entry for entry in folder.videos if is_named(entry.name)]
            videos += [folder._replace(videos=named)] if named else []
        if folder.below and _fits(folder.below, names):
            (frames if folder.images and not folder.videos else folders).append(folder)
    if not (videos or frames or rejected):
        raise UsageError(_nothing(source, base, names[-1], folders))
    return rows_of(source, videos, frames, rejected, selection)


def _split(source: Path) -> tuple[Path, tuple[str, ...]]:
    """(folder, names below it, the first of them with a wildcard or the last); a folder that is there is no pattern."""
    base, names = Path(source.anchor), source.parts[1:]
    for number, name in enumerate(names[:-1]):
        if is_pattern(Path(name)) and not (base / name).is_dir():
            names = names[number:]
            break
        base /= name
    else:
        names = names[-1:]
    return base, (*names, "*") if names[-1:] == ("**",) else names


def _fits(below: Sequence[str], names: Sequence[str], *, or_above: bool = False) -> bool:
    """Whether the parts of a path fit the names of a pattern; or_above: or those of a folder above one that may."""
    if not below or not names:
        return not below and (or_above or all(name == "**" for name in names))
    if names[0] == "**":
        return or_above or _fits(below, names[1:]) or _fits(below[1:], names)
    return fnmatch.fnmatchcase(below[0], names[0]) and _fits(below[1:], names[1:], or_above=or_above)


def _nothing(source: Path, base: Path, last: str, folders: list[Folder]) -> str:
    kinds = ", ".join(sorted(VIDEO_SUFFIXES))
    said = f"{source}: does not exist, and as a pattern matches no video ({kinds}) and no frame folder in {base}"
    if suffix(last) in IMAGE_SUFFIXES:
        return f"{said}. A folder of images is one video: end the pattern with the name of the folder."
    if with_videos := sorted(folder.name for folder in folders if folder.videos):
        return f"{said}; {with_videos[0]} matches and is a folder of videos: add /* to the pattern, or /**."
    return f"{said}. Wildcards are *, ?, [ab] and, for any number of folders, **; upper and lower case differ."


SOURCE = SourceSpec(
    says="a pattern such as runs/*/*.mp4 of videos or frame folders",
    accepts=lambda path, form: form == "pattern" and is_pattern(path),
    listing=listing,
    takes=frozenset({"side", "suffixes"}),
)
