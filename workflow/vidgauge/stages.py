"""The stages that join parts of the package: videos to clips files, clips files to features files."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from math import prod
from pathlib import Path

from vidgauge import layout
from vidgauge.digests import manifest_digest
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import loading
from vidgauge.extractors._of_features import extract_of_features
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.gpus import lease
from vidgauge.manifest.listing import read_texts
from vidgauge.manifest.pairs import read_pairs
from vidgauge.manifest.probing import read_shard
from vidgauge.media.clips import Part, make_clips
from vidgauge.media.sampling import distinct_clips
from vidgauge.partners import GROUP, make_partner_clips
from vidgauge.space import check_space
from vidgauge.specs import Asked, ExtractorSpec, Precision, Video
from vidgauge.store import hdf5
from vidgauge.store.clips import Group, holds, write_clips

Progress = Callable[[int, int], None]


def make_clips_file(
    shard: Path,
    asked: Sequence[Asked],
    out: Path,
    *,
    workers: int,
    contained: bool = True,
    progress: Progress | None = None,
) -> None:
    """Decode the clips of a probed shard, each video once. With size: native, those of videos of the size asked for.

    contained: in worker processes, which a native crash ends instead of this one.
    """
    videos, _ = read_shard(shard)
    taken = [
        (each, [video for video in videos if each.native in (None, (video.height, video.width))]) for each in asked
    ]
    needed = sum(
        3 * prod(each.shape) * sum(distinct_clips(video, each.spec, each.draws) for video in those)
        for each, those in taken
    )
    what = f"the clips of {len(videos)} video{'s' * (len(videos) != 1)}"
    check_space(out.parent, needed, what, "Make room and run the same command again, or lower shard_size.")
    with write_clips(out, *(_group(each, those) for each, those in taken)) as writers:
        parts = [
            Part(each.spec, each.seed, each.draws, writer, each.native)
            for each, writer in zip(asked, writers, strict=True)
        ]
        make_clips(videos, parts, workers=workers, contained=contained, progress=progress)


def _group(asked: Asked, videos: Sequence[Video]) -> Group:
    spec, seed, draws = asked.spec, asked.seed, asked.draws
    full = layout.resolved(spec, seed=seed, draws=draws)
    if asked.native is not None:
        full["native"] = asked.native  # features of several sizes must not be merged
    name = layout.clips_name(spec, seed=seed, draws=draws)
    about = {"clips": name, "manifest_digest": manifest_digest(videos), "versions": {"av": version("av")}}
    return Group(name, full, asked.shape, about)


def make_features_file(
    clips: Sequence[Path],
    out: Path,
    *,
    videos: Path | None,
    asked: Asked | None,
    network: NetworkAsked,
    below: Path | None = None,
    texts: Path | None = None,
    pairs: Path | None = None,
    partners: Path | None = None,
    weights: Path | None,
    device: str,
    precision: Precision,
    workers: int,
    progress: Progress | None = None,
) -> None:
    """Run the clips of a shard through a network: those that are `asked` for, or the only ones of the files.

    below: the features that it reads instead of clips. texts: of the shard's videos, for a network that reads them.
    pairs, partners: the partners of the shard's videos and their clips, for a network that sees both.

    The workflow names no clips where features look finished, for they were deleted then. Snakemake may run the job all
    the same, for a reason of its own (a changed rule, say): then the clips of the shard `videos`, as
    `asked`, are made once more, here, and those of partners. So they are, and standard error says so, where those given
    are damaged.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    spec = loading.spec_of(network)
    said = _texts(spec, texts)
    if spec.of is not None:
        if below is None:
            raise VidgaugeError(f"{out}: {spec.name} reads features of {spec.of}, and none were given (--features)")
        with lease(device, spec.uses_gpu):
            extract_of_features(
                below, out, network=network, texts=said, weights=weights, device=device, precision=precision
            )
        return
    # beside the features: the system's own folder may be small
    with tempfile.TemporaryDirectory(prefix=".clips-", suffix=".tmp", dir=out.parent) as folder:
        name, clips = _clips_of(asked, clips, videos, Path(folder), workers)
        there = [partners] if partners else []
        if spec.pair and videos is not None and pairs is not None and not _whole(there, GROUP):
            partners = Path(folder, "partners.h5")
            make_partner_clips_file(
                clips, partners, videos=videos, asked=asked, pairs=pairs, trim=network.trim, workers=workers
            )
        with lease(device, spec.uses_gpu):  # the first to start CUDA is the network, inside
            extract(
                clips,
                out,
                name=name,
                network=network,
                texts=said,
                partners=partners,
                weights=weights,
                device=device,
                precision=precision,
                workers=workers,
                progress=progress,
            )


def make_partner_clips_file(
    clips: Sequence[Path],
    out: Path,
    *,
    videos: Path,
    asked: Asked | None,
    pairs: Path,
    trim: bool,
    workers: int,
) -> None:
    """Decode the same frames of the partner of each of a shard's videos. clips: the shard's, in one file.

    asked: which of the clips, where the file holds those of several specs; with it, clips that are not there, or
    damaged, are made once more, here. pairs: of the shard. trim: partners may be of another length.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clips-", suffix=".tmp", dir=out.parent) as folder:
        name, clips = _clips_of(asked, clips, videos, Path(folder), workers)
        if len(clips) != 1:
            raise VidgaugeError(f"{out}: the clips of {videos} are wanted in one file, {len(clips)} were given")
        make_partner_clips(clips[0], name, read_shard(videos)[0], read_pairs(pairs), out, trim=trim, workers=workers)


def _clips_of(
    asked: Asked | None, clips: Sequence[Path], videos: Path | None, folder: Path, workers: int
) -> tuple[str | None, Sequence[Path]]:
    """The name of the clips that are asked for, and the files that hold them: those given, or one made in `folder`."""
    if asked is None:
        return None, clips
    name = layout.clips_name(asked.spec, seed=asked.seed, draws=asked.draws)
    if videos is not None and not _whole(clips, name):
        clips = [folder / "clips.h5"]
        make_clips_file(videos, [asked], clips[0], workers=workers)
    return name, clips


def _texts(spec: ExtractorSpec, file: Path | None) -> dict[str, str]:
    """The texts of a shard's videos, where the network reads them. VidgaugeError where there are none at all."""
    if not spec.text:
        return {}
    if file is None:
        raise VidgaugeError(f"{spec.name}: reads a text for each video, and none were given (--texts)")
    return read_texts(file)


def _whole(clips: Sequence[Path], name: str) -> bool:
    """Whether there are clips of that name, and their files hold what was written."""
    faults = [(path, hdf5.fault(path) or (None if holds(path, name) else "has no such clips")) for path in clips]
    said = [f"{path} {why}" for path, why in faults if why]
    for words in said:
        print(f"vidgauge: {words}. The clips of this shard are made once more.", file=sys.stderr)
    return bool(clips) and not said
