"""I3D: the golden values of cd-fvd's module, its fast form, and the call of StyleGAN-V's archive."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors._i3d import I3D, MIXED, FastPool, FastUnit, Mixed, Pool, Three, Unit, _fast_layer, fast
from vidgauge.extractors.i3d_kinetics400 import EXTRACTOR, preprocessed
from vidgauge.specs import Network

NAME = "i3d_kinetics400"
KEYS = pseudo.GOLDEN / "keys_i3d_pretrained_400.json"
BOTH = ("logits", "features")


def clips(b: int = 3, t: int = 9, h: int = 24, w: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (b, t, h, w, 3), np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pseudo.checkpoint(KEYS, tmp_path_factory.mktemp("i3d") / "i3d_pretrained_400.pt")


@pytest.fixture(scope="module")
def i3d(file: Path) -> Network:
    return load(NAME, weights=file)


@pytest.fixture(scope="module")
def plain() -> I3D:
    module = I3D()
    module.load_state_dict(pseudo.tensors(KEYS), strict=False)
    return module.requires_grad_(False).eval()


@pytest.mark.golden("net_i3d_cdfvd.npz")
def test_golden(golden_file: Path, tmp_path: Path) -> None:
    """Pixels in, numbers out: BatchNorm's eps, the padding and the resize each move them by far more than 1e-4."""
    listing = pseudo.keys(golden_file, "keys_i3d_pretrained_400.json")
    found = load(NAME, weights=pseudo.checkpoint(listing, tmp_path / "w.pt"))
    with np.load(golden_file) as golden:
        cases = [name.removesuffix("__logits") for name in golden if name.endswith("__logits")]
        assert cases
        for case in cases:
            video = golden[f"{case}__video_uint8"]
            pseudo.close_subsampled(
                preprocessed(torch.from_numpy(video)).numpy(), golden, f"{case}__preprocess_i3d", 1e-5
            )
            rows = found(video)
            pseudo.close(rows["logits"], golden[f"{case}__logits"])
            pseudo.close(rows["features"], golden[f"{case}__feature_1024"])


@pytest.mark.stress
@pytest.mark.golden("net_i3d_cdfvd.npz")
def test_golden_plain_module(golden_file: Path) -> None:
    """The reference of the benchmark is itself right."""
    module = I3D().eval()
    module.load_state_dict(pseudo.tensors(pseudo.keys(golden_file, "keys_i3d_pretrained_400.json")), strict=False)
    with np.load(golden_file) as golden:
        cases = [name.removesuffix("__logits") for name in golden if name.endswith("__logits")]
        case = min(cases, key=lambda name: golden[f"{name}__video_uint8"].size)
        with torch.inference_mode():
            features, logits = module(preprocessed(torch.from_numpy(golden[f"{case}__video_uint8"])).contiguous())
        pseudo.close(logits.numpy(), golden[f"{case}__logits"])
        pseudo.close(features.numpy(), golden[f"{case}__feature_1024"])


@pytest.mark.golden("pre_cdfvd.npz")
def test_golden_preprocessing(golden_file: Path) -> None:
    with np.load(golden_file) as golden, np.load(golden_file.with_name("pre_clips.npz")) as videos:
        for name in videos:
            found = preprocessed(torch.from_numpy(videos[name])[None]).numpy()
            pseudo.close_subsampled(found, golden, f"{name.removesuffix('__video_uint8_thwc')}__preprocess_i3d", 1e-5)


@pytest.mark.parametrize(
    "window",  # those of the network
    [((1, 3, 3), (1, 2, 2)), ((3, 3, 3), (2, 2, 2)), ((2, 2, 2), (2, 2, 2)), ((3, 3, 3), (1, 1, 1))],
)
@pytest.mark.parametrize("frames", [2, 3, 4, 5])
def test_pools_of_the_fast_form_are_those_of_the_plain(window: tuple[Three, Three], frames: int) -> None:
    x = torch.rand(2, 3, frames, 8, 7, generator=torch.Generator().manual_seed(frames))  # after a ReLU: no negatives
    pool = Pool(*window)
    assert torch.equal(FastPool(pool)(x), pool(x))


@pytest.mark.parametrize("frames", [5, 8])
@pytest.mark.parametrize("channels_last", [False, True])
def test_layers_of_the_fast_form_are_those_of_the_plain(plain: I3D, frames: int, channels_last: bool) -> None:
    draw = torch.Generator().manual_seed(frames)
    for layer, channels in ((plain.Conv3d_1a_7x7, 3), (plain.Mixed_3b, MIXED["Mixed_3b"][0])):
        x = torch.rand(2, channels, frames, 12, 13, generator=draw)
        given = x.contiguous(memory_format=torch.channels_last_3d) if channels_last else x
        assert isinstance(layer, Unit | Mixed)
        with torch.inference_mode():
            pseudo.close(_fast_layer(layer)(given).numpy(), layer(x).numpy(), 1e-5)


