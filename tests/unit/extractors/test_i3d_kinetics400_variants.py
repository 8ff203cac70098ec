"""Other preprocessings before I3D: common_metrics_on_video_quality's and that of the code FVD was published with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.extractors import i3d_kinetics400_center as center
from vidgauge.extractors import i3d_kinetics400_tf1 as tf1
from vidgauge.extractors import load, spec
from vidgauge.extractors._i3d import I3D

KEYS = pseudo.GOLDEN / "keys_i3d_pretrained_400.json"
VARIANTS = pytest.mark.parametrize("variant", [center, tf1], ids=lambda module: module.EXTRACTOR.name)
VIDEO = "__video_uint8_thwc"


def clips(b: int = 1, t: int = 9, h: int = 24, w: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (b, t, h, w, 3), np.uint8)


def golden_cases(golden_file: Path) -> dict[str, torch.Tensor]:
    """Clips (1, T, H, W, 3) by the names of their cases."""
    with np.load(golden_file.with_name("pre_clips.npz")) as videos:
        return {name.removesuffix(VIDEO): torch.from_numpy(videos[name])[None] for name in videos}


@pytest.mark.golden("pre_common_metrics.npz")
def test_golden_center(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        for case, clip in golden_cases(golden_file).items():
            found = center.preprocessed(clip).numpy()
            pseudo.close_subsampled(found[0], golden, f"{case}__cmvq_styleganv_preprocess_single_cthw", 1e-6)
            pseudo.close_subsampled(found, golden, f"{case}__cmvq_videogpt_preprocess_bcthw", 1e-6)


@pytest.mark.golden("pre_image_resize.npz")
def test_golden_tf1(golden_file: Path) -> None:
    with np.load(golden_file) as golden:
        for case, clip in golden_cases(golden_file).items():
            name = f"{case}__googlefvd_preprocess_tchw"
            frames = int(golden[f"{name}__shape"][0])
            found = tf1.preprocessed(clip)[0, :, :frames].transpose(0, 1).contiguous().numpy()
            pseudo.close_subsampled(found, golden, name, 1e-6)


@pytest.mark.parametrize("upright", [False, True])
def test_center_cuts_both_ends(upright: bool) -> None:
    """Of 224 x 450, columns 113 to 336; and the same of 450 x 224."""
    clip = np.zeros((1, 9, 224, 450, 3), np.uint8)
    clip[:, :, :, 113:337] = 255
    x = torch.from_numpy(clip.swapaxes(2, 3) if upright else clip)
    found = center.preprocessed(x)
    assert found.shape == (1, 3, 9, 224, 224)
    assert found.eq(1).all()


@VARIANTS
def test_clips_of_that_size_are_scaled_only(variant) -> None:
    clip = clips(1, 9, 224, 224)
    found = variant.preprocessed(torch.from_numpy(clip)).numpy()
    np.testing.assert_allclose(found, clip.transpose(0, 4, 1, 2, 3) / 127.5 - 1, atol=1e-6)


@VARIANTS
def test_network_is_the_parents(variant, tmp_path: Path) -> None:
    module = I3D()
    module.load_state_dict(pseudo.tensors(KEYS), strict=False)
    with torch.inference_mode():
        features, logits = module.eval()(variant.preprocessed(torch.from_numpy(clips())).contiguous())
    found = load(variant.EXTRACTOR.name, weights=pseudo.checkpoint(KEYS, tmp_path / "w.pt"))(clips())
    pseudo.close(found["features"], features.numpy(), 1e-5)
    pseudo.close(found["logits"], logits.numpy(), 1e-5)


@VARIANTS
def test_specs_are_the_parents_but_for_the_resize(variant) -> None:
    found, parent = variant.EXTRACTOR, spec("i3d_kinetics400")
    assert (found.arrays, found.weights, found.batch, found.version) == (
        parent.arrays,
        parent.weights,
        parent.batch,
        parent.version,
    )
    assert found.input.min_frames == parent.input.min_frames == 9
    assert found.input.resize != parent.input.resize
    assert found.source != parent.source


class StandIn(torch.nn.Module):
    """The archive's call with its own preprocessing switched off; the batch axis of a single clip is dropped."""

    def forward(
        self, x: torch.Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False
    ) -> torch.Tensor:
        assert return_features and not rescale and not resize, "switches"  # noqa: PT018
        assert x.dim() == 5 and x.size(1) == 3 and x.size(3) == 224 and x.size(4) == 224, "tensor"  # noqa: PT018
        assert x.is_contiguous() and x.dtype == torch.float32, "tensor"  # noqa: PT018
        return x[:, 0, 0].reshape(x.size(0), -1)[:, ::100][:, :400].squeeze(0)


@VARIANTS
@pytest.mark.parametrize("b", [1, 2])
def test_archives_get_what_the_first_layer_wants(variant, b: int, tmp_path: Path) -> None:
    archive = pseudo.scripted(StandIn(), tmp_path / "i3d.pt")
    network: Callable = load(variant.EXTRACTOR.name, weights=archive, trust=True)
    found = network(clips(b))
    assert list(found) == ["logits"]
    expected = variant.preprocessed(torch.from_numpy(clips(b)))[:, 0, 0].reshape(b, -1)[:, ::100][:, :400]
    np.testing.assert_allclose(found["logits"], expected.numpy(), atol=1e-5)
