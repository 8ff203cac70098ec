"""Write the demo's datasets to a folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from vidgauge.demo.degrade import DEGRADATIONS
from vidgauge.demo.encode import encode
from vidgauge.demo.render import render
from vidgauge.demo.scenes import make_scene
from vidgauge.errors import UsageError

DATASETS = tuple(DEGRADATIONS)  # the reference first, then the candidates
VERSION = 1  # raise it when the pixels of the same seed change
SIDE, FRAMES, FPS, CRF = 160, 24, 12, 16
STAMP = "demo.json"
_OURS = re.compile(r"\d{4}\.mp4")


def make_demo(
    folder: Path,
    *,
    videos: int = 40,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Path]:
    """Write the datasets `real`, `mild`, `strong` and `scrambled` below `folder` and return where each lies.

    Each is a folder of `videos` H.264 files of its own scenes, with a manifest `{name}.jsonl` beside it that gives
    each video its caption as `text`. A folder that already holds this very demo is left as it is, and a file that
    would not change is not touched. `progress(done, total)` is called after each video, in the calling thread.
    """
    if videos < 1 or videos > 9999 or seed < 0:
        raise UsageError(f"the demo takes 1 to 9999 videos and a seed of 0 or more; found videos {videos}, seed {seed}")
    folder = Path(folder)
    places = {name: folder / name for name in DATASETS}
    settings = {"version": VERSION, "videos": videos, "seed": seed, "side": SIDE, "frames": FRAMES, "fps": FPS}
    if _complete(folder, settings):
        return places
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    (folder / STAMP).unlink(missing_ok=True)
    files = _write_videos(places, videos, seed, workers, progress)
    for name, place in places.items():
        for extra in place.iterdir():
            if _OURS.fullmatch(extra.name) and f"{name}/{extra.name}" not in files:
                extra.unlink()
    _write(folder / STAMP, (json.dumps({"settings": settings, "bytes": files}, indent=1) + "\n").encode())
    return places


def make_frames(dataset: str, index: int, seed: int = 0) -> tuple[np.ndarray, str]:
    """The frames of one video before it is encoded, (t, h, w, 3) uint8, and its caption."""
    number = DATASETS.index(dataset)
    scene = make_scene(seed, number, index)
    spoil = np.random.default_rng([seed, number, index, 1])
    return DEGRADATIONS[dataset](render(scene, FRAMES, SIDE), spoil), scene.text


def _complete(folder: Path, settings: dict[str, int]) -> bool:
    """Whether the folder holds the demo of these settings, every file at its full size."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        sizes = [(folder / name).stat().st_size == size for name, size in stamp["bytes"].items()]
        return bool(stamp["settings"] == settings and all(sizes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _write_videos(
    places: dict[str, Path],
    videos: int,
    seed: int,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, int]:
    """Write all videos and manifests; their sizes by path below the folder, in a fixed order."""
    wanted = [(name, index) for name in places for index in range(videos)]
    made: dict[tuple[str, int], tuple[int, str]] = {}
    with _pool(workers or os.cpu_count() or 1) as pool:
        jobs = {pool.submit(_write_video, places[name], name, index, seed): (name, index) for name, index in wanted}
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                made[jobs[job]] = job.result()
                if progress:
                    progress(done, len(wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    files = {f"{name}/{index:04d}.mp4": made[name, index][0] for name, index in wanted}
    for name, place in places.items():
        rows = [{"videos": [f"{name}/{i:04d}.mp4"], "text": made[name, i][1]} for i in range(videos)]
        manifest = "".join(json.dumps(row) + "\n" for row in rows).encode()
        _write(place.with_name(f"{name}.jsonl"), manifest)
        files[f"{name}.jsonl"] = len(manifest)
    return files


def _pool(workers: int) -> Executor:
    """Processes, for threads would wait for each other; a single worker needs none."""
    if workers == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _write_video(place: Path, dataset: str, index: int, seed: int) -> tuple[int, str]:
    frames, text = make_frames(dataset, index, seed)
    content = encode(frames, FPS, CRF)
    _write(place / f"{index:04d}.mp4", content)
    return len(content), text


def _write(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, and leave a file that already holds it alone."""
    if path.is_file() and path.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
