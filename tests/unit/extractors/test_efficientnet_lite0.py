"""EfficientNet-Lite0: the right weights in the right places, and rows that repeat bit for bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors.efficientnet_lite0 import mapped, motion
from vidgauge.specs import Network
from vidgauge.weights import find


def clips(b: int = 3, t: int = 3, h: int = 64, w: int = 96, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (b, t, h, w, 3), np.uint8)


def scene(size: int = 224) -> np.ndarray:
    """(1, 1, size, size, 3): an orange disc on a blue ramp, the same on every machine."""
    y, x = np.mgrid[:size, :size]
    image = np.stack([x * 255 // size, y * 255 // size, 255 - x * 127 // size], -1).astype(np.uint8)
    image[(x - size // 2) ** 2 + (y - size // 2) ** 2 < (size // 3) ** 2] = (240, 140, 20)
    return image[None, None]


def test_shapes(lite0: Network) -> None:
    found = lite0(clips())
    assert {name: rows.shape for name, rows in found.items()} == {
        "features": (9, 1280),
        "logits": (9, 1000),
        "motion": (3, 2560),
    }
    assert all(rows.dtype == np.float32 and np.isfinite(rows).all() for rows in found.values())
    assert {name: rows.shape[0] for name, rows in lite0(clips(t=1)).items()} == {"features": 3, "logits": 3}
    assert {name: rows.shape for name, rows in lite0(clips(b=0)).items()}["motion"] == (0, 2560)


TOP = [722, 417, 522]  # ping-pong ball, balloon, croquet ball
SCORES = [7.349428, 5.291637, 4.594435]


def test_frozen_values(lite0: Network) -> None:
    """Class scores of one drawn image: measured once; a wrong mapping or scaling changes them by tens of percent."""
    logits = lite0(scene())["logits"][0]
    assert logits.argsort()[::-1][:3].tolist() == TOP
    np.testing.assert_allclose(logits[TOP], SCORES, rtol=1e-4)


def test_agrees_with_timm_called_plainly(lite0: Network) -> None:
    import timm

    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(find("efficientnet_lite0").path, weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)), strict=True)
    frames = clips(2, 2)
    x = (torch.from_numpy(frames).flatten(0, 1).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with torch.inference_mode():
        features = model.forward_head(model.forward_features(x), pre_logits=True)
        logits = model(x)
    found = lite0(frames)
    np.testing.assert_allclose(found["features"], features, rtol=0, atol=1e-5 * float(features.abs().max()))
    np.testing.assert_allclose(found["logits"], logits, rtol=0, atol=1e-5 * float(logits.abs().max()))


@pytest.mark.parametrize("size", [(64, 96), (50, 37)])
def test_rows_depend_on_nothing_but_the_clip(lite0: Network, size: tuple[int, int]) -> None:
    """Bit for bit: alone, in any place, among others, from many threads, and with any thread count of torch's."""
    some = clips(6, 3, *size)
    whole = lite0(some)
    for at in (0, 1, 4):
        alone = lite0(some[at : at + 1])
        np.testing.assert_array_equal(alone["logits"], whole["logits"][3 * at : 3 * at + 3])
        np.testing.assert_array_equal(alone["motion"], whole["motion"][at : at + 1])
    np.testing.assert_array_equal(lite0(some[::-1])["motion"], whole["motion"][::-1])
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lite0, [some] * 3):
            np.testing.assert_array_equal(found["features"], whole["features"])


