"""Which GPUs there are for this process, and who uses them. CUDA is never initialised here.

It reads CUDA_VISIBLE_DEVICES once, so that whoever wants to choose a GPU must know them before that.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"

IDLE = 1024
"""MiB: what the driver and a desktop may take of a GPU that nobody computes on."""

PATIENCE = 60
"""Seconds for an answer that takes less than one; longer where a driver must be loaded, for ever where it hangs."""

_GPUS = "--query-gpu=index,uuid,name,memory.used,memory.total"
_PROCESSES = "--query-compute-apps=gpu_uuid,pid,used_memory"


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a MIG slice of one; of what nvidia-smi does not list, the id alone is known."""

    id: str  # as in CUDA_VISIBLE_DEVICES: a UUID, or an index where that is all that is known
    index: int | None = None  # nvidia-smi's
    name: str = ""
    used: int | None = None  # MiB, by whoever
    total: int | None = None  # MiB
    processes: Mapping[int, int | None] = field(default_factory=dict, hash=False)  # that compute there: MiB by id

    def use(self, ours: Container[int] = ()) -> tuple[int, int]:
        """How many processes compute there, and how many MiB are taken, without the processes `ours`."""
        others = [pid for pid in self.processes if pid not in ours]
        mine = sum(size or 0 for pid, size in self.processes.items() if pid in ours)
        return len(others), max(0, (self.used or 0) - mine)

    def in_use(self, ours: Container[int] = ()) -> bool:
        """Whether others than `ours` use it, as far as is known."""
        processes, used = self.use(ours)
        return processes > 0 or used >= IDLE

    @property
    def free(self) -> int:
        """MiB; 0 where it is not known."""
        return (self.total or 0) - (self.used or 0)

    def __str__(self) -> str:
        shown = f"GPU {self.id if self.index is None else self.index}"
        return f"{shown} ({self.name}, {self.id})" if self.name else shown


def visible(environ: Mapping[str, str]) -> list[Gpu]:
    """The GPUs that this process may use; none where there are none.

    Without nvidia-smi (other makers, some containers) their number is asked of torch, in a process of its own: the
    count may initialise CUDA.
    """
    value = environ.get(VISIBLE)
    if value is not None and not value.strip():
        return []
    if (listed := _answer(_GPUS)) is not None:
        gpus = parse_gpus(listed)
        processes = parse_processes(_answer(_PROCESSES) or "") if gpus else {}
        gpus = [replace(gpu, processes=processes.get(gpu.id, {})) for gpu in gpus]
        if value is None:
            return gpus
        # CUDA counts the fastest first unless it is told otherwise, nvidia-smi by the bus: the same where all are alike
        alike = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({gpu.name for gpu in gpus}) <= 1
        return restricted(value, partial(_listed, gpus, indices=alike))
    if not _may_have_gpus():
        return []
    if value is None:
        return [Gpu(str(index)) for index in range(_counted_by_torch())]
    return restricted(value, _unlisted)


def parse_gpus(text: str) -> list[Gpu]:
    """What nvidia-smi lists, in its order, as lines `index, uuid, name, MiB used, MiB in all`.

    >>> parse_gpus("0, GPU-12ab, NVIDIA H100, 4, 81559")[0].free
    81555
    """
    rows = [re.fullmatch(r"(\d+), (\S+), (.*), ([^,]*), ([^,]*)", line.strip()) for line in text.splitlines()]
    return [Gpu(row[2], int(row[1]), row[3], _mebibytes(row[4]), _mebibytes(row[5])) for row in rows if row]


def parse_processes(text: str) -> dict[str, dict[int, int | None]]:
    """By the GPU's UUID, the MiB of each process that computes there, from lines `uuid, process id, MiB`.

    >>> parse_processes("GPU-12ab, 4711, 512")
    {'GPU-12ab': {4711: 512}}
    """
    found: dict[str, dict[int, int | None]] = {}
    for line in text.splitlines():
        if row := re.fullmatch(r"(\S+), (\d+), ([^,]*)", line.strip()):
            found.setdefault(row[1], {})[int(row[2])] = _mebibytes(row[3])
    return found


def restricted(value: str, find: Callable[[str], Gpu | None]) -> list[Gpu]:
    """The GPUs of a value of CUDA_VISIBLE_DEVICES, by CUDA's rules: in its order, up to the first entry that is none.

    A GPU that is named twice leaves none.
    """
    found: list[Gpu] = []
    for entry in value.split(","):
        gpu = find(entry.strip())
        if gpu is None:
            break
        if gpu in found:
            return []
        found.append(gpu)
    return found


def _listed(gpus: Sequence[Gpu], entry: str, *, indices: bool) -> Gpu | None:
    """The one that an entry names: by its index, by the beginning of its UUID. Slices are not listed."""
    if entry.startswith("GPU-"):
        alike = [gpu for gpu in gpus if gpu.id.startswith(entry)]
        return alike[0] if len(alike) == 1 else None
    if indices and (number := re.match(r"\d+", entry)):
        return next((gpu for gpu in gpus if gpu.index == int(number[0])), None)
    return _unlisted(entry)


def _unlisted(entry: str) -> Gpu | None:
    """An entry as it stands, if it can be one at all."""
    return Gpu(entry) if re.match(r"\d|GPU-|MIG-", entry) else None


def _mebibytes(text: str) -> int | None:
    """A number; nvidia-smi says [N/A] and the like where it has none."""
    return int(text) if text.strip().isdecimal() else None


def _answer(question: str) -> str | None:
    """What nvidia-smi says; None where it is not there, or has no driver to speak to."""
    program = shutil.which("nvidia-smi")
    return _output([program, question, "--format=csv,noheader,nounits"]) if program else None


def _may_have_gpus() -> bool:
    """Whether it is worth the seconds to ask torch. AMD's driver shows the graphics of a laptop's processor as well."""
    return any(Path("/dev").glob("nvidia[0-9]*")) or ("rocm" in version("torch") and Path("/dev/kfd").exists())


def _counted_by_torch() -> int:
    found = _output([sys.executable, "-c", "import torch; print(torch.cuda.device_count())"])
    return int(found or 0)


def _output(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
