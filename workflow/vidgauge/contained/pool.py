"""Worker processes for many tasks, and what becomes of a video when one dies."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from typing import Any, Self

from vidgauge.contained.limits import WALL, Limits
from vidgauge.contained.loading import load
from vidgauge.contained.worker import Death, Stuck, Worker
from vidgauge.errors import BadVideo, VidgaugeError


def open_pool(function: str, *, workers: int, contained: bool) -> Pool | Here:
    """Worker processes, or this one: `Pool` or `Here`."""
    return Pool(function, workers) if contained else Here(function)


class Here:
    """The calls of a `Pool`, run in this process without any limit: for tests, and for videos that are trusted."""

    def __init__(self, function: str) -> None:
        self._function = load(function)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def stream(self, task: Any, limits: Limits, *, name: str) -> Generator[Any]:  # noqa: ARG002 - as a Pool has it
        """What the function yields for a task."""
        return self._function(task)

    def close(self) -> None:
        """There is nothing to end."""


class Pool:
    """Up to `workers` processes that run a generator function, 'module:name', started when they are first needed."""

    def __init__(self, function: str, workers: int = 1) -> None:
        self._function = function
        self._free = threading.BoundedSemaphore(max(1, workers))
        self._lock = threading.Lock()  # of the following three
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes, those in the middle of a task too: their streams raise VidgaugeError."""
        with self._lock:
            self._closed = True
            for worker in self._busy:
                worker.kill()
            while self._idle:
                self._idle.pop().end()

    def stream(self, task: Any, limits: Limits, *, name: str) -> Generator[Any]:
        """The messages that the function yields for a task, as they come. May be called from several threads at once.

        It waits for a free process. Who stops reading in the middle must close the iterator, which ends the process.
        name: what is read, for messages. Raises BadVideo (crashed, time-limit, memory-limit, and what the function
        raises), VidgaugeError where the process was killed from outside, and any other exception of the function.
        """
        with self._free:
            messages, deaths = 0, 0
            while True:
                worker, ended = self._take(), True
                try:
                    for message in worker.run(task, limits):
                        messages += 1
                        yield message
                    ended = False
                    return
                except BadVideo as bad:
                    ended = bad.reason == "memory-limit"  # libraries may not have cleaned up
                    raise
                except Stuck:
                    raise BadVideo(
                        "time-limit", f"reading it came to a halt for {WALL * limits.seconds:.0f} s"
                    ) from None
                except Death as death:
                    deaths += 1
                    if self._closed:
                        raise VidgaugeError(f"{name}: was not read to its end, because the run was stopped") from None
                    if -death.code == signal.SIGXCPU:
                        detail = f"reading it takes more than {limits.seconds:.0f} s of computing"
                        raise BadVideo("time-limit", detail) from None
                    if deaths == 2 or messages:  # what was handed out cannot be taken back for a second try
                        raise _problem(death, name) from None
                finally:
                    self._put_back(worker, ended)

    def _take(self) -> Worker:
        with self._lock:
            if self._closed:
                raise VidgaugeError("the worker processes were ended already")
            worker = self._idle.pop() if self._idle else Worker(self._function)
            self._busy.add(worker)
            return worker

    def _put_back(self, worker: Worker, ended: bool) -> None:
        with self._lock:
            self._busy.remove(worker)
            if not ended and not self._closed:
                self._idle.append(worker)
                return
        worker.end()


def _problem(death: Death, name: str) -> VidgaugeError:
    if not death.outside:
        return BadVideo("crashed", f"the process that read it died ({death.cause})")
    return VidgaugeError(
        f"{name}: the process that read this video was killed from outside ({death.cause}), probably because memory "
        "ran out. Give the job more memory, or let fewer jobs and threads run at once, and run the same command again: "
        "what is finished is kept"
    )
