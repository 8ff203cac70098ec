"""Every named metric on small real videos, through the real stages, against plain formulas on the same features.

Networks are stand-ins of the same interface: averages over a coarse grid, of clips or of frames. Everything else is the
preset's: clips, draws, samples, arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests import formulas, stand_ins
from tests.make_videos import encode, frames
from tests.pipeline import Evaluated, Row, drop_clips, evaluated
from vidgauge.metric import Metric, metrics
from vidgauge.presets import presets, protocols
from vidgauge.specs import ClipSpec

SHORT = {"real": [20] * 7 + [16, 21, 20, 22, 18], "fake": [20] * 7 + [17, 20, 23, 20]}  # frames of each video
LONG = {"real": [240, 125, 210, 230, 205], "fake": [200, 215, 203, 190, 205]}  # a thousand frames of each set
SUFFIX = {"real": ".mp4", "fake": ".mkv"}  # pairs share the name before it
# of features: stand-ins give no scores, whose own tests are in tests/unit/single and tests/workflow/test_scores.py
KNOWN = {name: metric for name, metric in stand_ins.known().items() if metric.column is None}
RESIZING = {"resize", "antialias", "backend", "rounding", "crop"}


def is_long(metric: Metric) -> bool:
    return metric.definition.clips.span > 100


def define(names: Iterable[str]) -> dict[str, Any]:
    """Presets with stand-ins, and with smaller pictures: thousands of clips would fill the disk."""
    own, others = 5, {False: 16, True: 32}
    return {
        name: stand_ins.definition(metric, own if metric.extractor.name == stand_ins.OWN else others[is_long(metric)])
        for name, metric in ((name, KNOWN[name]) for name in names)
    }


def run(folder: Path, lengths: Mapping[str, list[int]], names: Iterable[str]) -> Evaluated:
    for side, name in enumerate(lengths):
        (folder / name).mkdir(parents=True)
        for number, length in enumerate(lengths[name]):
            clip = frames(length, 36, 48, seed=50 * side + number, noise=8)
            encode(folder / name / f"v{number:02d}{SUFFIX[name]}", clip)
    defined = define(names)
    config = {
        "evaluation": "test",
        "reference": "real",
        "datasets": {name: {"source": str(folder / name)} for name in lengths},
        "metrics": list(defined),
        "define": defined,
        "extractors": stand_ins.networks(folder),
        "bad_videos": {"action": "reject"},
        "shard_size": 5,
        "device": "cpu",
    }
    found = evaluated(config, folder)
    drop_clips(found.config)
    return found


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """All presets but those of long clips, on videos of about 20 frames."""
    return run(tmp_path_factory.mktemp("short"), SHORT, [name for name, metric in KNOWN.items() if not is_long(metric)])


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The presets of long clips, and one that wants a thousand frames."""
    names = [name for name, metric in KNOWN.items() if is_long(metric)]
    return run(tmp_path_factory.mktemp("long"), LONG, [*names, "torch-fidelity.kid"])


Rows = list[tuple[str, int, int]]  # video, draw, frame


def stored(file: Path, array: str) -> tuple[Rows, np.ndarray]:
    """Where the rows of a features file come from, and their values in float64."""
    with h5py.File(file) as opened:
        group = opened[array]
        video = [name.decode() for name in group["video"][()]]
        origin = zip(video, group["draw"][()].tolist(), group["start"][()].tolist(), strict=True)
        return list(origin), group["values"][()].astype(np.float64)


def drawn(metric: Metric, name: str, lengths: list[int]) -> Rows:
    """What a features file must hold of a set, by the preset's rule."""
    side = name == "real"
    spec, samples = metric.definition.clips_of(reference=side), metric.definition.samples_of(reference=side)
    span = (spec.frames - 1) * spec.stride + 1
    needed = spec.min_frames or span
    usable = sum(length >= needed for length in lengths)
    draws = 1
    if spec.start == "each":
        draws = max(lengths)  # no set here has as many as are asked for: each place is taken
    elif spec.start == "random" and spec.clips_per_video == "auto" and samples is not None:
        draws = 2 ** math.ceil(math.log2(samples / usable))
    return formulas.drawn(
        {f"v{number:02d}{SUFFIX[name]}": length for number, length in enumerate(lengths)},
        frames=spec.frames,
        stride=spec.stride,
        needed=needed,
        start=spec.start,
        draws=draws,
        per_frame=metric.array_spec.per == "frame",
        seed=0 if spec.clips_per_video == "all" else formulas.SEED,  # every place is taken, whatever the seed
    )


def taken(metric: Metric, name: str, found: Evaluated, lengths: list[int]) -> tuple[Rows, np.ndarray]:
    """What the metric must take of a set: which samples, and their features."""
    (file,) = found.features(metric.name, name)
    origin, values = stored(file, metrics(found.config)[metric.name].array)
    assert origin == drawn(metric, name, lengths)
    video, draw, start = zip(*origin, strict=True)
    samples = metric.definition.samples_of(reference=name == "real")
    by_name = metric.definition.samples_by == "name"
    rows = formulas.taken_by_name(video, start, samples) if by_name else formulas.taken_by_hash(video, draw, samples)
    return [origin[row] for row in rows], values[rows]


def names_of(rows: Rows) -> list[str]:
    return [Path(video).stem for video, _, _ in rows]


@pytest.mark.parametrize("name", sorted(name for name, metric in KNOWN.items() if not is_long(metric)))
def test_value_is_the_formulas(name: str, short: Evaluated) -> None:
    check(KNOWN[name], short, SHORT)


