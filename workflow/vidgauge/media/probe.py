"""One video opened once: its measured fields, or why it cannot be used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vidgauge.errors import BadVideo
from vidgauge.media.colour import shown_size
from vidgauge.media.containers import container_fault
from vidgauge.media.demux import decoded, open_video, scan_video
from vidgauge.media.images import array_row, folder_digest, frame_paths, image_facts, rgb_from_image

REASONS = (
    "missing",
    "empty",
    "folder",
    "permission",
    "not-a-video",
    "unsupported",
    "truncated",
    "no-frames",
    "mixed-sizes",
    "damaged",
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


def probe(path: str | Path, kind: Literal["file", "frames", "array"] = "file", row: int | None = None) -> Probe:
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
        raise BadVideo("damaged", f"reading it failed ({error})") from None


def _probe_file(path: Path) -> Probe:
    with path.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
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
        fingerprint=fingerprint,
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
    fingerprint, size = folder_digest(paths)
    return Probe(fingerprint, size, len(paths), None, None, height, width, codec, mode)


def _probe_array(path: Path, row: int | None) -> Probe:
    clip = array_row(path, row)  # (T, H, W, 3)
    frames, height, width, _ = clip.shape
    fingerprint = hashlib.sha256(clip.tobytes()).hexdigest()
    return Probe(fingerprint, clip.nbytes, frames, None, None, height, width, "npy", "rgb24")