def test_fast_form_agrees_with_the_plain(plain: I3D) -> None:
    x = torch.rand(1, 3, 17, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        for found, expected in zip(fast(plain)(x), plain(x), strict=True):
            pseudo.close(found.numpy(), expected.numpy(), 1e-5)


def test_fast_form_does_without_packed_weights(plain: I3D, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    unit = FastUnit(plain.Conv3d_1a_7x7)
    assert unit.packed is None
    x = torch.rand(1, 3, 5, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pseudo.close(unit(x).numpy(), plain.Conv3d_1a_7x7(x).numpy(), 1e-5)


def test_rows_depend_on_nothing_but_the_clip(file: Path) -> None:
    """Bit for bit: alone, in any place of a batch of two, beside another, and from two threads at once."""
    i3d = load(NAME, weights=file)
    i3d.batches.batch = 2  # type: ignore[attr-defined]
    some = clips(2)
    whole = i3d(some)
    assert list(whole) == list(EXTRACTOR.arrays)
    assert {name: rows.shape for name, rows in whole.items()} == {"logits": (2, 400), "features": (2, 1024)}
    with ThreadPoolExecutor(2) as pool:
        turned, alone = pool.map(i3d, [some[::-1], some[1:]])
    for name in BOTH:
        assert np.abs(whole[name][0] - whole[name][1]).max() > 1e-4  # else nothing is shown here
        np.testing.assert_array_equal(turned[name][::-1], whole[name])
        np.testing.assert_array_equal(alone[name], whole[name][1:])


def test_bfloat16_is_near_and_not_equal(file: Path, i3d: Network) -> None:
    exact, half = i3d(clips(1))["features"], load(NAME, weights=file, precision="bfloat16")(clips(1))["features"]
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("wrong", [clips(1, 8), clips(1)[0], clips(1).astype(np.float32)])
def test_what_are_no_clips_is_refused(i3d: Network, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .*\b9\b"):
        i3d(wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("Mixed_4c.b2b.bn.bias"), r"missing: Mixed_4c\.b2b\.bn\.bias"),
        (lambda state: state.update({"Mixed_6a.x": torch.zeros(1)}), r"not of this network: Mixed_6a\.x"),
        (
            lambda state: state.update({"logits.conv3d.bias": torch.zeros(600)}),
            r"of another shape: logits\.conv3d\.bias \(600,\) instead of \(400,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path: Path, change, message: str) -> None:
    state = pseudo.tensors(KEYS)
    change(state)
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(VidgaugeError, match=message):
        load(NAME, weights=tmp_path / "w.pt")


def test_only_what_is_asked_for(file: Path) -> None:
    assert list(load(NAME, weights=file, arrays=["features"])(clips(1))) == ["features"]


class StandIn(torch.nn.Module):
    """The archive's call and its habits: it wants all switches on, and drops the batch axis of a single clip."""

    def forward(
        self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False
    ) -> torch.Tensor:
        assert rescale and resize and return_features, "switches"  # noqa: PT018
        assert x.dim() == 5 and x.size(1) == 3 and x.dtype == torch.float32, "tensor"  # noqa: PT018
        sums = x.mean(4).mean(3)  # (B, 3, T)
        rows = torch.zeros(x.size(0), 400)
        rows[:, : x.size(2)] = sums[:, 0]
        rows[:, 200:203] = sums.mean(2)
        return rows.squeeze(0)


class Narrow(torch.nn.Module):
    """Another network of that call."""

    def forward(self, x: torch.Tensor, rescale: bool, resize: bool, return_features: bool) -> torch.Tensor:
        return torch.zeros(x.size(0), 101 if rescale and resize and return_features else 400)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pseudo.scripted(StandIn(), tmp_path_factory.mktemp("archive") / "i3d_torchscript.pt")


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("b", [1, 2, 3])
def test_archive_gets_pixels_and_gives_rows(archive: Path, b: int, batch: int) -> None:
    found = load(NAME, weights=archive, trust=True)
    found.batches.batch = batch  # type: ignore[attr-defined]
    some = clips(b)
    rows = found(some)
    assert {name: values.shape for name, values in rows.items()} == {"logits": (b, 400)}
    means = some.astype(np.float64).mean((2, 3))  # (b, t, 3)
    np.testing.assert_allclose(rows["logits"][:, :9], means[:, :, 0], rtol=1e-5)
    np.testing.assert_allclose(rows["logits"][:, 200:203], means.mean(1), rtol=1e-5)


def test_archive_of_another_network(tmp_path: Path) -> None:
    path = pseudo.scripted(Narrow(), tmp_path / "c3d.pt")
    with pytest.raises(VidgaugeError, match=r"c3d\.pt: gave \(\d+, 101\) for \d+ clips; 400 numbers each were wanted"):
        load(NAME, weights=path, trust=True)(clips(1))


def test_archive_is_refused_unless_trusted_and_has_no_features(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no array 'features'"):
        load(NAME, weights=archive, trust=True, arrays=["features"])
    monkeypatch.setattr("torch.jit.load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(VidgaugeError, match="is a TorchScript archive, which is a program"):
        load(NAME, weights=archive)
