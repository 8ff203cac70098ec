"""Tensors in several files, which an index names: they belong to the folder, and are nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.weights.serving import CONFIG, bring, foldered, piece
from tests.unit.weights.test_folders import digest
from vidgauge.errors import VidgaugeError
from vidgauge.weights import check, identify, missing
from vidgauge.weights.registry import kept_at

INDEX = "model.safetensors.index.json"
SHARDED = foldered(piece("config.json"), piece(INDEX))


def index(*shards: object) -> bytes:
    return json.dumps({"weight_map": {f"tensor{i}": shard for i, shard in enumerate(shards)}}).encode()


def test_shards_belong_to_the_folder(folder: Path) -> None:
    files = {
        "config.json": CONFIG,
        INDEX: index("b.safetensors", "a.safetensors", "b.safetensors"),
        "a.safetensors": b"a",
    }
    home = bring(kept_at(SHARDED, folder), files)
    with pytest.raises(VidgaugeError, match=r"it has no b\.safetensors\. "):
        check(home, SHARDED)
    assert "which has no b.safetensors" in str(missing(SHARDED, folder))
    files = {**files, "b.safetensors": b"b"}
    found = check(bring(home, files), SHARDED)
    assert (found.sha256, found.verified) == (digest(files), False)
    (home / "c.safetensors").write_bytes(b"c")
    with pytest.raises(VidgaugeError, match=r"it has c\.safetensors, which is not part of it"):
        check(home, SHARDED)


def test_shards_have_no_published_digests(folder: Path) -> None:
    content = index("a.safetensors")
    entry = foldered(piece(INDEX, content=content))
    assert not entry.has_digest
    assert not check(bring(kept_at(entry, folder), {INDEX: content, "a.safetensors": b"a"}), entry).verified


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'{"weight_map": []}', b'{"weight_map": {}}', b'{"weight_map": {"t": 3, "u": "a.bin"}}']
    + [
        index(name)
        for name in ("../a.safetensors", "/etc/passwd", "..", "sub/a.safetensors", ".hidden", "a b", "", None)
    ],
)
def test_an_index_leads_nowhere_else(folder: Path, content: bytes) -> None:
    home = bring(kept_at(SHARDED, folder), {"config.json": CONFIG, INDEX: content})
    (folder / "a.safetensors").write_bytes(b"outside")
    with pytest.raises(
        VidgaugeError, match=rf"{re.escape(INDEX)} does not say in which files of the folder the tensors"
    ):
        check(home, SHARDED)


def test_every_shard_of_ones_own_folder_counts_whatever_its_name(tmp_path: Path) -> None:
    files = {INDEX: index("tensors.dat"), "tensors.dat": b"1"}
    home = bring(tmp_path / "own", files)
    found = identify(home, [])
    assert found.sha256 == digest(files)
    (home / "tensors.dat").write_bytes(b"22")
    assert identify(home, []).sha256 != found.sha256
    with pytest.raises(VidgaugeError, match="was changed"):
        found.refuse_if_changed()
    bring(home, {INDEX: index("../tensors.dat")})
    with pytest.raises(VidgaugeError, match=rf"own: {re.escape(INDEX)} does not say .* Bring the whole folder"):
        identify(home, [])
