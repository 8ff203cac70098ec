"""VideoMAE V2: the reference's numbers on a small twin, the official names at full size, rows that repeat."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.extractors import pseudo
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load, spec, videomae_v2_ssv2
from vidgauge.extractors._checkpoints import empty, fill
from vidgauge.extractors._video_vit import VisionTransformer, sincos
from vidgauge.extractors.videomae_v2_ssv2 import EXTRACTOR, GIANT, preprocess
from vidgauge.specs import Network

SMALL = "keys_videomae_small.json"
TINY = {"width": 24, "depth": 2, "heads": 2, "mlp_ratio": 2.0, "classes": 5}


def clips(b: int = 3, t: int = 4, h: int = 30, w: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (b, t, h, w, 3), np.uint8)


def twin(path: Path, shape: Mapping[str, Any], **options: Any) -> Network:
    """The extractor with a transformer of another size."""
    return load(replace(EXTRACTOR, build=partial(videomae_v2_ssv2.build, shape=shape)), weights=path, **options)


def tiny_state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = empty(lambda: VisionTransformer(**TINY))
    return {name: torch.randn(x.shape, generator=generator) * 0.1 for name, x in model.state_dict().items()}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "w.pth"
    torch.save(tiny_state(), path)
    return path


def shape_of(golden: Mapping[str, np.ndarray], listing: Path) -> dict[str, Any]:
    tensors = json.loads(listing.read_text())["tensors"]
    return {
        "width": int(golden["embed_dim"]),
        "depth": int(golden["depth"]),
        "heads": int(golden["num_heads"]),
        "mlp_ratio": float(golden["mlp_ratio"]),
        "classes": tensors["head.bias"]["shape"][0],
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The small twin's weights by their listing, wrapped as the published file is."""

    @cache
    def written(listing: Path) -> Path:
        return pseudo.checkpoint(listing, tmp_path_factory.mktemp("small") / "w.pth", wrap="module")

    return written


def cases(golden: Mapping[str, np.ndarray], array: str) -> Iterator[str]:
    return (name.removesuffix(array) for name in golden if name.endswith(array))


@pytest.mark.golden("net_videomae_small.npz")
def test_golden_twin(golden_file: Path, small: Callable[[Path], Path]) -> None:
    listing = pseudo.keys(golden_file, SMALL)
    with np.load(golden_file, allow_pickle=False) as golden:
        network = twin(small(listing), shape_of(golden, listing))
        found = [(case, network(golden[f"{case}video_uint8"])) for case in cases(golden, "video_uint8")]
        assert found
        for case, rows in found:
            pseudo.close(rows["features"], golden[f"{case}forward_features"])
            pseudo.close(rows["logits"], golden[f"{case}head_logits"])


@pytest.mark.golden("net_videomae_small.npz")
def test_golden_positions(golden_file: Path) -> None:
    """The fixed table, and the one interpolated to other frame counts, to 1e-6 of their largest value."""
    with np.load(golden_file, allow_pickle=False) as golden:
        model = empty(lambda: VisionTransformer(**shape_of(golden, pseudo.keys(golden_file, SMALL))))
        found = list(cases(golden, "pos_embed__shape"))
        assert found
        for case in found:
            steps = int(golden[f"{case}pos_embed__shape"][1]) // (16 * 16)
            pseudo.close_subsampled(model.positions_for(steps).numpy(), golden, f"{case}pos_embed", 1e-6)


