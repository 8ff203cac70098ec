"""Metrics as others compute them, which vidgauge is measured against: the same numbers, and the same videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vidgauge
from benchmarks.performance import alone, whole
from tests.make_videos import encode
from vidgauge.presets import presets


def test_the_ten_are_the_presets_of_that_protocol() -> None:
    assert set(alone.PLANS) == {name for name, one in presets().items() if one.protocol == "data-juicer"}
    assert tuple(alone.PLANS) == whole.METRICS
    for name, (archive, length, stride, reduction) in alone.PLANS.items():
        preset = presets()[name]
        assert (preset.weights, preset.clips.frames, preset.clips.stride, preset.reduce) == (
            archive,
            length,
            stride,
            reduction,
        )


@pytest.mark.parametrize("name", ["frechet", "precision_recall"])
def test_numbers_are_those_of_vidgauge(name: str) -> None:
    rng = np.random.default_rng(1)
    ours, theirs = (rng.normal(at, 1, (60, 8)).astype(np.float32) for at in (0.3, 0))
    found = alone.REDUCTIONS[name](ours, theirs)
    wanted = vidgauge.reduce(name, theirs, ours)
    if name == "frechet":
        assert found == pytest.approx(wanted.value, rel=1e-4)
    else:
        assert found == pytest.approx([wanted.values["precision"], wanted.values["recall"]], abs=1 / 60)


def test_samples_are_clips_of_the_length_and_spacing(tmp_path: Path) -> None:
    paths = [encode(tmp_path / f"{number}.mp4", 12) for number in range(2)]
    for anew in (False, True):
        clips = list(alone.samples(paths, 3, 4, 2, anew=anew))
        assert [clip.shape for clip in clips] == [(4, 240, 320, 3)] * 3


def test_sharing_saves_passes_of_all_but_what_one_metric_alone_rests_on() -> None:
    apart, together = whole.passes_alone(), whole.passes_together()
    assert apart["i3d_styleganv", 16] == 2 * together["i3d_styleganv", 16] == 8
    assert apart["i3d_styleganv", 128] == together["i3d_styleganv", 128] == 2
    assert apart["vgg16_nvidia", 1] == together["vgg16_nvidia", 1]
