"""LPIPS: the numbers of the lpips package, from torchvision's tensors and the package's heads."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import _lpips, spec
from vidgauge.extractors._alexnet import alexnet_features
from vidgauge.extractors._lpips import LPIPSTrunk, lpips
from vidgauge.extractors._vgg import VGG16
from vidgauge.extractors.lpips_alex import TAPS as ALEX
from vidgauge.extractors.lpips_vgg import TAPS as VGG
from vidgauge.specs import Setup, WeightsFile
from vidgauge.weights import entry, location

Pairs = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
WIDTHS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}
FEATURES = {"alex": alexnet_features, "vgg": lambda: VGG16().features}


def built(net: str, path: Path, name: str | None = None) -> Pairs:
    file = WeightsFile(path, "", name, False, "pickle")
    network: Any = spec(f"lpips_{net}").build(Setup(file, "cpu", "float32", ("scores",)))
    return network


def clips(seed: int, b: int = 2, t: int = 2, h: int = 40, w: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (b, t, h, w, 3), np.uint8)


def random_heads(net: str) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.rand((1, width, 1, 1), generator=draw) / width for width in WIDTHS[net]]


@pytest.fixture(params=["alex", "vgg"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Pairs]:
    """A network of each kind with drawn tensors, trunk and heads: they need no file of others."""
    net = request.param
    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = FEATURES[net]()
    torch.save({f"features.{name}": tensor for name, tensor in features.state_dict().items()}, tmp_path / "w.pth")
    monkeypatch.setattr(_lpips, "_heads", lambda *_: random_heads(net))
    return net, built(net, tmp_path / "w.pth")


@pytest.mark.golden("pairs.npz")
def test_golden(golden_file: Path, tmp_path: Path) -> None:
    heads = location(entry("lpips_alex_heads"), None)
    if not heads.is_file():
        pytest.skip("neither is the lpips package installed, nor were its heads fetched")
    path = pseudo.checkpoint(golden_file.with_name("keys_torchvision_alexnet.json"), tmp_path / "w.pth")
    with np.load(golden_file, allow_pickle=False) as golden:
        found = built("alex", path)(golden["a_uint8"], golden["b_uint8"])["scores"]
        expected = [golden[name].ravel() for name in ("lpips_plain__video_frame", "cmq_lpips__video_frame")]
        np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=0, atol=1e-5)
        assert np.ptp(expected[0]) > 0.01


def test_by_hand(drawn: tuple[str, Pairs], tmp_path: Path) -> None:
    """The formula once more in NumPy, on features that torch's own layers give."""
    net, network = drawn
    a, b = clips(0), clips(1)
    layers = FEATURES[net]()
    state = torch.load(tmp_path / "w.pth", weights_only=True)
    layers.load_state_dict({name.removeprefix("features."): tensor for name, tensor in state.items()})
    expected = np.zeros(4)
    x = (np.stack([a, b]).reshape(8, 40, 48, 3) / 127.5 - 1 - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    y = torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2)
    heads = iter(random_heads(net))
    with torch.inference_mode():
        for number, layer in enumerate(layers):
            y = layer(y)
            if number in (ALEX if net == "alex" else VGG):
                assert isinstance(layer, torch.nn.ReLU)
                level = y.double().numpy()
                unit = level / (np.sqrt((level**2).sum(1, keepdims=True)) + 1e-10)
                apart = ((unit[:4] - unit[4:]) ** 2 * next(heads).numpy()).sum(1)
                expected += apart.mean((1, 2))
    found = network(a, b)["scores"]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], expected, rtol=0.05)  # the mean of the enlarged map is near it
    if net == "alex":  # whose levels have no whole number of places in the frame: then the mean is not kept
        assert (np.abs(found[:, 0] / found[:, 1] - 1) > 1e-6).any()


def test_rows_depend_on_their_pair_only(drawn: tuple[str, Pairs]) -> None:
    """Bit for bit; and nothing is nearer than itself, nor does the order of the two matter."""
    _, network = drawn
    a, b = clips(0, b=3), clips(1, b=3)
    a[1, 0] = b[1, 0]
    found = network(a, b)["scores"]
    assert (found.shape, found.dtype) == ((6, 2), np.float32)
    np.testing.assert_array_equal(network(a[2:], b[2:])["scores"], found[4:])
    np.testing.assert_array_equal(network(a[::-1], b[::-1])["scores"].reshape(3, 2, 2)[::-1].reshape(6, 2), found)
    np.testing.assert_array_equal(found[2], 0)
    assert (np.delete(found, 2, axis=0) > 0).all()
    np.testing.assert_allclose(network(b, a)["scores"], found, rtol=1e-5)
    assert network(a[:0], b[:0])["scores"].shape == (0, 2)


def test_frames_that_are_too_small_have_no_score(drawn: tuple[str, Pairs]) -> None:
    net, network = drawn
    least = {"alex": 31, "vgg": 16}[net]
    assert np.isfinite(network(clips(0, h=least), clips(1, h=least))["scores"]).all()
    assert np.isnan(network(clips(0, h=least - 1), clips(1, h=least - 1))["scores"]).all()
    assert str(least) in spec(f"lpips_{net}").arrays["scores"].columns[0].undefined


def test_layers_are_torchvisions() -> None:
    models = pytest.importorskip("torchvision.models")
    for ours, theirs in ((alexnet_features(), models.alexnet().features), (VGG16().features, models.vgg16().features)):
        kinds = [(type(layer), layer.extra_repr()) for layer in theirs]
        assert [(type(layer), layer.extra_repr()) for layer in ours] == kinds[: len(ours)]


def test_wrong_tensors_are_named(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match=r"weights of LPIPSTrunk\. Tensors missing: features\.0\.bias"):
        built("alex", tmp_path / "w.pth")


def test_heads_are_sought_beside_the_trunk(drawn: tuple[str, Pairs], tmp_path: Path, monkeypatch: Any) -> None:
    """Where the package is not installed; and other files than the package's are refused."""
    net, _ = drawn
    monkeypatch.undo()
    monkeypatch.setattr(import_module("vidgauge.weights.registry"), "find_spec", lambda _: None)
    name = f"lpips_{net}_trunk"
    kept = location(entry(name), tmp_path)
    kept.parent.mkdir()
    (tmp_path / "w.pth").rename(kept)
    with pytest.raises(VidgaugeError, match=rf"lpips_{net}_heads are missing") as caught:
        built(net, kept, name)
    assert str(tmp_path) in str(caught.value)
    heads = location(entry(f"lpips_{net}_heads"), tmp_path)
    heads.parent.mkdir()
    heads.write_bytes(b"other")
    with pytest.raises(VidgaugeError, match=rf"is not lpips_{net}_heads"):
        built(net, kept, name)


def test_half_precision_is_for_the_trunk_only() -> None:
    """Features of bfloat16 are compared in float32."""
    trunk = LPIPSTrunk(alexnet_features(), ALEX).requires_grad_(False)
    pairs = torch.from_numpy(np.stack([clips(0)[0], clips(1)[0]], axis=1))
    with torch.autocast("cpu", torch.bfloat16):
        half = lpips(trunk, random_heads("alex"), pairs)
    exact = lpips(trunk, random_heads("alex"), pairs)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, exact, rtol=0.1, atol=0)
    assert not torch.equal(half, exact)
