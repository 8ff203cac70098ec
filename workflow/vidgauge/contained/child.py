"""What runs in a worker process: `python -m vidgauge.contained.child SOCKET MODULE:FUNCTION`, for task after task.

Answers are pairs: ("ready", None), then of each task ("message", value) ..., and at its end ("done", None) or
("failed", (exception, traceback as text)).
"""

from __future__ import annotations

import errno
import math
import os
import pickle
import resource
import select
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from vidgauge.contained.limits import Limits
from vidgauge.contained.loading import Function, load
from vidgauge.contained.wire import receive, send
from vidgauge.errors import BadVideo


def main(end: socket.socket, function: str) -> None:
    """Answer the parent until it hangs up."""
    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    try:
        run = load(function)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        send(end, ("failed", _told(error)))
        return
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)  # it writes no files; Python ignores SIGXFSZ, so that a write fails instead
    send(end, ("ready", None))
    while True:
        task, limits = receive(end)
        send(end, _answer(end, run, task, limits))


def _answer(end: socket.socket, run: Function, task: Any, limits: Limits) -> tuple[str, Any]:
    """Run one task; all that it gives goes to the parent at once. Returns how it ended."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])  # user and system
    _lower(resource.RLIMIT_CPU, math.ceil(used + limits.seconds))
    _limit_memory(limits.memory)
    try:
        for value in run(task):
            send(end, ("message", value))
    except Exception as error:  # noqa: BLE001 - the parent raises it
        _limit_memory(None)
        short = _is_memory(error)
        traceback.clear_frames(error.__traceback__)  # they hold frames of video
        if short:
            detail = f"reading it takes more than {limits.memory / 2**30:.3g} GiB of memory"
            error = BadVideo("memory-limit", detail)
        return "failed", _told(error)
    return "done", None


def _told(error: Exception) -> tuple[Exception, str]:
    text = "".join(traceback.format_exception(error)).rstrip()
    try:
        same = type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - exceptions of other libraries may do anything here
        same = False
    return error if same else RuntimeError(f"{type(error).__name__}: {error}"), text


def _is_memory(error: BaseException | None) -> bool:
    """Whether an exception comes from a lack of memory, as Python, NumPy and libav say it, or from one that did."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        error = error.__context__
    return False


def _end_with_parent(end: socket.socket) -> None:
    """Wait until the parent hangs up, also while a task runs. One that never lets Python run ends by its CPU time."""
    hung_up = select.poll()
    hung_up.register(end, 0)  # nothing but that is reported
    hung_up.poll()
    os._exit(1)


def _limit_memory(more: int | None) -> None:
    """Allow `more` bytes than there are now; None: as many as the machine has. Without /proc there is no limit."""
    try:
        status = Path("/proc/self/status").read_bytes()
    except FileNotFoundError:
        return
    data = next(int(line.split()[1]) for line in status.splitlines() if line.startswith(b"VmData:"))  # kB
    _lower(resource.RLIMIT_DATA, resource.RLIM_INFINITY if more is None else 1024 * data + more)


def _lower(kind: int, value: int) -> None:
    """Set a soft limit, within the hard one, which stays."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(kind, (value, hard))


if __name__ == "__main__":
    try:
        main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    except (EOFError, ConnectionError):  # the parent is gone, or wants no more
        os._exit(0)
