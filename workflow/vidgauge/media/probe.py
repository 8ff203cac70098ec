"""One video opened once: its measured fields, or why it cannot be used."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from av.error import FFmpegError

from vidgauge.contained import limits
from vidgauge.errors import BadVideo
from vidgauge.media.colour import shown_size
from vidgauge.media.containers import container_fault
from vidgauge.media.demux import decoded, open_video, scan_video
from vidgauge.media.images import array_row, folder_digest, frame_paths, image_facts, rgb_from_image
from vidgauge.media.opening import open_file

Kind = Literal["file", "frames", "array"]

_TROUBLE = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE}

REASONS = (
    "missing",
    "empty",
    "folder",
    "not-a-file",
    "permission",
    "unreadable",
    "changed",
    "not-a-video",
    "unsupported",
    "truncated",
    "no-frames",
    "mixed-sizes",
    "damaged",
    *limits.REASONS,
)
"""Every reason `probe` and decoding may give."""


@dataclass(frozen=True)
class Probe:
    """The measured fields of a `Video`."""

    fingerprint: str  # sha256 of the content, hex
    bytes: int
    frames: int
    fps: float | None  # mean rate; None where there is no time
    duration: float | None  # seconds
    height: int  # as shown, after rotation; the sample aspect ratio is ignored
    width: int
    codec: str
    pixel_format: str


def probed(task: tuple[str, Kind, int | None]) -> Generator[dict[str, Any]]:
    """`probe` as worker processes run it: path, kind and row in, the fields of a Probe out."""
    path, kind, row = task
    yield asdict(probe(path, kind=kind, row=row))


def probe(path: str | Path, kind: Kind = "file", row: int | None = None) -> Probe:
    """Measure a video file, a folder of frames, or one row of an array.

    The number of frames is counted, never taken from the container; the first frame is decoded. Raises BadVideo with
    one of REASONS.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise BadVideo("missing", "no such file or folder")
        if kind == "frames":
            return _probe_folder(path)
        if path.is_dir():
            raise BadVideo("folder", "it is a folder, a file is wanted")
        if path.stat().st_size == 0:
            raise BadVideo("empty", "it has 0 bytes")
        return _probe_array(path, row) if kind == "array" else _probe_file(path)
    except PermissionError as error:
        raise BadVideo("permission", f"it may not be read ({error.strerror})") from None
    except OSError as error:
        raise BadVideo("unreadable", f"reading it failed ({error})") from None
    except BadVideo as bad:
        if trouble := _trouble_behind(bad):
            raise BadVideo("unreadable", f"reading it failed ({trouble})") from None
        raise


def _trouble_behind(error: BaseException | None) -> OSError | None:
    """What a disk or the machine had to do with it: a library may take that for damage. libav's errors have the
    numbers of the system too, and mean the file."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _TROUBLE and not isinstance(error, FFmpegError):
            return error
        error = error.__context__
    return None


def fingerprint(path: Path, kind: Kind, row: int | None) -> str:
    """sha256 of a video's content, hex: of a file's bytes, of a folder's image names and contents, of a row's pixels.

    Raises BadVideo for what is no file, no folder or no such row, and OSError.
    """
    if kind == "frames":
        return folder_digest(frame_paths(path))[0]
    if kind == "array":
        return hashlib.sha256(np.ascontiguousarray(array_row(path, row)).reshape(-1).data).hexdigest()
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _probe_file(path: Path) -> Probe:
    digest = fingerprint(path, "file", None)
    fault = container_fault(path)
    if fault is not None:
        raise BadVideo(*fault)
    scan = scan_video(path)
    with open_video(path) as (container, stream):
        frame = next(decoded(container, stream), None)
        if frame is None:
            raise BadVideo("damaged", "its first frame cannot be decoded")
        height, width = shown_size(frame)
        if 0 in (height, width):
            raise BadVideo("no-frames", f"its frames are {width}x{height}")
    fps, duration = scan.fps, scan.duration
    return Probe(
        fingerprint=digest,
        bytes=path.stat().st_size,
        frames=scan.count,
        fps=None if fps is None else float(fps),
        duration=None if duration is None else float(duration),
        height=height,
        width=width,
        codec=scan.codec,
        pixel_format=frame.format.name,
    )


def _probe_folder(folder: Path) -> Probe:
    if not folder.is_dir():
        raise BadVideo("not-a-video", "it is a file, a folder of images is wanted")
    paths = frame_paths(folder)
    if not paths:
        raise BadVideo("no-frames", "the folder has no images")
    height, width, codec, mode = image_facts(paths[0])
    for path in paths[1:]:
        other = image_facts(path)[:2]
        if other != (height, width):
            detail = f"{path.name} is {other[1]}x{other[0]}, {paths[0].name} is {width}x{height}"
            raise BadVideo("mixed-sizes", detail)
    rgb_from_image(paths[0])
    digest, size = folder_digest(paths)
    return Probe(digest, size, len(paths), None, None, height, width, codec, mode)


def _probe_array(path: Path, row: int | None) -> Probe:
    clip = array_row(path, row)  # (T, H, W, 3)
    frames, height, width, _ = clip.shape
    return Probe(fingerprint(path, "array", row), clip.nbytes, frames, None, None, height, width, "npy", "rgb24")
