"""Patterns of paths: what they match, what ids are relative to, and what cannot be meant."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import UsageError
from vidgauge.manifest.sources import list_source, root_of
from vidgauge.manifest.sources.pattern import _fits


def ids(source, root=None):
    listing = list_source(source, root)
    assert listing.rejected == []
    return [row.id for row in listing.rows]


@pytest.fixture
def runs(tmp_path, make_video):
    names = ("a/1.mp4", "a/2.MP4", "a/deep/3.mp4", "b/1.mp4", "b/10.mov", "c.mp4", "a/.x.mp4", ".d/1.mp4")
    for name in names:
        make_video(tmp_path / "runs" / name)
    (tmp_path / "runs" / "a" / "1.txt").touch()
    (tmp_path / "runs" / "a" / "all.jsonl").touch()
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("a/*.mp4", ["1.mp4"]),
        ("a/*", ["1.mp4", "2.MP4"]),
        ("*/1.mp4", ["a/1.mp4", "b/1.mp4"]),
        ("*/?.*", ["a/1.mp4", "a/2.MP4", "b/1.mp4"]),
        ("[ac]*/*.mp4", ["a/1.mp4"]),
        ("[!a]/*", ["b/1.mp4", "b/10.mov"]),
        ("**/*.mp4", ["a/1.mp4", "a/deep/3.mp4", "b/1.mp4", "c.mp4"]),
        ("**/**/[13].mp4", ["a/1.mp4", "a/deep/3.mp4", "b/1.mp4"]),
        ("a/**", ["1.mp4", "2.MP4", "deep/3.mp4"]),
        ("**/deep/*", ["a/deep/3.mp4"]),
        ("*.mp4", ["c.mp4"]),
    ],
)
def test_matches(runs, pattern, wanted):
    assert ids(runs / pattern) == wanted
    rows = list_source(runs / pattern, None).rows
    base = root_of(runs / pattern, None)
    assert [row.path for row in rows] == [str(base / name) for name in wanted]


def test_ids_relative_to_a_root(runs, tmp_path):
    assert ids(runs / "a" / "*.mp4", tmp_path) == ["runs/a/1.mp4"]
    with pytest.raises(UsageError, match="lies outside its root"):
        list_source(runs / "a" / "*.mp4", runs / "b")


def test_relative_patterns(runs, monkeypatch):
    monkeypatch.chdir(runs)
    assert ids(Path("*/1.mp4")) == ["a/1.mp4", "b/1.mp4"]
    assert ids(Path("../runs/a/?.mp4")) == ["1.mp4"]


def test_a_path_that_exists_is_no_pattern(runs, make_video, monkeypatch):
    make_video(runs / "[ab]" / "x*.mp4")
    assert ids(runs / "[ab]") == ["x*.mp4"]
    assert ids(runs / "[ab]" / "*.mp4") == ["x*.mp4"]
    monkeypatch.chdir(runs / "[ab]")
    assert ids(Path("*.mp4")) == ["x*.mp4"]
    (runs / "m[1].jsonl").write_text('{"videos": ["c.mp4"]}\n')
    assert ids(runs / "m[1].jsonl") == ["c.mp4"]


def make_frames(folder):
    folder.mkdir(parents=True)
    (folder / "0.png").write_bytes(b"12345")


def test_frame_folders(tmp_path, make_video):
    for name in ("shot_1/left", "shot_1/right", "shot_2/left"):
        make_frames(tmp_path / name)
    make_frames(tmp_path / "shot_2" / "left" / "crops")
    rows = list_source(tmp_path / "shot_*" / "l*", None).rows
    assert [(row.id, row.kind, row.images) for row in rows] == [
        ("shot_1/left", "frames", 1),
        ("shot_2/left", "frames", 1),
    ]
    assert ids(tmp_path / "**" / "left") == ["shot_1/left", "shot_2/left"]
    make_video(tmp_path / "shot_1" / "left.mp4")
    with pytest.raises(UsageError, match=r"both videos .* and frame folders"):
        list_source(tmp_path / "shot_*" / "l*", None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("*.webm", r"as a pattern matches no video .*in .*/runs\. Wildcards are"),
        ("nowhere/*.mp4", "does not exist"),
        ("*/all.jsonl", r"not \.jsonl files.*its own path"),
        ("*.npy", r"not \.npy files"),
        ("*/*.png", "A folder of images is one video"),
        ("[ab]", r"a/ matches and is a folder of videos: add /\*"),
        ("a/1.*/*", "in .*/a. Wildcards"),
    ],
)
def test_patterns_that_cannot_be_meant(runs, pattern, said):
    if pattern == "nowhere/*.mp4":
        (runs / "a").rename(runs / "other")
    with pytest.raises(UsageError, match=said) as error:
        list_source(runs / pattern, None)
    assert str(runs / pattern) in str(error.value)


def test_links_and_circles(runs):
    (runs / "a" / "linked.mp4").symlink_to(runs / "c.mp4")
    (runs / "a" / "broken.mp4").symlink_to("gone")
    (runs / "linked").symlink_to(runs / "b")
    for number in range(3):  # without care, each of them opens all of them again
        (runs / "a" / f"circle{number}").symlink_to(runs)
        (runs / "b" / f"circle{number}").symlink_to(runs / "b")
    listing = list_source(runs / "**" / "*.mp4", None)
    assert [row.id for row in listing.rows] == [
        "a/1.mp4",
        "a/deep/3.mp4",
        "a/linked.mp4",
        "b/1.mp4",
        "c.mp4",
        "linked/1.mp4",
    ]
    assert [(bad.id, bad.reason) for bad in listing.rejected] == [("a/broken.mp4", "missing")]
    paths = {row.id: row.path for row in listing.rows}
    assert (paths["a/linked.mp4"], paths["linked/1.mp4"]) == (str(runs / "c.mp4"), str(runs / "b" / "1.mp4"))


def test_a_folder_that_cannot_match_is_not_opened(runs, monkeypatch):
    opened, real = [], os.scandir

    def scandir(path):
        opened.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert ids(runs / "a*" / "1.mp4") == ["a/1.mp4"]
    assert opened == [str(runs), str(runs / "a")]


PARTS = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4)
NAMES = st.lists(st.sampled_from(["a", "*", "**", "?b", "b"]), min_size=1, max_size=4)


@given(PARTS, NAMES)
def test_all_folders_above_a_match_are_entered(below, names):
    if _fits(below, names):
        assert all(_fits(below[:depth], names, or_above=True) for depth in range(len(below) + 1))
    if "**" not in names:
        assert not _fits(below, names) or len(below) == len(names)