@pytest.mark.golden("net_videomae_*.npz")
def test_golden_preprocessing(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden:
        for case in cases(golden, "preprocess_videomae__shape"):
            found = preprocess(torch.from_numpy(golden[f"{case}video_uint8"])).contiguous().numpy()
            pseudo.close_subsampled(found, golden, f"{case}preprocess_videomae", 1e-5)


@pytest.mark.golden("pre_cdfvd.npz")
def test_golden_preprocessing_of_cdfvd(golden_file: Path) -> None:
    with np.load(golden_file, allow_pickle=False) as golden, np.load(golden_file.with_name("pre_clips.npz")) as videos:
        for case in cases(golden, "__preprocess_videomae__shape"):  # by hand too, below
            pixels = preprocess(torch.from_numpy(videos[f"{case}__video_uint8_thwc"])[None]).contiguous().numpy()
            pseudo.close_subsampled(pixels, golden, f"{case}__preprocess_videomae", 1e-5)


@pytest.mark.parametrize("size", [(30, 40), (300, 260), (224, 224)])
def test_preprocessing_by_hand(size: tuple[int, int]) -> None:
    """Half-pixel centres, two neighbours in each direction whatever the factor, 0..1."""
    some = clips(2, 2, *size)
    x = some / 255
    for axis in (2, 3):
        n = x.shape[axis]
        at = np.clip((np.arange(224) + 0.5) * n / 224 - 0.5, 0, n - 1)
        low = np.floor(at).astype(int)
        part = (at - low).reshape(224, *[1] * (4 - axis))
        x = x.take(low, axis) * (1 - part) + x.take(np.minimum(low + 1, n - 1), axis) * part
    found = preprocess(torch.from_numpy(some))
    np.testing.assert_allclose(found, x.transpose(0, 4, 1, 2, 3), rtol=0, atol=1e-4)  # float32 coordinates


@pytest.mark.stress
@pytest.mark.golden("net_videomae_giant.npz")
def test_golden_giant(golden_file: Path, tmp_path: Path) -> None:
    path = pseudo.checkpoint(
        pseudo.keys(golden_file, "keys_vit_g_hybrid_pt_1200e_ssv2_ft.json"), tmp_path / "w.pth", "model"
    )
    try:
        network = load(EXTRACTOR, weights=path)
    finally:
        path.unlink()  # 4 GB
    with np.load(golden_file, allow_pickle=False) as golden:
        found = network(golden["video_uint8"])
        features = pseudo.close(found["features"], golden["forward_features"], 2e-4)
        logits = pseudo.close(found["logits"], golden["head_logits"], 2e-4)
    print(f"relative deviation: features {features:.1e}, logits {logits:.1e}")


def test_official_names_and_shapes() -> None:
    listing = json.loads((pseudo.GOLDEN / "keys_vit_g_hybrid_pt_1200e_ssv2_ft.json").read_text())["tensors"]
    model = empty(lambda: VisionTransformer(**GIANT))
    assert {name: list(x.shape) for name, x in model.state_dict().items()} == {
        name: entry["shape"] for name, entry in listing.items()
    }
    assert all(x.device.type == "meta" for x in model.parameters())  # or 4 GB were drawn for nothing
    assert (EXTRACTOR.arrays["features"].width, EXTRACTOR.arrays["logits"].width) == (1408, 174)


def test_positions_by_hand() -> None:
    table = sincos(3, 4)
    assert table.shape == (1, 3, 4)
    wanted = [[np.sin(p), np.cos(p), np.sin(p / 100), np.cos(p / 100)] for p in range(3)]
    np.testing.assert_allclose(table[0], wanted, rtol=1e-6)


def test_weights_are_not_copied() -> None:
    state = tiny_state()
    model = fill(empty(lambda: VisionTransformer(**TINY)), state, Path("w"))
    assert all(x.data_ptr() == state[name].data_ptr() for name, x in model.named_parameters())
    assert model.positions.device.type == "cpu"


def test_shapes(tiny: Path) -> None:
    network = twin(tiny, TINY)
    for t in (2, 4, 16):
        found = network(clips(2, t))
        assert {name: (rows.shape, rows.dtype) for name, rows in found.items()} == {
            "features": ((2, 24), np.float32),
            "logits": ((2, 5), np.float32),
        }
    assert list(twin(tiny, TINY, arrays=["features"])(clips(1))) == ["features"]


@pytest.mark.parametrize("wrap", ["model", "module"])
def test_wrapped_files(tiny: Path, tmp_path: Path, wrap: str) -> None:
    torch.save({wrap: tiny_state()}, tmp_path / "w.pth")
    found, plain = twin(tmp_path / "w.pth", TINY)(clips(1)), twin(tiny, TINY)(clips(1))
    np.testing.assert_array_equal(found["features"], plain["features"])


def test_half_precision_files(tiny: Path, tmp_path: Path) -> None:
    """The published file has half the bytes of its numbers in float32; these are computed with in float32."""
    torch.save({"module": {name: x.half() for name, x in tiny_state().items()}}, tmp_path / "w.pth")
    found, plain = twin(tmp_path / "w.pth", TINY)(clips(1))["logits"], twin(tiny, TINY)(clips(1))["logits"]
    assert 0 < np.abs(found - plain).max() < 0.01 * np.abs(plain).max()


def test_bfloat16_is_near_and_not_equal(tiny: Path) -> None:
    exact, half = twin(tiny, TINY)(clips(1)), twin(tiny, TINY, precision="bfloat16")(clips(1))
    for name in exact:
        assert half[name].dtype == np.float32
        assert 0 < np.abs(half[name] - exact[name]).max() < 0.05 * np.abs(exact[name]).max()


@pytest.mark.parametrize("batch", [1, 3])
def test_rows_depend_on_nothing_but_the_clip(tiny: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """Bit for bit: in any place, among others, after other clips and from several threads."""
    monkeypatch.setattr(videomae_v2_ssv2, "EXTRACTOR", replace(EXTRACTOR, batch=batch))
    network = twin(tiny, TINY)
    some = clips(5, 6)
    whole = network(some)["logits"]
    order = np.array([3, 0, 4, 2, 1])
    np.testing.assert_array_equal(network(some[order])["logits"], whole[order])
    np.testing.assert_array_equal(network(some[4:])["logits"], whole[4:])
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(network, [some] * 4):
            np.testing.assert_array_equal(found["logits"], whole)


def test_attention_does_not_see_the_batch() -> None:
    """Torch's own attention at the giant's width of a head: the same bits alone, and beside any others."""
    q, k, v = torch.randn((3, 4, 2, 512, 88), generator=torch.Generator().manual_seed(0))
    attention = torch.nn.functional.scaled_dot_product_attention
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        whole = attention(q, k, v)
        for at in range(4):
            one = slice(at, at + 1)
            assert torch.equal(attention(q[one], k[one], v[one]), whole[one])
        order = torch.tensor([2, 0, 3, 1])
        assert torch.equal(attention(q[order], k[order], v[order]), whole[order])
    finally:
        torch.set_num_threads(threads)


def missing(state: dict[str, torch.Tensor]) -> None:
    del state["blocks.1.attn.q_bias"]


def extra(state: dict[str, torch.Tensor]) -> None:
    state["blocks.1.attn.k_bias"] = torch.zeros(24)


def misshaped(state: dict[str, torch.Tensor]) -> None:
    state["patch_embed.proj.weight"] = torch.zeros(24, 3, 2, 16, 16)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (missing, r"missing: blocks\.1\.attn\.q_bias"),
        (extra, r"not of this network: blocks\.1\.attn\.k_bias"),
        (misshaped, r"patch_embed\.proj\.weight \(24, 3, 2, 16, 16\) instead of \(24, 3, 2, 14, 14\)"),
    ],
)
def test_wrong_weights_are_refused(tmp_path: Path, spoil: Callable[[dict[str, Any]], None], message: str) -> None:
    state = tiny_state()
    spoil(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match=message):
        twin(tmp_path / "w.pth", TINY)


def test_wrong_clips_are_refused(tiny: Path) -> None:
    network = twin(tiny, TINY)
    with pytest.raises(ValueError, match="at least 2"):
        network(clips(1, 1))
    with pytest.raises(ValueError, match="uint8"):
        network(clips().astype(np.float32))
    with pytest.raises(ValueError, match="a multiple of 2"):  # the network would not see the last one
        network(clips(1, 5))


def test_spec_by_name() -> None:
    assert spec("videomae_v2_ssv2") is EXTRACTOR
