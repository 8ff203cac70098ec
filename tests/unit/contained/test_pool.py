"""Worker processes: messages come through, and whatever a task does ends that task alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidgauge.contained.limits import Limits
from vidgauge.contained.pool import Here, Pool
from vidgauge.contained.worker import Worker
from vidgauge.errors import BadVideo, VidgaugeError

FUNCTION = "tests.unit.contained.functions:call"
ROOM = Limits(60, 1 << 30)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(FUNCTION) as pool:
        yield pool


def run(pool: Pool | Here, *task: Any, limits: Limits = ROOM) -> list[Any]:
    return list(pool.stream(task, limits, name="/videos/a.mp4"))


def rejected(pool: Pool, *task: Any, limits: Limits = ROOM) -> BadVideo:
    with pytest.raises(BadVideo) as caught:
        run(pool, *task, limits=limits)
    assert run(pool, "count", 1) == [0]  # the next is not touched by it
    return caught.value


def is_running(pid: int) -> bool:
    """A zombie is none: nobody may be there to take its exit code."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_messages_in_order_and_one_process_for_all(pool: Pool) -> None:
    assert run(pool, "count", 1000) == list(range(1000))
    assert run(pool, "count", 0) == []
    pids = {pid for _ in range(3) for pid in run(pool, "pid")}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_large_arrays(pool: Pool) -> None:
    first, second, (empty, strided) = run(pool, "arrays", 8)
    for seed, (name, index, clip) in enumerate((first, second)):
        wanted = np.random.default_rng(seed).integers(0, 256, (8, 1 << 10, 1 << 10), np.uint8)
        assert (name, index, clip.tobytes() == wanted.tobytes()) == ("clip", [seed], True)
        clip[:] = 0  # the receiver may write into it
    assert empty.shape == (0, 3)
    assert strided.tolist() == np.eye(4)[:, ::2].tolist()


def test_exceptions_come_as_themselves_with_where_they_were_raised(pool: Pool) -> None:
    with pytest.raises(ValueError, match="no such frame") as caught:
        run(pool, "raises", "value")
    assert str(caught.value) == "no such frame"
    assert "functions.py" in caught.value.__notes__[0]
    bad = rejected(pool, "raises", "bad")
    assert (bad.reason, bad.detail) == ("damaged", "its frame 3")
    with pytest.raises(RuntimeError, match="LocalError: here"):  # of a class that is not known here
        run(pool, "raises", "local")


def test_a_function_that_is_not_there_is_a_fault_of_the_program() -> None:
    with Pool("tests.unit.contained.nowhere:call") as pool, pytest.raises(ModuleNotFoundError):
        run(pool, "count", 1)


def test_a_process_that_does_not_start_is_no_fault_of_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_start.py").write_text("import os; os._exit(7)")
    monkeypatch.syspath_prepend(tmp_path)
    with Pool("no_start:call") as pool, pytest.raises(VidgaugeError, match="exit code 7") as caught:
        run(pool, "count", 1)
    assert not isinstance(caught.value, BadVideo)


@pytest.mark.parametrize(("number", "cause"), [(signal.SIGSEGV, "SIGSEGV"), (-3, "exit code 3")])
def test_a_crash_is_tried_again_once(pool: Pool, tmp_path: Path, number: int, cause: str) -> None:
    bad = rejected(pool, "dies", tmp_path, number)
    assert bad.reason == "crashed"
    assert cause in bad.detail
    assert len(list(tmp_path.iterdir())) == 2


def test_a_crash_that_does_not_come_again_is_forgiven(pool: Pool, tmp_path: Path) -> None:
    assert run(pool, "dies_once", tmp_path, signal.SIGBUS) == ["alive"]


def test_what_was_handed_out_is_not_handed_out_again(pool: Pool, tmp_path: Path) -> None:
    messages = pool.stream(("dies_late", tmp_path, signal.SIGSEGV), ROOM, name="a")
    assert [next(messages), next(messages)] == ["before"] * 2
    with pytest.raises(BadVideo, match="crashed"):
        next(messages)
    assert len(list(tmp_path.iterdir())) == 1


def test_killed_from_outside_is_no_fault_of_the_video(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(VidgaugeError, match=r"^/videos/a.mp4: .*killed from outside \(SIGKILL\).*memory") as caught:
        run(pool, "dies", tmp_path, signal.SIGKILL)
    assert not isinstance(caught.value, BadVideo)
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "again").mkdir()
    assert run(pool, "dies_once", tmp_path / "again", signal.SIGTERM) == ["alive"]


