"""All warnings of a row together: what is asked of whom, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.manifest.test_survey import video
from tests.unit.test_cautions_features import side
from tests.unit.test_evaluate import plan_of
from vidgauge.cautions import cautions
from vidgauge.manifest.survey import survey
from vidgauge.sides import Side


def normal(name: str, n: int = 256, **attrs: Any) -> Side:
    """A set of which nothing bad is to be said, with attributes."""
    found = side(np.random.default_rng(len(name)).normal(size=(n, 24)), name)
    return replace(found, attrs={"weights_sha256": "ab", "precision": "float32", **attrs})


def surveys(first: int = 0, **keys: Any) -> dict[str, Any]:
    """Surveys of the candidate, with other videos, and of the reference."""
    sets = {"mine": [video(first + i, **{"height": 224, "width": 224, **keys}) for i in range(50)]}
    sets["real"] = [video(1000 + i, height=224, width=224) for i in range(50)]
    return {name: survey(videos) for name, videos in sets.items()}


def said(mine: Side, real: Side | None = None, of: dict[str, Any] | None = None, **keys: Any) -> list[str]:
    reduce = keys.pop("reduce", "kernel_exact" if real else "inception_score")
    return cautions(plan_of(reduce, **keys), [mine], [real], of or {})


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    assert said(normal("mine"), normal("real"), surveys()) == []
    assert said(normal("mine"), normal("real")) == []
    assert said(normal("mine"), None, surveys()) == []


@pytest.mark.parametrize(
    ("mine", "real", "counts"),
    [
        (255, 256, "255 in mine"),
        (256, 255, "255 in real"),
        (40, 30, "40 in mine, 30 in real"),
        (256, 256, None),
        (40, None, "40 in mine"),
    ],
)
def test_fewer_than_256_videos_are_told_in_one_sentence(mine: int, real: int | None, counts: str | None) -> None:
    wanted = [f"few videos: {counts}; below 256, intervals are wide and biases large"] if counts else []
    assert said(normal("mine", mine), normal("real", real) if real else None) == wanted


def test_few_videos_are_told_of_the_smallest_run() -> None:
    runs = [normal("mine", 40), normal("mine", 39)]
    texts = cautions(plan_of(runs=2), runs, [normal("real")] * 2)
    assert texts == ["few videos: 39 in mine; below 256, intervals are wide and biases large"]


def test_a_set_of_unknown_videos_is_not_called_small() -> None:
    assert said(replace(normal("mine", 20), attrs={}), normal("real")) == []


@pytest.mark.parametrize(
    ("precision", "text"),
    [
        ("float32", None),
        ("tf32", "features were made in tf32, not in float32: the last digits differ from those of float32"),
        ("bfloat16", "features were made in bfloat16, not in float32: differences of less than 1 % may be rounding"),
        ("float16", "features were made in float16, not in float32: differences of less than 1 % may be rounding"),
    ],
)
def test_a_precision_below_float32_is_told(precision: str, text: str | None) -> None:
    made = {"precision": precision}
    assert said(normal("mine", **made), normal("real", **made)) == ([text] if text else [])
    exact = {**made, "weights_sha256": None}
    assert said(normal("mine", **exact), normal("real", **exact)) == []


def test_files_are_compared_where_both_are_known() -> None:
    slow = surveys(fps=24.0)
    (text,) = said(normal("mine"), normal("real"), slow)
    assert text.startswith("frame rates of the clips differ: mine has 24 (100 %), real has 12 (100 %)")
    assert said(normal("mine"), normal("real"), {"mine": slow["mine"]}) == []
    assert said(normal("mine"), None, slow) == []
    assert said(normal("mine"), normal("real"), slow, clips={"frames": 2, "fps": 8}) == []


def test_samples_of_frames_have_no_speed() -> None:
    frames = side(np.random.default_rng(1).normal(size=(256, 24)), each=2)
    texts = said(frames, normal("real"), surveys(fps=24.0))
    assert not any("frame rates" in text for text in texts)


def test_the_reference_is_held_against_its_own_clips() -> None:
    small = surveys(height=100)
    (enlarged, sizes) = said(normal("mine"), normal("real"), small)
    assert enlarged.startswith("mine: 100 % of the videos are smaller than the clips (224x224)")
    assert sizes.startswith("sizes differ: mine has 224x100")
    plan = plan_of()
    plan["clips"][1]["size"] = [300, 300]
    found = cautions(plan, [normal("mine")], [normal("real")], surveys())
    assert [text.split(" are smaller")[0] for text in found] == ["real: 100 % of the videos"]


def test_the_most_serious_comes_first() -> None:
    mine = normal("mine", 20, precision="bfloat16", weights_verified=False, weights="w.pt", device="cuda")
    mine = replace(mine, failed=[{"video": "bad.mp4"}])
    texts = said(mine, normal("real", 24, device="cpu"), surveys(1000, height=80, codec="vp9"), reduce="frechet")
    begins = [
        "weights not verified: ",
        "mine and real share files: real holds 50 of the 50",
        "20 samples of 24 features: ",
        "few videos: 20 in mine, 24 in real",
        "mine: 1 video that could not be decoded",
        "mine: 100 % of the videos are smaller",
        "sizes differ: ",
        "compression differs: ",
        "features were made in bfloat16",
        "features were made with different device",
    ]
    assert len(texts) == len(begins), texts
    assert all(text.startswith(begin) for text, begin in zip(texts, begins, strict=True)), texts


def test_sentences_do_not_name_the_metric() -> None:
    one, other = (
        said(normal("mine", 30), normal("real"), surveys(height=80), reduce=name) for name in ("kernel", "cmmd")
    )
    assert one == other
    assert len(one) == 3


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("(64, 224, 224, 3)", []),
        (None, []),
        ("(64, 8, 8, 3) and (32, 8, 8, 3), halved from 64", ["(64, 8, 8, 3) and (32, 8, 8, 3), halved from 64"]),
        (["(32, 8, 8, 3), halved from 64", "(64, 8, 8, 3)"], ["(32, 8, 8, 3), halved from 64"]),
    ],
)
def test_batches_that_the_memory_did_not_hold_are_told(shape: str | list[str] | None, told: list[str]) -> None:
    texts = [
        f"mine: the GPU's memory did not hold whole batches ({text}): the last digits may differ from those of a run "
        "with whole ones"
        for text in told
    ]
    assert said(normal("mine", batch_shape=shape), normal("real", batch_shape=shape)) == [
        text.replace("mine:", f"{name}:") for name in ("mine", "real") for text in texts
    ]
