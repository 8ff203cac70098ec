"""Clip specs: contradictions are refused in words that say what to do, and what was made before keeps its name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vidgauge.clipspec import Asked, ClipSpec


def spec(**keys: Any) -> ClipSpec:
    return ClipSpec.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"start": "first", "clips_per_video": 2}, "would repeat one clip; use start: random or each"),
        ({"start": "center", "clips_per_video": "all"}, "would repeat one clip"),
        ({"clips_per_video": "all"}, "use start: each"),
        ({"clips_per_video": "every"}, "auto, or all, got 'every'"),
        ({"min_frames": 15}, "leave it out, or use short: reject and min_frames from 16 on"),
        ({"min_frames": 20, "short": "loop"}, "has no effect"),
        ({"min_frames": 0}, "greater than or equal to 1"),
        ({"size": 64}, "add crop: center"),
        ({"size": 64, "crop": "pad"}, "add crop: center"),
        ({"size": "nativ"}, "or native"),
        ({"size": "native", "crop": "center"}, "crop: no effect with size: native"),
        ({"size": "native", "backend": "pil", "resize": "lanczos"}, "resize, backend: no effect with size: native"),
        ({"size": "native", "antialias": False, "backend": "torch"}, "antialias, backend: no effect"),
        ({"rounding": "truncate"}, "backend: swscale rounds by itself"),
        ({"rounding": "truncate", "backend": "pil"}, "use rounding: nearest, or backend: torch"),
    ],
)
def test_contradictions_are_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        spec(**keys)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "keys",
    [
        {"start": "each", "clips_per_video": "all"},
        {"start": "each", "clips_per_video": 4, "short": "loop"},
        {"min_frames": 16},
        {"size": "native", "matrix": "bt601", "fps": 8},
        {"size": 64, "crop": "center_first"},
        {"size": (48, 64), "crop": "center_first", "backend": "torch", "rounding": "truncate"},
    ],
)
def test_what_makes_sense_is_taken_and_read_back(keys: dict[str, Any]) -> None:
    made = spec(**keys)
    assert ClipSpec.model_validate_json(made.model_dump_json()) == made
    assert ClipSpec.model_validate(made.as_stored()) == made


def test_shapes() -> None:
    assert spec(size=64, crop="center_first").shape == (64, 64)
    with pytest.raises(ValueError, match="that of the videos"):
        _ = spec(size="native").shape
    assert Asked(spec=spec(size="native"), seed=0, draws=1, native=(48, 64)).shape == (16, 48, 64)
    assert Asked(spec=spec(size=(8, 9)), seed=0, draws=1).shape == (16, 8, 9)


def test_frames_needed() -> None:
    assert spec(frames=4, stride=3).frames_needed == 10
    assert spec(frames=4, stride=3, min_frames=12).frames_needed == 12
    assert spec(frames=4, stride=3, short="loop").frames_needed == 1


@pytest.mark.parametrize(("size", "native"), [("native", None), ((48, 64), (48, 64))])
def test_the_size_of_the_videos_goes_with_native_only(size: Any, native: Any) -> None:
    with pytest.raises(ValidationError, match="goes with size: native and with no other"):
        Asked(spec=spec(size=size), seed=0, draws=1, native=native)


def test_what_is_asked_for_reads_as_it_did_before_the_later_keys() -> None:
    """It is a parameter of rules: other words would redo finished features."""
    plain = Asked(spec=spec(frames=4, size=(8, 9), clips_per_video=1), seed=3, draws=1)
    assert plain.model_dump_json() == (
        '{"spec":{"frames":4,"stride":1,"fps":null,"max_seconds":null,"start":"random","clips_per_video":1,'
        '"short":"reject","size":[8,9],"resize":"bilinear","antialias":true,"backend":"swscale","crop":"none",'
        '"matrix":"auto"},"seed":3,"draws":1}'
    )
    for keys in ({"min_frames": 9}, {"rounding": "truncate", "backend": "torch"}, {"size": "native"}):
        native = (48, 64) if "size" in keys else None
        asked = Asked(spec=spec(frames=4, **keys), seed=3, draws=1, native=native)
        assert Asked.model_validate_json(asked.model_dump_json()) == asked
