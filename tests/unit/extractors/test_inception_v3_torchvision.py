"""torchvision's Inception against torchvision's own module, with AIGVE's two inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.extractors import load, spec
from vidgauge.specs import Network

NAMES = ("inception_v3_torchvision", "inception_v3_torchvision_unscaled")
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
KINDS = {
    "bn.weight": "norm_weight",
    "bn.bias": "norm_bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}


@pytest.fixture(scope="module")
def module() -> torch.nn.Module:
    """torchvision's network with pseudo-weights, auxiliary head and all."""
    from torchvision.models import inception_v3

    made = inception_v3(init_weights=False, transform_input=False)
    made.load_state_dict({name: pseudo_tensor(name, tensor) for name, tensor in made.state_dict().items()})
    return made.eval()


def pseudo_tensor(name: str, like: torch.Tensor) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return like
    kind = next((kind for end, kind in KINDS.items() if name.endswith(end)), name.rsplit(".")[-1])
    return pseudo.tensor("torchvision", name, list(like.shape), kind)


@pytest.fixture(scope="module")
def weights(module: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("inception_v3") / "w.pth"
    torch.save(module.state_dict(), path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def loaded(weights: Path) -> Callable[[str], Network]:
    def one(name: str) -> Network:
        network = load(name, weights)
        network.batches.batch = 1  # type: ignore[attr-defined]
        return network

    return one


def noise(n: int = 1, h: int = 40, w: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 1, h, w, 3), np.uint8)


def aigves_input(name: str, frames: torch.Tensor) -> torch.Tensor:
    """By torchvision's transforms. frames: (B, 3, H, W) uint8."""
    from torchvision.transforms import Normalize, Resize

    resize = Resize((299, 299), antialias=False)
    if name.endswith("unscaled"):
        return Normalize(MEAN, DEVIATION)(resize(frames.float()))
    return Normalize([0.5] * 3, [0.5] * 3)(resize(frames / 255))


@pytest.mark.parametrize("shape", [(40, 60), (320, 400)])
@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torchvision(
    name: str, shape: tuple[int, int], loaded: Callable[[str], Network], module: torch.nn.Module
) -> None:
    found = loaded(name)(noise(1, *shape))
    x = aigves_input(name, torch.from_numpy(noise(1, *shape)[:, 0]).permute(0, 3, 1, 2))
    pooled: list[torch.Tensor] = []
    hook = module.avgpool.register_forward_hook(lambda *args: pooled.append(args[-1]))
    with torch.inference_mode():
        logits = module(x)
    hook.remove()
    pseudo.close(found["logits"], logits.numpy(), 1e-5)
    pseudo.close(found["features"], pooled[0].flatten(1).numpy(), 1e-5)


def test_the_two_inputs_differ(loaded: Callable[[str], Network]) -> None:
    first, second = (loaded(name)(noise())["logits"] for name in NAMES)
    assert np.abs(first - second).max() > 0.1 * np.abs(first).max()


def test_unscaled_values_are_as_large_as_documented() -> None:
    from vidgauge.extractors.inception_v3_torchvision_unscaled import imagenet_unscaled

    black_and_white = torch.tensor([0.0, 255.0]).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    found = imagenet_unscaled(black_and_white)
    assert found.min() == pytest.approx(-0.485 / 0.229)
    assert 1130 < found.max() < 1137
    assert "-2..1130" in spec(NAMES[1]).input.range


def test_rows_depend_on_the_frame_only(weights: Path) -> None:
    network = load(NAMES[0], weights)
    network.batches.batch = 2  # type: ignore[attr-defined]
    some = noise(3)
    whole, turned, alone = network(some), network(some[::-1]), network(some[2:])
    for name, rows in whole.items():
        assert rows.shape == (3, spec(NAMES[0]).arrays[name].width)
        assert len(np.unique(rows, axis=0)) == 3
        np.testing.assert_array_equal(turned[name][::-1], rows)
        np.testing.assert_array_equal(alone[name], rows[2:])


def test_bfloat16_is_near_and_not_equal(weights: Path, loaded: Callable[[str], Network]) -> None:
    half = load(NAMES[0], weights, precision="bfloat16")
    half.batches.batch = 1  # type: ignore[attr-defined]
    exact, found = loaded(NAMES[0])(noise())["features"], half(noise())["features"]
    assert found.dtype == np.float32
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()


@pytest.mark.parametrize("name", NAMES)
def test_results_say_what_they_do_not_compare_with(name: str) -> None:
    note = spec(name).note
    assert note is not None
    assert "AIGVE" in note
    assert "inception score" in note


def test_the_defect_is_named_where_it_is() -> None:
    default = next(iter(spec(NAMES[1]).arrays))
    assert default == "logits"
    assert all("defect" in array.meaning for array in spec(NAMES[1]).arrays.values())
    assert not any("defect" in array.meaning for array in spec(NAMES[0]).arrays.values())
