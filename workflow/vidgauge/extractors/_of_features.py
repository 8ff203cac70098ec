"""The features stage of networks that read features of another one, and texts, instead of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidgauge import extractors
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import loading
from vidgauge.store.features import FeatureArray, FeaturesWriter, Origin, read_array, read_attrs, read_failed
from vidgauge.store.seal import sealed

if TYPE_CHECKING:
    from vidgauge.extractors.own import NetworkAsked
    from vidgauge.specs import Network, Precision

VIDEOS = 64
"""Videos in one call of the network. Rows do not depend on it."""


def extract_of_features(
    below: Path,
    out: Path,
    *,
    network: NetworkAsked,
    texts: Mapping[str, str],
    weights: Path | None,
    device: str,
    precision: Precision,
) -> None:
    """Write the features file of a shard, one row a video, from that of the extractor that the network reads.

    texts: by video id. Frames that clips share count once. Raises VidgaugeError as `loading` does, and where `below` is
    of another network.
    """
    from vidgauge.extractors.run import attrs_of, columns_of, not_finite, ran_on, wrong_rows

    spec = loading.spec_of(network)
    about = read_attrs(below)
    if about["extractor"] != spec.of:
        raise VidgaugeError(f"{below}: is of {about['extractor']}, {spec.name} reads features of {spec.of}")
    features = read_array(below, next(iter(extractors.spec(spec.of).arrays)))
    file = loading.weights_asked(network, weights)
    arrays = loading.arrays_asked(spec, file, network.arrays)
    run = loading.built(spec, file, device=device, precision=precision, arrays=list(arrays), trust=network.trusted)
    names, rows, starts = _by_video(features)
    said = [texts.get(name, "").strip() for name in names]
    found = _answers(run, rows, said, features.values.shape[1])
    for name in arrays:
        if (bad := wrong_rows(found[name], spec.arrays[name], said)).any():
            raise not_finite(names[int(bad.argmax())], f"{spec.name}: {name}")
    attrs = {**attrs_of(spec, file, about), "precision": precision, **columns_of(spec, arrays)}
    origin = Origin(np.array(names, dtype=object), np.zeros(len(names), np.int64), np.array(starts, np.int64))
    with (
        sealed(out) as temporary,
        FeaturesWriter(temporary, attrs=attrs, failed=read_failed(below)) as writer,
    ):
        for name in arrays:
            writer.create(name, origin, found[name].shape[1])
            writer.append(name, found[name])
        writer.attrs.update(ran_on(run, (1, 1, 1)) if names else {})


def _by_video(features: FeatureArray) -> tuple[list[str], list[np.ndarray], list[int]]:
    """Videos, the rows (n, d) of each in the order of time, and the first frame of each."""
    names, rows, starts = [], [], []
    changes = np.flatnonzero(features.video[1:] != features.video[:-1]) + 1 if len(features) else np.array([], int)
    for first, end in zip([0, *changes.tolist()], [*changes.tolist(), len(features)], strict=True):
        if end > first:
            times, place = np.unique(features.start[first:end], return_index=True)
            names.append(str(features.video[first]))
            rows.append(features.values[first:end][place])
            starts.append(int(times[0]))
    return names, rows, starts


def _answers(run: Network, rows: Sequence[np.ndarray], texts: Sequence[str], width: int) -> dict[str, np.ndarray]:
    call: Any = run
    steps = range(0, len(rows), VIDEOS)
    parts = [call(rows[at : at + VIDEOS], texts[at : at + VIDEOS]) for at in steps]
    if not parts:  # to know the widths
        parts = [{name: found[:0] for name, found in call([np.zeros((2, width), np.float32)], ["a"]).items()}]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
