"""The settings of named metrics, written down once more from what the tools do: a slip in a YAML file shows here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import stand_ins
from vidgauge.media.sampling import clip_indices
from vidgauge.media.spread import uniform_floor
from vidgauge.presets import presets

KNOWN = stand_ins.known()

# Of each protocol: height and width or the shorter side, library that resizes, crop, clips' start, samples of clips and
# frames, those of the reference, divisor of Fréchet covariances (n - ddof).
CV2 = {"size": (240, 320), "backend": "cv2", "antialias": False, "crop": "none", "matrix": "bt601"}
TOOLS: dict[str, dict[str, Any]] = {
    "aigve": {"size": "native", "start": "first", "frames": 20, "samples": {None}, "ddof": {None}},
    "cd-fvd": {
        "size": {256, 128},
        "crop": {"center", "center_first"},
        "start": "random",
        "samples": {2048},
        "ddof": {0},
    },
    "clean-fid": {"size": "native", "start": "each", "frames": 1, "samples": {None}, "ddof": {1, None}},
    "data-juicer": CV2 | {"start": "each", "samples": {2048, 50000}, "ddof": {0, None}},
    "data-juicer-compat": CV2 | {"samples": {2048, 50000}, "ddof": {0, None}},
    "stylegan-v": {
        "size": 256,
        "crop": "center",
        "resize": "lanczos",
        "backend": "pil",
        "samples": {2048, 50000},
        "ddof": {0, None},
    },
    "torch-fidelity": {"size": "native", "start": "each", "frames": 1, "samples": {None}, "ddof": {1, None}},
    "videogpt": {"size": "native", "start": "first", "frames": 16, "samples": {None}, "ddof": {1}},
}
WEIGHTS = {
    ("data-juicer", "data-juicer-compat", "stylegan-v"): {
        "i3d_styleganv",
        "c3d_ucf101",
        "inception_nvidia",
        "vgg16_nvidia",
    },
    ("cd-fvd",): {"i3d_videogpt", "videomae2_vitg_ssv2"},
    ("clean-fid",): {"inception_pytorch_fid"},
    ("torch-fidelity",): {"inception_pytorch_fid", "vgg16_torchvision"},
    ("videogpt",): {"i3d_videogpt", "i3d_styleganv"},
    ("aigve",): {"r3d_18", "inception_v3_torchvision"},
}
LENGTHS = {"_128f_subsample8f": (16, 8), "_128f": (128, 1), "_16f": (16, 1), "len128": (128, 1)}


@pytest.mark.parametrize(
    "name", sorted(name for name, of in presets().items() if of.protocol in TOOLS and of.reduce != "mean")
)
def test_settings_of_the_tool(name: str) -> None:
    metric, definition = KNOWN[name], presets()[name]
    clips, wanted = definition.clips, dict(TOOLS[definition.protocol])
    ddof = definition.options.get("ddof", 0) if definition.reduce == "frechet" else None
    assert ddof in wanted.pop("ddof")
    assert definition.samples in wanted.pop("samples")
    for key, value in wanted.items():
        found = getattr(clips, key)
        assert found in value if isinstance(value, set) else found == value
    length = next((length for text, length in LENGTHS.items() if text in name), None)
    assert length in (None, (clips.frames, clips.stride))
    assert metric.weights in next(names for families, names in WEIGHTS.items() if definition.protocol in families)


def test_frames_of_text_scores() -> None:
    """As the networks' makers prepare them, and squashed, as AIGVE does."""
    clips = {name: presets()[name].clips for name in ("clipsim", "pickscore", "blipsim", "blip_itm", "aigve.clipsim")}
    for name in ("clipsim", "pickscore"):
        assert (clips[name].size, clips[name].crop, clips[name].resize, clips[name].backend) == (
            224,
            "center",
            "bicubic",
            "pil",
        )
    assert (clips["aigve.clipsim"].shape, clips["aigve.clipsim"].backend) == ((224, 224), "cv2")
    assert (clips["aigve.clipsim"].resize, clips["aigve.clipsim"].antialias) == ("bilinear", False)
    assert (clips["blipsim"].shape, clips["blipsim"].resize, clips["blipsim"].crop) == ((384, 384), "bicubic", "none")
    for name in ("clipsim", "pickscore", "blipsim", "aigve.clipsim"):  # every frame
        assert (clips[name].frames, clips[name].start, clips[name].clips_per_video) == (1, "each", "all")


