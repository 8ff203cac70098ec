"""Contact sheets: the best and worst clips of each candidate beside the nearest clips of the reference.

A strip shows frames that the network saw, before they were cropped and resized for it, as a WebP image in a data URI.
"""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

from vidgauge.errors import BadVideo
from vidgauge.files import to_json
from vidgauge.layout import asked
from vidgauge.media.decode import choose_clips, iter_frames, scan_probed
from vidgauge.media.sampling import possible_draws
from vidgauge.specs import Video

GAP = 2  # pixels between two frames, transparent
WIDEST = 3  # times the height: wider frames are made lower
QUALITY = 45  # of WebP: about 5 kB a strip, 20 kB of much grain
PICTURED = 4  # maps of an evaluation: each adds up to two megabytes to its page
WORKERS = 4  # libav decodes without Python's lock


class Clip(NamedTuple):
    """Which clip of which dataset."""

    dataset: str
    video: str
    start: int


def strip(
    video: Video | Mapping[str, Any], start: int, clip_spec: Mapping[str, Any], *, frames: int = 4, height: int = 96
) -> bytes:
    """A WebP image of `frames` frames of a clip, evenly spaced from its first to its last, side by side.

    video: a line of videos.jsonl. start: the clip's first frame in the video. clip_spec: as rows and features files
    keep it, with its seed and draws. height: pixels, at the frames' own aspect ratio. Fewer frames where the clip has
    fewer. Raises BadVideo, or what libav and the system raise, where the video can no longer be read, or no clip of
    that clip spec begins there.
    """
    video = video if isinstance(video, Video) else Video(**video)
    if video.kind == "file" and Path(video.path).stat().st_size != video.bytes:
        raise BadVideo("damaged", "it is no longer the file that was evaluated: its size changed")
    of = asked(clip_spec)
    scan = scan_probed(video)
    chosen = choose_clips(video, of.spec, scan, seed=of.seed, draws=possible_draws(video, of.spec, of.draws))
    clip = next((indices for indices in chosen.indices.values() if indices[0] == start), None)
    if clip is None:
        raise BadVideo("other-clips", f"none of its clips begins at frame {start}")
    picked = [clip[at] for at in np.linspace(0, len(clip) - 1, min(frames, len(clip))).round().astype(int)]
    seen = dict(iter_frames(video, sorted(set(picked)), matrix=of.spec.matrix, scan=scan))
    return _side_by_side([Image.fromarray(seen[index]) for index in picked], height)


def pictured(maps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The maps whose clips a page shows: the first few of those that have best and worst ones."""
    return [one for one in maps if any(one["worst"].values())][:PICTURED]


def sheets(
    found: Mapping[str, Any], videos: Mapping[str, Path], clip_specs: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """{candidate: {"worst": [entry, ...], "best": [entry, ...]}} with the pictures of a map's best and worst clips.

    found: a map, as `vidgauge.report.maps` gives it. videos: videos.jsonl of each dataset; none of one that has no
    list. clip_specs: of each dataset, as rows keep them. An entry is the map's own and two pictures, `clip` and
    `reference`, each {"image": data URI or None, "alt": text, "problem": why there is no image, or None}.
    Each clip is decoded once.
    """
    pairs = [
        (name, what, entry, Clip(name, entry["video"], entry["start"]), _nearest(found, entry))
        for what in ("worst", "best")
        for name, entries in found[what].items()
        for entry in entries
    ]
    wanted = list(dict.fromkeys(clip for *_, ours, theirs in pairs for clip in (ours, theirs)))
    made = dict(zip(wanted, pictures([(clip, clip_specs.get(clip.dataset)) for clip in wanted], videos), strict=True))
    sheet: dict[str, dict[str, list[dict[str, Any]]]] = {name: {"worst": [], "best": []} for name in found["worst"]}
    for name, what, entry, ours, theirs in pairs:
        told = {
            "clip": f"{_frames_of(ours, clip_specs)}, {_far(entry['distance'])}",
            "reference": f"{_frames_of(theirs, clip_specs)} of {theirs.dataset}, the nearest clip of the reference",
        }
        both = {
            key: {"image": made[clip][0], "alt": told[key], "problem": made[clip][1]}
            for key, clip in (("clip", ours), ("reference", theirs))
        }
        sheet[name][what].append({**entry, **both})
    return sheet


def pictures(
    clips: Sequence[tuple[Clip, Mapping[str, Any] | None]], videos: Mapping[str, Path]
) -> list[tuple[str | None, str | None]]:
    """(data URI, None), or (None, why there is none), of each clip with its clip spec. videos: as for `sheets`."""
    known = {
        name: read_some(path, {clip.video for clip, _ in clips if clip.dataset == name})
        for name, path in videos.items()
    }

    def picture(asked_for: tuple[Clip, Mapping[str, Any] | None]) -> tuple[str | None, str | None]:
        clip, spec = asked_for
        return _picture(known.get(clip.dataset, {}).get(clip.video), clip.start, spec)

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="strips") as pool:
        return list(pool.map(picture, clips))


def read_some(path: Path, ids: Collection[str]) -> dict[str, Video]:
    """Some videos of a videos.jsonl by id; those that it lacks are left out. Other lines are not parsed."""
    heads = tuple(f"{to_json({'id': name})[:-1]},".encode("utf-8", "surrogateescape") for name in ids)
    with path.open("rb") as lines:
        found = [json.loads(line.decode("utf-8", "surrogateescape")) for line in lines if line.startswith(heads)]
    return {line["id"]: Video(**line) for line in found}


def _picture(video: Video | None, start: int, clip_spec: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """(data URI, None), or (None, why there is none)."""
    if video is None or clip_spec is None:
        return None, "no picture: where its video lies is not known"
    try:
        image = strip(video, start, clip_spec)
    except BadVideo as problem:
        return None, f"no picture: {problem.detail}"
    except (OSError, av.FFmpegError) as problem:
        return None, f"no picture: {problem.strerror or type(problem).__name__}"
    return f"data:image/webp;base64,{b64encode(image).decode()}", None


def _nearest(found: Mapping[str, Any], entry: Mapping[str, Any]) -> Clip:
    return Clip(found["reference"], entry["nearest"], entry["nearest_start"])


def _frames_of(clip: Clip, clip_specs: Mapping[str, Mapping[str, Any] | None]) -> str:
    spec = clip_specs.get(clip.dataset)
    if spec is None:
        return f"{clip.video} from frame {clip.start}"
    frames = spec["frames"]
    return (
        f"{frames} frames of {clip.video} from frame {clip.start}"
        if frames > 1
        else f"frame {clip.start} of {clip.video}"
    )


def _far(distance: float | None) -> str:
    if distance is None:
        return "whose distance from the reference has no measure"
    if distance == 0:
        return "with the features of a video of the reference"
    times = "less than 0.1" if distance < 0.1 else f"{distance:.1f}" if distance < 10 else f"{distance:.0f}"
    return f"{times} times as far from the reference as its videos are from one another"


def _side_by_side(images: list[Image.Image], height: int) -> bytes:
    width = max(1, round(height * images[0].width / images[0].height))
    if width > WIDEST * height:
        width, height = WIDEST * height, max(1, round(WIDEST * height * images[0].height / images[0].width))
    sheet = Image.new("RGBA", (len(images) * (width + GAP) - GAP, height))
    for place, image in enumerate(images):
        sheet.paste(image.resize((width, height), Image.Resampling.LANCZOS), (place * (width + GAP), 0))
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
