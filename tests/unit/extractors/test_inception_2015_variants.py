"""Other resizes before Inception of 2015: clean-fid's and pytorch-fid's, and what of the network stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.plain import inception_2015
from tests.unit.extractors import pseudo
from vidgauge.errors import UsageError
from vidgauge.extractors import inception_2015_clean as clean
from vidgauge.extractors import inception_2015_half_pixel as half_pixel
from vidgauge.extractors import load, spec

KEYS = pseudo.GOLDEN / "keys_inception_2015_12_05.json"
RANGES = {clean: 128.0, half_pixel: 127.5}  # grey, and half the range, of what enters the network
VARIANTS = pytest.mark.parametrize("variant", RANGES, ids=lambda module: module.EXTRACTOR.name)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = pseudo.checkpoint(KEYS, tmp_path_factory.mktemp("inception") / "w.pth")
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def plain() -> Callable[[torch.Tensor], dict[str, np.ndarray]]:
    """torch-fidelity's module on (1, 3, 299, 299), read by hooks: the input of its first layer is replaced by ours."""
    module = inception_2015()
    module.load_state_dict(pseudo.tensors(KEYS))
    module.eval()

    def call(x: torch.Tensor) -> dict[str, np.ndarray]:
        seen: dict[str, torch.Tensor] = {}
        hooks = [
            module.Conv2d_1a_3x3.register_forward_pre_hook(lambda *_: (x,)),
            module.Mixed_6d.branch1x1.register_forward_hook(lambda *args: seen.update(branch=args[-1])),
        ]
        with torch.inference_mode():
            (features,) = module(torch.zeros(1, 3, 299, 299, dtype=torch.uint8))
        for hook in hooks:
            hook.remove()
        branch = seen["branch"].numpy()  # (1, 192, 17, 17)
        assert branch.shape == (1, 192, 17, 17)
        return {"2048": features.numpy(), "spatial": branch.transpose(0, 2, 3, 1)[..., :7].reshape(1, -1)}

    return call


def noise(h: int = 40, w: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 1, h, w, 3), np.uint8)


def pillow(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (299, 299, 3) float32, Pillow's bicubic filter on each channel as a float image."""
    from PIL import Image

    channels = [Image.fromarray(frame[..., i].astype(np.float32)) for i in range(3)]
    resized = [np.asarray(channel.resize((299, 299), Image.Resampling.BICUBIC)) for channel in channels]
    return np.stack(resized, axis=-1).clip(0, 255)


@pytest.mark.parametrize("shape", [(40, 60), (512, 640), (299, 450), (299, 299), (1, 1)])
def test_clean_is_pillows_filter(shape: tuple[int, int]) -> None:
    frame = noise(*shape)[0, 0]
    found = clean.resized(torch.from_numpy(frame)[None])[0].permute(1, 2, 0).numpy()
    assert np.abs(found - pillow(frame)).max() < 1e-4  # of 255


@pytest.mark.golden("pre_image_resize.npz")
def test_golden_clean(golden_file: Path) -> None:
    with np.load(golden_file) as golden, np.load(golden_file.with_name("pre_clips.npz")) as videos:
        for name in videos:
            found = clean.resized(torch.from_numpy(videos[name][:1]))[0].permute(1, 2, 0).contiguous().numpy()
            case = f"{name.removesuffix('__video_uint8_thwc')}__cleanfid_clean_299_hwc"
            pseudo.close_subsampled(found, golden, case, 1e-6)


def test_half_pixel_by_hand() -> None:
    """Of a step from 0 to 200 at two columns: positions (i + 0.5) * 2 / 299 - 0.5, between the edges' values."""
    frame = np.zeros((1, 1, 2, 3), np.uint8)
    frame[:, :, 1] = 200
    found = half_pixel.resized(torch.from_numpy(frame))[0, 0, 0].numpy()
    np.testing.assert_allclose(found, 200 * np.clip((np.arange(299) + 0.5) * 2 / 299 - 0.5, 0, 1), atol=1e-3)


@VARIANTS
def test_network_is_torch_fidelitys(variant, weights: Path, plain: Callable[[torch.Tensor], dict]) -> None:
    network = load(variant.EXTRACTOR.name, weights, arrays=["2048", "spatial"])
    network.batches.batch = 1  # type: ignore[attr-defined]
    found = network(noise())
    grey = RANGES[variant]
    expected = plain((variant.resized(torch.from_numpy(noise()[0])) - grey) / grey)
    assert list(found) == ["2048", "spatial"]
    for name, rows in found.items():
        pseudo.close(rows, expected[name], 1e-5)
    assert np.ptp(expected["spatial"]) > 0.1


def test_spatial_of_the_parent(weights: Path, plain: Callable[[torch.Tensor], dict]) -> None:
    """Seven channels of a branch in the middle of the network, flattened from (h, w, channel)."""
    network = load("inception_2015", weights, arrays=["spatial"])
    network.batches.batch = 1  # type: ignore[attr-defined]
    some = noise(299, 299)
    found = network(some)
    expected = plain((torch.from_numpy(some[0]).permute(0, 3, 1, 2).float() - 128) / 128)
    assert {name: rows.shape for name, rows in found.items()} == {"spatial": (1, 2023)}
    pseudo.close(found["spatial"], expected["spatial"], 1e-5)


@VARIANTS
def test_specs_are_the_parents_but_for_the_resize(variant) -> None:
    found, parent = variant.EXTRACTOR, spec("inception_2015")
    assert (found.arrays, found.weights, found.batch, found.version) == (
        parent.arrays,
        parent.weights,
        parent.batch,
        parent.version,
    )
    assert found.input.resize != parent.input.resize
    assert found.source != parent.source


class StandIn(torch.nn.Module):
    """NVIDIA's call: it must get floats of 299 x 299, which its own resize leaves alone, and scales them by itself."""

    def forward(
        self, img: torch.Tensor, return_features: bool = False, use_fp16: bool = False, no_output_bias: bool = False
    ) -> torch.Tensor:
        assert return_features and not use_fp16 and not no_output_bias  # noqa: PT018
        assert img.dtype == torch.float32
        assert img.size(1) == 3 and img.size(2) == 299 and img.size(3) == 299  # noqa: PT018
        x = (img - 128) / 128
        return x[:, :, ::20, ::20].flatten(1)[:, :512].repeat(1, 4)


@VARIANTS
def test_archives_get_resized_floats(variant, tmp_path: Path) -> None:
    archive = pseudo.scripted(StandIn(), tmp_path / "w.pt")
    found = load(variant.EXTRACTOR.name, archive, arrays=["2048"], trust=True)(noise())["2048"]
    grey = RANGES[variant]
    seen = (variant.resized(torch.from_numpy(noise()[0])) - grey) / grey
    pseudo.close(found[:, :512], seen[:, :, ::20, ::20].flatten(1)[:, :512].numpy(), 1e-5)
    with pytest.raises(UsageError, match="no array 'spatial'"):
        load(variant.EXTRACTOR.name, archive, arrays=["spatial"], trust=True)
