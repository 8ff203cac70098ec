"""One run at a time on a results folder, and the listing that a run writes before it starts.

Snakemake's own lock asks for --unlock after a kill; this one is the kernel's, which drops it at any death of its
process. A dry run and a run may be parsed at once; whoever finds the lock taken at parse time leaves the listing as
the other run wrote it.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidgauge.errors import VidgaugeError

PATIENCE = 10.0
"""Seconds to wait for a holder that did not sign: it only writes a listing, as every parse does, and is soon done."""


class RunLock:
    """A lock on results/.lock, gone with its process whatever ends it: there is never anything to unlock."""

    def __init__(self, results: Path, logger: logging.Logger | None = None) -> None:
        self.path = results / ".lock"
        self._logger = logger or logging.getLogger(__name__)
        self._file: int | None = None

    def acquire(self, patience: float = 0.0) -> bool:
        """True if held now; False if another run holds it, at the latest after `patience` seconds."""
        until = time.monotonic() + patience
        while not self._try():
            if self._signature() or time.monotonic() >= until:
                return False
            time.sleep(0.05)
        return True

    def sign(self) -> None:
        """Write down who runs jobs, for the message of the run that finds the lock taken."""
        if self._file is not None:
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()} since {now}".encode(), 0)

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def holder(self) -> str:
        """Who holds the lock, in words."""
        return self._signature() or "another process"

    def _try(self) -> bool:
        if self._file is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)  # not inherited by jobs (PEP 446)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                os.close(file)
                return False
            self._logger.warning(
                f"{self.path}: this file system has no locks ({error.strerror}); do not start two runs at once."
            )
        os.ftruncate(file, 0)  # the signature of a run that was killed
        self._file = file
        return True

    def _signature(self) -> str:
        return self.path.read_text(errors="replace")


def guard(
    workflow: Any,
    results: Path,
    write: Callable[[], object],
    begin: Callable[[], object] = lambda: None,
    written: Callable[[], bool] = lambda: True,
    logger: logging.Logger | None = None,
) -> None:
    """Write the listing now, briefly locked; hold the lock for as long as jobs run, and `begin` before the first.

    written: whether an earlier run wrote all that a dry run needs, which it has while another run holds the lock.

    `workflow` is Snakemake's, in its main process. Its `execute` is called by a run, --touch and -n, and never by
    --lint, --report, --unlock, --summary, --rulegraph: those do without a source that cannot be listed. What `write`
    raises for the user ends a run with one paragraph: a WorkflowError would add a traceback line.
    """
    log = logger or _snakemake_logger()
    lock = RunLock(results, log)
    failure: VidgaugeError | None = None
    try:
        with _readable(results):
            if lock.acquire():
                write()
            elif not written():
                raise VidgaugeError(
                    f"{results} is in use by another run ({lock.holder()}), and nothing is known of this evaluation "
                    "yet: what it would do can be said when that run is over."
                )
    except VidgaugeError as error:
        failure = error
    finally:
        lock.release()
    execute = workflow.execute

    def locked(*args: Any, **kwargs: Any) -> Any:
        try:
            if not workflow.output_settings.dryrun:
                with _readable(results):
                    _take(lock, results)
                    write()  # again: another run may have held the lock while this one was parsed
                    begin()
            elif failure:
                raise failure
            return execute(*args, **kwargs)
        except VidgaugeError as error:
            log.error(str(error))
            raise SystemExit(error.exit_code) from None
        finally:
            lock.release()

    workflow.execute = locked


@contextmanager
def _readable(results: Path) -> Iterator[None]:
    """What the system refuses, as a message for the user: no traceback for a full disk or a folder of another's."""
    try:
        yield
    except OSError as error:
        raise VidgaugeError(f"{error.filename or results}: {error.strerror or error}") from error


def _take(lock: RunLock, results: Path) -> None:
    if not lock.acquire(PATIENCE):
        raise VidgaugeError(
            f"{results} is in use by another run ({lock.holder()}): wait for it or stop it, then start this again."
        )
    lock.sign()


def _snakemake_logger() -> logging.Logger:
    from snakemake.logging import logger  # here: the package works without Snakemake

    found: logging.Logger = logger
    return found
