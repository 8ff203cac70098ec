"""Scratch space: decoded clips wait on the disk for their networks. How many shards at once, and do they fit?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from vidgauge import networks, plan
from vidgauge.config import Config
from vidgauge.errors import UsageError
from vidgauge.metric import metrics
from vidgauge.plan import Counts
from vidgauge.space import free_for, readable
from vidgauge.wording import counted

MOST_TOGETHER = 16
"""Clip specs that are decoded together: their file is named after all of them, and names are 255 bytes at most."""

TOGETHER = "together-"
"""How the folders of clips of several specs begin. No clip spec is named so: names begin with a number of frames."""

MOST_TURNS = 64
"""How long the line of pieces may be in which each waits for the one before: Snakemake follows it by recursion."""


@dataclass(frozen=True)
class Piece:
    """A file of clips of one shard, which is there from its decoding until its last network pass, and its partners'."""

    dataset: str
    clips: str  # the folder's name
    shard: int
    features: tuple[tuple[str, str], ...]  # (clips, extractor): the folders of the features that are made of it
    videos: int
    least: int  # bytes: one clip of each video
    bytes: int  # at most: clips that come out alike are stored once


def pieces(config: Config, counts: Counts) -> list[Piece]:
    """Every file of clips that an evaluation may decode, in the order in which they are decoded.

    With each are reckoned the clips of partners, which lie beside it as long: as many, for each way to pair videos.
    """
    extractors: dict[tuple[str, str, int], list[str]] = {}
    for file in plan.all_features(config, counts):
        if networks.features_below(config, file.extractor) is not None:
            continue  # made of features
        for shard in range(plan.shards_of(config, file, counts)):
            extractors.setdefault((file.dataset, file.clips, shard), []).append(file.extractor)
    sizes: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for dataset, clips, _ in extractors:
        if (dataset, clips) not in sizes:
            sizes[dataset, clips] = _sizes(config, dataset, clips, counts)
    all_names = {name for names in extractors.values() for name in names}
    beside = {name: networks.partners_of(config, name) for name in all_names}
    found = []
    for (dataset, clips, shard), names in extractors.items():
        videos, least, most = sizes[dataset, clips][shard]
        files = 1 + len({beside[name] for name in names} - {None})
        features = tuple((clips, name) for name in names)
        found.append(Piece(dataset, clips, shard, features, videos, files * least, files * most))
    return found


def together(found: Sequence[Piece], free: int) -> list[Piece]:
    """The pieces, those of one shard as one file: its videos are decoded once. As many in one as fit into the room.

    >>> clips = [Piece("real", name, 0, ((name, "i3d"),), 4, 10, 10) for name in ("16f-1a", "64f-2b", "128f-3c")]
    >>> [(piece.clips, piece.bytes) for piece in together(clips, free=20)]
    [('together-1a+2b', 20), ('128f-3c', 10)]
    """
    groups: list[list[Piece]] = []
    open_groups: dict[tuple[str, int], list[Piece]] = {}
    for piece in found:
        group = open_groups.get((piece.dataset, piece.shard))
        full = group is None or len(group) == MOST_TOGETHER or sum(p.bytes for p in (*group, piece)) > free
        if group is None or full:
            group = open_groups[piece.dataset, piece.shard] = []
            groups.append(group)
        group.append(piece)
    return [_joined(group) for group in groups]


def _joined(group: Sequence[Piece]) -> Piece:
    if len(group) == 1:
        return group[0]
    first, tails = group[0], [_tail(piece.clips) for piece in group]
    return Piece(
        first.dataset,
        TOGETHER + "+".join(tails),
        first.shard,
        tuple(file for piece in group for file in piece.features),
        max(piece.videos for piece in group),
        sum(piece.least for piece in group),
        sum(piece.bytes for piece in group),
    )


def members(file: str, names: Iterable[str]) -> list[str]:
    """Which clips a file of clips holds, of those names; itself where it is not one of several.

    >>> members("together-1a+2b", ["16f-1a", "64f-2b", "128f-3c"])
    ['16f-1a', '64f-2b']
    """
    if not file.startswith(TOGETHER):
        return [file]
    by_tail = {_tail(name): name for name in names}
    return [by_tail[tail] for tail in _tails(file)]


