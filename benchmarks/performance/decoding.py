"""Decoding and resizing

The clips stage as the workflow runs it (hashing, counting, worker processes, resizing, the clips file with its seal)
against the ceiling: libav decoding the same files up to the last frame that is wanted, and nothing else. Twice: of
clips that take every frame, where each is converted and resized, and of one clip of 16 frames of each video, which is
what most metrics ask for. Ratios are of CPU time, so of what one core does; how busy both are is a row of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from benchmarks.performance.rows import Row
from benchmarks.performance.timing import Took, in_turns
from benchmarks.performance.videos import videos
from vidgauge.media.clips import Part, make_clips
from vidgauge.specs import ClipSpec, Video
from vidgauge.store.clips import Group, open_clips, write_clips

WORKERS = 2
COPIES = 3, 6  # of each video, so that starting the workers is a small part; in a shard of 1024 it is smaller still


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Those of the clips of every frame, then those of 16 frames."""
    found = videos(quick=quick)
    start = in_turns({"start": _started}, rounds=1 if quick else 3)["start"].cpu
    every = ClipSpec(frames=min(video.frames for video in found), start="first")
    cases = (("clips of every frame", every), ("one clip of 16 frames", ClipSpec()))
    for (what, spec), copies in zip(cases, (1, 1) if quick else COPIES, strict=True):
        copied = [replace(video, id=f"{copy}/{video.id}") for copy in range(copies) for video in found]
        yield from _of_spec(what, copied, spec, start, rounds=1 if quick else 3)


def _of_spec(what: str, found: Sequence[Video], spec: ClipSpec, start: float, *, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "clips.h5")
        _stage(found, spec, out)
        with open_clips(out) as clips:
            wanted = {clips.video[i]: clips.index[i].tolist() for i in range(len(clips))}
        tasks = [(video.path, wanted[video.id]) for video in found]
        took = in_turns(
            {
                "ours": lambda: _stage(found, spec, out),
                "ceiling": lambda: _in_threads(_decoded, tasks),
                "others": lambda: _in_threads(_all_to_rgb, tasks),
            },
            rounds=rounds,
            warm=False,
        )
    decoded = sum(max(indices) + 1 for _, indices in tasks)
    ours, ceiling, others = (took[name] for name in ("ours", "ceiling", "others"))
    resized = sum(len(set(indices)) for _, indices in tasks)
    note = (
        f"{_rates(ours, decoded)} against {_rates(ceiling, decoded)}; {len(tasks)} videos, {decoded:,} frames decoded, "
        f"{resized:,} resized; starting the workers takes {WORKERS * start:.2f} s of CPU"
    )
    yield Row(f"{what}, against plain decoding", ceiling.cpu / ours.cpu, at_least=0.85, note=note)
    theirs = sum(video.frames for video in found)
    note = f"they: {_rates(others, theirs)} of {theirs:,} (PyAV to RGB, then torch's bilinear interpolation in float32)"
    yield Row(f"{what}, against decoding all to RGB and resizing then", others.cpu / ours.cpu, note=note)
    busy = 100 * ours.cpu / ours.wall / WORKERS
    yield Row(f"{what}: how busy both cores are", busy, "%", note=f"{ours.cpu:.1f} s of CPU in {ours.wall:.1f} s")


def _rates(took: Took, frames: int) -> str:
    return f"{frames / took.wall:,.0f} frames/s at {1000 * took.cpu / frames:.2f} ms of CPU each"


def _stage(found: Sequence[Video], spec: ClipSpec, out: Path) -> None:
    with write_clips(out, Group("clips", spec.as_stored(), (spec.frames, *spec.shape))) as (writer,):
        make_clips(found, [Part(spec, 0, 1, writer)], workers=WORKERS, contained=True)


def _started() -> None:
    """What a worker process imports before its first task."""
    code = "import vidgauge.contained.child, vidgauge.media.verified"
    subprocess.run([sys.executable, "-c", code], check=True)


def _in_threads(function: object, tasks: Sequence[tuple[str, list[int]]]) -> None:
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(function, tasks))


def _decoded(task: tuple[str, list[int]]) -> None:
    """libav lets Python's other threads run while it decodes, one thread of its own for each file."""
    path, indices = task
    with av.open(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for number, _ in enumerate(container.decode(video=0)):
            if number == max(indices):
                break


def _all_to_rgb(task: tuple[str, list[int]]) -> None:
    import torch
    from torch.nn.functional import interpolate

    path, indices = task
    torch.set_num_threads(1)
    with av.open(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = [frame.to_ndarray(format="rgb24", threads=1) for frame in container.decode(video=0)]
    for first in range(0, len(indices), 16):
        batch = torch.from_numpy(np.stack([frames[index] for index in indices[first : first + 16]]))
        interpolate(batch.permute(0, 3, 1, 2).float(), size=(224, 224), mode="bilinear", align_corners=False)
