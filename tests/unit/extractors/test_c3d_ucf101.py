"""C3D on UCF-101, by stand-ins for its archive: what it is called with, what it must give, and that it needs trust."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.extractors import pseudo
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load
from vidgauge.specs import Network


class StandIn(nn.Module):
    """Called as the published archive is: pixels 0..255 of any size in, class probabilities out."""

    def __init__(self, classes: int = 101) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 6, (16, 3, 3), stride=(1, 2, 2))
        self.fc = nn.Linear(6, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.view(x.size(0), 3, 16, x.size(3), x.size(4))  # fails on what is not contiguous
        return self.fc(self.conv(x / 128 - 1).mean([2, 3, 4])).softmax(1)


class Echo(nn.Module):
    """Says what it was given: colour, frame, row and column of the largest value, that value, and the sum of all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        place = flat.argmax(1)
        h, w = x.size(3), x.size(4)
        parts = [place // (16 * h * w), place // (h * w) % 16, place // w % h, place % w, flat.amax(1), flat.sum(1)]
        return nn.functional.pad(torch.stack([part.float() for part in parts], 1), [0, 95])


def clips(b: int = 3, t: int = 16, h: int = 20, w: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (b, t, h, w, 3), np.uint8)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return pseudo.scripted(StandIn(), tmp_path_factory.mktemp("c3d") / "c3d.pt")


@pytest.fixture(scope="module")
def network(archive: Path) -> Network:
    return load("c3d_ucf101", weights=archive, trust=True)


def test_agrees_with_the_archive_called_plainly(network: Network) -> None:
    torch.manual_seed(0)
    model = StandIn().eval()
    with torch.inference_mode():
        wanted = model(torch.from_numpy(clips()).permute(0, 4, 1, 2, 3).float().contiguous()).numpy()
    found = network(clips())["probabilities"]
    pseudo.close(found, wanted, 1e-5)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def test_what_the_archive_is_given(tmp_path: Path) -> None:
    """Colour, time, height and width in that order, and the pixels as they are."""
    network = load("c3d_ucf101", weights=pseudo.scripted(Echo(), tmp_path / "echo.pt"), trust=True)
    clip = np.zeros((1, 16, 20, 30, 3), np.uint8)
    clip[0, 7, 11, 25, 2] = 255
    assert network(clip)["probabilities"][0, :6].tolist() == [2, 7, 11, 25, 255, 255]


def test_rows_depend_on_nothing_but_the_clip(network: Network) -> None:
    """Bit for bit: in any place, among others, in the first call and later ones, and from several threads."""
    some = clips(5)
    whole = network(some)["probabilities"]
    order = np.array([3, 0, 4, 2, 1])
    np.testing.assert_array_equal(network(some[order])["probabilities"], whole[order])
    np.testing.assert_array_equal(network(some[4:])["probabilities"], whole[4:])
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(network, [some] * 4):
            np.testing.assert_array_equal(found["probabilities"], whole)


@pytest.mark.parametrize("t", [8, 15, 17])
def test_sixteen_frames_and_no_others(network: Network, t: int) -> None:
    with pytest.raises(ValueError, match="t frames, 16, got"):
        network(clips(1, t))


def test_an_unknown_archive_is_not_opened_without_trust(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(VidgaugeError, match=r"TorchScript archive, which is a program.*trust"):
        load("c3d_ucf101", weights=archive)


def test_other_files_are_refused(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "state.pt")
    with pytest.raises(VidgaugeError, match="is no TorchScript archive"):
        load("c3d_ucf101", weights=tmp_path / "state.pt", trust=True)
    other = load("c3d_ucf101", weights=pseudo.scripted(StandIn(classes=400), tmp_path / "o.pt"), trust=True)
    with pytest.raises(VidgaugeError, match=r"it gives \(2, 400\) for 2 clips, and 101 probabilities"):
        other(clips(1))
