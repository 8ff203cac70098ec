"""Which GPUs a process may use, by the rules of CUDA_VISIBLE_DEVICES, and who else uses them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.gpus.machine import Machine
from vidgauge.gpus import listing
from vidgauge.gpus.listing import Gpu, parse_gpus, parse_processes, restricted, visible

LIST = """0, GPU-12ab34, NVIDIA H100 80GB HBM3, 4, 81559
1, GPU-12cd56, NVIDIA H100, MIG, [Insufficient Permissions], 81559
2, GPU-9f, NVIDIA GB10, [N/A], [N/A]
"""


def test_what_nvidia_smi_lists() -> None:
    assert parse_gpus(LIST) == [
        Gpu("GPU-12ab34", 0, "NVIDIA H100 80GB HBM3", 4, 81559),
        Gpu("GPU-12cd56", 1, "NVIDIA H100, MIG", None, 81559),
        Gpu("GPU-9f", 2, "NVIDIA GB10", None, None),
    ]
    assert parse_gpus("No devices were found\n") == []


def test_processes() -> None:
    text = "GPU-1, 7, 512\nGPU-1, 8, [N/A]\nGPU-2, 9, 3\nNo running processes found\n"
    assert parse_processes(text) == {"GPU-1": {7: 512, 8: None}, "GPU-2": {9: 3}}


@pytest.mark.parametrize(
    ("used", "processes", "ours", "use", "busy"),
    [
        (4, {}, set(), (0, 4), False),
        (1023, {}, set(), (0, 1023), False),
        (1024, {}, set(), (0, 1024), True),
        (4, {7: None}, set(), (1, 4), True),
        (3000, {7: 2500}, {7}, (0, 500), False),
        (3000, {7: 2500, 8: 100}, {7}, (1, 500), True),
        (None, {}, set(), (0, 0), False),
    ],
)
def test_in_use(used: int | None, processes: dict, ours: set[int], use: tuple[int, int], busy: bool) -> None:
    gpu = Gpu("GPU-1", 0, "x", used, 80000, processes)
    assert gpu.use(ours) == use
    assert gpu.in_use(ours) is busy


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, [0, 1, 2]),
        ("", []),
        (" ", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("2", [2]),
        ("2,0", [2, 0]),
        (" 1 , 2", [1, 2]),
        ("0,2,-1,1", [0, 2]),
        ("0,7,1", [0]),
        ("1,1", []),
        ("GPU-1", [1]),
        ("GPU-2,GPU-0", [2, 0]),
        ("GPU-1,GPU-nowhere,GPU-2", [1]),
        ("GPU-", []),  # could be any
        ("GPU-1,GPU-1", []),
    ],
)
def test_visible_devices(machine: Machine, value: str | None, found: list[int]) -> None:
    machine.has([0, 0, 0])
    environ = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    assert [gpu.index for gpu in visible(environ)] == found


def test_a_beginning_of_a_uuid_must_be_of_one_gpu(machine: Machine) -> None:
    machine.has([0, 0])
    (machine.folder / "gpus").write_text(LIST)
    assert [gpu.index for gpu in visible({"CUDA_VISIBLE_DEVICES": "GPU-12a,GPU-9"})] == [0, 2]
    assert visible({"CUDA_VISIBLE_DEVICES": "GPU-12"}) == []


def test_slices_are_taken_by_their_ids(machine: Machine) -> None:
    machine.has([0])
    environ = {"CUDA_VISIBLE_DEVICES": "MIG-12-ab,MIG-GPU-0/1/0"}
    assert visible(environ) == [Gpu("MIG-12-ab"), Gpu("MIG-GPU-0/1/0")]


def test_numbers_stay_cudas_own_where_it_may_count_otherwise(machine: Machine) -> None:
    """By default CUDA counts the fastest first, which is not what nvidia-smi does."""
    machine.has([0, 0], names=["NVIDIA T4", "NVIDIA H100"])
    environ = {"CUDA_VISIBLE_DEVICES": "1"}
    assert visible(environ) == [Gpu("1")]
    assert [gpu.id for gpu in visible({**environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})] == ["GPU-1"]
    assert [gpu.id for gpu in visible({"CUDA_VISIBLE_DEVICES": "GPU-1"})] == ["GPU-1"]
    assert [gpu.id for gpu in visible({})] == ["GPU-0", "GPU-1"]


def test_who_computes_where(machine: Machine) -> None:
    machine.has([0, 700], "GPU-1, 4711, 640\n")
    assert [gpu.processes for gpu in visible({})] == [{}, {4711: 640}]


@pytest.fixture
def unlisted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """GPUs, but no nvidia-smi."""
    (machine.folder / "nvidia-smi").unlink()
    monkeypatch.setattr(listing, "_may_have_gpus", lambda: True)
    monkeypatch.setattr(listing, "_output", lambda command: "3\n" if "device_count" in command[-1] else None)


@pytest.mark.usefixtures("unlisted")
@pytest.mark.parametrize(
    ("value", "found"),
    [(None, ["0", "1", "2"]), ("2,0,x,1", ["2", "0"]), ("GPU-ab,MIG-c", ["GPU-ab", "MIG-c"]), ("", []), ("-1", [])],
)
def test_without_nvidia_smi(value: str | None, found: list[str]) -> None:
    assert visible({} if value is None else {"CUDA_VISIBLE_DEVICES": value}) == [Gpu(name) for name in found]


@pytest.mark.parametrize("program", ["#!/bin/sh\nexit 9\n", "no program", None])
def test_a_machine_without_gpus_asks_nobody(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    """nvidia-smi without a driver, a broken one, none."""
    path = machine.folder / "nvidia-smi"
    path.write_text(program) if program else path.unlink()
    monkeypatch.setattr(listing, "_may_have_gpus", lambda: False)
    monkeypatch.setattr(listing, "_counted_by_torch", lambda: pytest.fail("asked"))
    assert visible({}) == visible({"CUDA_VISIBLE_DEVICES": "0"}) == []


def test_a_hidden_gpu_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: pytest.fail("asked"))
    assert visible({"CUDA_VISIBLE_DEVICES": ""}) == []


def test_torch_is_asked_only_where_it_may_know_of_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = {"/dev": tmp_path, "/dev/kfd": tmp_path / "kfd"}
    monkeypatch.setattr(listing, "Path", lambda path: made[path])
    monkeypatch.setattr(listing, "version", lambda _: "2.13.0+cu130")
    (tmp_path / "nvidiactl").touch()
    (tmp_path / "kfd").touch()
    assert not listing._may_have_gpus()
    monkeypatch.setattr(listing, "version", lambda _: "2.13.0+rocm7.0")
    assert listing._may_have_gpus()
    (tmp_path / "kfd").unlink()
    assert not listing._may_have_gpus()
    (tmp_path / "nvidia3").touch()
    assert listing._may_have_gpus()


def test_an_entry_ends_the_list_where_it_is_none() -> None:
    gpus = {"a": Gpu("a"), "b": Gpu("b")}
    assert restricted("b,a", gpus.get) == [Gpu("b"), Gpu("a")]
    assert restricted("b,c,a", gpus.get) == [Gpu("b")]


@pytest.mark.gpu
def test_a_real_machine() -> None:
    """What nvidia-smi lists is what CUDA counts."""
    if shutil.which("nvidia-smi") is None:
        pytest.skip("no nvidia-smi")
    import torch

    gpus = visible({})
    assert gpus
    assert all(gpu.id.startswith("GPU-") and gpu.name for gpu in gpus)
    assert torch.cuda.get_device_name(0) in {gpu.name for gpu in gpus}
