"""The features stage: the clips of a shard through a network, once for all of its arrays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np

from vidgauge import __version__, extractors
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import loading
from vidgauge.extractors._source import Source, readable, seen_by, source_of
from vidgauge.extractors.own import NetworkAsked
from vidgauge.specs import ArraySpec, ExtractorSpec, Network, Precision, WeightsFile
from vidgauge.store.clips import open_clips
from vidgauge.store.features import FeaturesWriter
from vidgauge.store.seal import sealed
from vidgauge.weights import entry
from vidgauge.wording import counted

Progress = Callable[[int, int], None]
Rows = dict[str, np.ndarray]


def extract(
    clips_paths: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    network: NetworkAsked,
    name: str | None = None,
    texts: Mapping[str, str] | None = None,
    partners: Path | None = None,
    weights: Path | None = None,
    device: str = "auto",
    precision: Precision = "float32",
    workers: int = 1,
    attrs: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the features file of a shard: every array that is asked of the network, in canonical order.

    name: of the clips, where the files hold several. texts: by video id, for networks that read them. partners: the
    clips of the videos' own reference videos, for networks that see pairs; clips without one are left out. weights: a
    file, or the folder where published ones are kept; None: the user's cache folder. workers: threads that
    call the network, each on whole batches; the rows do not depend on how many there are. The next clips are read
    meanwhile. attrs: attributes to add. progress: called with (clips done, clips). Clips files without a clip give zero
    rows of the right widths.
    Raises VidgaugeError: no clips files; files of different clips; a clip in two of them; too few frames for the
    extractor; values that are not finite (the video is named); and what `loading` raises.
    """
    spec = loading.spec_of(network)
    if not clips_paths:
        raise VidgaugeError(
            f"{out}: no clips files were given. The workflow names none only where features are finished: "
            "delete the features file and run again"
        )
    with ExitStack() as stack:
        source = source_of([stack.enter_context(open_clips(path, name)) for path in clips_paths])
        frames = source.shape[0]
        there = extractors.arrays_of(spec, frames)
        if not there:
            raise VidgaugeError(
                f"{clips_paths[0]}: clips have {counted(frames, 'frame')}, {spec.name} needs {spec.input.frames_text}; "
                "set clips.frames accordingly"
            )
        file = loading.weights_asked(network, weights)
        asked = loading.arrays_asked(spec, file, network.arrays)
        arrays = {name: there[name] for name in asked if name in there}
        theirs = stack.enter_context(open_clips(partners)) if partners else None
        source = seen_by(spec, source, texts, theirs)
        failed = [entry for clips in (*source.files, *([theirs] if theirs else [])) for entry in clips.failed]
        first = source.files[0]
        own = {**attrs_of(spec, file, {**first.attrs, "clip_spec": first.spec, "seed": first.spec.get("seed")})}
        if theirs is not None:
            own["partners_digest"] = theirs.attrs["manifest_digest"]
        own |= {"precision": precision, **columns_of(spec, arrays), **(attrs or {})}
        widths = {name: described.width for name, described in arrays.items() if described.width is not None}
        if source.order or len(widths) < len(arrays):
            run = loading.built(
                spec, file, device=device, precision=precision, arrays=list(arrays), trust=network.trusted
            )
        if source.order and (problem := getattr(run, "problem", None)) is not None:
            source, unread = readable(source, problem)
            failed += unread
        if len(widths) < len(arrays):
            widths |= {name: rows.shape[1] for name, rows in run(*source.read(0, 0)).items()}
        temporary = stack.enter_context(sealed(out))
        writer = stack.enter_context(FeaturesWriter(temporary, attrs=own, failed=failed))
        for name, described in arrays.items():
            writer.create(name, source.origin(described.per == "frame"), widths[name])
        if source.order:
            _fill(writer, run, source, arrays, max(1, workers), progress)
            writer.attrs.update(ran_on(run, source.shape))


def _fill(
    writer: FeaturesWriter,
    network: Network,
    source: Source,
    arrays: Mapping[str, ArraySpec],
    workers: int,
    progress: Progress | None,
) -> None:
    whole = getattr(network, "clips_per_call", None)  # absent: the network takes clips one by one as well as together
    step, total = whole(source.shape[0]) if whole else 1, len(source.distinct)
    pieces = ((at, source.read(at, at + step)) for at in range(0, total, step))
    held: dict[int, Rows] = {}  # of distinct clips that may come again: those of the videos at hand
    written = 0
    for at, rows in _in_order(network, pieces, workers):
        done = min(at + step, total)
        for name, described in arrays.items():
            wrong = wrong_rows(rows[name], described, source.texts_of(at, done))
            _refuse_not_finite(wrong, f"{writer.attrs['extractor']}: {name}", source, range(at, done))
        split = {name: np.split(rows[name], done - at) for name in arrays}
        held |= {at + i: {name: split[name][i] for name in arrays} for i in range(done - at)}
        end = source.distinct[done] if done < total else len(source.order)
        for name in arrays:
            writer.append(name, np.concatenate([held[which][name] for which in source.alike[written:end]]))
        video = source.order[end][0] if end < len(source.order) else None
        held = {which: those for which, those in held.items() if source.order[source.distinct[which]][0] == video}
        written = end
        if progress:
            progress(done, total)