@pytest.mark.stress
@pytest.mark.parametrize("name", sorted(name for name, metric in KNOWN.items() if is_long(metric)))
def test_value_of_long_clips_is_the_formulas(name: str, long: Evaluated) -> None:
    check(KNOWN[name], long, LONG)


@pytest.mark.stress
def test_a_thousand_frames_are_enough_for_torch_fidelity(long: Evaluated) -> None:
    check(KNOWN["torch-fidelity.kid"], long, LONG)
    assert long.row("torch-fidelity.kid", "fake")["value"] is not None


def test_fewer_are_refused(short: Evaluated) -> None:
    row = short.row("torch-fidelity.kid", "fake")
    assert row["value"] is None
    assert any("undefined: " in text and "subset_size 1000" in text for text in row["warnings"])


def test_samples_of_each_kind(short: Evaluated) -> None:
    """In numbers, candidate and reference: what `drawn` says of every preset."""
    wanted = {
        "fid50k": (220, 237),  # every frame
        "fvd2048_16f": (55, 57),  # every clip once
        "fvd2048_16f_compat": (2048, 2048),  # the same clips again and again
        "cd-fvd.i3d": (2048, 12),  # the reference once
        "cd-fvd.i3d_frames": (2048, 11),  # no folder of 16 frames
        "stylegan-v.fvd2048_16f": (11, 12),  # one of each video
        "frechet_frames_lite0": (176, 192),  # frames of one clip of each video
        "aigve.pair_distance": (10, 10),
    }
    rows = {name: short.row(name, "fake") for name in wanted}
    assert {name: (row["n_candidate"], row["n_reference"]) for name, row in rows.items()} == wanted
    assert any("only 55 of 2048 samples are distinct" in text for text in rows["fvd2048_16f_compat"]["warnings"])
    assert rows["aigve.pair_distance"]["values"] == {"pairs": 10}


@pytest.mark.stress
def test_videos_that_are_long_enough(long: Evaluated) -> None:
    lines = {"stylegan-v.fvd2048_128f_subsample8f": 4, "fvd2048_128f_subsample8f": 5, "fvd2048_128f": 4}
    assert {name: long.row(name, "fake")["videos_reference"] for name in lines} == lines


def check(metric: Metric, found: Evaluated, lengths: Mapping[str, list[int]]) -> None:
    row, definition = found.row(metric.name, "fake"), metric.definition
    ours, candidate = taken(metric, "fake", found, lengths["fake"])
    assert (row["n_candidate"], row["videos_candidate"]) == (len(ours), len(set(names_of(ours))))
    theirs: Rows = []
    reference = None
    if metric.reference:
        theirs, reference = taken(metric, "real", found, lengths["real"])
        assert (row["n_reference"], row["videos_reference"]) == (len(theirs), len(set(names_of(theirs))))
    else:
        assert (row["reference"], row["n_reference"], row["clip_spec_reference"]) == (None, None, None)
    check_row(metric, row, found)
    options = dict(definition.options)
    if metric.reduce.by_video:
        options["videos"] = (names_of(theirs), names_of(ours))
    value, parts = getattr(formulas, definition.reduce)(reference, candidate, **options)
    if math.isnan(value):
        assert row["value"] is None
        return
    exact = definition.reduce in ("precision_recall", "density_coverage", "authenticity")
    tolerance = {"rel": 1e-12} if exact else {"rel": 1e-6}
    assert row["value"] == pytest.approx(value, **tolerance)
    assert row["values"] == pytest.approx(parts, **tolerance)
    assert value != 0 or metric.name == "prv2048_3n_16f_compat"  # which collapses: see docs/protocols.md


def check_row(metric: Metric, row: Row, found: Evaluated) -> None:
    """What the row says of how it was made is what the preset says."""
    definition, used = metric.definition, found.config.define[metric.name]
    assert row["protocol"] == definition.protocol
    assert (row["seed"], row["runs"], row["std"]) == (42, 1, None)
    assert set(row["options"]) == set(metric.reduce.options)
    assert row["options"].items() >= definition.options.items()
    for key, side in (("clip_spec", False), ("clip_spec_reference", True)):
        if row[key] is not None:
            wanted = definition.clips_of(reference=side).model_dump(mode="json")
            changed = {"size": used.model_dump(mode="json")["clips"]["size"]}
            changed["clips_per_video"] = row[key]["clips_per_video"]  # settled; what the files hold is compared above
            assert {name: row[key][name] for name in wanted} == wanted | changed
    clips = set(ClipSpec.model_fields) - (RESIZING if definition.clips.size == "native" else set())
    rest = {"samples", "samples_by", "extractor", "extractor.resize", "extractor.range"}
    rest |= {"weights", "array", "precision", "reduce", *(f"options.{key}" for key in metric.reduce.options)}
    other = {key for key in row["knobs"] if key.startswith("reference.")}
    assert set(row["knobs"]) - other == clips | rest
    assert other >= {f"reference.{key}" for key in definition.reference.clips if metric.reference} - {
        "reference.clips_per_video"
    }


@pytest.mark.parametrize("name", sorted(presets()))
def test_resolves(name: str) -> None:
    """As it is, with no change but a word for weights that nobody vouches for."""
    metric = stand_ins.known()[name]
    assert metric.array in metric.given_arrays
    assert metric.weights in (*metric.extractor.weights, None)
    for sampling in metric.samplings:
        assert metric.extractor.input.takes(sampling.clips.frames)
        assert sampling.clips.frames >= metric.array_spec.min_frames


def test_every_preset_is_in_one_protocol() -> None:
    assert sorted(presets()) == sorted(name for protocol in protocols().values() for name in protocol.metrics)
    assert all(presets()[name].protocol == family for family, of in protocols().items() for name in of.metrics)
