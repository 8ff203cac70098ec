"""Inception of 2015 against torch-fidelity's numbers, and archives with NVIDIA's call signature."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import load, spec
from vidgauge.extractors._inception import Mixed
from vidgauge.extractors._tf1_resize import tf1_bilinear
from vidgauge.specs import Network

KEYS = "keys_inception_2015_12_05.json"
GOLDEN = "net_inception_torchfidelity.npz"
IMAGE = "__image_uint8_nchw"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Path]]:
    """The file of pseudo-weights that a list of tensors asks for, made once for each."""
    made: dict[bytes, Path] = {}

    def of(listing: Path) -> Path:
        content = listing.read_bytes()
        if content not in made:
            made[content] = pseudo.checkpoint(listing, tmp_path_factory.mktemp("inception") / "w.pth")
        return made[content]

    yield of
    for path in made.values():
        path.unlink()


@pytest.fixture
def one(weights: Callable[[Path], Path]) -> Callable[..., Network]:
    """Loads the network with batches of one: padding takes most of the time where frames are few."""

    def made(listing: Path = pseudo.GOLDEN / KEYS, **options: Any) -> Network:
        network: Any = load("inception_2015", weights(listing), **options)
        network.batches.batch = 1
        return network

    return made


@pytest.fixture
def hollow() -> dict[str, torch.Tensor]:
    return pseudo.hollow(pseudo.GOLDEN / KEYS)


def clips_of(images: np.ndarray) -> np.ndarray:
    """(B, 3, H, W) -> clips of one frame."""
    return images.transpose(0, 2, 3, 1)[:, None]


def noise(n: int, h: int = 40, w: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 1, h, w, 3), np.uint8)


def softmax(x: np.ndarray) -> np.ndarray:
    return torch.from_numpy(x).double().softmax(1).numpy()


@pytest.mark.golden(GOLDEN)
def test_golden(golden_file: Path, one: Callable[..., Network]) -> None:
    ours = one(pseudo.keys(golden_file, KEYS))
    with np.load(golden_file, allow_pickle=False) as golden:
        cases = [name.removesuffix(IMAGE) for name in golden.files if name.endswith(IMAGE)]
        assert cases
        assert {*golden["feature_names"], "spatial"} == set(spec("inception_2015").arrays)
        for case in cases:
            found = ours(clips_of(golden[case + IMAGE]))
            for name in golden["feature_names"]:
                pseudo.close(found[name], golden[f"{case}__{name}"])
            pseudo.close(softmax(found["logits_unbiased"]), golden[f"{case}__softmax_no_output_bias"])


@pytest.mark.golden(GOLDEN)
def test_golden_resize(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        for name in [name for name in golden.files if name.endswith(IMAGE)]:
            x = torch.from_numpy(golden[name]).permute(0, 2, 3, 1).float()
            resized = tf1_bilinear(x, 299).permute(0, 3, 1, 2).numpy()
            pseudo.close_subsampled(resized, golden, name.replace(IMAGE, "__tf1_resize_299"), tolerance=1e-6)


def test_resize_by_hand() -> None:
    x = torch.tensor([[0.0, 10.0], [20.0, 30.0]])[None, :, :, None]
    assert tf1_bilinear(x, 4)[0, :, :, 0].tolist() == [
        [0, 5, 10, 10],
        [10, 15, 20, 20],
        [20, 25, 30, 30],
        [20, 25, 30, 30],
    ]
    assert tf1_bilinear(tf1_bilinear(x, 4), 2).equal(x)  # every second one: no filter
    assert tf1_bilinear(x, 1).flatten().tolist() == [0]


def test_rows_depend_on_the_frame_only(weights: Callable[[Path], Path], one: Callable[..., Network]) -> None:
    """Bit for bit: alone, in another place, and from two threads at once. And batches of one are as good."""
    ours, some = load("inception_2015", weights(pseudo.GOLDEN / KEYS)), noise(8)
    with ThreadPoolExecutor(2) as pool:
        whole, mirrored = pool.map(ours, [some, some[::-1]])
    alone, single = ours(some[3:4]), one()(some[3:4])
    assert list(whole) == list(spec("inception_2015").arrays)
    for name, rows in whole.items():
        assert rows.shape == (8, spec("inception_2015").arrays[name].width)
        assert len(np.unique(rows, axis=0)) == 8
        np.testing.assert_array_equal(mirrored[name][::-1], rows)
        np.testing.assert_array_equal(alone[name], rows[3:4])
        pseudo.close(single[name], rows[3:4], 1e-5)


def test_stops_where_the_arrays_that_were_asked_for_are_done(
    one: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Mixed] = []
    forward = Mixed.forward

    def noted(block: Mixed, x: torch.Tensor) -> torch.Tensor:
        calls.append(block)
        return forward(block, x)

    whole, logits = one()(noise(1)), one(arrays=["logits"])(noise(1))
    assert list(logits) == ["logits"]
    np.testing.assert_array_equal(logits["logits"], whole["logits"])
    monkeypatch.setattr(Mixed, "forward", noted)
    early = one(arrays=["768", "64"])(noise(1))
    assert list(early) == ["64", "768"]
    np.testing.assert_array_equal(early["768"], whole["768"])
    assert len(calls) == 8  # of 11 blocks, those of 35 and of 17 pixels


def test_bfloat16_is_near_and_not_equal(one: Callable[..., Network]) -> None:
    exact, half = one()(noise(1)), one(precision="bfloat16")(noise(1))
    for name, rows in half.items():
        assert rows.dtype == np.float32
        assert 0 < np.abs(rows - exact[name]).max() < 0.1 * np.abs(exact[name]).max()


def test_what_are_no_clips_is_refused(one: Callable[..., Network]) -> None:
    network = one(arrays=["64"])
    for wrong in (noise(2).astype(np.float32), noise(2)[0], noise(2)[..., :1]):
        with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .* got \("):
            network(wrong)


def test_wrong_tensors_are_named(hollow: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({name: tensor for name, tensor in hollow.items() if name != "fc.bias"}, path)
    with pytest.raises(VidgaugeError, match=r"weights of InceptionV3\. Tensors missing: fc\.bias\."):
        load("inception_2015", path)
    torch.save({**hollow, "AuxLogits.fc.bias": torch.zeros(3)}, path)
    with pytest.raises(VidgaugeError, match=r"Tensors not of this network: AuxLogits\.fc\.bias\."):
        load("inception_2015", path)
    torch.save({**hollow, "fc.weight": torch.zeros(1).expand(1000, 2048)}, path)
    with pytest.raises(VidgaugeError, match=r"fc\.weight \(1000, 2048\) instead of \(1008, 2048\)"):
        load("inception_2015", path)
    torch.save({}, path)
    with pytest.raises(VidgaugeError, match="holds no state dict"):
        load("inception_2015", path)


def test_counters_may_be_there_and_nothing_is_fetched_or_drawn(
    hollow: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: pytest.fail("fetched"))
    counters = {
        name.replace("running_var", "num_batches_tracked"): torch.tensor(0) for name in hollow if "_var" in name
    }
    assert counters
    torch.save(hollow | counters, tmp_path / "w.pth")
    before = torch.random.get_rng_state()
    load("inception_2015", tmp_path / "w.pth", arrays=["64"])
    assert torch.equal(torch.random.get_rng_state(), before)


class Program:
    """A pickle that leaves a folder behind if it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_pickles_are_not_run(tmp_path: Path) -> None:
    torch.save({"fc.bias": Program(tmp_path / "ran")}, tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match="cannot be read as a state dict"):
        load("inception_2015", tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()


class StandIn(torch.nn.Module):
    """The call signature of NVIDIA's archive on a network of two layers. Class 0 is so unlikely that it underflows."""

    def __init__(self, only: str = "") -> None:
        super().__init__()
        self.only = only
        self.wide = torch.nn.Parameter(torch.linspace(-1, 1, 3 * 2048).view(3, 2048), requires_grad=False)
        self.deep = torch.nn.Parameter(torch.arange(2048.0 * 1008).sin().view(2048, 1008) / 50, requires_grad=False)
        self.bias = torch.nn.Parameter(torch.arange(1008.0) / 100, requires_grad=False)

    def forward(
        self, img: torch.Tensor, return_features: bool = False, use_fp16: bool = False, no_output_bias: bool = False
    ) -> torch.Tensor:
        assert not use_fp16
        features = (img.float() / 255).mean(dim=[2, 3]) @ self.wide
        if return_features:
            assert self.only != "classes"
            return features
        assert self.only != "features"
        logits = features @ self.deep
        logits[:, 0] = -1e4
        return (logits if no_output_bias else logits + self.bias).softmax(dim=1)


def test_archives(tmp_path: Path) -> None:
    some = noise(9, 12, 20)  # more than one batch
    found = load("inception_2015", pseudo.scripted(StandIn(), tmp_path / "w.pt"), trust=True)(some)
    assert {name: rows.shape for name, rows in found.items()} == {"2048": (9, 2048), "logits_unbiased": (9, 1008)}
    x = torch.from_numpy(some[:, 0]).permute(0, 3, 1, 2)
    pseudo.close(found["2048"], StandIn()(x, return_features=True).numpy(), 1e-5)
    wanted = StandIn()(x, no_output_bias=True).numpy()
    assert np.abs(wanted - StandIn()(x).numpy()).max() > 1e-3  # the bias tells
    assert (wanted[:, 0] == 0).all()
    assert np.isfinite(found["logits_unbiased"]).all()
    pseudo.close(softmax(found["logits_unbiased"]), wanted, 1e-5)


def test_of_archives_only_what_is_asked_for_is_run(tmp_path: Path) -> None:
    features = pseudo.scripted(StandIn("features"), tmp_path / "f.pt")
    classes = pseudo.scripted(StandIn("classes"), tmp_path / "c.pt")
    assert list(load("inception_2015", features, arrays=["2048"], trust=True)(noise(1))) == ["2048"]
    assert list(load("inception_2015", classes, arrays=["logits_unbiased"], trust=True)(noise(1))) == [
        "logits_unbiased"
    ]
    with pytest.raises(UsageError, match="has no array 'logits'"):
        load("inception_2015", classes, arrays=["logits"], trust=True)


def test_unknown_archives_are_not_opened_without_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pseudo.scripted(StandIn(), tmp_path / "w.pt")
    monkeypatch.setattr("torch.jit.load", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(VidgaugeError, match=r"w\.pt: is a TorchScript archive, which is a program"):
        load("inception_2015", path)