@pytest.mark.parametrize(("name", "start", "frames"), [
    ("videoscore", "spread", 16), ("videoscore_v1_1", "spread", 48), ("videoscore_benchmark", "spread_ends", 16)
])  # fmt: skip
def test_frames_of_videoscore(name: str, start: str, frames: int) -> None:
    found = [of for metric, of in presets().items() if metric.startswith(f"{name}.")]
    assert len(found) == 5
    assert all((of.clips.start, of.clips.frames, of.clips.size) == (start, frames, "native") for of in found)
    for of in found:  # the benchmark takes shorter videos as well, some frames of which it repeats
        assert of.clips.frames_needed == (1 if start == "spread_ends" else frames)
        for length in range(of.clips.frames_needed, 40):
            (taken,) = clip_indices(of.clips, length, seed=0, video_id="a.mp4", draws=[0]).values()
            ends = np.floor(np.linspace(0, length - 1, frames)).astype(int).tolist()
            assert taken == (ends if start == "spread_ends" else uniform_floor(length, frames))


@pytest.mark.parametrize(
    ("text", "scale"), [("kid50k", 1000), ("kvd2048", 1), ("clean-fid.kid", 1), ("fidelity.kid", 1)]
)
def test_which_kernel_distances_are_scaled(text: str, scale: int) -> None:
    found = [definition for name, definition in presets().items() if text in name]
    assert found
    assert all(definition.options.get("scale", 1) == scale for definition in found)


def test_what_a_protocol_does_with_the_reference() -> None:
    """All or as many, and clips at other places."""

    def reference(name: str) -> tuple[Any, Any, Any]:
        definition = presets()[name]
        clips = definition.clips_of(reference=True)
        return definition.samples_of(reference=True), clips.start, clips.frames_needed

    assert reference("fvd2048_16f_compat") == (2048, "random", 16)
    assert reference("fvd2048_128f_subsample8f") == (2048, "each", 121)
    assert reference("cd-fvd.i3d") == (None, "random", 16)
    assert reference("cd-fvd.videomae_frames") == (None, "random", 17)
    assert reference("stylegan-v.fvd2048_16f") == (2048, "random", 16)
    assert reference("stylegan-v.fvd2048_128f_subsample8f") == (2048, "random", 128)
    assert presets()["stylegan-v.fvd2048_128f_subsample8f"].clips.frames_needed == 121
    assert reference("stylegan-v.fid50k_full") == (None, "each", 1)


def test_compat_differs_from_data_juicer_in_what_it_says() -> None:
    for name, definition in presets().items():
        if definition.protocol != "data-juicer":
            continue
        compat = presets()[f"{name}_compat"]
        assert (compat.reduce, compat.extractor, compat.weights, compat.array) == (
            definition.reduce,
            definition.extractor,
            definition.weights,
            definition.array,
        )
        assert compat.clips.model_copy(update={"start": "each", "clips_per_video": "auto"}) == definition.clips
        by_name = definition.clips.frames == 1
        assert (compat.clips.start, compat.samples_by) == (("each", "name") if by_name else ("random", "hash"))
    assert presets()["fid50k_compat"].options == {"weighting": "videos", "fold": "data-juicer"}
    assert presets()["is50k_compat"].options["shuffle_by"] == "torch"
    assert {presets()[name].options["radius"] for name in ("pr50k_3n_compat", "prv2048_3n_16f_compat")} == {"float16"}
