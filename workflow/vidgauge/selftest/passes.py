"""Through the network: both halves as they are, and one half once for each damage and amount."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from vidgauge.errors import BadVideo
from vidgauge.selftest.asked import Group
from vidgauge.selftest.damages import DAMAGES, MODES, SPEED, Damage, damaged
from vidgauge.selftest.videos import Halves, long_enough, read_clip
from vidgauge.specs import ClipSpec, Network, Video
from vidgauge.wording import counted

HELD_BYTES = 64 << 20
"""Of undamaged clips at a time, four times that where a batch needs it; there are faster ones of each, too, and each
worker holds a damaged copy."""

SHARE = 0.75
"""Of the videos that must be long enough for a speed; the others are left out of it."""

Rows = dict[str, np.ndarray]  # of one video: {array: (rows, width)}
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Seen:
    """Features of a group's videos, by id."""

    clean: dict[str, Rows] = field(default_factory=dict)
    damaged: dict[tuple[str, float], dict[str, Rows]] = field(default_factory=dict)  # by (damage, amount)
    failed: list[dict[str, Any]] = field(default_factory=list)  # path, reason, detail


def tried(damage: Damage, spec: ClipSpec, videos: Sequence[Video]) -> dict[float, str | None]:
    """Every amount of a damage, and why it is left out, or None where it is not."""
    reasons: dict[float, str | None] = {}
    for amount in damage.amounts:
        reasons[amount] = None
        if damage.temporal and spec.frames < 2:
            reasons[amount] = "clips have one frame"
        elif damage is SPEED:
            enough = sum(long_enough(video, spec, amount) for video in videos)
            of = f"of {len(videos)} videos"
            if enough < SHARE * len(videos):
                reasons[amount] = counted(enough, f"{of} is long enough", f"{of} are long enough")
    return reasons


def amounts(damage: Damage, spec: ClipSpec, videos: Sequence[Video]) -> list[float]:
    """The amounts of a damage that are not left out."""
    return [amount for amount, reason in tried(damage, spec, videos).items() if reason is None]


def clips_to_see(spec: ClipSpec, halves: Halves) -> int:
    """How many clips will go through the network."""
    passes = sum(len(amounts(damage, spec, halves.candidate)) for damage in DAMAGES if damage is not MODES)
    return len(halves.reference) + len(halves.candidate) * (1 + passes)


def see(group: Group, network: Network, halves: Halves, *, seed: int, workers: int, progress: Progress) -> Seen:
    """Run both halves through a network. Videos that cannot be decoded are left out, and named in `failed`.

    Features depend on neither the number of workers nor on which videos are seen together.
    """
    seen = Seen()
    with ThreadPoolExecutor(workers, thread_name_prefix="selftest") as pool:
        for videos, plan in (
            (halves.reference, {}),
            (
                halves.candidate,
                {damage: amounts(damage, group.clips, halves.candidate) for damage in DAMAGES if damage is not MODES},
            ),
        ):
            for batch in _batches(videos, group.clips, network):
                _see_batch(seen, batch, plan, group.clips, network, pool, seed, progress)
    return seen


def _batches(videos: Sequence[Video], spec: ClipSpec, network: Network) -> Iterator[Sequence[Video]]:
    """As many as fit into memory, and fill whole batches of the network."""
    whole = getattr(network, "clips_per_call", lambda _: 1)(spec.frames)
    size = (videos[0].height, videos[0].width) if spec.size == "native" else spec.shape
    step = max(1, HELD_BYTES // prod((spec.frames, *size, 3)))
    if whole <= 4 * step:
        step = whole * max(1, step // whole)
    for first in range(0, len(videos), step):
        yield videos[first : first + step]


def _see_batch(
    seen: Seen,
    videos: Sequence[Video],
    plan: dict[Damage, list[float]],
    spec: ClipSpec,
    network: Network,
    pool: ThreadPoolExecutor,
    seed: int,
    progress: Progress,
) -> None:
    speeds = [0.0, *plan.get(SPEED, [])]

    def read(video: Video) -> dict[float, np.ndarray] | BadVideo:
        wanted = [amount for amount in speeds if not amount or long_enough(video, spec, amount)]
        try:
            return {amount: read_clip(video, spec, seed=seed, amount=amount) for amount in wanted}
        except BadVideo as problem:
            return problem

    clips: dict[str, dict[float, np.ndarray]] = {}
    for video, found in zip(videos, pool.map(read, videos), strict=True):
        if isinstance(found, BadVideo):
            seen.failed.append({"path": video.path, "reason": found.reason, "detail": found.detail})
        else:
            clips[video.id] = found

    def run(job: tuple[Damage | None, float]) -> dict[str, Rows]:
        damage, amount = job
        if damage is SPEED:
            made = {video: those[amount] for video, those in clips.items() if amount in those}
        elif damage is not None:
            made = {
                video: damaged(damage, those[0.0], amount, seed=seed, video=video) for video, those in clips.items()
            }
        else:
            made = {video: those[0.0] for video, those in clips.items()}
        return _by_video(network(np.stack(list(made.values()))), list(made)) if made else {}

    jobs = [(None, 0.0), *((damage, amount) for damage, those in plan.items() for amount in those)]
    for (damage, amount), rows in zip(jobs, pool.map(run, jobs), strict=True):
        where = seen.clean if damage is None else seen.damaged.setdefault((damage.name, amount), {})
        where.update(rows)
        progress(len(videos))


def _by_video(rows: Rows, ids: Sequence[str]) -> dict[str, Rows]:
    parts = {name: np.split(values, len(ids)) for name, values in rows.items()}
    return {video: {name: parts[name][at] for name in rows} for at, video in enumerate(ids)}
