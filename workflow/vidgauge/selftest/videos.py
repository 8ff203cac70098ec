"""The videos of a self-test: which, in which half, and their clips."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidgauge.draws import choose, position
from vidgauge.errors import BadVideo, UsageError
from vidgauge.files import read_jsonl
from vidgauge.manifest.fitting import fit
from vidgauge.manifest.listing import read_dataset, write_listing
from vidgauge.manifest.probing import PROBE_VERSION, probe_shard, read_shard
from vidgauge.media.decode import Chosen, choose_clips, read_clips, scan_probed
from vidgauge.media.sampling import clip_indices, timeline
from vidgauge.metric import need_name
from vidgauge.selftest.damages import faster
from vidgauge.specs import ClipSpec, Video
from vidgauge.wording import counted

LEAST = 16
"""Videos that a self-test needs: eight in each half."""

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Halves:
    """Two sets of different videos, each sorted by id, and the entries of the source that cannot be used."""

    reference: tuple[Video, ...]
    candidate: tuple[Video, ...]  # the half that is damaged
    left_out: tuple[dict[str, Any], ...]  # path, reason, detail


def read_halves(
    source: Path,
    specs: Sequence[ClipSpec],
    *,
    videos: int,
    seed: int,
    workers: int,
    contained: bool = True,
    progress: Progress | None = None,
) -> Halves:
    """The first videos of a source, by hash order, that all clip specs can use, cut into halves by a seeded hash.

    No more are opened than are needed. contained: as in `probe_shard`. Raises UsageError where there are fewer than
    LEAST, and as `list_source`.
    """
    with tempfile.TemporaryDirectory(prefix="vidgauge-selftest-") as temporary:
        folder = Path(temporary, "manifests", "selftest")
        write_listing(folder, source, None, videos, probe_version=PROBE_VERSION)
        rejected = list(read_jsonl(folder / "listing" / "rejected.jsonl"))
        probed: list[Video] = []
        usable: list[Video] = []
        unfit: list[dict[str, Any]] = []
        for shard in range(read_dataset(folder).shards):
            out = folder / "shards" / f"{shard}.jsonl"
            probe_shard(
                folder / "listing" / f"{shard}.jsonl", out, workers=workers, contained=contained, progress=progress
            )
            found, bad = read_shard(out)
            probed, rejected = probed + found, rejected + bad
            usable, unfit = _fitting(probed, specs)
            if len(usable) >= videos:
                break
    left_out = [{key: entry[key] for key in ("path", "reason", "detail")} for entry in [*rejected, *unfit]]
    chosen = sorted(usable, key=lambda video: position(video.id))[:videos]
    refuse_too_few(source, len(chosen), left_out)
    # another text than the id alone, on which it depends where a clip begins
    shuffled = sorted(chosen, key=lambda video: choose(seed, f"{video.id}\0half", 0, 1 << 64))
    reference, candidate = (tuple(sorted(half, key=lambda video: video.id)) for half in (shuffled[::2], shuffled[1::2]))
    return Halves(reference, candidate, tuple(left_out))


def _fitting(videos: Sequence[Video], specs: Sequence[ClipSpec]) -> tuple[list[Video], list[dict[str, Any]]]:
    fits = [fit(videos, need_name(spec), spec) for spec in specs]
    usable = [video for video in videos if all(video.id in found.lengths for found in fits)]
    unfit = {
        video.id: {"path": video.path, "reason": reason, "detail": detail}
        for found in fits
        for video, reason, detail in found.unfit
    }
    return usable, list(unfit.values())


def refuse_too_few(source: Path, number: int, left_out: Sequence[dict[str, Any]]) -> None:
    """UsageError where there are not videos enough for two halves."""
    if number >= LEAST:
        return
    counts = ", ".join(f"{reason} {count}" for reason, count in Counter(bad["reason"] for bad in left_out).items())
    gone = counted(len(left_out), "was", "were")
    why = f" ({gone} left out: {counts}; the first is {left_out[0]['path']})" if left_out else ""
    raise UsageError(
        f"{source}: has {counted(number, 'video')} that can be used{why}, and a self-test needs {LEAST} or more, "
        f"{LEAST // 2} for each half; 256 or more tell small damages from sampling noise"
    )


def long_enough(video: Video, spec: ClipSpec, amount: float) -> bool:
    """Whether a video has frames enough for a clip at 1 + amount times the speed."""
    length = timeline(spec, video.frames, video.fps, video.duration)
    return length > faster(spec.frames, spec.stride, amount)[-1]


def read_clip(video: Video, spec: ClipSpec, *, seed: int, amount: float = 0.0) -> np.ndarray:
    """A video's first draw, (t, h, w, 3) uint8, at 1 + amount times the speed. Raises BadVideo where there is none."""
    try:
        scan = scan_probed(video)
        chosen = choose_clips(video, spec, scan, seed=seed, draws=[0])
        if amount:
            chosen = Chosen(spec, {0: _faster(video, spec, seed, amount)})
        ((*_, frames),) = read_clips(video, [chosen], scan)
    except (OSError, av.FFmpegError) as problem:
        raise BadVideo("unreadable", f"{type(problem).__name__}: {problem}") from None
    return frames


def _faster(video: Video, spec: ClipSpec, seed: int, amount: float) -> list[int]:
    """Source frames from where the undamaged clip begins, or as near to that as the video's end allows."""
    length = timeline(spec, video.frames, video.fps, video.duration)
    start = clip_indices(spec, length, seed=seed, video_id=video.id, draws=[0])[0][0]
    places = faster(spec.frames, spec.stride, amount)
    start = min(start, length - 1 - places[-1])
    all_of_it = {"frames": length, "stride": 1, "min_frames": None, "short": "reject", "start": "first"}
    all_frames = spec.model_copy(update=all_of_it)
    whole = choose_clips(video, all_frames, scan_probed(video), seed=seed, draws=[0]).indices[0]
    return [whole[start + place] for place in places]
