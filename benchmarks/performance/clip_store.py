"""Clip store

Real clips in several forms, written and read back whole, against the pixels alone by `tofile` and `fromfile`. Nothing
is synced and all is read from memory, so what is compared is the work of the processor; a disk adds the bytes over its
speed. Clips live for minutes, and are read once for each network. The workflow stores them as they are, one chunk a
clip: what leaves out enough bytes to matter (FFV1) takes about as long as decoding the video did.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.performance.rows import Row
from benchmarks.performance.timing import in_turns
from benchmarks.performance.videos import videos
from vidgauge.media.clips import Part, make_clips
from vidgauge.specs import ClipSpec
from vidgauge.store.clips import Group, open_clips, write_clips

CLIPS = 48  # of 16 x 224 x 224: 0.12 GB, far beyond the processor's caches; a shard has up to some thousand

Form = tuple[Callable[[Path, np.ndarray], None], Callable[[Path, int], np.ndarray]]
"""Write (n, t, h, w, 3) uint8 to a path; read so many clips from it, all there are."""


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Bytes, with seconds in the note, of each form."""
    with tempfile.TemporaryDirectory() as folder:
        clips = _clips(Path(folder, "clips.h5"), 4 if quick else CLIPS, quick=quick)
        for name, form in _forms().items():
            if form is None:
                yield Row(name, None, "%", note="hdf5plugin is not installed")
            else:
                yield _row(name, form, clips, Path(folder, "stored"), rounds=1 if quick else 2)


def _row(name: str, form: Form, clips: np.ndarray, path: Path, *, rounds: int) -> Row:
    (write, read), plain = form, path.with_suffix(".raw")
    write(path, clips)
    if not np.array_equal(read(path, len(clips)).reshape(clips.shape), clips):
        raise ValueError(f"{name}: what is read is not what was written")
    took = in_turns(
        {
            "raw write": lambda: clips.tofile(plain),
            "write": lambda: write(path, clips),
            "raw read": lambda: np.fromfile(plain, np.uint8),
            "read": lambda: read(path, len(clips)),
        },
        rounds=rounds,
        warm=False,
    )
    share = 100 * path.stat().st_size / clips.nbytes
    times = (f"{what} {took[what].wall:.2f} s (raw {took[f'raw {what}'].wall:.2f} s)" for what in ("write", "read"))
    return Row(f"{name}: bytes of raw", share, "%", note=", ".join(times))


def _forms() -> dict[str, Form | None]:
    """By name; None: it cannot be had here."""
    forms: dict[str, Form | None] = {
        "as the workflow stores them (HDF5, none, sealed)": (_write_ours, _read_ours),
        "HDF5, none": _hdf5(),
        "HDF5, lzf": _hdf5(compression="lzf"),
        "HDF5, shuffle and lzf": _hdf5(compression="lzf", shuffle=True),
        "HDF5, gzip 1": _hdf5(compression="gzip", compression_opts=1),
        "FFV1 (PyAV, Matroska)": (_write_ffv1, _read_ffv1),
    }
    here = find_spec("hdf5plugin") is not None
    for codec in ("lz4", "zstd"):
        forms[f"HDF5, blosc {codec}"] = _blosc(codec) if here else None
    return forms


def _blosc(codec: str) -> Form:
    import hdf5plugin  # no dependency of the project: for this table alone

    return _hdf5(**hdf5plugin.Blosc(cname=codec, clevel=1, shuffle=hdf5plugin.Blosc.NOSHUFFLE))


def _hdf5(**options: Any) -> Form:
    def write(path: Path, clips: np.ndarray) -> None:
        with h5py.File(path, "w") as file:
            frames = file.create_dataset("frames", clips.shape, np.uint8, chunks=(1, *clips.shape[1:]), **options)
            for i, clip in enumerate(clips):
                frames[i] = clip

    def read(path: Path, _: int) -> np.ndarray:
        with h5py.File(path) as file:
            return np.asarray(file["frames"][()])

    return write, read


def _write_ours(path: Path, clips: np.ndarray) -> None:
    with write_clips(path, Group("clips", {}, clips.shape[1:4])) as (writer,):
        for i, clip in enumerate(clips):
            writer.append(f"{i}", 0, 0, range(len(clip)), clip)


def _read_ours(path: Path, number: int) -> np.ndarray:
    with open_clips(path) as clips:
        return clips[0:number]


def _write_ffv1(path: Path, clips: np.ndarray) -> None:
    import av

    with av.open(str(path), "w", format="matroska") as out:
        stream: Any = out.add_stream("ffv1", rate=25, options={"level": "3"})
        stream.height, stream.width, stream.pix_fmt = *clips.shape[2:4], "bgr0"
        stream.codec_context.thread_count = 1
        for image in clips.reshape(-1, *clips.shape[2:]):
            out.mux(stream.encode(av.VideoFrame.from_numpy_buffer(image, "rgb24").reformat(format="bgr0", threads=1)))
        out.mux(stream.encode(None))


def _read_ffv1(path: Path, _: int) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return np.stack([frame.to_ndarray(format="rgb24", threads=1) for frame in container.decode(video=0)])


def _clips(path: Path, number: int, *, quick: bool) -> np.ndarray:
    """(n, 16, 224, 224, 3) uint8 of the videos that are measured, several of each, in the order of the workflow."""
    found, spec = videos(quick=quick), ClipSpec(start="each")
    with write_clips(path, Group("clips", spec.as_stored(), (spec.frames, *spec.shape))) as (writer,):
        make_clips(found, [Part(spec, 0, -(-number // len(found)), writer)], workers=2)
    with open_clips(path) as clips:
        return clips[0:number]
