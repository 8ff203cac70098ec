"""A row of results in words: which videos, which clips of them, which network. Nothing that the row does not say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vidgauge import extractors
from vidgauge.report.comparable import Row
from vidgauge.specs import ClipSpec, ExtractorSpec
from vidgauge.wording import counted

CROPS = {
    "none": "stretched to",
    "center": "scaled to cover and cropped in the middle to",
    "center_first": "cropped in the middle and scaled to",
    "pad": "scaled to fit and padded with black to",
}
MATRICES = {
    "auto": "colours by each video's own matrix",
    "bt601": "colours by the BT.601 matrix",
    "bt709": "colours by the BT.709 matrix",
}
SPREAD = {
    "spread": "all of it from the first on, in equal steps rounded down",
    "spread_ends": "all of it from the first to the last",
}
SHORT = {
    "loop": "shorter videos begin again at their first frame",
    "pad": "of shorter videos the last frame stands still",
}


def samples(row: Row) -> str:
    """What a metric's samples are, in the plural: clips, frames, or samples where that is not known."""
    known, frames = network_of(row), row["knobs"].get("frames")
    if frames == "1" or (known and known.arrays[row["array"]].per == "frame"):
        return "frames"
    return "clips" if known else "samples"


def network_of(row: Row) -> ExtractorSpec | None:
    """The row's network, if it is a known one and no user's own."""
    return extractors.spec(row["extractor"]) if row["extractor"] in extractors.names() else None


def set_of(row: Row, side: str) -> str:
    """How much there is of a side, candidate or reference: its samples, of how many videos."""
    n, videos, name = row[f"n_{side}"], row[f"videos_{side}"], row[side]
    if n is None:
        return f"saved statistics of {name}, of an unknown number of {samples(row)}"
    if videos is None:
        return f"{counted(n, f'saved {_sample(row)}')} of {name}, of an unknown number of videos"
    return f"{of_videos(row, n, videos)} of {name}"


def of_videos(row: Row, n: int | str, videos: int | str) -> str:
    """So many of a metric's samples, of so many videos.

    >>> of_videos({"extractor": "mine", "knobs": {"frames": "1"}}, 16, 1)
    '16 frames of 1 video'
    """
    return f"{counted(n, _sample(row))} of {counted(videos, 'video')}"


def taken(row: Row, side: str) -> str:
    """What the samples of a side are, and which of them are taken."""
    kind = samples(row)
    count = json.loads(_asked(row, side, "samples") or "null")
    if count is None:
        which = "all are taken"
    elif row["knobs"]["samples_by"] == "name":
        which = f"at most {count} are taken, the first in the order of the videos' names"
    else:
        which = f"at most {count} are taken, from all videos alike"
    spec = _spec(row, side)
    of = "frames of " if kind == "frames" and spec and spec["frames"] > 1 else ""
    return f"{of}{clips(row, side)}; {which}"


def clips(row: Row, side: str) -> str:
    """The clips of a side: how long, how many of a video, from where, and how they became pixels."""
    spec = _spec(row, side)
    if spec is None:
        return f"{samples(row)} of a file that does not say how they were made"
    parts = [f"{_length(spec)}{_of_video(spec)}", _drawn(row, spec, _asked(row, side, "clips_per_video"))]
    if spec["min_frames"] is not None:
        parts.append(f"videos of fewer than {spec['min_frames']} frames left out")
    if spec["short"] in SHORT:
        parts.append(SHORT[spec["short"]])
    return ", ".join([*parts, _pixels(spec), MATRICES[spec["matrix"]]])


def network(row: Row) -> str:
    """The network and where it is from, what is taken of it, its weights and how it was run."""
    spec, seen = network_of(row), row["knobs"]
    meaning = f" ({spec.arrays[row['array']].meaning})" if spec else ""
    source = f" ({spec.source})" if spec else ", a network of the user's own"
    fed = _fed(seen["extractor.resize"], seen["extractor.range"])
    column = f"the column {row['column']} of " if row.get("column") else ""
    of = f"{column}the array {row['array']}{meaning} of {row['extractor']}{source}"
    return f"{of}; {weights(row)}; {fed}; {arithmetic(row)}"


def network_in_short(row: Row) -> str:
    """The network's name, what is taken of it, its weights and how it was run."""
    return f"{row['array']} of {row['extractor']}, {weights(row)}, {arithmetic(row)}"


def weights(row: Row) -> str:
    """The weights by name, with the head of their digest."""
    name = row["weights"] or row["knobs"]["weights"]
    if name == "none":
        return "no weights"
    digest = f"sha256 {row['weights_sha256'][:8]}" if row["weights_sha256"] else "digest not known"
    return f"weights {name} ({digest}{', not verified' if row['weights_verified'] is False else ''})"


