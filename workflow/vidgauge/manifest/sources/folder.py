"""A folder of videos, or of frame folders (folders of images, one per video), searched with all folders below it.

Hidden files and folders, and files of other kinds, are passed over. A folder that holds a video is no frame folder:
images beside videos are previews. Videos and frame folders in one source are an error, since one of the two is
surely not meant.
"""
# 100,000 paths at parse time: the functions of `os` take a tenth of pathlib's time
# ruff: noqa: PTH116, PTH118

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vidgauge.errors import UsageError
from vidgauge.manifest.sources.entries import UnusableError, check_file
from vidgauge.manifest.sources.pairs import one_side
from vidgauge.manifest.sources.rows import (
    NO_COLUMNS,
    VIDEO_SUFFIXES,
    Listing,
    Reject,
    Row,
    SourceSpec,
    images_state,
    is_image,
    is_text,
    printable,
    refusal,
    suffix,
)
from vidgauge.manifest.sources.selection import Selection
from vidgauge.wording import counted


class Folder(NamedTuple):
    """One folder of the search: its entries by what they are."""

    name: str  # relative to the root, with a slash at the end unless empty
    below: tuple[str, ...]  # the parts of its path below the folder where the search began
    path: str  # resolved
    videos: list[os.DirEntry[str]]
    images: list[os.DirEntry[str]]
    is_empty: bool


def listing(source: Path, root: Path, _root_is_given: bool, selection: Selection) -> Listing:
    """List a folder. Raises UsageError where it holds nothing, or both videos and frame folders."""
    if not source.is_relative_to(root):
        raise UsageError(f"{source}: lies outside its root {root}; change or remove `root`.")
    rejected: list[Reject] = []
    folders = list(walk(source, root, rejected))
    with_videos = [folder for folder in folders if folder.videos]
    with_frames = [folder for folder in folders if folder.images and not folder.videos and folder.path != str(source)]
    if with_frames and not with_videos:
        rejected += [_nothing_in(folder) for folder in folders if folder.is_empty]
    if not (with_videos or with_frames or rejected):
        raise UsageError(_nothing(source, folders))
    return rows_of(source, with_videos, with_frames, rejected, selection)


def rows_of(
    source: Path, videos: Sequence[Folder], frames: Sequence[Folder], rejected: list[Reject], selection: Selection
) -> Listing:
    """The videos of folders, or the folders of frames. Raises UsageError where there are both."""
    if videos and frames:
        raise UsageError(_both(source, videos, frames))
    rows = [row for folder in videos for row in _video_rows(folder, rejected)]
    rows += [row for folder in frames for row in _frame_rows(folder, rejected)]
    rows.sort(key=lambda row: row.id)
    return one_side(source, Listing(rows, sorted(rejected, key=lambda bad: (bad.path or "", bad.reason))), selection)


def walk(
    source: Path,
    root: Path,
    rejected: list[Reject],
    *,
    enter: Callable[[Sequence[str]], bool] = lambda _below: True,
) -> Iterator[Folder]:
    """Every folder from the source down that `enter` takes, by the parts of its path below the source.

    Links are followed, but never in a circle.
    """
    name = source.relative_to(root).as_posix()
    stack: list[tuple[str, tuple[str, ...], str, frozenset[str]]]
    stack = [("" if name == "." else f"{name}/", (), str(source), frozenset())]
    while stack:
        name, below, path, above = stack.pop()
        folder = Folder(name, below, path, [], [], False)
        try:
            with os.scandir(path) as entries:
                seen, children = _sort_entries(folder, entries, rejected)
        except OSError as error:
            rejected.append(_reject(path, name.rstrip("/"), *refusal(error)))
            continue
        yield folder._replace(is_empty=not seen)
        above |= {path}
        for entry in children:
            target = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(path, entry.name)
            if target not in above and enter(inside := (*below, entry.name)):
                stack.append((f"{name}{entry.name}/", inside, target, above))


def _sort_entries(
    folder: Folder, entries: Iterator[os.DirEntry[str]], rejected: list[Reject]
) -> tuple[int, list[os.DirEntry[str]]]:
    """Fill in the folder's videos and images; return how many entries it has, and the folders below it."""
    seen = 0
    below: list[os.DirEntry[str]] = []
    for entry in entries:
        name = entry.name
        if name[0] == ".":
            continue
        seen += 1
        is_video = suffix(name) in VIDEO_SUFFIXES
        if _is_folder(entry):
            group = below
        elif is_video:
            group = folder.videos
        elif is_image(name):
            group = folder.images
        else:
            continue
        if is_text(name):
            group.append(entry)
        else:
            rejected.append(_reject(entry.path, None, "bad-encoding", "has a name that is not UTF-8; rename it"))
    return seen, below


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: one bad name, not a bad folder
        return False


def _video_rows(folder: Folder, rejected: list[Reject]) -> Iterator[Row]:
    for entry in folder.videos:
        name = folder.name + entry.name
        try:
            found = entry.stat()
            check_file(found)
        except OSError as error:
            rejected.append(_reject(entry.path, name, *refusal(error)))
            continue
        except UnusableError as unusable:
            rejected.append(_reject(entry.path, name, unusable.reason, unusable.detail))
            continue
        path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        yield Row(name, path, "file", None, found.st_size, found.st_mtime_ns, None, NO_COLUMNS, None)


def _frame_rows(folder: Folder, rejected: list[Reject]) -> Iterator[Row]:
    name = folder.name.rstrip("/")
    try:
        state = images_state(folder.images, os.stat(folder.path).st_mtime_ns)
    except OSError as error:
        rejected.append(_reject(folder.path, name, *refusal(error)))
        return
    yield Row(name, folder.path, "frames", None, *state, NO_COLUMNS, None)


def _reject(path: str, name: str | None, reason: str, detail: str) -> Reject:
    return Reject(None, printable(path), reason, detail, name)


def _nothing_in(folder: Folder) -> Reject:
    return _reject(folder.path, folder.name.rstrip("/"), "empty", "is a folder that holds nothing, among frame folders")


def _both(source: Path, videos: Sequence[Folder], frames: Sequence[Folder]) -> str:
    count = sum(len(folder.videos) for folder in videos)
    first_video = min(folder.name + entry.name for folder in videos for entry in folder.videos)
    first_frames = min(folder.name for folder in frames)
    return (
        f"{source}: holds both videos ({count}, the first is {first_video}) and frame folders ({len(frames)}, the "
        f"first is {first_frames}), and which of them are the dataset cannot be told. Keep them in separate folders, "
        "or name the videos in a .jsonl manifest."
    )


def _nothing(source: Path, folders: list[Folder]) -> str:
    if folders and folders[0].images:
        return (
            f"{source}: holds {counted(len(folders[0].images), 'image')} and no videos. A frame folder is one video: "
            "give the folder above it, or give each video a folder of its own below this one."
        )
    return (
        f"{source}: holds no videos ({', '.join(sorted(VIDEO_SUFFIXES))}) and no folders of images, "
        f"in {counted(len(folders), 'folder')} searched."
    )


SOURCE = SourceSpec(
    says=f"a folder of videos ({', '.join(sorted(VIDEO_SUFFIXES))}) or a folder of frame folders",
    accepts=lambda _path, form: form == "folder",
    listing=listing,
    takes=frozenset({"side", "suffixes"}),
)