def files_with(folder: Path, clips: str, shard: int | str) -> list[Path]:
    """The files below a dataset's folder that hold some clips of a shard, the newest first."""
    shared = [path for path in folder.glob(f"{TOGETHER}*/{shard}.h5") if _tail(clips) in _tails(path.parent.name)]
    alone = folder / clips / f"{shard}.h5"
    there = [*([alone] if alone.exists() else []), *shared]
    return sorted(there, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _tails(file: str) -> list[str]:
    return file.removeprefix(TOGETHER).split("+")


def _tail(clips: str) -> str:
    """The digest at the end of a folder's name, which tells it from all others."""
    return clips.rpartition("-")[2]


def _sizes(config: Config, dataset: str, clips: str, counts: Counts) -> list[tuple[int, int, int]]:
    """(videos, least bytes, most) of each shard. Of a size that nobody knows yet, 0 bytes."""
    need = _need(config, dataset, clips, counts)
    usable = counts.usable[dataset][need]
    try:
        asked = plan.clips_asked(config, dataset, clips, counts)
    except KeyError:  # size: native, before any video was opened
        return [(videos, 0, 0) for videos in usable]
    level, levels = asked.draws.bit_length() - 1, counts.clips.get(dataset, {}).get(need, [])
    number = levels[min(level, len(levels) - 1)] if asked.spec.start == "each" and levels else None
    if number is None:
        draws = 1 if asked.spec.start == "each" else asked.draws
        number = [videos * draws for videos in usable]
    clip = 3 * math.prod(asked.shape)
    return [(videos, videos * clip, n * clip) for videos, n in zip(usable, number, strict=True)]


def _need(config: Config, dataset: str, clips: str, counts: Counts) -> str:
    """The name of what is asked of the videos; of several that of most videos: others ask for partners as well."""
    needs = {
        metric.of(dataset).need
        for metric in metrics(config).values()
        if dataset in plan.videos_of(config, metric)
        and any(file.clips == clips for file in plan.features(config, metric, dataset, counts))
    }
    return max(sorted(needs), key=lambda need: sum(counts.usable[dataset][need]))


def at_once(found: Sequence[Piece], free: int, parallel: int) -> int:
    """How many pieces may wait on the disk at once: as many as fit whichever they are, at most `parallel`.

    At least one, and of thousands more than that: no piece may stand further back than MOST_TURNS in its line.

    >>> shards = [Piece("real", "c", n, (), 1, 10, 10) for n in range(640)]
    >>> [at_once(shards, free, parallel) for free, parallel in ((1000, 16), (120, 16), (20, 16), (1000, 2))]
    [16, 12, 10, 10]
    """
    total = accumulate(sorted((piece.bytes for piece in found), reverse=True)[:parallel])
    return max(1, sum(size <= free for size in total), -(-len(found) // MOST_TURNS))


def turns(found: Sequence[Piece], window: int) -> dict[tuple[str, str, int], list[str]]:
    """What the clips of each piece wait for: the features, below results/, of the one whose room they will take.

    Nothing for the first ones. Keys: (dataset, clips, shard).

    >>> turns([Piece("real", "c", n, (("c", "i3d"),), 1, 10, 10) for n in range(3)], window=2)
    {('real', 'c', 2): ['features/real/c/i3d/0.h5']}
    """
    return {
        (piece.dataset, piece.clips, piece.shard): [
            f"features/{left.dataset}/{clips}/{name}/{left.shard}.h5" for clips, name in left.features
        ]
        for left, piece in zip(found, found[window:], strict=False)
    }


def partners_clips(results: Path, dataset: str, clips: str, beside: str, shard: int | str) -> Path:
    """The clips of the partners of some clips. beside: what names the partners, as `Metric.beside`."""
    return results / "clips" / dataset / clips / f"vs-{beside}" / f"{shard}.h5"


def is_fresh(file: Path, videos: Path) -> bool:
    """Whether a file made of a shard is there, and newer than the shard's list of videos."""
    return file.exists() and videos.exists() and file.stat().st_mtime_ns >= videos.stat().st_mtime_ns


def room_in(folder: Path) -> int:
    """Bytes for clips: what is free, and what the clips take that are there already."""
    there = (path for files in ("*/*/*.h5", "*/*/vs-*/*.h5") for path in folder.glob(files))  # with those of partners
    return free_for(folder) + sum(path.stat().st_size for path in there)


def refuse_what_cannot_fit(found: Sequence[Piece], folder: Path, *, kept: bool) -> None:
    """UsageError where the largest of the pieces does not fit into the folder's disk, or all where they are kept."""
    largest = max(found, key=lambda piece: piece.least, default=None)
    if largest is None:
        return
    free = room_in(folder)
    needed = sum(piece.least for piece in found) if kept else largest.least
    if needed <= free:
        return
    if kept:
        raise UsageError(
            f"{folder}: no room for the clips: with keep_clips: true they take {readable(needed)} or more, and there "
            f"is room for {readable(free)}. Make room, set keep_clips: false, or make {folder} a symbolic link to a "
            "folder on a larger disk"
        )
    fits = int(largest.videos * free // needed) // 2
    smaller = f"lower shard_size (to {fits} or less), " if fits else ""
    raise UsageError(
        f"{folder}: no room for the clips of one shard: those of {counted(largest.videos, 'video')} of "
        f"{largest.dataset} take {readable(needed)} or more until the networks have seen them, and there is room for "
        f"{readable(free)}. Make room, {smaller}or make {folder} a symbolic link to a folder on a larger disk"
    )