def arithmetic(row: Row) -> str:
    """The network's precision, and the device where the row knows it."""
    device = row.get("device")
    devices = [device] if isinstance(device, str) else device or []
    return f"{row['precision'] or row['knobs']['precision']}{f' on {listed(devices)}' if devices else ''}"


def limit(row: Row) -> str:
    """How what infinitely many videos would give was found: a bias that is known needs no fit, and has no error."""
    error = row.get("infinity_error")
    if error == 0:
        return "(leaving out pairs of samples of one video, and of videos with one id in both sets)"
    return "by a fit in 1/n" + (f" with an error of {error:.2g}" if error is not None else "")


def subsets(row: Row) -> str:
    """How large random subsets are where the sets are too small for those that were asked for; else nothing."""
    asked, counts = row["options"].get("subset_size"), [row["n_candidate"], row["n_reference"]]
    if asked is None or row["options"].get("short") == "refuse" or None in counts or min(counts) > asked:
        return ""
    whose = "samples" if len(set(counts)) == 1 else "samples of the smaller set"
    return f", here subsets of {min(counts)}, which are all {whose}"


def seeds(row: Row) -> str:
    """The seeds of all runs."""
    first, runs = row["seed"], row["runs"]
    return f"seed {first}" if runs == 1 else f"seeds {first} to {first + runs - 1}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _sample(row: Row) -> str:
    return samples(row).removesuffix("s")


def _fed(resize: str, values: str) -> str:
    """What a network does with clips before its first layer.

    >>> _fed("none: clips are seen in their own size", "-1..1")
    'the network takes the clips at their own size, scaled to -1..1'
    """
    size = "takes the clips at their own size" if resize.startswith("none") else f"resizes the clips ({resize})"
    return f"the network {size}, {'scaled to ' if '..' in values.split()[0] else 'values: '}{values}"


def _length(spec: Mapping[str, Any]) -> str:
    frames, stride = spec["frames"], spec["stride"]
    if frames == 1:
        return "single frames"
    if spec["start"] in SPREAD:
        return f"clips of {frames} frames"
    return f"clips of {frames} {'consecutive frames' if stride == 1 else f'frames, each {stride} after the one before'}"


def _of_video(spec: Mapping[str, Any]) -> str:
    rate = f" at {counted(format(spec['fps'], 'g'), 'frame')} per second" if spec["fps"] is not None else ""
    return rate + (f" from the first {spec['max_seconds']:g} s" if spec["max_seconds"] is not None else "")


def _drawn(row: Row, spec: Mapping[str, Any], asked: str | None) -> str:
    """How many clips of each video, and from where; the seed where there is a choice."""
    draws, place = spec["clips_per_video"], "place" if spec["frames"] == 1 else "start"
    if spec["start"] in SPREAD:
        return f"one of each video, its frames spread over {SPREAD[spec['start']]}"
    if spec["start"] in ("first", "center"):
        return f"one of each video, at its {'beginning' if spec['start'] == 'first' else 'middle'}"
    if asked == "all" or spec["seed"] is None:
        return "all that there are of each video"
    seed = seeds(row) if spec["seed"] == row["seed"] else f"seed {spec['seed']}"  # saved features have their own
    if draws == 1:
        return f"one of each video, at a random {place} ({seed})"
    if spec["start"] == "each":
        return f"up to {draws} of each video, at random {place}s, none twice ({seed})"
    return f"{draws} of each video, at random {place}s ({seed})"


def _pixels(spec: Mapping[str, Any]) -> str:
    if spec["size"] == "native":
        height, width = spec.get("native") or (None, None)
        return "in the videos' own size" + (f", {height} x {width} (height x width)" if height else "")
    height, width = (spec["size"],) * 2 if isinstance(spec["size"], int) else spec["size"]
    how = [spec["resize"], "antialiased" if spec["antialias"] else "not antialiased", spec["backend"]]
    how += ["rounded down"] if spec["rounding"] == "truncate" else []
    return f"{CROPS[spec['crop']]} {height} x {width} (height x width; {', '.join(how)})"


def _spec(row: Row, side: str) -> dict[str, Any] | None:
    """The clip spec of a side, keys that came later than the row at their default; None where it is not known."""
    said = row["clip_spec" if side == "candidate" else "clip_spec_reference"]
    return {**ClipSpec().model_dump(mode="json"), **said} if said else None


def _asked(row: Row, side: str, key: str) -> str | None:
    """A knob of a side: the reference's own where it has one."""
    knobs: Mapping[str, str] = row["knobs"]
    own = knobs.get(f"reference.{key}") if side == "reference" else None
    return own if own is not None else knobs.get(key)
