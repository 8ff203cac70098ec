"""The commands on a corpus of hostile files: each is used or rejected with a reason, and nothing is left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hostile import corpus
from tests.record import record
from vidgauge.contained import limits
from vidgauge.files import read_jsonl
from vidgauge.manifest.listing import write_listing
from vidgauge.manifest.probing import PROBE_VERSION
from vidgauge.manifest.sources import rows
from vidgauge.media.probe import REASONS
from vidgauge.media.sampling import SPEC_REASONS
from vidgauge.store.clips import open_clips

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"
ASKED = {"spec": {"frames": 3, "size": [16, 16], "short": "pad"}, "seed": 1, "draws": 2}
SPARE = 1 << 30  # bytes of a worker before it reads anything


@pytest.mark.parametrize(("count", "seed"), [(24, 3), pytest.param(2400, 11, marks=pytest.mark.stress)])
def test_every_file_is_used_or_rejected_with_a_reason(count: int, seed: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        made = corpus(tmp_path / "videos", count, seed=seed, port=listener.getsockname()[1])
        write_listing(tmp_path / "set", tmp_path / "videos", None, 10**6, probe_version=PROBE_VERSION)
        began = time.monotonic()
        command("probe", tmp_path / "set/listing/0.jsonl", "--out", tmp_path / "probed.jsonl", "--workers", "2")
        probing = time.monotonic() - began
        with pytest.raises(BlockingIOError):  # nobody called
            listener.accept()
    listed = list(read_jsonl(tmp_path / "set/listing/rejected.jsonl"))
    lines = list(read_jsonl(tmp_path / "probed.jsonl"))
    used = {line["video"]["id"]: line["video"] for line in lines if "video" in line}
    rejected = [line["rejected"] for line in lines if "rejected" in line]
    assert len(used) + len(rejected) + len(listed) == count == len(made)
    assert {bad["reason"] for bad in listed} <= set(rows.REASONS)
    assert {bad["reason"] for bad in rejected} <= set(REASONS)
    assert all(bad["detail"] for bad in [*listed, *rejected])
    assert all(video["frames"] and video["width"] and video["height"] for video in used.values())

    clips = tmp_path / "clips.h5"
    command("clips", tmp_path / "probed.jsonl", "--spec", json.dumps(ASKED), "--out", clips, "--workers", "2")
    with open_clips(clips) as given:
        decoded, failed = set(given.video), {bad["video"]: bad["reason"] for bad in given.failed}
    assert decoded | set(failed) == set(used)
    assert not decoded & set(failed)
    assert set(failed.values()) <= {*REASONS, *SPEC_REASONS}
    assert not list(tmp_path.rglob("pwned"))

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert peak < limits.MEMORY + SPARE
    reasons = Counter(bad["reason"] for bad in [*listed, *rejected])
    record(
        "fuzz" if count > 1000 else "fuzz-small",
        files=count,
        used=len(used),
        rejected=reasons.total(),
        **{f"rejected: {reason}": number for reason, number in sorted(reasons.items())},
        decoded=len(decoded),
        found_while_decoding=len(failed),
        probing_seconds=round(probing, 1),
        peak_memory_mb=peak >> 20,
    )


def command(*arguments: object) -> None:
    """A command of vidgauge in a session of its own. It ends well, says nothing, and leaves no process behind."""
    started = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "vidgauge", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(WORKFLOW)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = started.communicate(timeout=1800)
        assert started.returncode == 0, said
        assert "Traceback" not in said
        assert not left_of(started.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)


def left_of(session: int) -> list[str]:
    """The processes of a session."""
    left = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text(errors="replace")
            if int(text.rpartition(")")[2].split()[3]) == session:
                left.append(text[:60])
    return left
