"""What is wrong with the videos of an evaluation, and whether it may go on.

`screen` holds the usable videos of every dataset against what each clip spec needs, and never fails; `judge` then
decides. They are two steps so that the full list is on disk before anything fails: Snakemake deletes what a failed
job wrote.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vidgauge.draws import shard_of
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl, to_json, to_jsonl, write_text
from vidgauge.manifest.fitting import Fitting, clips_by_draws
from vidgauge.manifest.joining import read_videos, sort_rejected
from vidgauge.manifest.listing import read_lines
from vidgauge.manifest.pairs import check_pair, with_partners
from vidgauge.specs import ClipSpec, Video

CURES = {
    "other-size": "Videos of several sizes are compared once they are resized: clips: {size: [height, width]}",
    "unequal-size": "Pairs of unequal size are compared once they are resized: clips: {size: [height, width]}",
    "unequal-rate": "Pairs of unequal rate are compared frame by frame without clips: {fps: ...}",
    "unequal-length": "Of pairs of unequal length, unequal: trim in the metric's definition compares what both have",
    "unpaired": "Partners share `pair` in both manifests, else their path without suffix, else the name of the file",
}
"""What can be done about bad videos other than to repair or remove them, by reason."""

SHOWN = 20
"""Bad videos that the message names; the file holds all."""


class Need(NamedTuple):
    """What is asked of a dataset's videos."""

    spec: ClipSpec
    datasets: Collection[str] | None = None  # those that it is asked of; None: all
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
    """Hold every dataset's videos against what is needed of them, given by name.

    Raises VidgaugeError where videos are to be paired and not one has a partner, or two have the same.
    """
    found = Screened([], {}, {}, {}, {name: need.spec.frames_needed for name, need in needs.items()}, {}, {})
    for dataset, files in manifests.items():
        used = {name: need for name, need in needs.items() if need.datasets is None or dataset in need.datasets}
        others = {need.partners for need in used.values() if need.partners is not None}
        pairs = {other: with_partners(files.videos, manifests[other].videos) for other in sorted(others)}
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


def judge(
    screened: Screened,
    *,
    action: str,
    max_fraction: float,
    rejected_path: Path,
    metrics: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Raise VidgaugeError if the evaluation may not go on; `rejected_path` is where the full list was written.

    fail: any bad video. reject: more than `max_fraction` of a dataset. Either: a clip spec that no video is long
    enough for, or a dataset of which nothing is left. metrics: the names of those that use a clip spec, for messages.
    """
    for message in (_too_long_for_all(screened, metrics or {}), _nothing_left(screened, rejected_path)):
        if message:
            raise VidgaugeError(message)
    if action == "fail" and screened.rejected:
        raise VidgaugeError(_bad_videos(screened, rejected_path))
    over = {name: totals for name, totals in screened.totals.items() if totals.fraction > max_fraction}
    if action == "reject" and over:
        shares = ", ".join(f"{totals.fraction:.1%} of {name}" for name, totals in over.items())
        raise VidgaugeError(
            f"Too many bad videos: {shares}, where bad_videos.max_fraction allows {max_fraction:.1%}. "
            f"{_by_reason(screened.rejected)} All are listed in {rejected_path}. Repair them, or raise max_fraction."
        )


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
    fittings = [Fitting(name, need.spec) for name, need in needs.items()]
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
        for fitting in fittings:
            try:
                length = fitting.length(video)
                if (need := needs[fitting.name]).partners is not None:
                    check_pair(video, pairs[need.partners].get(video.id), need.spec, trim=need.trim)
                lengths[fitting.name][shard][length] += 1
            except BadVideo as why:
                unfit.append((fitting.name, video, why))
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
    found.sizes[dataset] = {fitting.name: fitting.size for fitting in fittings if fitting.size is not None}
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


def _too_long_for_all(screened: Screened, metrics: Mapping[str, Sequence[str]]) -> str | None:
    """The message for clip specs that ask for more than the longest video of all has: the spec is at fault."""
    said = []
    for name, needed in screened.needs.items():
        used = [dataset for dataset in screened.counts if name in screened.counts[dataset]]
        probed = sum(screened.totals[dataset].probed - screened.totals[dataset].unusable for dataset in used)
        most = max((screened.longest[dataset][name] for dataset in used), default=0)
        if probed and 0 < most < needed:
            users = f" of {', '.join(metrics[name])}" if name in metrics else ""
            said.append(
                f"clips {name}{users} need {needed} frames, at their rate, of one video, and the longest of the "
                f"{probed} usable videos of {', '.join(used)} has {most}"
            )
    if not said:
        return None
    return (
        f"No video is long enough: {'; '.join(said)}. Ask for less with clips: {{frames: ..., stride: ...}} of the "
        "metrics that use them, fill short videos up with clips: {short: loop} or {short: pad}, or drop the metric."
    )


def _nothing_left(screened: Screened, rejected_path: Path) -> str | None:
    """The message for datasets of which a clip spec finds no usable video."""
    said = []
    for dataset, counts in screened.counts.items():
        totals = screened.totals[dataset]
        if totals.probed == totals.unusable:
            said.append(f"dataset {dataset} has no usable video ({totals.listed + totals.unlisted} were named)")
        else:
            said += [
                f"dataset {dataset} has no video that clips {name} can use" for name in counts if not sum(counts[name])
            ]
    if not said:
        return None
    why = f"{_by_reason(screened.rejected)}{_relative_to(screened.rejected)}"
    return f"Nothing to compare: {'; '.join(said)}. {why} See {rejected_path}."


def _relative_to(rejected: Sequence[Mapping[str, Any]]) -> str:
    """Where videos of a manifest are looked for, if one was not found."""
    first = next((bad for bad in rejected if bad["reason"] == "missing" and bad["line"]), None)
    if first is None:
        return ""
    return (
        f" {first['path']} is not there: paths in a manifest are relative to `root`, by default the manifest's folder."
    )


def _bad_videos(screened: Screened, rejected_path: Path) -> str:
    by_dataset = Counter(bad["dataset"] for bad in screened.rejected)
    worst = math.ceil(100 * max(totals.fraction for totals in screened.totals.values())) / 100
    shares = ", ".join(f"{count} in {dataset}" for dataset, count in by_dataset.items())
    reasons = {bad["reason"] for bad in screened.rejected}
    cures = [CURES[reason] for reason in sorted(reasons & CURES.keys())]
    cure = ". ".join([*cures, "Or remove them"] if cures else ["Repair or remove them"])
    lines = [_shown(bad) for bad in screened.rejected[:SHOWN]]
    if len(screened.rejected) > SHOWN:
        lines.append(f"  and {len(screened.rejected) - SHOWN} more")
    return "\n".join(
        [
            f"Bad videos: {shares}. {_by_reason(screened.rejected)}",
            *lines,
            f"All are listed in {rejected_path}.{_relative_to(screened.rejected)} {cure}, or go on without them: "
            f"bad_videos: {{action: reject, max_fraction: {worst:.2f}}} in the configuration.",
        ]
    )


def _shown(bad: Mapping[str, Any]) -> str:
    where = f"{bad['dataset']}, line {bad['line']}" if bad["line"] else bad["dataset"]
    return f"  {where}: {bad['path'] or '(no path)'}: {bad['reason']}: {bad['detail']}"


def _by_reason(rejected: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(bad["reason"] for bad in rejected)
    return f"By reason: {', '.join(f'{reason} {count}' for reason, count in counts.most_common())}." if counts else ""
