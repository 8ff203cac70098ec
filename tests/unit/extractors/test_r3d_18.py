"""ResNet3D-18: AIGVE's numbers, and rows that repeat bit for bit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors.r3d_18 import EXTRACTOR, preprocess
from vidgauge.specs import Network

LISTING = "keys_torchvision_r3d_18.json"


def clips(b: int = 2, t: int = 2, h: int = 30, w: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (b, t, h, w, 3), np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The pseudo-weights by their listing."""

    @cache
    def written(listing: Path) -> Path:
        return pseudo.checkpoint(listing, tmp_path_factory.mktemp("r3d") / "w.pth")

    return written


@pytest.fixture(scope="module")
def network(weights: Callable[[Path], Path]) -> Network:
    return load("r3d_18", weights=weights(pseudo.GOLDEN / LISTING))


@pytest.mark.parametrize(
    ("extractor", "suffix"), [("r3d_18", ""), ("r3d_18_no_antialias", "_noantialias")], ids=["antialias", "none"]
)
@pytest.mark.golden("net_r3d18_aigve.npz")
def test_golden(golden_file: Path, extractor: str, suffix: str, weights: Callable[[Path], Path]) -> None:
    """What enters the network, and its features."""
    with np.load(golden_file, allow_pickle=False) as golden:
        videos = {name.removesuffix("_video_uint8"): golden[name] for name in golden if name.endswith("_video_uint8")}
        assert videos
        if not any(name.endswith("__feature_512" + suffix) for name in golden):
            pytest.skip(f"{golden_file} has no values without antialias")
        network = load(extractor, weights=weights(pseudo.keys(golden_file, LISTING)), arrays=["features"])
        for shape in {video.shape for video in videos.values()}:
            names = [name for name, video in videos.items() if video.shape == shape]
            some = np.stack([videos[name] for name in names])
            entering = preprocess(torch.from_numpy(some), antialias=not suffix).transpose(1, 2)  # (B, T, 3, H, W)
            for name, x, row in zip(names, entering, network(some)["features"], strict=True):
                pseudo.close_subsampled(x.contiguous().numpy(), golden, f"{name}__preprocess{suffix}", 1e-5)
                pseudo.close(row, golden[f"{name}__feature_512{suffix}"])


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(300, 260), (64, 80), (224, 224)])
def test_preprocessing_is_torchvisions(size: tuple[int, int], antialias: bool) -> None:
    from torchvision.transforms import Compose, Normalize, Resize

    clip = torch.from_numpy(clips(1, 2, *size))
    theirs = Compose([Resize((224, 224), antialias=antialias), Normalize([0.5] * 3, [0.5] * 3)])
    wanted = theirs(clip[0].permute(0, 3, 1, 2) / 255)
    found = preprocess(clip, antialias=antialias)[0].transpose(0, 1)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_logits_are_the_classifiers(network: Network, weights: Callable[[Path], Path]) -> None:
    """The golden features come without class scores, which are one matrix away."""
    state = torch.load(weights(pseudo.GOLDEN / LISTING), weights_only=True)
    found = network(clips(1))
    wanted = found["features"].astype(np.float64) @ state["fc.weight"].double().numpy().T + state["fc.bias"].numpy()
    pseudo.close(found["logits"], wanted, 1e-5)


def test_shapes(network: Network) -> None:
    found = network(clips())
    assert {name: (rows.shape, rows.dtype) for name, rows in found.items()} == {
        "features": ((2, 512), np.float32),
        "logits": ((2, 400), np.float32),
    }


def test_rows_depend_on_nothing_but_the_clip(network: Network) -> None:
    """Bit for bit: in any place, beside another clip or none, and from several threads."""
    assert EXTRACTOR.batch > 1
    some = clips()
    whole = network(some)["logits"]
    np.testing.assert_array_equal(network(some[::-1])["logits"], whole[::-1])
    np.testing.assert_array_equal(network(some[1:])["logits"], whole[1:])
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(network, [some, some]):
            np.testing.assert_array_equal(found["logits"], whole)


def test_bfloat16_is_near_and_not_equal(network: Network, weights: Callable[[Path], Path]) -> None:
    half = load("r3d_18", weights=weights(pseudo.GOLDEN / LISTING), precision="bfloat16")(clips(1))["features"]
    exact = network(clips(1))["features"]
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05 * np.abs(exact).max()


def missing(state: dict[str, torch.Tensor]) -> None:
    del state["layer2.0.downsample.0.weight"]


def extra(state: dict[str, torch.Tensor]) -> None:
    state["layer5.0.weight"] = torch.zeros(1)


def misshaped(state: dict[str, torch.Tensor]) -> None:
    state["fc.weight"] = torch.zeros(700, 512)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, r"missing: layer2\.0\.downsample\.0\.weight"),
        (extra, r"not of this network: layer5\.0\.weight"),
        (misshaped, r"fc\.weight \(700, 512\) instead of \(400, 512\)"),
    ],
)
def test_wrong_weights_are_refused(
    weights: Callable[[Path], Path], tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str
) -> None:
    state = torch.load(weights(pseudo.GOLDEN / LISTING), weights_only=True)
    spoil(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match=message):
        load("r3d_18", weights=tmp_path / "w.pth")


def test_wrong_clips_are_refused(network: Network) -> None:
    for wrong in (clips().astype(np.float32), clips()[0], clips(t=1)):
        with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8"):
            network(wrong)


def test_results_say_what_they_do_not_compare_with() -> None:
    assert EXTRACTOR.note is not None
    assert "AIGVE" in EXTRACTOR.note
    assert "no distance on it is an FVD" in EXTRACTOR.note


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello\n", r"without running it \(\w+\);"),
        (b"<!DOCTYPE html><html>", "looks like a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS"),
        (b"", "without running it"),
        (pickle.dumps(Path("x"), protocol=2), "without running it"),
    ],
)
def test_files_that_are_no_checkpoint_are_one_sentence(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(VidgaugeError, match=why) as caught:
        load("r3d_18", tmp_path / "w.pth")
    assert "weights_only" not in str(caught.value)
