"""What is wrong with the videos of an evaluation.

`screen` holds the usable videos of every dataset against what each clip spec and its pairs need, and never fails;
`judging.judge` then decides. They are two steps so that the full list is on disk before anything fails: Snakemake
deletes what a failed job wrote.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vidgauge.draws import shard_of
from vidgauge.errors import BadVideo
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_text
from vidgauge.manifest.fitting import Fitting, clips_by_draws
from vidgauge.manifest.joining import read_videos, sort_rejected
from vidgauge.manifest.listing import read_lines
from vidgauge.manifest.pairs import check_pair, partners
from vidgauge.specs import ClipSpec, Video


class Need(NamedTuple):
    """What is asked of a dataset's videos."""

    spec: ClipSpec
    datasets: Collection[str] | None = None  # those that it is asked of; None: all
    clips: str | None = None  # of pairs: the need of the clips, which is asked of the same datasets
    partners: str | None = None  # the dataset that must have a partner of each video
    trim: bool = False  # partners may be of another length


class Files(NamedTuple):
    """Where the manifest stage left a dataset."""

    videos: Path  # the dataset's videos.jsonl
    rejected: Path  # its rejected.jsonl
    lines: Path  # the listing's lines.jsonl, for the source lines of what is rejected here
    listed: Sequence[int]  # listed videos of each shard, probed or not


@dataclass(frozen=True)
class Totals:
    """How many videos of a dataset were found bad, and out of how many, at each stage."""

    listed: int  # videos of the listing, in all shards
    unlisted: int  # entries of the source that the listing rejected
    probed: int  # videos opened
    unusable: int  # videos that the probe rejected
    unfit: int  # usable videos that at least one clip spec rejected

    @property
    def fraction(self) -> float:
        """The share of the dataset that is bad, as far as it was probed."""
        listed = self.listed / max(1, self.listed + self.unlisted)
        fit = 1 - (self.unusable + self.unfit) / max(1, self.probed)
        return 1 - listed * fit


@dataclass(frozen=True)
class Screened:
    """What `screen` found."""

    rejected: list[dict[str, Any]]  # dataset, line, path, reason, detail, clips (null: bad for all), id, stage
    counts: dict[str, dict[str, list[int]]]  # {dataset: {clip spec: [usable videos of each shard]}}
    totals: dict[str, Totals]
    longest: dict[str, dict[str, int]]  # {dataset: {clip spec: frames, at its rate, of the longest video}}
    needs: dict[str, int]  # {clip spec: frames, at its rate, that it needs}
    clips: dict[
        str, dict[str, list[list[int]]]
    ]  # {dataset: {one with start: each: [clips of each shard] at 1, 2, 4 ..}}
    sizes: dict[str, dict[str, tuple[int, int]]]  # {dataset: {one with size: native: (height, width) of usable videos}}


def screen(
    manifests: Mapping[str, Files],
    needs: Mapping[str, Need],
) -> Screened:
    """Hold every dataset's videos against what is needed of them, given by name."""
    of_clips = {name: need.spec.frames_needed for name, need in needs.items() if need.clips is None}
    found = Screened([], {}, {}, {}, of_clips, {}, {})
    for dataset, files in manifests.items():
        used = {name: need for name, need in needs.items() if need.datasets is None or dataset in need.datasets}
        others = {need.partners for need in used.values() if need.partners is not None}
        pairs = {other: partners(files.videos, manifests[other].videos) for other in sorted(others)}
        _screen_dataset(found, dataset, files, used, pairs)
    return found


def write_screened(screened: Screened, rejected_out: Path, counts_out: Path) -> None:
    """Write the evaluation's rejected.jsonl, and everything else as one JSON object."""
    write_text(rejected_out, to_jsonl(screened.rejected))
    rest = asdict(screened)
    del rest["rejected"]
    write_text(counts_out, to_json(rest) + "\n")


def read_screened(rejected: Path, counts: Path) -> Screened:
    """What write_screened wrote."""
    rest = json.loads(counts.read_text("utf-8"))
    rest["totals"] = {dataset: Totals(**totals) for dataset, totals in rest["totals"].items()}
    rest["sizes"] = {
        dataset: {name: tuple(size) for name, size in sizes.items()} for dataset, sizes in rest["sizes"].items()
    }
    return Screened(rejected=list(read_jsonl(rejected)), **rest)


def _screen_dataset(
    found: Screened,
    dataset: str,
    files: Files,
    needs: Mapping[str, Need],
    pairs: Mapping[str, Mapping[str, Video]],
) -> None:
    """One look at each video, or two where sizes count: what is kept of it is a count, unless it is rejected.

    pairs: {other dataset: {video: its partner there}}.
    """
    manifest = list(read_jsonl(files.rejected))
    unusable = sum(bad["stage"] == "probe" for bad in manifest)
    fittings = [Fitting(name, need.spec) for name, need in needs.items() if need.clips is None]
    paired = {name: need for name, need in needs.items() if need.clips is not None}
    if counting := [fitting for fitting in fittings if fitting.counts]:
        for video in read_videos(files.videos):
            for fitting in counting:
                fitting.count(video)
    lengths: dict[str, list[Counter[int]]] = {name: [Counter() for _ in files.listed] for name in needs}
    unfit: list[tuple[str, Video, BadVideo]] = []
    usable = 0
    for video in read_videos(files.videos):
        usable += 1
        shard = shard_of(video.id, len(files.listed))
        of_clips: dict[str, int] = {}
        for fitting in fittings:
            try:
                of_clips[fitting.name] = fitting.length(video)
                lengths[fitting.name][shard][of_clips[fitting.name]] += 1
            except BadVideo as why:
                unfit.append((fitting.name, video, why))
        for name, need in paired.items():
            if need.clips in of_clips:  # else it is listed already
                try:
                    check_pair(video, pairs[str(need.partners)].get(video.id), need.spec, trim=need.trim)
                    lengths[name][shard][of_clips[need.clips]] += 1
                except BadVideo as why:
                    unfit.append((name, video, why))
    line_of = read_lines(files.lines, {video.id for _, video, _ in unfit})
    rejected = [_rejected(dataset, bad, None) for bad in manifest]
    for name, video, said in unfit:
        entry = {"line": line_of.get(video.id), "path": video.path, "reason": said.reason, "detail": said.detail}
        rejected.append(_rejected(dataset, {**entry, "id": video.id}, name))
    found.rejected.extend(sort_rejected(rejected))
    found.longest[dataset] = {fitting.name: fitting.longest for fitting in fittings}
    found.counts[dataset] = {name: [shard.total() for shard in shards] for name, shards in lengths.items()}
    found.clips[dataset] = {
        name: clips_by_draws(need.spec, [shard.elements() for shard in lengths[name]])
        for name, need in needs.items()
        if need.spec.start == "each"
    }
    sizes = {fitting.name: fitting.size for fitting in fittings if fitting.size is not None}
    found.sizes[dataset] = {
        name: sizes[need.clips or name] for name, need in needs.items() if (need.clips or name) in sizes
    }
    found.totals[dataset] = Totals(
        listed=sum(files.listed),
        unlisted=len(manifest) - unusable,
        probed=usable + unusable,
        unusable=unusable,
        unfit=len({video.id for _, video, _ in unfit}),
    )


def _rejected(dataset: str, bad: Mapping[str, Any], clips: str | None) -> dict[str, Any]:
    named = {key: bad[key] for key in ("line", "path", "reason", "detail")}
    return {"dataset": dataset, **named, "clips": clips, "id": bad["id"], "stage": bad.get("stage", "gate")}
