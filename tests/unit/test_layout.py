"""Names of folders: readable, and different where what they stand for differs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vidgauge import extractors, layout
from vidgauge.layout import asked, clips_name, extractor_name, resolved
from vidgauge.specs import ClipSpec

SIDES = st.integers(1, 4096)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "frames": st.integers(1, 300),
    "stride": st.integers(1, 30),
    "fps": st.none() | st.floats(0.1, 240, allow_nan=False) | st.sampled_from([8, 24, 29.97, 30000 / 1001, 30]),
    "max_seconds": st.none() | st.floats(0.1, 1e4, allow_nan=False),
    "min_frames": st.none() | st.integers(1, 9000),
    "start": st.sampled_from(["random", "each", "first", "center"]),
    "short": st.sampled_from(["reject", "loop", "pad"]),
    "size": SIDES | st.tuples(SIDES, SIDES) | st.just("native"),
    "resize": st.sampled_from(["bilinear", "bicubic", "area", "lanczos"]),
    "antialias": st.booleans(),
    "backend": st.sampled_from(["swscale", "cv2", "pil", "torch"]),
    "rounding": st.sampled_from(["nearest", "truncate"]),
    "crop": st.sampled_from(["none", "center", "center_first", "pad"]),
    "matrix": st.sampled_from(["auto", "bt601", "bt709"]),
}


def spec_of(keys: dict[str, Any]) -> ClipSpec | None:
    """The clip spec, or None where its keys contradict each other."""
    try:
        return ClipSpec(**keys)
    except ValidationError:
        return None


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[ClipSpec, ClipSpec]:
    """Two clip specs that differ in one key, the hardest to tell apart."""
    keys = draw(st.fixed_dictionaries({}, optional=FIELDS))
    key = draw(st.sampled_from(sorted(FIELDS)))
    one, other = spec_of(keys), spec_of(keys | {key: draw(FIELDS[key])})
    assume(one is not None and other is not None and one != other)
    assert one is not None
    assert other is not None
    return one, other


def test_every_key_of_a_clip_spec_is_tried_here() -> None:
    assert {*FIELDS, "clips_per_video"} == set(ClipSpec.model_fields)  # draws stand for clips_per_video


def test_clip_names_are_readable() -> None:
    def stem(draws: int = 1, **keys: Any) -> str:
        name, digest = clips_name(ClipSpec(**keys), seed=42, draws=draws).rsplit("-", 1)
        assert re.fullmatch("[0-9a-f]{8}", digest)
        return name

    assert stem() == "16f-s1-224x224-random-seed42"
    assert stem(frames=8, stride=3, size=(96, 128)) == "8f-s3-96x128-random-seed42"
    assert stem(fps=24, draws=4) == "16f-s1-24fps-224x224-random4-seed42"
    assert stem(frames=1, size="native", start="each", draws=256) == "1f-s1-native-each256-seed42"
    assert stem(fps=29.97, size=112, crop="center", start="center") == "16f-s1-29.97fps-112x112-center"


@settings(deadline=None, derandomize=True)
@given(neighbours(), st.integers(0, 2**31), st.integers(1, 64))
def test_different_specs_have_different_names(specs: tuple[ClipSpec, ClipSpec], seed: int, draws: int) -> None:
    names = [clips_name(spec, seed=seed, draws=draws) for spec in specs]
    assert names[0] != names[1]
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", name) and len(name) < 100 for name in names)


@settings(deadline=None, derandomize=True)
@given(st.fixed_dictionaries({}, optional=FIELDS), st.integers(0, 2**31), st.integers(1, 64))
def test_one_spec_has_one_name_however_it_is_written(keys: dict[str, Any], seed: int, draws: int) -> None:
    spec = spec_of(keys)
    assume(spec is not None)
    assert spec is not None
    full = ClipSpec.model_validate(spec.model_dump(mode="json"))
    assert clips_name(full, seed=seed, draws=draws) == clips_name(spec, seed=seed, draws=draws)


@pytest.mark.parametrize("start", ["random", "each", "first", "center"])
def test_the_seed_is_named_only_where_a_draw_is_made(start: Any) -> None:
    spec = ClipSpec(start=start)
    one, other = (clips_name(spec, seed=seed, draws=1) for seed in (1, 2))
    drawn = start in ("random", "each")
    assert (one != other) == drawn
    assert ("seed" in one) == drawn
    assert resolved(spec, seed=1, draws=1)["seed"] == (1 if drawn else None)


def test_draws_are_named_and_how_they_were_asked_for_is_not() -> None:
    auto, fixed = ClipSpec(), ClipSpec(clips_per_video=4)
    assert clips_name(auto, seed=1, draws=4) == clips_name(fixed, seed=1, draws=4)
    assert clips_name(auto, seed=1, draws=4) != clips_name(auto, seed=1, draws=2)
    assert resolved(auto, seed=1, draws=4)["clips_per_video"] == 4


def test_every_start_is_the_same_for_all_seeds() -> None:
    every = ClipSpec(start="each", clips_per_video="all")
    assert clips_name(every, seed=1, draws=8) == clips_name(every, seed=2, draws=8)
    assert resolved(every, seed=1, draws=8)["seed"] is None
    some = ClipSpec(start="each", clips_per_video=8)
    assert clips_name(some, seed=1, draws=8) != clips_name(some, seed=2, draws=8)


def test_resolved_holds_every_key_but_those_that_came_later_and_are_not_used() -> None:
    later = {"min_frames": 20, "rounding": "truncate"}
    full = resolved(ClipSpec(backend="torch", **later), seed=1, draws=1)
    assert set(full) == {*ClipSpec.model_fields, "seed"}
    assert set(resolved(ClipSpec(), seed=1, draws=1)) == set(full) - set(later)


def test_names_from_before_the_later_keys_stay() -> None:
    assert clips_name(ClipSpec(), seed=42, draws=1) == "16f-s1-224x224-random-seed42-1aea2083"
    spec = ClipSpec(frames=8, fps=12.5, size=64, crop="center", start="first")
    assert clips_name(spec, seed=42, draws=1) == "8f-s1-12.5fps-64x64-first-e7c55f9a"
    pillow = ClipSpec(frames=8, size=64, crop="center", backend="pil")  # its rounding has changed since
    assert clips_name(pillow, seed=42, draws=1) != "8f-s1-64x64-random-seed42-a1930dc0"


def test_versions_are_in_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, network = ClipSpec(), extractors.spec("pixel_grid")
    clips, features = clips_name(spec, seed=1, draws=1), extractor_name(network, "float32", None)
    monkeypatch.setattr(layout, "CLIPS_VERSION", layout.CLIPS_VERSION + 1)
    assert clips_name(spec, seed=1, draws=1) != clips
    assert extractor_name(network, "float32", None) == features
    monkeypatch.setattr(layout, "FEATURES_VERSION", layout.FEATURES_VERSION + 1)
    assert extractor_name(network, "float32", None) != features


def test_extractor_names() -> None:
    grid, lite0 = extractors.spec("pixel_grid"), extractors.spec("efficientnet_lite0")
    version = layout.FEATURES_VERSION
    assert extractor_name(replace(grid, version=3), "float16", None) == f"pixel_grid-float16-noweights-v3.{version}"
    named = extractor_name(lite0, "tf32", "0123456789abcdef", ("features", "logits"))
    assert named == f"efficientnet_lite0-tf32-01234567-v{lite0.version}.{version}"


def test_arrays_on_demand_are_named() -> None:
    inception = extractors.spec("inception_2015")
    usual = [name for name, array in inception.arrays.items() if not array.on_demand]

    def named(*arrays: str) -> str:
        return extractor_name(inception, "float32", "0" * 64, arrays).split("-float32")[0]

    assert named(*usual) == named() == "inception_2015"
    assert named(*usual, "64", "192") == "inception_2015+64+192"
    assert named("64", "192") == "inception_2015-64+192"


def test_extractor_names_differ_in_all_that_changes_features() -> None:
    lite0 = extractors.spec("efficientnet_lite0")
    changed = [
        (lite0, "float32", "1" * 64),
        (lite0, "bfloat16", "1" * 64),
        (lite0, "float32", "0" * 64),
        (lite0, "float32", None),
        (replace(lite0, version=lite0.version + 1), "float32", "1" * 64),
        (replace(lite0, name="other"), "float32", "1" * 64),
    ]
    assert len({extractor_name(*given) for given in changed}) == len(changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys", [{}, {"start": "random", "clips_per_video": 3}, {"start": "each"}, {"size": "native", "fps": 8.0}]
)
@pytest.mark.parametrize("every", [False, True])
def test_a_stored_clip_spec_is_read_back(keys: dict[str, Any], every: bool) -> None:
    of = ClipSpec(**keys, **({"start": "each", "clips_per_video": "all"} if every and not keys else {}))
    draws = of.clips_per_video if isinstance(of.clips_per_video, int) else 4
    native = {"native": [48, 64]} if of.size == "native" else {}
    found = asked({**ClipSpec().model_dump(mode="json"), **resolved(of, seed=9, draws=draws), **native})
    again = clips_name(found.spec, seed=found.seed, draws=found.draws)
    assert again == clips_name(of, seed=9, draws=draws)
    assert found.native == (tuple(native["native"]) if native else None)
