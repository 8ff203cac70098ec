"""One GPU for one job at a time, by locks that the kernel drops at any death of their holder."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.gpus.listing import VISIBLE, Gpu, visible

POLL = 1.0
"""Seconds between looks where all GPUs are taken: short beside a job, long beside a look."""

_held: set[int] = set()


def _forget() -> None:
    """In a forked child: its copy of the descriptor would keep the lease after the job's death."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_forget)  # programs that are started do not get the descriptor at all (PEP 446)


def _print(text: str) -> None:
    print(f"vidgauge: {text}", file=sys.stderr, flush=True)


@contextmanager
def lease(
    device: str = "auto", uses_gpu: bool = True, *, say: Callable[[str], object] = _print
) -> Iterator[Gpu | None]:
    """A GPU that no other job of this user has, the only one that CUDA shows inside; to be entered before CUDA starts.

    device: as in config.yaml. GPUs that others use are taken last, with a word of warning to `say`; where jobs of this
    user have all, it waits, and says so once. None, and nothing is changed, where no GPU is asked for or there is none,
    and where it is too late: this process has a lease already, or has started CUDA.
    Raises VidgaugeError where the folder of the locks could be another user's.
    """
    torch = sys.modules.get("torch")
    too_late = bool(_held) or (torch is not None and torch.cuda.is_initialized())
    gpus = visible(os.environ) if uses_gpu and device in ("auto", "cuda") and not too_late else []
    if not gpus:
        yield None
        return
    gpu, lock = _take(gpus, say)
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = gpu.id
    try:
        yield gpu
    finally:
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before
        if lock in _held:  # not in a child
            _held.remove(lock)
            os.close(lock)


def preferred(gpus: Sequence[Gpu], ours: Container[int] = ()) -> list[Gpu]:
    """In the order to try them: those that nobody else uses, then by free memory, then as listed.

    ours: ids of processes that are not to be counted.
    """
    return sorted(gpus, key=lambda gpu: (gpu.in_use(ours), -gpu.free))


def _take(gpus: Sequence[Gpu], say: Callable[[str], object]) -> tuple[Gpu, int]:
    """A GPU and the descriptor that holds its lock."""
    folder, waits = _folder(), False
    while True:
        locks = {gpu: folder / re.sub(r"[^\w-]", "_", gpu.id) for gpu in gpus}
        holders = {pid for lock in locks.values() if (pid := _signature(lock))}
        for gpu in preferred(gpus, holders):  # the last holder may be about to end, and is no stranger
            if (lock := _locked(locks[gpu])) is not None:
                if gpu.in_use(holders):
                    say(_warning(gpu, gpu.use(holders)))
                return gpu, lock
        if not waits:
            names, pids = ", ".join(map(str, gpus)), ", ".join(str(pid) for pid in sorted(holders))
            say(f"waiting for a GPU: jobs of this user (processes {pids}) have all that this one may use: {names}")
            waits = True
        time.sleep(POLL)
        gpus = visible(os.environ) or gpus


def _warning(gpu: Gpu, use: tuple[int, int]) -> str:
    processes, used = use
    who = f"{processes or 'unseen'} {'process' if processes == 1 else 'processes'}"
    taken = "unknown memory" if gpu.total is None else f"{used} of {gpu.total} MiB"
    return f"{gpu} is used by others as well, and no GPU is free of them: {taken}, {who}"


def _locked(path: Path) -> int | None:
    """A descriptor that holds the lock, signed with the id of this process; None where another one has it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(lock, b"%-20d" % os.getpid(), 0)
    except BaseException as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            return None
        raise
    _held.add(lock)
    return lock


def _signature(path: Path) -> int | None:
    """The process that has a lock, or had it last; None where there was none."""
    with suppress(FileNotFoundError, ValueError):  # it is made empty, then signed
        return int(path.read_bytes())
    return None


def _folder() -> Path:
    """Where the locks of this user are on this machine; others must not be able to change it."""
    path = Path(tempfile.gettempdir(), f"vidgauge-gpus-{os.getuid()}")
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise VidgaugeError(
            f"{path}: is no folder that this user alone can change, and it is to hold the locks that share out GPUs; "
            "remove it, or set TMPDIR to a folder of your own"
        )
    return path
