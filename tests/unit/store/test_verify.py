"""What was damaged since it was written is deleted as a run begins; what is known to be whole is not read again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.clips_files import clips_file
from vidgauge.store import seal
from vidgauge.store.features import FeatureArray, write_features
from vidgauge.store.verify import RECORD, remove_damaged, removed

MERGED, SHARD, CLIPS = "features/real/4f/net.h5", "features/real/4f/net/0.h5", "clips/real/4f/0.h5"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    rows = FeatureArray(np.ones((2, 3), np.float32), np.array(["a", "b"]), [0, 0], [0, 0])
    for name in (MERGED, SHARD):
        write_features(tmp_path / name, {"clip": rows})
    with clips_file(tmp_path / CLIPS, spec={}, shape=(1, 2, 2)) as writer:
        writer.append("a", 0, 0, [0], np.zeros((1, 2, 2, 3), np.uint8))
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "other.h5").write_bytes(b"not ours to judge")
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read, from now on."""
    names: list[str] = []
    whole = seal.fault
    monkeypatch.setattr(seal, "fault", lambda path: [names.append(path.parent.name), whole(path)][1])
    return names


def spoil(file: Path) -> None:
    """Another byte in the middle, and the times that it had."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(before.st_size // 2)
        byte = opened.read(1)
        opened.seek(before.st_size // 2)
        opened.write(bytes([byte[0] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_whole_files_are_read_once(results: Path, read: list[str]) -> None:
    assert remove_damaged(results) == []
    assert len(read) == 3
    stamp = (results / RECORD).stat().st_mtime_ns
    assert remove_damaged(results) == []
    assert len(read) == 3
    assert (results / RECORD).stat().st_mtime_ns == stamp
    (results / SHARD).touch()
    assert remove_damaged(results) == []
    assert read[3:] == ["net"]


@pytest.mark.parametrize("name", [MERGED, SHARD, CLIPS])
@pytest.mark.parametrize("known", [True, False])
def test_a_damaged_file_is_deleted(results: Path, name: str, known: bool) -> None:
    if known:
        remove_damaged(results)
    spoil(results / name)
    (text,) = remove_damaged(results)
    assert f"{results / name} does not hold what was written (sha256" in text
    assert "made anew" in text
    assert not (results / name).exists()
    assert removed(results) == {name}
    others = {MERGED, SHARD, CLIPS} - {name}
    assert all((results / other).exists() for other in others)
    assert remove_damaged(results) == []
    assert removed(results) == {name}  # still, should the run be killed before it is made again


def test_what_is_made_again_is_no_longer_missed(results: Path) -> None:
    spoil(results / MERGED)
    remove_damaged(results)
    (results / SHARD).rename(results / MERGED)
    assert removed(results) == set()
    assert remove_damaged(results) == []
    assert json.loads((results / RECORD).read_text()).keys() == {MERGED, CLIPS}


def test_files_without_a_seal_stay(results: Path) -> None:
    (results / MERGED).write_bytes((results / MERGED).read_bytes()[seal.USER_BLOCK :])
    assert remove_damaged(results) == []
    assert (results / MERGED).exists()


@pytest.mark.parametrize("record", ["", "[]", "{", '{"features/real/4f/net.h5": 7}', "\xff"])
def test_a_damaged_record_is_made_anew(results: Path, read: list[str], record: str) -> None:
    remove_damaged(results)
    (results / RECORD).write_bytes(record.encode("latin-1"))
    assert remove_damaged(results) == []
    assert len(read) == 6
    assert len(json.loads((results / RECORD).read_text())) == 3


def test_an_empty_results_folder_stays_empty(tmp_path: Path) -> None:
    assert remove_damaged(tmp_path / "results") == []
    assert not list(tmp_path.iterdir())


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; import vidgauge.store.verify; heavy = {'numpy', 'h5py', 'torch', 'av'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
