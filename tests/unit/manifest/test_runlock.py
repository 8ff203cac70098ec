"""One run at a time: contention between real processes, and what guard does around Snakemake's execute."""

import logging
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.manifest import runlock
from vidgauge.manifest.runlock import RunLock, guard

HOLDER = """
import sys, time
from pathlib import Path
from vidgauge.manifest.runlock import RunLock
lock = RunLock(Path(sys.argv[1]))
assert lock.acquire()
if sys.argv[2] == "sign":
    lock.sign()
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.fixture
def hold(tmp_path):
    """hold(sign, seconds): another process that holds the lock on tmp_path."""
    started = []

    def start(sign="sign", seconds=60.0):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path), sign, str(seconds)], stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Workflow:
    """As much of Snakemake's Workflow as guard uses."""

    def __init__(self, dryrun=False):
        self.output_settings = SimpleNamespace(dryrun=dryrun)
        self.executed = []

    def execute(self, *args, **kwargs):
        self.executed.append((args, kwargs))
        return "result"


@pytest.fixture
def logger():
    return logging.getLogger("test_runlock")


def test_another_process_holds_it_until_it_is_killed(tmp_path, hold):
    process, lock = hold(), RunLock(tmp_path)
    assert not lock.acquire(patience=5)
    assert f"process {process.pid} on " in lock.holder()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert lock.acquire()
    assert lock.acquire()
    assert lock.holder() == "another process"  # the killed run's signature is gone
    lock.release()
    lock.release()


def test_a_holder_that_only_lists_is_waited_for(tmp_path, hold):
    hold("no", 0.5)
    lock = RunLock(tmp_path)
    assert not lock.acquire()
    assert lock.acquire(patience=20)
    lock.release()


def test_guard_lists_twice_and_runs_under_the_lock(tmp_path, logger):
    workflow, held = Workflow(), []

    def write():
        held.append(not RunLock(tmp_path).acquire())

    begun = []
    guard(workflow, tmp_path, write, lambda: begun.append(len(held)), logger=logger)
    assert (held, begun) == ([True], [])
    free = RunLock(tmp_path)
    assert free.acquire()  # nothing holds it between parsing and running
    free.release()
    assert workflow.execute(1, two=2) == "result"
    assert workflow.executed == [((1,), {"two": 2})]
    assert (held, begun) == ([True, True], [2])  # once, when everything is written
    assert free.acquire()
    free.release()


def test_guard_releases_after_a_failed_run(tmp_path, logger):
    workflow = Workflow()
    workflow.execute = lambda: 1 / 0
    guard(workflow, tmp_path, lambda: None, logger=logger)
    with pytest.raises(ZeroDivisionError):
        workflow.execute()
    lock = RunLock(tmp_path)
    assert lock.acquire()
    lock.release()


def test_a_second_run_is_refused_in_one_sentence(tmp_path, hold, logger, caplog):
    process, workflow, written = hold(), Workflow(), []
    guard(workflow, tmp_path, lambda: written.append(1), logger=logger)
    with pytest.raises(SystemExit) as stopped:
        workflow.execute()
    assert (stopped.value.code, workflow.executed, written) == (1, [], [])
    assert caplog.messages == [
        f"{tmp_path} is in use by another run ({RunLock(tmp_path).holder()}): "
        "wait for it or stop it, then start this again."
    ]
    assert str(process.pid) in caplog.text


def test_a_dry_run_beside_a_run_goes_on_with_its_listing(tmp_path, hold, logger):
    hold()
    workflow, written = Workflow(dryrun=True), []
    guard(workflow, tmp_path, lambda: written.append(1), logger=logger)
    assert workflow.execute() == "result"
    assert written == []


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_message_for_the_user_ends_the_process_without_a_traceback(tmp_path, logger, caplog, fails_at):
    workflow, calls = Workflow(), []

    def write():
        calls.append(1)
        if len(calls) >= fails_at:
            raise VidgaugeError("one paragraph")

    with pytest.raises(SystemExit) as stopped:  # noqa: PT012 - at parse time or when it runs
        guard(workflow, tmp_path, write, logger=logger)
        workflow.execute()
    assert (stopped.value.code, stopped.value.__suppress_context__, caplog.messages) == (1, True, ["one paragraph"])
    assert workflow.executed == []
    lock = RunLock(tmp_path)
    assert lock.acquire()
    lock.release()


def test_a_fault_of_the_program_is_raised(tmp_path, logger):
    with pytest.raises(ZeroDivisionError):
        guard(Workflow(), tmp_path, lambda: 1 / 0, logger=logger)


def test_a_file_system_without_locks_warns(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(runlock.fcntl, "flock", refuse)
    lock = RunLock(tmp_path)
    assert lock.acquire()
    assert "this file system has no locks (Function not implemented)" in caplog.text
    lock.release()


def test_a_folder_that_cannot_be_made_is_one_paragraph(tmp_path, logger, caplog):
    (tmp_path / "file").touch()
    workflow = Workflow()
    guard(workflow, tmp_path / "file" / "results", lambda: None, logger=logger)
    with pytest.raises(SystemExit) as stopped:
        workflow.execute()
    assert stopped.value.code == 1
    assert [message.endswith("Not a directory") for message in caplog.messages] == [True]
