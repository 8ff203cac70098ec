"""Clips: pixels on their way from the decoder to the networks.

A group for each clip spec that was decoded together with others, named as layout.clips_name does, and in it

    frames   (m, t, h, w, 3) uint8 RGB, one chunk a clip, m <= n
    place    (n,) int64, where a clip's pixels stand in frames: draws of a video that came out alike share theirs
    video    (n,) UTF-8, the video's id
    draw     (n,) int64, which draw of the video
    start    (n,) int64, the clip's first frame in the video
    index    (n, t) int64, every frame of the clip there
    failed   (k,) JSON text {"video", "path", "reason", "detail", "clips"}: videos that could not be decoded, and how
             many clips they would have given
    attributes: spec (the full clip spec, JSON), shape [t, h, w], and what the writer was given

attributes of the file: kind "clips", schema. Row i of each is one clip, in the order in which they were appended: the
workflow sorts by video id, then by place in the video, whatever the draw. A group without clips is valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidgauge.errors import VidgaugeError
from vidgauge.store import hdf5
from vidgauge.store.seal import sealed
from vidgauge.store.writing import NewFile

if TYPE_CHECKING:
    import h5py

KIND, SCHEMA = "clips", 2


@dataclass(frozen=True)
class Group:
    """The clips of one spec. spec: all of it, as JSON knows it. shape: (t, h, w) of every clip. attrs: what else is to
    be kept (seed, versions, ...), as JSON knows it."""

    name: str
    spec: Mapping[str, Any]
    shape: tuple[int, int, int]
    attrs: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def write_clips(path: str | PathLike[str], *groups: Group) -> Iterator[list[ClipsWriter]]:
    """A writer for each group; the file appears when the block ends without an exception."""
    # no sync: clips are temporary, large, and made again at the price of decoding
    with sealed(Path(path), sync=False) as temporary, hdf5.create(temporary) as file:
        writers = [ClipsWriter(file, group) for group in groups]
        yield writers
        for writer in writers:
            writer.finish()
        hdf5.write_attrs(file, {"kind": KIND, "schema": SCHEMA})


class ClipsWriter:
    """Collects the clips of one group of a new file."""

    def __init__(self, file: NewFile, group: Group) -> None:
        self._file, self._target, self._shape = file, file.create_group(group.name), tuple(group.shape)
        self._attrs = {**group.attrs, "spec": dict(group.spec), "shape": list(group.shape)}
        self._keys: list[tuple[str, int, int]] = []  # video, draw, start
        self._index: list[np.ndarray] = []
        self._place: list[int] = []
        self._failed: list[dict[str, Any]] = []
        self._seen: set[tuple[str, int]] = set()
        size = (*self._shape, 3)
        self._frames = self._target.create_dataset(
            "frames", (0, *size), np.uint8, maxshape=(None, *size), chunks=(1, *size)
        )

    def append(
        self, video_id: str, draw: int, start: int, index: Sequence[int] | np.ndarray, frames: np.ndarray
    ) -> None:
        """Add a clip. index: (t,) frame numbers, frames: (t, h, w, 3) uint8; the same one again is stored once.

        Raises ValueError with the shape seen and the shape wanted, and where a video's draw comes twice.
        """
        wanted, numbers = (*self._shape, 3), np.asarray(index, dtype=np.int64)
        if frames.shape != wanted or frames.dtype != np.uint8:
            raise ValueError(f"{video_id}: expected frames {wanted} uint8, got {frames.shape} {frames.dtype}")
        if numbers.shape != wanted[:1]:
            raise ValueError(f"{video_id}: expected an index of shape {wanted[:1]}, got {numbers.shape}")
        if (video_id, draw) in self._seen:
            raise ValueError(f"{video_id}: draw {draw} was appended before")
        self._seen.add((video_id, draw))
        again = bool(self._keys) and self._keys[-1][0] == video_id and np.array_equal(self._index[-1], numbers)
        if not again:
            self._frames.resize(len(self._frames) + 1, axis=0)
            self._frames[-1] = frames
            self._file.check()
        self._keys.append((video_id, int(draw), int(start)))
        self._index.append(numbers)
        self._place.append(len(self._frames) - 1)

    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int = 1) -> None:
        """Note a video that could not be decoded; its clips, if it was the last one that gave any, are taken back.

        reason: a fixed word for programs, detail: a sentence for people, clips: how many it would have given.
        """
        while self._keys and self._keys[-1][0] == video_id:
            self._seen.remove(self._keys.pop()[:2])
            self._index.pop()
            self._place.pop()
        self._frames.resize(self._place[-1] + 1 if self._place else 0, axis=0)
        self._failed.append({"video": video_id, "path": str(path), "reason": reason, "detail": detail, "clips": clips})

    def finish(self) -> None:
        """Write what is kept in memory until all clips are there."""
        hdf5.write_ids(self._target, "video", [video for video, _, _ in self._keys])
        for column, name in ((1, "draw"), (2, "start")):
            hdf5.write_column(self._target, name, np.array([key[column] for key in self._keys], dtype=np.int64))
        index = np.array(self._index, dtype=np.int64).reshape(len(self._keys), self._shape[0])
        hdf5.write_column(self._target, "index", index)
        hdf5.write_column(self._target, "place", np.array(self._place, dtype=np.int64))
        hdf5.write_failed(self._target, self._failed)
        hdf5.write_attrs(self._target, self._attrs)


class Clips:
    """The clips of one group of a file, open for reading; a context manager.

    video: ids. draw, start, place: (n,) int64. index: (n, t) int64. failed: videos that could not be decoded.
    spec: the full clip spec. shape: (t, h, w). attrs: all attributes. `clips[i:j]`: (j - i, t, h, w, 3) uint8.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self._file = hdf5.open_checked(path, KIND, SCHEMA)
        try:
            group = self._group(name)
            self.attrs = hdf5.read_attrs(group)
            self.spec: dict[str, Any] = self.attrs["spec"]
            t, h, w = self.attrs["shape"]
            self.shape: tuple[int, int, int] = (t, h, w)
            self.video: list[str] = list(hdf5.read_ids(group["video"]))
            self.draw: np.ndarray = group["draw"][()]
            self.start: np.ndarray = group["start"][()]
            self.index: np.ndarray = group["index"][()]
            self.place: np.ndarray = group["place"][()]
            self.failed: list[dict[str, Any]] = hdf5.read_failed(group)
            self._frames = group["frames"]
        except (KeyError, OSError) as error:
            self._file.close()
            raise hdf5.damaged(path, error) from error

    def _group(self, name: str | None) -> h5py.Group:
        known = list(self._file)
        if name is None and len(known) == 1:
            (name,) = known
        if name not in known:
            self._file.close()
            wanted = f"has no clips {name}" if name else "has clips of several specs, and none was named"
            raise VidgaugeError(f"{self.path}: {wanted}; it has: {', '.join(known) or 'none'}")
        return self._file[name]

    def __len__(self) -> int:
        return len(self.video)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """(b, t, h, w, 3) uint8. VidgaugeError where the file turns out to be damaged."""
        try:
            clips: np.ndarray = np.empty((0, *self.shape, 3), np.uint8)
            if len(places := self.place[rows]):
                first = int(places.min())
                clips = self._frames[first : int(places.max()) + 1][places - first]
        except OSError as error:
            raise hdf5.damaged(self.path, error) from error
        return clips

    def __enter__(self) -> Clips:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __repr__(self) -> str:
        return f"Clips({self.path}, {len(self)} clips of shape {self.shape}, {len(self.failed)} failed)"


def open_clips(path: str | PathLike[str], name: str | None = None) -> Clips:
    """Open the clips of that name, or the only ones. VidgaugeError, which says what to do, if the file is missing,
    damaged, of another schema, or without such clips."""
    return Clips(Path(path), name)


def holds(path: str | PathLike[str], name: str) -> bool:
    """Whether a clips file has clips of that name. VidgaugeError as `open_clips`."""
    with hdf5.open_checked(Path(path), KIND, SCHEMA) as file:
        return name in file
