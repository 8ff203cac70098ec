"""The reference video of each candidate, and its clips: the same frames of both, for networks that see pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from vidgauge import layout
from vidgauge.digests import manifest_digest
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.manifest.pairs import check_pair
from vidgauge.media.clips import Part, Writer, make_clips
from vidgauge.space import check_space
from vidgauge.specs import ClipSpec, Video
from vidgauge.store.clips import Clips, Group, open_clips, write_clips
from vidgauge.store.failed import BAD_PARTNER, SHORT_PARTNER
from vidgauge.wording import counted

if TYPE_CHECKING:
    import numpy as np

GROUP = "partners"
"""The group of their clips in a file of clips."""


def make_partner_clips(
    clips: Path,
    name: str | None,
    videos: Sequence[Video],
    pairs: Mapping[str, Video],
    out: Path,
    *,
    trim: bool,
    workers: int,
) -> None:
    """Write the partner of every clip of a shard: the frames of the same numbers of its video's own reference video.

    clips, name: those of the candidates' shard `videos`. pairs: the partner of each by id. A video that has none, or
    an unequal one, has no clips in `out`, in silence: the gate has listed it. trim: partners may be of another length,
    and clips that go beyond their end are left out. A video none of whose clips has a partner, or whose partner cannot
    be decoded, is noted as failed.
    """
    with open_clips(clips, name) as given:
        spec = layout.asked(given.spec).spec
        of_video: dict[str, dict[int, list[int]]] = {}
        for video, draw, index in zip(given.video, given.draw.tolist(), given.index.tolist(), strict=True):
            of_video.setdefault(video, {})[draw] = index
        taken = [
            (own, pairs[own.id])
            for own in videos
            if own.id in of_video and own.id in pairs and _is_alike(own, pairs[own.id], spec, trim=trim)
        ]
        indices = {
            own.id: {draw: index for draw, index in of_video[own.id].items() if max(index) < other.frames}
            for own, other in taken
        }
        theirs = [replace(other, id=own.id) for own, other in taken if indices[own.id]]
        needed = 3 * prod(given.shape) * sum(map(len, indices.values()))
        check_space(out.parent, needed, "the clips of the partners", "Make room and run again, or lower shard_size.")
        about = {"manifest_digest": manifest_digest(other for _, other in taken)}
        with write_clips(out, Group(GROUP, given.spec, given.shape, about)) as (writer,):
            part = Part(spec, 0, 0, _OfPartners(writer), indices=indices)
            make_clips(theirs, [part], workers=workers, contained=True)
            for own, other in taken:
                if not indices[own.id]:
                    detail = f"has {counted(other.frames, 'frame')}, and ends before the clips of {own.id} do"
                    writer.fail(own.id, other.path, SHORT_PARTNER, detail, len(of_video[own.id]))


def partner_of(clips: Clips, theirs: Clips) -> dict[tuple[str, int], int]:
    """{(video, draw): row of `theirs`} of the clips that have a partner there.

    Raises VidgaugeError where they are not the same frames.
    """
    keys = zip(theirs.video, theirs.draw.tolist(), strict=True)
    there = {key: (row, theirs.index[row].tolist()) for row, key in enumerate(keys)}
    found = {}
    for key, index in zip(zip(clips.video, clips.draw.tolist(), strict=True), clips.index.tolist(), strict=True):
        if key in there:
            row, same = there[key]
            if same != index:
                raise VidgaugeError(
                    f"{clips.path} and {theirs.path} hold other frames of {key[0]}; delete both, run again"
                )
            found[key] = row
    return found


@dataclass(frozen=True)
class _OfPartners:
    """Writes clips of partners. What they fail at says so: it is not the fault of the video that it is noted of."""

    writer: Writer

    def append(self, video_id: str, draw: int, start: int, index: list[int], frames: np.ndarray) -> None:
        self.writer.append(video_id, draw, start, index, frames)

    def fail(self, video_id: str, path: str, reason: str, detail: str, clips: int) -> None:
        self.writer.fail(video_id, path, BAD_PARTNER, f"{reason}, {detail}", clips)


def _is_alike(own: Video, other: Video, spec: ClipSpec, *, trim: bool) -> bool:
    try:
        check_pair(own, other, spec, trim=trim)
    except BadVideo:
        return False
    return True
