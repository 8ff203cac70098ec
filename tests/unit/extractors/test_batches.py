"""Batches that a GPU's memory does not hold: they are halved, it is told, and what cannot be halved is explained."""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.extractors.pseudo import scripted
from tests.unit.extractors.test_run import write
from vidgauge import extractors
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load, loading
from vidgauge.extractors._memory import said_full
from vidgauge.extractors._torch import FixedBatches, Forward, TorchNetwork
from vidgauge.extractors._torchscript import open_torchscript
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.specs import Network, Setup, WeightsFile
from vidgauge.store.features import read_attrs
from vidgauge.store.merge import merge

CPU = torch.device("cpu")
ITEMS = np.arange(10, dtype=np.uint8).reshape(5, 2)


def fits(most: int) -> Forward:
    """A network that holds batches of at most so many items."""

    def forward(x: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(x) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return {"a": x.float()}

    return forward


def batches(forward: Forward, batch: int = 8) -> FixedBatches:
    return FixedBatches(forward, batch=batch, device=CPU, precision="float32")


@pytest.mark.parametrize(
    ("most", "used", "text"),
    [(8, [8], "(8, 2)"), (4, [4], "(4, 2), halved from 8"), (3, [2], "(2, 2), halved from 8")],
)
def test_a_batch_too_large_for_memory_is_halved(most: int, used: list[int], text: str) -> None:
    run = batches(fits(most))
    np.testing.assert_array_equal(run(ITEMS)["a"], ITEMS)
    assert run.used == used
    assert run.ran_on((2,))["batch_shape"] == text


def test_memory_that_others_take_meanwhile() -> None:
    run = batches(fits(8), batch=8)
    run(ITEMS)
    run.forward = fits(2)
    np.testing.assert_array_equal(run(ITEMS)["a"], ITEMS)
    assert run.ran_on((2,))["batch_shape"] == "(8, 2) and (2, 2), halved from 8"


def test_a_batch_of_one_that_is_too_large() -> None:
    wanted = r"does not hold a batch of one \(2,\)\. .* use smaller clips, or device: cpu \(CUDA out of memory\. Tried"
    with pytest.raises(VidgaugeError, match=wanted):
        batches(fits(0))(ITEMS)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("CUDA error: out of memory\nCUDA kernel errors might", "CUDA error: out of memory"),
        ("Traceback of an archive\nRuntimeError: CUDA out of memory", "RuntimeError: CUDA out of memory"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"),
        ("GET was unable to find an engine to execute", "GET was unable to find an engine to execute"),
        ("mat1 and mat2 shapes cannot be multiplied", None),
        ("", None),
    ],
)
def test_libraries_have_words_of_their_own_for_it(text: str, line: str | None) -> None:
    assert said_full(RuntimeError(text)) == line
    assert said_full(torch.OutOfMemoryError("no")) == "no"


def test_other_errors_halve_nothing() -> None:
    def broken(x: torch.Tensor) -> dict[str, torch.Tensor]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    run = batches(broken)
    with pytest.raises(RuntimeError, match="mat1"):
        run(ITEMS)
    assert run.batch == 8


def test_the_memory_of_a_batch_that_failed_is_free_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is emptied, and the tensors are gone by then: the frames of an error hold them."""
    tensors: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []
    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: alive.append(sum(tensor() is not None for tensor in tensors))
    )

    def forward(x: torch.Tensor) -> dict[str, torch.Tensor]:
        activations = x.float()
        tensors.append(weakref.ref(activations))
        return fits(2)(activations)

    batches(forward)(ITEMS)
    assert alive == [0, 0]  # from 8 to 4, from 4 to 2


def test_several_threads_halve_to_the_same_size() -> None:
    run = batches(fits(3), batch=64)
    with ThreadPoolExecutor(8) as pool:
        for rows in pool.map(run, [ITEMS] * 64):
            np.testing.assert_array_equal(rows["a"], ITEMS)
    assert (run.batch, run.used) == (2, [2])


def test_a_network_that_the_memory_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(setup: Setup) -> Network:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    spec = replace(extractors.spec("pixel_grid"), build=build)
    with pytest.raises(
        VidgaugeError, match=r"does not hold the network pixel_grid\. .*Tried to allocate 2\.00 GiB\.\)"
    ):
        load(spec)


def test_how_full_the_gpu_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gib = 1 << 30
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1 * gib, 80 * gib))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 2 * gib)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    with pytest.raises(VidgaugeError) as caught:
        batches(fits(0))(ITEMS)
    told = "of 80.0 GiB of NVIDIA H100, 1.0 are free, 2.0 this job's, and 77.0 the driver's and other processes'. Stop"
    assert told in str(caught.value)


def test_an_archive_that_is_out_of_memory_is_halved(tmp_path: Path) -> None:
    class Large(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.size(0) > 2:
                raise RuntimeError("CUDA out of memory.")
            return x.float()

    path = scripted(Large(), tmp_path / "large.pt")
    call = open_torchscript(WeightsFile(path, "", None, False, "torchscript"), CPU)
    run = batches(lambda x: {"a": call(x)})
    np.testing.assert_array_equal(run(ITEMS)["a"], ITEMS)
    assert run.used == [2]


def test_the_features_file_and_what_is_merged_from_it_tell_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard whose job had less memory than another's, and one that had it all the time."""
    spec, names = extractors.spec("pixel_grid"), ("frame",)
    shards = []
    for number, most in enumerate((8, 4)):
        setup = Setup(weights=None, device="cpu", precision="float32", arrays=names)
        few = fits(most)
        forward: Forward = lambda x, few=few: {"frame": few(x)["a"].flatten(1)[:, :24]}  # noqa: E731
        network = TorchNetwork(forward, replace(spec, batch=8, input=replace(spec.input, kind="frame")), setup, CPU)
        monkeypatch.setattr(loading, "built", lambda *_, network=network, **__: network)
        shards.append(tmp_path / f"{number}.h5")
        clips = write(tmp_path / f"clips{number}.h5", [f"v{number}"])
        extract([clips], shards[-1], network=NetworkAsked(name="pixel_grid", arrays=names), device="cpu")
    texts = ["(4, 32, 48, 3), halved from 8", "(8, 32, 48, 3)"]
    assert [read_attrs(shard)["batch_shape"] for shard in shards] == texts[::-1]
    merge(shards, tmp_path / "merged.h5")
    merged = read_attrs(tmp_path / "merged.h5")
    assert (merged["batch_shape"], merged["mixed"]) == (texts, ["batch_shape"])


@pytest.mark.gpu
def test_a_real_gpu_that_is_full() -> None:
    """All but 2 GiB are taken: a batch of 64 needs 4, and is halved until it fits."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    device = torch.device("cuda")
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    taken = torch.empty(max(0, free - (2 << 30)), dtype=torch.uint8, device=device)

    def forward(x: torch.Tensor) -> dict[str, torch.Tensor]:
        large = x.float()[:, None].expand(-1, (64 << 20) // 4 // x.shape[1], -1).contiguous()  # 64 MiB an item
        return {"a": large.amax(1)}

    run = FixedBatches(forward, batch=64, device=device, precision="float32")
    np.testing.assert_array_equal(run(ITEMS)["a"], ITEMS)
    assert run.batch < 64
    assert run.used == [run.batch]
    run.forward, run.batch = (lambda _: {"a": torch.empty(8 << 30, device=device)}), 1
    with pytest.raises(VidgaugeError, match=r"of one \(2,\): of .* GiB of .* are free"):
        run(ITEMS)
    del taken
    torch.cuda.empty_cache()