def test_killed_between_two_tasks(pool: Pool) -> None:
    (pid,) = run(pool, "pid")
    os.kill(pid, signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.01)
    assert run(pool, "pid") != [pid]


def test_too_much_computing(pool: Pool) -> None:
    bad = rejected(pool, "spins", limits=Limits(1, 1 << 30))
    assert (bad.reason, "more than 1 s of computing" in bad.detail) == ("time-limit", True)


def test_too_long_a_wait(pool: Pool) -> None:
    bad = rejected(pool, "sleeps", limits=Limits(0.1, 1 << 30))
    assert (bad.reason, "halt" in bad.detail) == ("time-limit", True)


def test_the_readers_own_time_does_not_count(pool: Pool) -> None:
    run(pool, "arrays", 1)  # NumPy is loaded
    for _ in pool.stream(("arrays", 2), Limits(0.1, 1 << 30), name="a"):  # more than fits into the pipe
        time.sleep(0.5)  # it may wait for 0.4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits what a process allocates")
@pytest.mark.parametrize("task", [("hogs", 300 << 20), ("raises", "memory in libav")])
def test_too_much_memory(pool: Pool, task: tuple[Any, ...]) -> None:
    assert run(pool, "hogs", 20 << 20) == [20]
    bad = rejected(pool, *task, limits=Limits(60, 200 << 20))
    assert (bad.reason, bad.detail) == ("memory-limit", "reading it takes more than 0.195 GiB of memory")


def test_files_cannot_be_written_and_ctrl_c_is_the_parents(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large"):
        run(pool, "writes", tmp_path / "a")
    assert run(pool, "is_stopped") == [False]


def test_ctrl_c_is_the_parents_from_the_first_moment_on() -> None:
    worker = Worker(FUNCTION)
    try:
        os.kill(worker._process.pid, signal.SIGINT)  # before its Python has begun
        assert list(worker.run(("count", 2), ROOM)) == [0, 1]
    finally:
        worker.end()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])  # here it still counts


def test_who_stops_reading_ends_the_process(pool: Pool) -> None:
    messages = pool.stream(("sleeps",), ROOM, name="a")
    pid = next(messages)
    assert is_running(pid)
    messages.close()
    assert not is_running(pid)
    assert run(pool, "count", 1) == [0]


def test_several_threads(tmp_path: Path) -> None:
    with Pool(FUNCTION, 2) as pool, ThreadPoolExecutor(4) as threads:
        meeting = [threads.submit(run, pool, "meets", tmp_path, *names) for names in ("ab", "ba")]
        assert [future.result() for future in meeting] == [["a"], ["b"]]
        pids = {pid for found in threads.map(lambda _: run(pool, "pid"), range(20)) for pid in found}
        assert len(pids) <= 2


def test_closed_in_the_middle() -> None:
    with Pool(FUNCTION, 2) as pool:
        messages = pool.stream(("sleeps",), ROOM, name="/videos/a.mp4")
        pid = next(messages)
        pool.close()
        with pytest.raises(VidgaugeError, match="stopped"):
            next(messages)
        assert not is_running(pid)
        with pytest.raises(VidgaugeError, match="ended"):
            run(pool, "count", 1)


def test_modules_come_from_where_this_process_has_them_and_nothing_heavy_is_loaded(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    with Pool(FUNCTION) as pool:
        assert run(pool, "modules") == [[]]


@pytest.mark.parametrize("task", ["sleeps", "spins"])
def test_no_process_outlives_its_parent(task: str) -> None:
    script = f"""
        import sys
        from vidgauge.contained.limits import Limits
        from vidgauge.contained.pool import Pool
        with Pool({FUNCTION!r}) as pool:
            list(pool.stream(("count", 1), Limits(60, 1 << 30), name="a"))
            print("ready", flush=True)
            list(pool.stream(({task!r},), Limits(60, 1 << 30), name="a"))
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **streams) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        time.sleep(0.2)  # into the task
        parent.kill()
        assert parent.communicate(timeout=60)[1] == ""  # which ends when the last process that has its stderr ends


def test_here_is_without_a_process() -> None:
    with Here(FUNCTION) as here:
        assert run(here, "pid") == [os.getpid()]
