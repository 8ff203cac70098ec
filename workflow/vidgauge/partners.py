"""The reference video of each candidate, and its clips: the same frames of both, for networks that see pairs."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge import layout
from vidgauge.errors import VidgaugeError
from vidgauge.manifest.joining import read_videos
from vidgauge.manifest.pairs import partners
from vidgauge.media.clips import Part, make_clips
from vidgauge.space import check_space
from vidgauge.specs import Video
from vidgauge.store.clips import Clips, Group, open_clips, write_clips

NAMED = 3  # videos that a message lists


def make_partner_clips(
    clips: Path, name: str | None, manifests: tuple[Path, Path], out: Path, *, trim: bool, workers: int
) -> None:
    """Write the partner of every clip: the frames of the same numbers of its video's own reference video.

    manifests: videos.jsonl of the candidates and of the reference; partners share `pair`, else their name. A video
    without a partner has no clips in `out`. trim: of videos of unequal length, clips that end in both. Raises
    VidgaugeError where frames are of unequal size or rate, where lengths are unequal and nobody said trim, and where a
    partner can no longer be decoded.
    """
    with open_clips(clips, name) as given:
        of_video: dict[str, dict[int, list[int]]] = {}
        for video, draw, index in zip(given.video, given.draw.tolist(), given.index.tolist(), strict=True):
            of_video.setdefault(video, {})[draw] = index
        spec = layout.asked(given.spec).spec
        pairs = _pairs(manifests, of_video)
        _refuse_unlike(pairs, native=spec.size == "native", resampled=spec.fps is not None, trim=trim)
        indices = {
            own.id: {draw: index for draw, index in of_video[own.id].items() if max(index) < other.frames}
            for own, other in pairs
        }
        theirs = [replace(other, id=own.id) for own, other in pairs if indices[own.id]]
        needed = 3 * prod(given.shape) * sum(map(len, indices.values()))
        check_space(out.parent, needed, "the clips of the partners", "Make room and run again, or lower shard_size.")
        with write_clips(out, Group("partners", given.spec, given.shape)) as (writer,):
            part = Part(spec, 0, [], _Strict(writer.append, manifests[1]), indices=indices)
            make_clips(theirs, [part], workers=workers, contained=True)


def partner_of(clips: Clips, theirs: Clips) -> dict[tuple[str, int], int]:
    """{(video, draw): row of `theirs`} of the clips that have a partner there."""
    there = dict(zip(zip(theirs.video, theirs.draw.tolist(), strict=True), range(len(theirs)), strict=True))
    return {key: there[key] for key in zip(clips.video, clips.draw.tolist(), strict=True) if key in there}


class _Strict:
    """A writer of clips that takes no failure: a reference video that cannot be read is not the candidate's fault."""

    def __init__(self, append: Any, manifest: Path) -> None:
        self.append, self._manifest = append, manifest

    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None:  # noqa: ARG002 - a Writer's
        raise VidgaugeError(
            f"{path}: the partner of {video_id} was usable when it was probed ({self._manifest}), and cannot be "
            f"decoded: {reason}, {detail}. Mend or remove it, and run the same command again"
        )


def _pairs(manifests: tuple[Path, Path], wanted: Container[str]) -> list[tuple[Video, Video]]:
    """(candidate, partner) of the videos that are wanted and have one."""
    own, other = manifests
    found = {video: partner for video, partner in partners(own, other).items() if video in wanted}
    needed = set(found.values())
    ours = {video.id: video for video in read_videos(own) if video.id in found}
    theirs = {video.id: video for video in read_videos(other) if video.id in needed}
    return [(ours[video], theirs[found[video]]) for video in sorted(found)]


def _refuse_unlike(pairs: Sequence[tuple[Video, Video]], *, native: bool, resampled: bool, trim: bool) -> None:
    def refuse(what: str, unlike: list[str], advice: str) -> None:
        if unlike:
            named = "; ".join(unlike[:NAMED]) + ("; ..." if len(unlike) > NAMED else "")
            raise VidgaugeError(f"{len(unlike)} of {len(pairs)} pairs are of unequal {what}: {named}. {advice}")

    if native:
        unlike = [
            f"{own.path} has {own.width}x{own.height} pixels, its partner {other.path} {other.width}x{other.height}"
            for own, other in pairs
            if (own.width, own.height) != (other.width, other.height)
        ]
        refuse("size", unlike, "Let the clip spec bring them to one size: clips: {size: [height, width]}")
    if resampled:
        unlike = [
            f"{own.path} has {own.fps:g} frames a second, its partner {other.path} {other.fps:g}"
            for own, other in pairs
            if own.fps and other.fps and not np.isclose(own.fps, other.fps, rtol=1e-3)
        ]
        refuse("rate", unlike, "Compare them without clips: {fps: ...}, or encode them at one rate")
    if not trim:
        unlike = [
            f"{own.path} has {own.frames} frames, its partner {other.path} {other.frames}"
            for own, other in pairs
            if own.frames != other.frames
        ]
        refuse(
            "length",
            unlike,
            "Mend them, or compare the frames that both have: unequal: trim in the metric's definition",
        )
