"""Clips: pixels on their way from the decoder to the networks.

    /frames   (m, t, h, w, 3) uint8 RGB, one chunk a clip, m <= n
    /place    (n,) int64, where a clip's pixels stand in /frames: draws of a video that came out alike share theirs
    /video    (n,) UTF-8, the video's id
    /draw     (n,) int64, which draw of the video
    /start    (n,) int64, the clip's first frame in the video
    /index    (n, t) int64, every frame of the clip there
    /failed   (k,) JSON text {"video", "path", "reason", "detail", "clips"}: videos that could not be decoded, and how
              many clips they would have given
    attributes: kind "clips", schema, spec (the full clip spec, JSON), shape [t, h, w], and what the writer was given

Row i of each is one clip, in the order in which they were appended: the workflow sorts by video id, then by place in
the video, whatever the draw. A file without clips is valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from vidgauge.store import hdf5
from vidgauge.store.seal import sealed

KIND, SCHEMA = "clips", 1


class ClipsWriter:
    """A context manager that collects clips; the file appears when the block ends without an exception.

    path: where. spec: the full clip spec, as JSON knows it. shape: (t, h, w) of every clip. attrs: what else is to be
    kept (seed, versions, ...), as JSON knows it.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        spec: Mapping[str, Any],
        shape: tuple[int, int, int],
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        self._path, self._shape = Path(path), tuple(shape)
        own = {"kind": KIND, "schema": SCHEMA, "spec": dict(spec), "shape": list(shape)}
        self._attrs = {**(attrs or {}), **own}
        self._keys: list[tuple[str, int, int]] = []  # video, draw, start
        self._index: list[np.ndarray] = []
        self._place: list[int] = []
        self._failed: list[dict[str, Any]] = []
        self._seen: set[tuple[str, int]] = set()
        self._stack = ExitStack()

    def __enter__(self) -> ClipsWriter:
        with ExitStack() as stack:
            # no sync: clips are temporary, large, and made again at the price of decoding
            temporary = stack.enter_context(sealed(self._path, sync=False))
            self._file = stack.enter_context(hdf5.create(temporary))
            size = (*self._shape, 3)
            self._frames = self._file.create_dataset(
                "frames", (0, *size), np.uint8, maxshape=(None, *size), chunks=(1, *size)
            )
            self._stack = stack.pop_all()
        return self

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:  # closes the file, then renames or removes it
            if error is not None:
                raise error
            self._finish()

    def _finish(self) -> None:
        hdf5.write_ids(self._file, "video", [video for video, _, _ in self._keys])
        for column, name in ((1, "draw"), (2, "start")):
            hdf5.write_column(self._file, name, np.array([key[column] for key in self._keys], dtype=np.int64))
        index = np.array(self._index, dtype=np.int64).reshape(len(self._keys), self._shape[0])
        hdf5.write_column(self._file, "index", index)
        hdf5.write_column(self._file, "place", np.array(self._place, dtype=np.int64))
        hdf5.write_failed(self._file, self._failed)
        hdf5.write_attrs(self._file, self._attrs)


class Clips:
    """A clips file, open for reading; a context manager.

    video: ids. draw, start, place: (n,) int64. index: (n, t) int64. failed: videos that could not be decoded.
    spec: the full clip spec. shape: (t, h, w). attrs: all attributes. `clips[i:j]`: (j - i, t, h, w, 3) uint8.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = hdf5.open_checked(path, KIND, SCHEMA)
        try:
            self.attrs = hdf5.read_attrs(self._file)
            self.spec: dict[str, Any] = self.attrs["spec"]
            t, h, w = self.attrs["shape"]
            self.shape: tuple[int, int, int] = (t, h, w)
            self.video: list[str] = list(hdf5.read_ids(self._file["video"]))
            self.draw: np.ndarray = self._file["draw"][()]
            self.start: np.ndarray = self._file["start"][()]
            self.index: np.ndarray = self._file["index"][()]
            # files of earlier versions have no places: each clip has its own
            self.place: np.ndarray = self._file["place"][()] if "place" in self._file else np.arange(len(self.video))
            self.failed: list[dict[str, Any]] = hdf5.read_failed(self._file)
            self._frames = self._file["frames"]
        except (KeyError, OSError) as error:
            self._file.close()
            raise hdf5.damaged(path, error) from error

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


def open_clips(path: str | PathLike[str]) -> Clips:
    """Open a clips file. VidgaugeError, which says what to do, if it is missing, damaged or of another schema."""
    return Clips(Path(path))