def test_no_global_state_is_left_behind(lite0: Network) -> None:
    before = (torch.get_num_threads(), torch.is_inference_mode_enabled(), torch.random.get_rng_state())
    load("efficientnet_lite0")(clips(1, 1))
    assert (torch.get_num_threads(), torch.is_inference_mode_enabled()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_thread_count_of_the_caller_does_not_matter(lite0: Network) -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = lite0(clips())
        torch.set_num_threads(4)
        four = lite0(clips())
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(one["features"], four["features"])


def test_motion_by_hand() -> None:
    features = np.array([[[1.0, 0.0], [3.0, 0.0], [2.0, 6.0]]], np.float32)  # (1, 3, 2)
    np.testing.assert_array_equal(motion(features), np.array([[2.0, 2.0, 1.5, 3.0]], np.float32))


def test_motion_of_a_still_clip_is_zero(lite0: Network) -> None:
    still = np.repeat(clips(1, 1), 4, axis=1)
    np.testing.assert_array_equal(lite0(still)["motion"][:, 1280:], 0)


def test_bfloat16_is_near_and_not_equal(lite0: Network) -> None:
    exact, half = lite0(clips())["features"], load("efficientnet_lite0", precision="bfloat16")(clips())["features"]
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.2 * np.abs(exact).max()


@pytest.mark.parametrize("precision", ["tf32", "float16"])
def test_precisions_of_gpus_are_refused_on_the_cpu(precision: str) -> None:
    with pytest.raises(ValueError, match=f"{precision} exists only on CUDA GPUs") as caught:
        load("efficientnet_lite0", precision=precision)  # type: ignore[arg-type]
    assert isinstance(caught.value, UsageError)


def test_devices() -> None:
    with pytest.raises(UsageError, match="unknown 'gpu'"):
        load("efficientnet_lite0", device="gpu")
    with pytest.raises(VidgaugeError, match="use device: cpu or auto"):
        load("efficientnet_lite0", device="cuda:99")


@pytest.mark.parametrize("wrong", [clips().astype(np.float32), clips()[0], clips()[..., :1]])
def test_what_are_no_clips_is_refused(lite0: Network, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8"):
        lite0(wrong)


def test_weights_by_name(lite0: Network) -> None:
    named = load("efficientnet_lite0", weights="efficientnet_lite0", arrays=["features"])
    np.testing.assert_array_equal(named(clips(1, 1))["features"], lite0(clips(1, 1))["features"])
    with pytest.raises(VidgaugeError, match="weights i3d_videogpt are missing"):
        load("i3d_kinetics400", weights="i3d_videogpt")


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"other")
    with pytest.raises(VidgaugeError, match=r"w\.pth: cannot be read as a state dict"):
        load("efficientnet_lite0", weights=tmp_path / "w.pth")
    torch.save({"x": torch.zeros(2)}, tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match="1 tensors, the network has"):
        load("efficientnet_lite0", weights=tmp_path / "w.pth")
    with pytest.raises(VidgaugeError, match="no such file"):
        load("efficientnet_lite0", weights=tmp_path / "gone.pth")


def test_mapping_names_the_tensors_that_do_not_fit() -> None:
    a, b = {"x.weight": torch.zeros(2, 3)}, {"y.weight": torch.zeros(3, 2)}
    with pytest.raises(VidgaugeError, match=r"x\.weight \(2, 3\).*y\.weight \(3, 2\)"):
        mapped(a, b)
    with pytest.raises(VidgaugeError, match="1 tensors, the network has 0"):
        mapped(a, {})
    with pytest.raises(VidgaugeError, match=r"y\.bias"):
        mapped(a, {"y.bias": torch.zeros(2, 3)})
    assert list(mapped(a, {"z.weight": torch.zeros(2, 3)})) == ["z.weight"]


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
def test_gpu_repeats_and_agrees(lite0: Network, precision: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    some = clips(9, 16, 224, 224)
    network = load("efficientnet_lite0", device="cuda", precision=precision)  # type: ignore[arg-type]
    first = network(some)
    np.testing.assert_array_equal(network(some[4:5])["motion"], first["motion"][4:5])
    exact = lite0(some[:1])["features"]
    limit = 1e-4 if precision == "float32" else 0.2
    assert np.abs(first["features"][:16] - exact).max() <= limit * np.abs(exact).max()
