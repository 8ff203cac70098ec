"""Networks that are folders: which files count, what they are together, and what is wrong with them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.weights.serving import CONFIG, CONTENT, FILES, VOCAB, WRONG, bring, foldered, git_blob, piece
from tests.unit.weights.test_verify import know
from vidgauge.errors import VidgaugeError
from vidgauge.weights import check, find, identify, missing
from vidgauge.weights.content import Digests
from vidgauge.weights.folders import sha256_of
from vidgauge.weights.pins import pin_of, read_pins, write_pins
from vidgauge.weights.registry import Piece, is_plain, kept_at

NET = foldered(*(piece(name, content=content) for name, content in FILES.items()))
LOOSE = foldered(piece("config.json", content=CONFIG), piece("model.bin"), piece("vocab.json", optional=True))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest(files: dict[str, bytes]) -> str:
    return sha256("".join(sorted(f"{sha256(content)}  {name}\n" for name, content in files.items())).encode())


@pytest.fixture
def home(folder: Path) -> Path:
    """The folder of the network, where it is kept, with all of its files."""
    return bring(kept_at(NET, folder))


def test_the_right_folder_is_verified(home: Path) -> None:
    found = check(home, NET)
    assert (found.path, found.name, found.verified, found.format) == (home, "net", True, "folder")
    assert found.sha256 == digest(FILES)


def test_its_digest_is_what_the_shell_computes(home: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    told = subprocess.run(
        ["sh", "-c", "sha256sum *.json *.bin | LC_ALL=C sort | sha256sum"], cwd=home, capture_output=True, check=True
    )
    assert told.stdout.decode().split()[0] == check(home, NET).sha256


@given(st.dictionaries(st.text("abc.", min_size=1), st.text("0123456789abcdef", min_size=64, max_size=64)))
def test_its_digest_does_not_depend_on_an_order_and_tells_names_apart(files: dict[str, str]) -> None:
    made = {name: Digests(one, "", 0) for name, one in files.items()}
    assert sha256_of(made) == sha256_of(dict(reversed(made.items())))
    assert len({sha256_of(made), sha256_of({f"{name}x": one for name, one in made.items()})}) == 1 + bool(made)


def test_what_no_loader_reads_does_not_count(home: Path) -> None:
    bring(
        home,
        {
            "README.md": b"# net",
            ".gitattributes": b"",
            ".part.json": b"{",
            "tf_model.h5": b"\x89HDF",
            "code.py": b"raise SystemExit",
        },
    )
    (home / "notes.json").mkdir()
    assert check(home, NET).sha256 == identify(home, []).sha256 == digest(FILES)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"model.bin": WRONG}, f"of model.bin: its SHA-256 is {sha256(WRONG)}, wanted was {sha256(CONTENT)}"),
        ({"model.bin": CONTENT[:-1]}, "of model.bin: it has 299999 bytes instead of 300000"),
        ({"vocab.json": None}, "it has no vocab.json"),
        ({"model.safetensors": CONTENT}, "it has model.safetensors, which is not part of it"),
        ({"vocab.json": None, "config.json": b"{}"}, "it has no vocab.json; of config.json: it has 2 bytes instead of"),
    ],
)
def test_a_wrong_folder_is_refused_with_the_file_and_what_to_do(
    home: Path, folder: Path, change: dict[str, bytes | None], part: str
) -> None:
    for name, content in change.items():
        (home / name).unlink() if content is None else (home / name).write_bytes(content)
    with pytest.raises(VidgaugeError) as caught:
        check(home, NET)
    text = str(caught.value)
    assert text.startswith(f"{home}: is not net (a network of tests): {part}")
    assert text.endswith(
        f"Delete those files of it and get them again: vidgauge weights fetch net --folder {folder} ({NET.size_text})."
    )
    assert "\n" not in text


def test_a_folder_of_ones_own_and_one_without_addresses(tmp_path: Path, home: Path, folder: Path) -> None:
    own = bring(tmp_path / "own", {**FILES, "model.bin": b"other"})
    with pytest.raises(
        VidgaugeError, match=r"Use another folder, or let vidgauge get it: vidgauge weights fetch net \("
    ):
        check(own, NET)
    (home / "config.json").write_bytes(b"{}")
    with pytest.raises(
        VidgaugeError, match=f"Bring the folder again: vidgauge weights add net FOLDER --folder {folder}"
    ):
        check(home, replace(NET, addresses=()))


def test_of_many_wrong_files_a_few_are_told(home: Path) -> None:
    bring(home, {**dict.fromkeys(FILES, b"{}"), "model.safetensors": b"", "extra.txt": b""})
    with pytest.raises(
        VidgaugeError, match=r": of config\.json: .*; of model\.bin: .*; of vocab\.json: .*; and 2 more\. "
    ):
        check(home, NET)


@pytest.mark.parametrize("path", ["file", "nothing"])
def test_a_folder_is_wanted(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    with pytest.raises(VidgaugeError, match=r"is not net .*: it is no folder"):
        check(tmp_path / path, NET)


def test_git_blobs_verify_too(home: Path) -> None:
    pieces = [piece(name, git_blob=git_blob(content)) for name, content in FILES.items()]
    assert check(home, foldered(*pieces)).verified
    (home / "vocab.json").write_bytes(b"{}")
    with pytest.raises(VidgaugeError, match=r"of vocab\.json: its git blob id is"):
        check(home, foldered(*pieces))


def test_one_file_without_a_digest_and_nothing_is_verified(home: Path) -> None:
    found = check(home, LOOSE)
    assert (found.verified, found.sha256, LOOSE.has_digest, NET.has_digest) == (False, digest(FILES), False, True)


def test_optional_files_count_where_they_are(home: Path) -> None:
    (home / "vocab.json").unlink()
    assert check(home, LOOSE).sha256 == digest({name: FILES[name] for name in ("config.json", "model.bin")})


def test_pins_are_those_of_sha256sum_and_name_the_file(home: Path) -> None:
    write_pins(home, {name: sha256(content) for name, content in FILES.items()})
    assert read_pins(home) == {name: sha256(content) for name, content in FILES.items()}
    assert not check(home, LOOSE).verified
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", pin_of(home).name], cwd=home.parent, check=True)
    (home / "model.bin").write_bytes(WRONG)
    with pytest.raises(VidgaugeError) as caught:
        check(home, LOOSE)
    assert f"of model.bin: its SHA-256 is {sha256(WRONG)}, the first copy here had {sha256(CONTENT)}" in str(
        caught.value
    )
    assert f"if it is what you want, delete {pin_of(home)} instead" in str(caught.value)


def test_pins_refuse_a_file_more_and_a_file_less(home: Path) -> None:
    digests = {name: sha256(content) for name, content in FILES.items()}
    write_pins(home, {name: digests[name] for name in ("config.json", "model.bin")})
    with pytest.raises(VidgaugeError, match=r"it has vocab\.json, the first copy here had none"):
        check(home, LOOSE)
    write_pins(home, digests)
    (home / "vocab.json").unlink()
    with pytest.raises(VidgaugeError, match=r"it has no vocab\.json, the first copy here had one"):
        check(home, LOOSE)


@pytest.mark.parametrize("text", ["", "no digest\n", f"{'0' * 64}  net/config.json\nand more\n"])
def test_a_pin_that_cannot_be_read_is_told(home: Path, text: str) -> None:
    pin_of(home).write_text(text)
    with pytest.raises(VidgaugeError, match=r"net\.sha256: holds no SHA-256"):
        check(home, LOOSE)


@pytest.mark.parametrize(
    "name", ["../config.json", "/etc/passwd", "..", ".", "", "sub/config.json", ".hidden", "a\n", "a b"]
)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    assert not is_plain(name)
    with pytest.raises(ValueError, match="no name of a file in a folder of weights"):
        Piece(file=name, addresses=())


def test_find(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, NET)
    assert find("net", folder).verified
    (home / "vocab.json").unlink()
    (home / "config.json").unlink()
    with pytest.raises(VidgaugeError) as caught:
        find("net", folder)
    assert f"looked for as {home}, which has no config.json, no vocab.json. They can be had at" in str(caught.value)
    assert f"bring the folder by hand and run: vidgauge weights add net FOLDER --folder {folder}" in str(caught.value)


def test_without_an_address_the_note_says_what_to_do(folder: Path) -> None:
    text = str(missing(replace(NET, addresses=(), note="ask them"), folder))
    assert "No address of them is known" in text
    assert "fetch" not in text
    assert text.endswith(f"vidgauge weights add net FOLDER --folder {folder}. Note: ask them")


def test_identify_goes_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    single = replace(NET, name="single", files=(), sha256=sha256(CONTENT))
    other = foldered(piece("config.json", content=b"{}"), name="other")
    know(monkeypatch, replace(LOOSE, name="loose"), other, single, NET)
    names = ["loose", "other", "single", "net"]
    home = bring(tmp_path / "any name")
    assert (identify(home, names).name, identify(home, names).verified) == ("net", True)
    assert identify(home, names[:3]).name is None
    (tmp_path / "file").write_bytes(CONTENT)
    assert identify(tmp_path / "file", names).name == "single"
    for name, content in (("vocab.json", b"{}"), ("model.safetensors", CONTENT)):
        changed = bring(tmp_path / name, {**FILES, name: content})
        found = identify(changed, names)
        assert (found.name, found.verified, found.format) == (None, False, "folder")
        assert found.sha256 == digest({**FILES, name: content})


@pytest.mark.parametrize(
    "change",
    [
        lambda home: (home / "vocab.json").write_bytes(VOCAB + b" "),
        lambda home: (home / "vocab.json").unlink(),
        lambda home: (home / "model.safetensors").write_bytes(b""),
        lambda home: os.replace(home / "config.json", home / "vocab.json"),  # noqa: PTH105
    ],
    ids=["written", "gone", "one more", "replaced"],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_folder_that_changes_while_it_is_read_is_refused(home: Path, known: bool, change: object) -> None:
    found = check(home, NET) if known else identify(home, [])
    found.refuse_if_changed()
    (home / "README.md").write_bytes(b"counts for nothing")
    found.refuse_if_changed()
    change(home)  # type: ignore[operator]
    with pytest.raises(VidgaugeError, match=f"{home}: was changed while it was read"):
        found.refuse_if_changed()


def test_links_are_followed_as_the_hubs_cache_has_them(tmp_path: Path) -> None:
    blobs = bring(tmp_path / "blobs")
    snapshot = tmp_path / "snapshots"
    snapshot.mkdir()
    for name in FILES:
        (snapshot / name).symlink_to(blobs / name)
    found = check(snapshot, NET)
    assert found.verified
    (blobs / "model.bin").write_bytes(WRONG)
    with pytest.raises(VidgaugeError, match="was changed"):
        found.refuse_if_changed()
