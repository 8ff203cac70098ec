"""VGG16's second fully connected layer against torch-fidelity's numbers, and archives with NVIDIA's call signature."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import load, spec
from vidgauge.specs import Network

KEYS = "keys_torchvision_vgg16.json"
IMAGE = "__image_uint8_nchw"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Network]:
    """The network with the pseudo-weights of a list of tensors, made once for each: that takes seconds."""
    made: dict[bytes, Network] = {}

    def of(listing: Path) -> Network:
        content = listing.read_bytes()
        if content not in made:
            path = pseudo.checkpoint(listing, tmp_path_factory.mktemp("vgg16") / "w.pth")
            made[content] = load("vgg16_fc2", path)
            path.unlink()  # half a gigabyte
        return made[content]

    return of


@pytest.fixture
def hollow() -> dict[str, torch.Tensor]:
    return pseudo.hollow(pseudo.GOLDEN / KEYS)


def noise(n: int, h: int = 40, w: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 1, h, w, 3), np.uint8)


@pytest.mark.golden("net_vgg16_torchfidelity.npz")
def test_golden(golden_file: Path, network: Callable[[Path], Network]) -> None:
    ours = network(pseudo.keys(golden_file, KEYS))
    with np.load(golden_file, allow_pickle=False) as golden:
        cases = [name.removesuffix(IMAGE) for name in golden.files if name.endswith(IMAGE)]
        assert cases
        for case in cases:
            found = ours(golden[case + IMAGE].transpose(0, 2, 3, 1)[:, None])
            assert list(found) == ["fc2_relu", "fc2"]
            for name, rows in found.items():
                pseudo.close(rows, golden[f"{case}__{name}"])


def test_rows_depend_on_the_frame_only(network: Callable[[Path], Network]) -> None:
    """Bit for bit: alone, in another place, and from two threads at once."""
    ours, some = network(pseudo.GOLDEN / KEYS), noise(4)
    with ThreadPoolExecutor(2) as pool:
        whole, mirrored = pool.map(ours, [some, some[::-1]])
    alone = ours(some[1:2])
    for name, rows in whole.items():
        assert rows.shape == (4, 4096)
        assert len(np.unique(rows, axis=0)) == 4
        np.testing.assert_array_equal(mirrored[name][::-1], rows)
        np.testing.assert_array_equal(alone[name], rows[1:2])


@pytest.mark.parametrize("wrong", [noise(2).astype(np.float32), noise(2)[0], noise(2)[..., :1]])
def test_what_are_no_clips_is_refused(network: Callable[[Path], Network], wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .* got \("):
        network(pseudo.GOLDEN / KEYS)(wrong)


def test_wrong_tensors_are_named(hollow: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """The classes, which no array needs, are wanted too: a file without them is not the one that was published."""
    path = tmp_path / "w.pth"
    torch.save({name: tensor for name, tensor in hollow.items() if name != "classifier.6.bias"}, path)
    with pytest.raises(VidgaugeError, match=r"weights of VGG16\. Tensors missing: classifier\.6\.bias\."):
        load("vgg16_fc2", path)
    torch.save({**hollow, "features.1.running_mean": torch.zeros(64)}, path)
    with pytest.raises(VidgaugeError, match=r"Tensors not of this network: features\.1\.running_mean\."):
        load("vgg16_fc2", path)
    torch.save({**hollow, "features.0.bias": torch.zeros(32)}, path)
    with pytest.raises(VidgaugeError, match=r"features\.0\.bias \(32,\) instead of \(64,\)"):
        load("vgg16_fc2", path)


class StandIn(torch.nn.Module):
    """The call signature of NVIDIA's archive on a network of one layer."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = torch.nn.Parameter(torch.linspace(-1, 1, 3 * 4096).view(3, 4096), requires_grad=False)

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        assert x.dtype == torch.float32
        fc2 = (x.mean(dim=[2, 3]) @ self.wide).relu()
        return fc2 if return_features else fc2[:, :1000].softmax(dim=1)


def test_archives(tmp_path: Path) -> None:
    some, path = noise(9, 12, 20), pseudo.scripted(StandIn(), tmp_path / "w.pt")  # more than one batch
    found = load("vgg16_fc2", path, trust=True)(some)
    wanted = StandIn()(torch.from_numpy(some[:, 0]).permute(0, 3, 1, 2).float(), return_features=True)
    assert list(found) == ["fc2_relu"]
    pseudo.close(found["fc2_relu"], wanted.numpy(), 1e-5)
    with pytest.raises(UsageError, match="has no array 'fc2'"):
        load("vgg16_fc2", path, arrays=["fc2"], trust=True)


def test_unknown_archives_are_not_opened_without_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pseudo.scripted(StandIn(), tmp_path / "w.pt")
    monkeypatch.setattr("torch.jit.load", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(VidgaugeError, match=r"w\.pt: is a TorchScript archive, which is a program"):
        load("vgg16_fc2", path)


def test_the_default_is_the_network_of_published_numbers() -> None:
    assert list(spec("vgg16_fc2").weights) == ["vgg16_nvidia", "vgg16_torchvision"]
    assert next(iter(spec("vgg16_fc2").arrays)) == "fc2_relu"
