"""`vidgauge selftest` from videos to files."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.make_videos import array_file, dataset, spoil
from vidgauge.errors import UsageError
from vidgauge.selftest.command import command
from vidgauge.selftest.damages import DAMAGES

CLIPS = "frames=8,size=[24,24]"


def rising(path: Path, videos: int = 24, length: int = 18) -> Path:
    """Videos that grow lighter, so that the order of frames shows in the coarsest features."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 40, (videos, 1, 24, 24, 3)) + rng.integers(0, 30, (videos, 1, 1, 1, 3))
    return array_file(path, (base + 9 * np.arange(length)[:, None, None, None]).astype(np.uint8))


def run(source: Path, out: Path, *options: str) -> str:
    result = CliRunner().invoke(command, [str(source), "--out", str(out), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*options: str) -> str:
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(command, list(options), catch_exceptions=False)
    return str(caught.value)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("selftest")
    source = rising(folder / "rising.npy")
    return folder, run(source, folder / "out", "--extractor", "pixel_grid", "--clips", CLIPS)


def found(folder: Path, out: str = "out"):
    return json.loads((folder / out / "selftest.json").read_text())


def verdicts(content, damage):
    return {metric["metric"]: metric["damages"][damage]["verdict"] for metric in content["metrics"]}


def test_frames_are_blind_to_their_order_and_clips_are_not(done):
    said = verdicts(found(done[0]), "shuffle")
    assert said["frechet frame"] == said["kernel_exact frame"] == said["density_coverage frame"] == "blind"
    assert said["frechet clip"] == said["kernel_exact clip"] == "sees"
    answers = [point["answer"] for point in found(done[0])["metrics"][0]["damages"]["shuffle"]["points"]]
    assert np.abs(answers).max() < 1e-6


def test_the_table_says_the_same(done):
    line = next(line for line in done[1].splitlines() if line.startswith("frechet frame"))
    assert "blind" in line
    assert "these do not see motion: frechet frame, kernel_exact frame, density_coverage frame" in done[1]
    assert "speed 4× was not tried: 0 of 12 videos are long enough" in done[1]
    assert "24 videos are few" in done[1]


def test_every_number_and_setting_is_in_the_file(done):
    content = found(done[0])
    assert content["videos"] == 24
    assert len(content["reference"]) == len(content["damaged"]) == 12
    assert content["networks"][0]["clip_spec"]["frames"] == 8
    assert [one["damage"] for one in content["damages"]] == [damage.name for damage in DAMAGES]
    for metric in content["metrics"]:
        assert {*metric["damages"]} == {damage.name for damage in DAMAGES}
        assert len(metric["splits"]) == content["splits"]
        assert len(metric["damages"]["noise"]["points"]) == 4
        assert [point["amount"] for point in metric["damages"]["speed"]["points"]] == [0.25, 0.5, 1.0]
        assert metric["damages"]["shuffle"]["sentence"].startswith(metric["metric"])


def test_pictures(done):
    with Image.open(done[0] / "out" / "selftest.png") as picture:
        assert picture.size[0] > 1500
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    svg = (done[0] / "out" / "selftest.svg").read_text()
    assert "<svg" in svg
    assert "#0072b2" in svg.lower()


def test_again_with_workers_everything_is_the_same_to_the_byte(done):
    run(done[0] / "rising.npy", done[0] / "again", "--extractor", "pixel_grid", "--clips", CLIPS, "--workers", "3")
    for name in ("selftest.json", "selftest.txt", "selftest.svg", "selftest.png"):
        assert (done[0] / "again" / name).read_bytes() == (done[0] / "out" / name).read_bytes(), name


@pytest.mark.stress
def test_block_motion_sees_the_order(tmp_path):
    dataset(tmp_path / "videos", 16, length=8, height=32, width=32)
    run(tmp_path / "videos", tmp_path, "--extractor", "block_motion", "--clips", "frames=4,size=[32,32]")
    said = verdicts(found(tmp_path, "."), "shuffle")
    assert said["frechet motion"] == said["kernel_exact motion"] == "sees"


def test_named_metrics_of_two_clip_specs(tmp_path, monkeypatch):
    from vidgauge import presets
    from vidgauge.definition import MetricDefinition

    def defined(frames):
        clips = {"frames": frames, "size": [24, 24]}
        return MetricDefinition.model_validate(
            {"reduce": "frechet", "extractor": "pixel_grid", "array": "clip", "clips": clips, "options": {"ddof": 1}}
        )

    known = {"long": defined(8), "single": defined(1)}
    monkeypatch.setattr("vidgauge.selftest.asked.presets", lambda: {**presets.presets(), **known})
    text = run(rising(tmp_path / "a.npy"), tmp_path, "--metric", "long", "--metric", "single")
    content = found(tmp_path, ".")
    assert [metric["metric"] for metric in content["metrics"]] == ["long", "single"]
    assert [one["clip_spec"]["frames"] for one in content["networks"]] == [8, 1]
    assert [metric["options"]["ddof"] for metric in content["metrics"]] == [1, 1]
    assert verdicts(content, "shuffle")["single"] == "not tried"
    assert verdicts(content, "shuffle")["long"] == "sees"
    assert "single: shuffle 12.5 %, 25 %, 50 %, 100 % was not tried: clips have one frame" in text


def test_a_video_that_cannot_be_decoded_is_left_out_and_named(tmp_path):
    videos = dataset(tmp_path / "videos", 18, length=12, height=32, width=32, noise=60)
    spoil(videos[0], videos[0], start=0.3, share=0.4)
    text = run(tmp_path / "videos", tmp_path, "--extractor", "pixel_grid", "--clips", "frames=12,size=[24,24]")
    content = found(tmp_path, ".")
    assert content["videos"] == 17
    assert [Path(bad["path"]).name for bad in content["left_out"]] == ["video_000.mp4"]
    assert "1 video left out (" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give either --extractor NAME or --metric NAME"),
        (["--extractor", "pixel_grid", "--metric", "frechet_motion_lite0"], "give either"),
        (["--metric", "frechet_motion_lite0", "--array", "motion"], "--clips and --array go with --extractor"),
        (["--extractor", "pixelgrid"], "unknown extractor 'pixelgrid'; did you mean 'pixel_grid'?"),
        (["--metric", "frechet_motion_lite"], "did you mean 'frechet_motion_lite0'?"),
    ],
)
def test_what_cannot_be_meant(tmp_path, options, said):
    assert said in refused(str(tmp_path), *options)


def test_too_few_videos(tmp_path):
    said = refused(str(rising(tmp_path / "a.npy", 5)), "--extractor", "pixel_grid", "--clips", CLIPS)
    assert "has 5 videos that can be used, and a self-test needs 16 or more" in said
