"""What a self-test is asked for: from options to metrics, and what cannot be meant."""

import pytest

from vidgauge.errors import UsageError
from vidgauge.extractors.own import NetworkAsked
from vidgauge.selftest.asked import REDUCTIONS, clip_spec, of_extractor, of_presets
from vidgauge.specs import ClipSpec


def test_an_extractor_alone_gives_its_first_array_of_frames_and_of_clips():
    group = of_extractor(NetworkAsked(name="efficientnet_lite0"), ClipSpec(frames=4), None)
    assert group.network.arrays == ("features", "motion")
    assert [metric.name for metric in group.metrics] == [f"{r} {a}" for a in ("features", "motion") for r in REDUCTIONS]
    assert {metric.array for metric in group.metrics} == {"features", "motion"}


def test_a_clip_of_one_frame_has_no_motion():
    assert of_extractor(NetworkAsked(name="efficientnet_lite0"), ClipSpec(frames=1), None).network.arrays == (
        "features",
    )


def test_an_array_that_is_named():
    group = of_extractor(NetworkAsked(name="efficientnet_lite0"), ClipSpec(), "logits")
    assert {metric.array for metric in group.metrics} == {"logits"} == {*group.network.arrays}


@pytest.mark.parametrize(
    ("name", "clips", "array", "said"),
    [
        ("pixelgrid", {}, None, "did you mean 'pixel_grid'"),
        ("pixel_grid", {}, "frames", "--array: pixel_grid has no array 'frames'; did you mean 'frame'"),
        ("block_motion", {"frames": 2}, None, "needs clips of at least 3 frames, and these have 2"),
        ("efficientnet_lite0", {"frames": 1}, "motion", "motion of efficientnet_lite0 needs clips of 2 or more frames"),
    ],
)
def test_what_does_not_exist_or_does_not_fit(name, clips, array, said):
    with pytest.raises(UsageError) as caught:
        of_extractor(NetworkAsked(name=name), ClipSpec(**clips), array)
    assert said in str(caught.value)


def test_weights_of_another_network():
    with pytest.raises(UsageError, match="i3d_kinetics400 does not take 'i3d_videogp'; did you mean 'i3d_videogpt'"):
        of_extractor(NetworkAsked(name="i3d_kinetics400", weights="i3d_videogp"), ClipSpec(), None)


def test_named_metrics_share_a_pass_where_network_weights_and_clips_are_the_same():
    groups = of_presets(["frechet_frames_lite0", "recommended.motion", "frechet_motion_lite0", "frechet_frames_lite0"])
    assert [[metric.name for metric in group.metrics] for group in groups] == [
        ["frechet_frames_lite0", "frechet_motion_lite0"],
        ["recommended.motion"],
    ]
    assert groups[0].network.arrays == ("features", "motion")
    assert [group.clips.shape for group in groups] == [(160, 160), (224, 224)]


def test_metrics_of_other_weights_do_not_share():
    assert len(of_presets(["recommended.fvd", "cd-fvd.i3d"])) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fvd2048_16", "did you mean"),
        ("aigve.pair_frechet", "compares each video with its own reference"),
        ("clipsim", "judges single videos"),
        ("psnr", "judges single videos"),
    ],
)
def test_metrics_that_cannot_be_tested(name, said):
    with pytest.raises(UsageError, match=said):
        of_presets([name])


@pytest.mark.parametrize(
    "text",
    [
        '{"frames": 8, "size": [96, 128], "fps": 4.5}',
        "frames=8,size=[96, 128],fps=4.5",
        " fps=4.5, frames=8,size=[96,128]",
    ],
)
def test_clip_specs_from_text(text):
    assert clip_spec(text) == ClipSpec(frames=8, size=(96, 128), fps=4.5)


def test_no_text_is_the_default():
    assert clip_spec(None) == ClipSpec()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frame=8", "--clips: frame: unknown key; did you mean 'frames'"),
        ("frames", "--clips: 'frames' has no value"),
        ("frames=two", "--clips: frames: Input should be a valid integer"),
        ("size=64", "--clips: size: 64"),
        ("{frames: 8}", "--clips: is no JSON"),
    ],
)
def test_clip_specs_that_are_none(text, said):
    with pytest.raises(UsageError) as caught:
        clip_spec(text)
    assert said in str(caught.value)
