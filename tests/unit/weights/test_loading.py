"""Folders of one's own for known networks: taken by content, and run without trust, for they hold no programs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.weights.serving import CONTENT, FILES, VOCAB, bring, foldered, made, piece
from tests.unit.weights.test_folders import LOOSE, NET, digest
from tests.unit.weights.test_verify import know
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load, loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes
from vidgauge.weights import identify

CLIPS = np.zeros((1, 1, 2, 2, 3), np.uint8)


def build(setup: Setup) -> Network:
    """A network that reads its folder and nothing else."""
    sizes = [float(len((setup.file.path / name).read_bytes())) for name in ("config.json", "model.bin")]
    return lambda clips: {"features": np.full((len(clips), 2), sizes, np.float32)}


FOLDERS = ExtractorSpec(
    name="theirs",
    build=build,
    input=InputSpec("clip", None, "none", "0..255"),
    arrays={"features": ArraySpec(2, "clip", "sizes"), "other": ArraySpec(1, "clip", "nothing")},
    version=1,
    source="a test",
    weights={"net": Takes(folder=True, arrays=("features",)), "loose": Takes(folder=True, arrays=("features",))},
)
FILE = replace(FOLDERS, weights={"file": Takes()})


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, NET, replace(LOOSE, name="loose", file="loose"), made("https://x/a", name="file"))
    monkeypatch.setattr("vidgauge.extractors.spec", {"theirs": FOLDERS, "file": FILE}.__getitem__)


def test_the_published_folder_is_known_by_its_content(tmp_path: Path) -> None:
    found = loading.weights_file(FOLDERS, bring(tmp_path / "any"))
    assert found is not None
    assert (found.name, found.verified, found.sha256) == ("net", True, digest(FILES))


def test_another_one_needs_no_trust_and_says_what_it_is(tmp_path: Path) -> None:
    own = bring(tmp_path / "own", {**FILES, "config.json": b'{"size": 3}'})
    found = loading.weights_file(FOLDERS, own)
    assert found is not None
    assert (found.name, found.verified, found.format) == (None, False, "folder")
    rows = load(FOLDERS, weights=own)(CLIPS)["features"]
    assert rows.tolist() == [[11.0, len(CONTENT)]]
    assert loading.arrays_asked(FOLDERS, found, None) == ("features",)  # what the first of the kind gives


def test_a_folder_that_changes_while_the_network_is_built_is_refused(tmp_path: Path) -> None:
    own = bring(tmp_path / "own")

    def meddled(setup: Setup) -> Network:
        (own / "vocab.json").write_bytes(VOCAB + b" ")
        return build(setup)

    with pytest.raises(VidgaugeError, match=f"{own}: was changed while it was read"):
        load(replace(FOLDERS, build=meddled), weights=own)


@pytest.mark.parametrize(
    ("extractor", "path", "text"),
    [
        (
            FOLDERS,
            "own/config.json",
            "is a file, and weights of theirs are a folder (configuration, tensors, tokenizer)",
        ),
        (FOLDERS, "gone", "gone: no such folder; weights of theirs were wanted"),
        (FILE, "own", "is a folder, and weights of theirs are a file; give that"),
        (FILE, "gone", "gone: no such file; weights of theirs were wanted"),
    ],
)
def test_a_file_is_no_folder(tmp_path: Path, extractor: ExtractorSpec, path: str, text: str) -> None:
    bring(tmp_path / "own")
    with pytest.raises(VidgaugeError, match=re.escape(text)):
        load(extractor, weights=tmp_path / path)


def asked(**keys: Any) -> NetworkAsked:
    return NetworkAsked(name="theirs", **keys)


def test_a_place_is_the_network_itself_or_where_many_are_kept(tmp_path: Path) -> None:
    own, kept = bring(tmp_path / "own", {**FILES, "vocab.json": b"{}"}), tmp_path / "kept"
    bring(kept / "net")
    found = loading.weights_asked(asked(), own)
    assert found is not None
    assert (found.path, found.name) == (own, None)
    for name in (None, "net"):
        found = loading.weights_asked(asked(weights=name), kept)
        assert found is not None
        assert (found.path, found.verified) == (kept / "net", True)
    bring(kept, {"notes.json": b"{}"})
    found = loading.weights_asked(asked(), kept)
    assert found is not None
    assert found.path == kept / "net"
    with pytest.raises(VidgaugeError, match=r"own: is not net .*: of vocab\.json"):
        loading.weights_asked(asked(weights="net"), own)
    with pytest.raises(VidgaugeError, match="weights net are missing"):
        loading.weights_asked(asked(), tmp_path)


def test_the_digest_that_a_run_began_with_is_compared(tmp_path: Path) -> None:
    home = bring(tmp_path / "loose")
    wanted = digest(FILES)
    found = loading.weights_asked(asked(weights="loose", sha256=wanted), tmp_path)
    assert found is not None
    assert not found.verified
    bring(home, {"model.bin": b"\x80other"})
    with pytest.raises(VidgaugeError, match=f"{wanted} is wanted for theirs"):
        loading.weights_asked(asked(weights="loose", sha256=wanted), tmp_path)


def test_folders_and_files_of_one_network_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a folder is not the folder, even if the registry knows it as a file too."""
    known = foldered(piece("model.bin", content=CONTENT))
    know(monkeypatch, known, made("https://x/a", name="file"))
    home = bring(tmp_path / "own", {"model.bin": CONTENT})
    assert identify(home, ["net", "file"]).name == "net"
    assert identify(home / "model.bin", ["net", "file"]).name == "file"
