"""One worker process, as its parent sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vidgauge.contained.limits import WALL, Limits
from vidgauge.contained.wire import receive, send
from vidgauge.errors import VidgaugeError

CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGSYS}
"""Signals that a process brings upon itself."""

STARTING = Limits(300, 0)
"""What loading the libraries may take."""


class Death(Exception):  # noqa: N818 - it is no error of this program
    """A worker process ended in the middle of a task. `code` is its exit code, or minus the signal."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @property
    def outside(self) -> bool:
        """Whether somebody else ended it: the out-of-memory killer, a cancelled job."""
        return self.code < 0 and -self.code not in {*CRASHES, signal.SIGXCPU}

    @property
    def cause(self) -> str:
        """The signal's name, or the exit code."""
        return signal.Signals(-self.code).name if self.code < 0 else f"exit code {self.code}"


class Stuck(Exception):  # noqa: N818 - as above
    """A worker process gave no message for as long as it may wait, and did not use its CPU time up either."""


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile never see Ctrl-C, from their first moment on: it goes to the parent too,
    which ends its workers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Worker:
    """A process that runs one function on task after task."""

    def __init__(self, function: str) -> None:
        self._end, other = socket.socketpair()
        command = [sys.executable, "-P", "-m", "vidgauge.contained.child", str(other.fileno()), function]
        # Modules are those of this process, from wherever it has them. -P: never from the folder it was started in.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
        with other, _no_interrupts():
            self._process = subprocess.Popen(
                command,
                env=environment,
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._ready = False

    def run(self, task: Any, limits: Limits) -> Iterator[Any]:
        """What the function yields for the task. Raises what it raises, Death, Stuck.

        It can be used again after the end, and after a BadVideo that is not about memory.
        """
        if not self._ready:
            self._start()
        self._end.settimeout(None)
        try:
            send(self._end, (task, limits))
        except OSError:  # it ended between two tasks
            raise self._death() from None
        for kind, value in self._answers(limits):
            if kind == "done":
                return
            yield value

    def kill(self) -> None:
        """Kill the process, whatever it does. May be called by any thread."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process and forget it."""
        self.kill()
        self._end.close()
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: it goes when that lets it go
            self._process.wait(10)

    def _start(self) -> None:
        try:
            next(self._answers(STARTING))
        except (Death, Stuck) as failed:
            if isinstance(failed, Death) and failed.outside:
                raise
            said = failed.cause if isinstance(failed, Death) else f"nothing for {WALL * STARTING.seconds:.0f} s"
            raise VidgaugeError(
                f"the worker process that is to read videos did not start ({said}); what it wrote, if anything, stands "
                "above. Try the same command again, and the installation with: vidgauge --version"
            ) from None
        self._ready = True

    def _answers(self, limits: Limits) -> Iterator[tuple[str, Any]]:
        """What the child answers, until the one who asks has enough. Raises what ended the task."""
        wall = WALL * limits.seconds
        step = min(1.0, wall)
        self._end.settimeout(step)
        waited, before = 0.0, self._at_work()

        def idle() -> None:
            # Polls are counted, not seconds: a machine that was suspended, or whose clock was set, used none up.
            nonlocal waited, before
            before, last = self._at_work(), before
            waited += max(0.0, step - (before - last))
            if waited >= wall:
                raise Stuck

        while True:
            try:
                kind, value = receive(self._end, idle)
            except EOFError:
                raise self._death() from None
            if kind == "failed":
                error, text = value
                error.add_note(f"In a worker process:\n{text}")
                raise error
            yield kind, value

    def _at_work(self) -> float:
        """Seconds that the process computed or waited for a processor; 0 where the system does not say."""
        try:
            computed, queued, _ = Path(f"/proc/{self._process.pid}/schedstat").read_text().split()
        except (OSError, ValueError):
            return 0.0
        return (int(computed) + int(queued)) / 1e9

    def _death(self) -> Death:
        try:
            return Death(self._process.wait(10))
        except subprocess.TimeoutExpired:  # it closed its end and lives on
            self.kill()
            return Death(-signal.SIGABRT)
