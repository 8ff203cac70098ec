"""What a file of weights is: digests, pins, formats."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.unit.weights.serving import CONTENT, git_blob, made, unknown
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.specs import WeightsFile
from vidgauge.weights import Entry, check, find, format_of, identify
from vidgauge.weights.content import Digests, digests
from vidgauge.weights.pins import pin_of, read_pin, write_pin
from vidgauge.weights.registry import kept_at

SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64
A = "https://x/net.pt"


@pytest.fixture
def path(folder: Path) -> Path:
    """A file of weights, where the folder keeps it."""
    path = kept_at(made(), folder)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def know(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    """Let the registry hold these entries and no others."""
    known = MappingProxyType({entry.name: entry for entry in entries})
    monkeypatch.setattr(sys.modules["vidgauge.weights.registry"], "registry", lambda: known)


def test_digests_in_one_pass(path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    assert digests(path, lambda *now: seen.append(now)) == Digests(SHA256, git_blob(CONTENT), len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("content", [b"", CONTENT * 4])
def test_git_agrees_about_its_blobs(tmp_path: Path, content: bytes) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("no git here")
    (tmp_path / "x").write_bytes(content)
    done = subprocess.run([git, "hash-object", "--no-filters", "x"], cwd=tmp_path, capture_output=True, check=True)
    assert digests(tmp_path / "x").git_blob == done.stdout.decode().strip() == git_blob(content)


@pytest.mark.parametrize(
    "entry",
    [made(), made(bytes=None), made(sha256=None, git_blob=git_blob(CONTENT)), made(git_blob="1" * 40)],
    ids=["sha256 and size", "sha256", "git blob", "sha256 before git blob"],
)
def test_the_right_file_is_verified(path: Path, entry: Entry) -> None:
    write_pin(path, WRONG)  # means nothing where a digest is known
    assert check(path, entry) == WeightsFile(path, SHA256, "net", True, "pickle")


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        (made(A, sha256=WRONG), [f"its SHA-256 is {SHA256}, wanted was {WRONG}"]),
        (made(A, sha256=WRONG, bytes=7), ["it has 300000 bytes instead of 7", SHA256, WRONG]),
        (made(A, sha256=None, git_blob="0" * 40), [f"its git blob id is {git_blob(CONTENT)}, not {'0' * 40}"]),
        (made(A, bytes=7), ["it has 300000 bytes instead of 7"]),
        (unknown(A, bytes=7), ["it has 300000 bytes instead of 7"]),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_do(path: Path, folder: Path, entry: Entry, parts: list[str]) -> None:
    with pytest.raises(VidgaugeError) as caught:
        check(path, entry)
    text = str(caught.value)
    assert text.startswith(f"{path}: is not net (a network of tests): ")
    assert [part for part in parts if part not in text] == []
    assert f"Delete it and get it again: vidgauge weights fetch net --folder {folder} ({entry.size_text})" in text
    assert "\n" not in text


def test_nobody_is_told_to_delete_a_file_of_their_own(tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    own.write_bytes(b"other")
    with pytest.raises(VidgaugeError, match="Use another file, or let vidgauge get it: vidgauge weights fetch net "):
        check(own, made(A))


def test_a_wrong_file_of_a_package_is_not_fetched(path: Path) -> None:
    with pytest.raises(VidgaugeError, match="Install its package anew"):
        check(path, made("package:no_such_module/net.pt", sha256=WRONG))


def test_without_a_digest_nothing_is_verified(path: Path) -> None:
    assert check(path, unknown()) == WeightsFile(path, SHA256, "net", False, "pickle")
    assert not pin_of(path).exists()


def test_pins_are_those_of_sha256sum(path: Path) -> None:
    write_pin(path, SHA256)
    assert read_pin(path) == SHA256
    assert check(path, unknown()).verified is False
    sha256sum = shutil.which("sha256sum")
    if sha256sum is None:
        pytest.skip("no sha256sum here")
    subprocess.run([sha256sum, "--check", "--strict", pin_of(path).name], cwd=path.parent, check=True)


def test_a_pin_refuses_other_content(path: Path) -> None:
    write_pin(path, WRONG)
    with pytest.raises(VidgaugeError, match=f"the first copy here had {WRONG}. .* delete .*net.pt.sha256 instead"):
        check(path, unknown())


def test_a_pin_that_cannot_be_read_pins_nothing_and_is_told(path: Path) -> None:
    pin_of(path).write_text("")
    with pytest.raises(VidgaugeError, match=r"net.pt.sha256: holds no SHA-256"):
        check(path, unknown())


def test_find(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, made("https://x/net.pt"))
    assert find("net", folder).path == path
    path.write_bytes(b"other")
    with pytest.raises(VidgaugeError, match="is not net"):
        find("net", folder)
    path.unlink()
    with pytest.raises(VidgaugeError, match="weights net are missing"):
        find("net", folder)
    with pytest.raises(UsageError, match="known are: net"):
        find("x", folder)


def test_identify_goes_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = made(name="other", content=b"other")
    know(monkeypatch, unknown(name="nobody_knows"), other, made(), made(name="twin"))
    for content, name in ((CONTENT, "net"), (b"other", "other"), (b"", None)):
        (tmp_path / "any.pt").write_bytes(content)
        found = identify(tmp_path / "any.pt", ["nobody_knows", "other", "net", "twin"])
        assert (found.name, found.verified) == (name, name is not None)
        assert found.sha256 == hashlib.sha256(content).hexdigest()
    (tmp_path / "any.pt").write_bytes(CONTENT)
    assert identify(tmp_path / "any.pt", ["other"]).name is None
    with pytest.raises(UsageError):
        identify(tmp_path / "any.pt", ["othr"])


def test_formats_of_real_files(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    state = {"weight": torch.zeros(2, 3)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is being retired; files of it stay
        torch.jit.save(torch.jit.script(torch.nn.Linear(3, 2)), tmp_path / "torchscript")
    save_file(state, tmp_path / "safetensors")
    torch.save(state, tmp_path / "pickle")
    for name in ("torchscript", "safetensors", "pickle"):
        assert format_of(tmp_path / name) == name
    torch.save(state, tmp_path / "old", _use_new_zipfile_serialization=False)
    assert format_of(tmp_path / "old") == "pickle"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"PK\3\4 cut off", (10**6).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]"],
    ids=["empty", "short", "cut zip", "header longer than the file", "no JSON object"],
)
def test_what_is_nothing_else_counts_as_a_pickle(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert format_of(tmp_path / "x") == "pickle"


@pytest.mark.parametrize("member", ["archive/constants.pkl", "archive/code/__torch__.py"])
def test_torchscript_is_told_by_its_members(tmp_path: Path, member: str) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("archive/data.pkl", "")
        archive.writestr(member, "")
    assert format_of(tmp_path / "x") == "torchscript"