def _in_order(
    network: Network, pieces: Iterable[tuple[int, tuple[Any, ...]]], workers: int
) -> Iterator[tuple[int, Rows]]:
    """The network's answers in the order of the pieces. At most 2 * workers pieces are in memory at a time."""
    waiting: deque[tuple[int, Future[Rows]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="network") as pool:
        try:
            for at, seen in pieces:  # read here, while the workers compute
                waiting.append((at, pool.submit(network, *seen)))
                if len(waiting) >= 2 * workers:
                    done, future = waiting.popleft()
                    yield done, future.result()
            for done, future in waiting:
                yield done, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def wrong_rows(rows: np.ndarray, array: ArraySpec, texts: Sequence[str] | None) -> np.ndarray:
    """(n,) whether a row has a number that no network should give. A score may be undefined, for a reason it says.

    texts: of the clips, the same number of rows for each, where the network reads them.
    """
    allowed = np.zeros(rows.shape, bool)
    for number, column in enumerate(array.columns):
        about_text = texts is not None and "text" in column.undefined
        empty = np.repeat([not text for text in texts or ()], len(rows) // max(1, len(texts or ())))
        allowed[:, number] = empty if about_text else bool(column.undefined)
    wrong: np.ndarray = (np.isinf(rows) | (np.isnan(rows) & ~allowed)).any(axis=1)
    return wrong


def _refuse_not_finite(wrong: np.ndarray, name: str, source: Source, clips: Sequence[int]) -> None:
    """wrong: (n,) rows of array `name` for these distinct clips of the source, the same number for each."""
    bad = np.flatnonzero(wrong)
    if len(bad):
        video = source.order[source.distinct[clips[int(bad[0]) * len(clips) // len(wrong)]]][0]
        raise not_finite(video, name)


def not_finite(video: str, name: str) -> VidgaugeError:
    """The error for a video of which array `name` holds what no network should give."""
    return VidgaugeError(
        f"{video}: NaN or infinity in {name}. Half precision overflows sooner than precision: float32; "
        "where float32 gives them, look at the network or leave the video out"
    )


def columns_of(spec: ExtractorSpec, arrays: Iterable[str]) -> dict[str, Any]:
    """The attribute that names the columns of arrays of scores; nothing where there are none."""
    columns = {name: [column.name for column in spec.arrays[name].columns] for name in arrays}
    named = {name: those for name, those in columns.items() if those}
    return {"columns": named} if named else {}


def attrs_of(spec: ExtractorSpec, weights: WeightsFile | None, about: Mapping[str, Any]) -> dict[str, Any]:
    """What every features file says. about: what there is to say of the clips."""
    packages = {name: version_of(name) for name in ("numpy", *spec.libraries)}
    return {
        "extractor": spec.name,
        "version": spec.version,
        **weights_attrs(spec, weights),
        # of the seed: None where the clip spec makes no draw: such clips are shared by evaluations of any seed
        **{key: about.get(key) for key in ("clips", "clip_spec", "manifest_digest", "seed")},
        "device": None,  # these two are known once a network has run
        "batch_shape": None,
        "versions": {
            "vidgauge": __version__,
            "python": python_version(),
            **packages,
            **(about.get("versions") or {}),
        },
    }


def weights_attrs(spec: ExtractorSpec, weights: WeightsFile | None) -> dict[str, Any]:
    """What every result must be able to say of the weights; all None where the network has none."""
    if weights is None:
        return {"weights": None, "weights_sha256": None, "weights_verified": None, "licence": spec.licence}
    return {
        "weights": weights.name or weights.path.name,
        "weights_sha256": weights.sha256,
        "weights_verified": weights.verified,
        "licence": entry(weights.name).licence if weights.name else spec.licence,
    }


def ran_on(network: Network, shape: tuple[int, int, int]) -> dict[str, Any]:
    """What the last bits of rows depend on; networks without batches and without torch run on any CPU alike."""
    describe = getattr(network, "ran_on", None)
    return describe(shape) if describe else {"device": "cpu", "batch_shape": None}


def version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
