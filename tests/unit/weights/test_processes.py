"""Several processes at once, and processes that are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.unit.weights.serving import CONTENT, Server, gives, made
from vidgauge.weights import Entry
from vidgauge.weights.fetch import fetch_entry

CODE = """
import json, sys
from pathlib import Path
from vidgauge.weights import Entry
from vidgauge.weights.fetch import fetch_entry
keys = json.loads(sys.argv[1])
entry = Entry(**{**keys, "addresses": tuple(keys["addresses"])})
print(fetch_entry(entry, Path(sys.argv[2]), say=lambda line: print(line, flush=True)).verified)
"""


def fetching(entry: Entry, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CODE, json.dumps(asdict(entry)), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_two_at_once_fetch_once(server: Server, folder: Path) -> None:
    gate = threading.Event()
    entry = made(server.at("/a", gives(until=1000, gate=gate)))
    with fetching(entry, folder) as first:
        wait_until(lambda: len(server.asked) == 1)
        with fetching(entry, folder) as second:
            assert second.stdout
            assert second.stdout.readline() == f"{folder}/net/net.pt: another process is at it; waiting\n"
            gate.set()
            assert first.communicate(timeout=60)[0].splitlines()[-1] == "True"
            assert second.communicate(timeout=60)[0] == "True\n"
    assert len(server.asked) == 1
    assert (folder / "net" / "net.pt").read_bytes() == CONTENT


def test_after_a_kill_it_goes_on(server: Server, folder: Path) -> None:
    gate = threading.Event()
    half = len(CONTENT) // 2
    entry = made(server.at("/a", gives(until=half, gate=gate), gives()))
    part = folder / "net" / ".net.pt.part"
    with fetching(entry, folder) as killed:
        wait_until(lambda: part.exists() and part.stat().st_size > 0)
        killed.kill()
        assert killed.wait(timeout=60) == -signal.SIGKILL
    gate.set()
    have = part.stat().st_size
    assert have < len(CONTENT)
    assert not (folder / "net" / "net.pt").exists()
    assert fetch_entry(entry, folder).path.read_bytes() == CONTENT  # the lock is free
    assert [asked.range for asked in server.asked] == [None, f"bytes={have}-"]
    assert not part.exists()
