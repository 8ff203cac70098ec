"""Every kind of source: what it lists, and that each bad entry is named with its line and reason, all in one pass."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources import list_source
from vidgauge.manifest.sources.rows import IMAGE_SUFFIXES, REASONS, Reject
from vidgauge.media import images

REAL = Path(__file__).parents[4] / "shared" / "data"


def reasons(listing):
    return [(bad.line, bad.reason) for bad in listing.rejected]


def ids(listing):
    return [row.id for row in listing.rows]


@pytest.fixture
def root(tmp_path, make_video):
    for name in ("a.mp4", "b.mp4", "sub/c.mp4", "d e, f.mp4"):
        make_video(tmp_path / "set" / name)
    return tmp_path / "set"


def test_jsonl(root, write_lines):
    source = write_lines(
        root / "m.jsonl",
        {"videos": ["b.mp4", "./sub/../sub/c.mp4"], "text": "two\u2028lines", "pair": 3},
        "",
        {"video": "a.mp4", "human": {"overall": 2}},
    )
    listing = list_source(source, None)
    assert listing.rejected == []
    assert ids(listing) == ["a.mp4", "b.mp4", "sub/c.mp4"]
    a, b, c = listing.rows
    assert (a.columns, a.line) == ({"human": {"overall": 2}}, 3)
    assert b.columns == c.columns == {"text": "two\u2028lines", "pair": 3}
    assert (b.line, b.kind, b.row, b.path) == (1, "file", None, str((root / "b.mp4").resolve()))
    assert (b.size, b.mtime_ns) == ((root / "b.mp4").stat().st_size, 10**18)


def test_every_bad_line_is_found_in_one_pass(root, tmp_path):
    (root / "nothing.mp4").touch()
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe.mp4")
    (root / "broken.mp4").symlink_to("gone.mp4")
    (root / "loop.mp4").symlink_to("loop.mp4")
    lines = [
        (b'{"videos": ["a.mp4"]}', None),
        (b'{"videos": ["a.mp4"', "not-json"),
        (b'{"text": "no key"}', "no-videos-key"),
        (b'["a.mp4"]', "no-videos-key"),
        (b'{"videos": "a.mp4"}', "no-videos-key"),
        (b'{"videos": []}', "no-videos-key"),
        (b'{"videos": [1]}', "no-videos-key"),
        (b'{"videos": ["a.mp4"], "video": "a.mp4"}', "no-videos-key"),
        (b'{"videos": [""]}', "no-videos-key"),
        (b'{"videos": ["a\\u0000b"]}', "no-videos-key"),
        (b'{"videos": ["../x.mp4"]}', "outside-root"),
        (b'{"videos": ["/etc/passwd"]}', "outside-root"),
        (b'{"videos": ["sub/../a.mp4"]}', "duplicate"),
        (b'{"videos": ["missing.mp4"]}', "missing"),
        (b'{"videos": ["a.mp4/b.mp4"]}', "missing"),
        (b'{"videos": ["nothing.mp4"]}', "empty"),
        (b'{"videos": ["folder"]}', "folder"),
        (b'{"videos": ["."]}', "folder"),
        (b'{"videos": ["pipe.mp4"]}', "not-a-file"),
        (b'{"videos": ["broken.mp4"]}', "missing"),
        (b'{"videos": ["loop.mp4"]}', "unreadable"),
        (b'{"videos": ["%s.mp4"]}' % (b"x" * 300), "unreadable"),
        (b'{"videos": ["b.mp4"], "text": "\xff"}', "bad-encoding"),
        (b'{"videos": ["b.mp4"], "text": "\\ud800"}', "bad-encoding"),
        (b'{"videos": ["b.mp4"], "score": NaN}', "not-json"),
        (b'{"videos": ["b.mp4"], "score": 1e999}', "not-json"),
        (b"[" * 100_000, "not-json"),
        (b'{"videos": ["b.mp4"]} {}', "not-json"),
        (b'{"videos": ["b.mp4", "gone.mp4"]}', "missing"),
    ]
    source = tmp_path / "m.jsonl"
    source.write_bytes(b"\n".join(line for line, _ in lines) + b"\n")
    listing = list_source(source, root)
    assert reasons(listing) == [(number, reason) for number, (_, reason) in enumerate(lines, 1) if reason]
    assert ids(listing) == ["a.mp4", "b.mp4"]
    assert {bad.reason for bad in listing.rejected} <= set(REASONS)
    assert all(bad.detail for bad in listing.rejected)


def test_root_given_and_not_given(root, tmp_path, write_lines, make_video):
    outside = make_video(tmp_path / "other" / "x.mp4")
    absolute = str(root / "a.mp4")
    source = write_lines(root / "m.jsonl", {"videos": [absolute, str(outside), "../other/y.mp4", "../other/x.mp4"]})
    make_video(tmp_path / "other" / "y.mp4")
    free = list_source(source, None)
    assert ids(free) == ["../other/x.mp4", "../other/y.mp4", "a.mp4"]
    assert reasons(free) == [(1, "duplicate")]
    bound = list_source(source, root)
    assert ids(bound) == ["a.mp4"]
    assert reasons(bound) == [(1, "outside-root")] * 3


def test_a_root_that_is_a_link(root, tmp_path, write_lines):
    link = tmp_path / "link"
    link.symlink_to(root)
    videos = ["b.mp4", str(link / "a.mp4"), str(root / "sub" / "c.mp4")]
    source = write_lines(tmp_path / "m.jsonl", {"videos": videos})
    listing = list_source(source, link)
    assert ids(listing) == ["a.mp4", "b.mp4", "sub/c.mp4"]
    assert [row.path for row in listing.rows] == [str(root / name) for name in ids(listing)]


def test_links_are_followed_and_resolved(root, write_lines, tmp_path, make_video):
    target = make_video(tmp_path / "store" / "1.mp4")
    (root / "linked.mp4").symlink_to(target)
    (root / "linked").symlink_to(target.parent)
    manifest = list_source(write_lines(root / "m.jsonl", {"videos": ["linked.mp4", "linked/1.mp4"]}), root)
    folder = list_source(root, None)
    for listing in (manifest, folder):
        paths = {row.id: row.path for row in listing.rows}
        assert paths["linked.mp4"] == paths["linked/1.mp4"] == str(target)


def test_linked_frame_folders_and_circles(tmp_path):
    make_frames(tmp_path / "store" / "7")
    (tmp_path / "set" / "below").mkdir(parents=True)
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "store" / "7")
    for number in range(3):  # without care, each of them opens all of them again
        (tmp_path / "set" / f"circle{number}").symlink_to(tmp_path / "set")
        (tmp_path / "set" / "below" / f"circle{number}").symlink_to(tmp_path / "set" / "below")
    [linked] = list_source(tmp_path / "set", None).rows
    [real] = list_source(tmp_path / "store", None).rows
    assert (linked.id, real.id, linked[1:]) == ("linked", "7", real[1:])


def test_which_duplicate_is_kept_does_not_depend_on_order(root, write_lines):
    values = [{"videos": ["a.mp4"], "text": text} for text in ("x", "y", "y")]
    kept = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        listing = list_source(write_lines(root / "m.jsonl", *(values[i] for i in order)), None)
        kept.add(json.dumps(listing.rows[0].columns))
        line = listing.rows[0].line
        assert sorted([line, *(bad.line for bad in listing.rejected)]) == [1, 2, 3]
        assert all(f"line {line} names the same video" in bad.detail for bad in listing.rejected)
    assert kept == {'{"text": "x"}'}


@given(order=st.permutations(range(6)))
def test_the_order_of_lines_does_not_matter(tmp_path_factory, order):
    root = tmp_path_factory.mktemp("order")
    values = []
    for number in range(6):
        if number != 4:
            (root / f"{number}.mp4").write_text("x")
            os.utime(root / f"{number}.mp4", ns=(5, 5))
        values.append({"videos": [f"{number}.mp4"], "text": str(number)})
    (root / "m.jsonl").write_text("".join(json.dumps(values[i]) + "\n" for i in order))
    rows = list_source(root / "m.jsonl", None).rows
    assert [(row.id, row.columns["text"]) for row in rows] == [(f"{n}.mp4", str(n)) for n in (0, 1, 2, 3, 5)]


@pytest.mark.parametrize(
    "text",
    [
        '[\n{"videos": ["a.mp4"], "text": "t"},\n\n{"video": "gone.mp4"}, {"text": "none"}\n]',
        '\ufeff [ {"videos": ["a.mp4"], "text": "t"},\n\n\n{"video":\n "gone.mp4"},{}]\n',
    ],
)
def test_json_list(root, text):
    (root / "m.json").write_text(text)
    listing = list_source(root / "m.json", None)
    assert [(row.id, row.columns, row.line) for row in listing.rows] == [
        ("a.mp4", {"text": "t"}, text.count("\n", 0, text.index("a.mp4")) + 1)
    ]
    assert sorted(reasons(listing)) == [(4, "missing"), (4 + text.count('\n "gone'), "no-videos-key")]


def test_json_object_and_empty_list(root):
    (root / "m.json").write_text('{"videos": ["a.mp4", "b.mp4"], "text": "t"}')
    assert ids(list_source(root / "m.json", None)) == ["a.mp4", "b.mp4"]
    (root / "m.json").write_text(" [ ] ")
    assert list_source(root / "m.json", None).rows == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[\n{"videos": ["a.mp4"]}\n{"videos": []}]', 3),
        ('[{"videos": ["a.mp4"]},', 1),
        ("", 1),
        ("[1]\n x", 2),
        ('[{"a": NaN}]', 1),
    ],
)
def test_json_that_breaks_off_is_an_error_for_the_source(root, text, line):
    (root / "m.json").write_text(text)
    with pytest.raises(VidgaugeError, match=rf"m\.json: is not JSON.*\(line {line}\)"):
        list_source(root / "m.json", None)


def test_csv(root):
    (root / "m.csv").write_bytes(
        b'\xef\xbb\xbftext,path,pair\r\n"two\r\nlines, and a comma",a.mp4,1\r\n\r\nx,"d e, f.mp4",2\r\n'
        b"too,many.mp4,3,4\r\n\xff,b.mp4,5\r\nx,gone.mp4,6\r\nx,,7\r\n"
    )
    listing = list_source(root / "m.csv", None)
    assert [(row.id, row.columns, row.line) for row in listing.rows] == [
        ("a.mp4", {"text": "two\r\nlines, and a comma", "pair": "1"}, 2),
        ("d e, f.mp4", {"text": "x", "pair": "2"}, 5),
    ]
    assert reasons(listing) == [(6, "not-csv"), (7, "bad-encoding"), (8, "missing"), (9, "no-videos-key")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found: nothing"),
        ("file;text\n", "found: file;text"),
        ("video,a,a\n", "names a more than once"),
        ('video,text\na.mp4,"open\nb.mp4,x\n', "line 2 is never closed"),
    ],
)
def test_csv_that_cannot_be_meant(root, text, said):
    (root / "m.csv").write_text(text)
    with pytest.raises(VidgaugeError, match=said):
        list_source(root / "m.csv", None)


def test_folder_of_videos(root, make_video):
    make_video(root / ".hidden.mp4")
    make_video(root / ".git" / "x.mp4")
    make_video(root / "UPPER.MOV")
    (root / "notes.txt").write_text("x")
    (root / "preview.png").write_text("x")
    (root / "sub" / "empty.webm").touch()
    (root / "sub" / "gone.gif").symlink_to("nowhere")
    (root / "sub" / "circle").symlink_to(root)
    os.mkfifo(root / "p.mkv")
    listing = list_source(root, None)
    assert ids(listing) == ["UPPER.MOV", "a.mp4", "b.mp4", "d e, f.mp4", "sub/c.mp4"]
    assert [(bad.id, bad.reason) for bad in listing.rejected] == [
        ("p.mkv", "not-a-file"),
        ("sub/empty.webm", "empty"),
        ("sub/gone.gif", "missing"),
    ]
    assert {row.line for row in listing.rows} == {None}
    assert ids(list_source(root, root.parent))[1] == "set/a.mp4"


def test_names_that_are_not_utf8_are_rejected(root):
    name = os.fsencode(root) + b"/bad\xff.mp4"
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    listing = list_source(root, None)
    assert [(bad.reason, bad.path) for bad in listing.rejected] == [("bad-encoding", f"{root}/bad\\xff.mp4")]


def make_frames(folder, count=3):
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(b"12345")
    return folder


def test_frame_folders(tmp_path, write_lines):
    for name in ("v1", "deep/v2"):
        make_frames(tmp_path / "set" / name)
    (tmp_path / "set" / "v3").mkdir()
    (tmp_path / "set" / "contact_sheet.png").write_text("x")
    listing = list_source(tmp_path / "set", None)
    assert [(row.id, row.kind, row.size, row.images) for row in listing.rows] == [
        ("deep/v2", "frames", 15, 3),
        ("v1", "frames", 15, 3),
    ]
    assert [(bad.id, bad.reason) for bad in listing.rejected] == [("v3", "empty")]
    manifest = list_source(write_lines(tmp_path / "m.jsonl", {"videos": ["set/v1"], "text": "t"}), None)
    assert manifest.rows[0][2:7] == listing.rows[1][2:7]
    (tmp_path / "set" / "v1" / "0.png").rename(tmp_path / "set" / "v1" / "9.png")
    assert list_source(tmp_path / "set", None).rows[1].mtime_ns > listing.rows[1].mtime_ns


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder.mkdir(), "holds no videos"),
        (make_frames, "3 images and no videos. A frame folder is one video"),
        (
            lambda folder: (make_frames(folder / "v1"), (folder / "a.mp4").write_text("x")),
            "both videos .1, .*a.mp4. and frame",
        ),
        (lambda folder: folder.write_text("x"), "kind that is not known.*npy.*csv.*folder.*jsonl"),
        (lambda _folder: None, "does not exist .*Correct the path"),
    ],
)
def test_sources_that_cannot_be_meant(tmp_path, make, said):
    make(tmp_path / "set")
    with pytest.raises(UsageError, match=said) as error:
        list_source(tmp_path / "set", None)
    assert str(tmp_path / "set") in str(error.value)


def test_roots_that_cannot_be_meant(root, write_lines, tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        list_source(root, tmp_path / "gone")
    (tmp_path / "else").mkdir()
    with pytest.raises(UsageError, match="outside its root"):
        list_source(root, tmp_path / "else")


def test_array(tmp_path):
    np.save(tmp_path / "clips.npy", np.zeros((11, 2, 4, 6, 3), np.uint8))
    listing = list_source(tmp_path / "clips.npy", None)
    assert listing.rejected == []
    assert [row.row for row in listing.rows] == [0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9]  # sorted by id, as text
    assert (listing.rows[1].id, listing.rows[1].kind, listing.rows[1].size) == ("clips.npy[10]", "array", 144)
    assert list_source(tmp_path / "clips.npy", tmp_path.parent).rows[0].id == f"{tmp_path.name}/clips.npy[0]"


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((2, 4, 6, 3), np.uint8), UsageError),
        (np.zeros((2, 2, 4, 6, 3), np.float32), UsageError),
        (np.zeros((2, 2, 4, 6, 1), np.uint8), UsageError),
        (np.zeros((0, 2, 4, 6, 3), np.uint8), UsageError),
    ],
)
def test_array_of_another_shape_or_type(tmp_path, array, error):
    np.save(tmp_path / "clips.npy", array)
    with pytest.raises(error, match=r"expected an array of shape \(n, t, h, w, 3\) and type uint8.*found shape"):
        list_source(tmp_path / "clips.npy", None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda _data: b"",
        lambda data: data[:9],
        lambda data: b"x" + data[1:],
        lambda data: data[:8] + struct.pack("<H", 5) + data[10:],
    ],
)
def test_broken_array(tmp_path, damage):
    np.save(tmp_path / "clips.npy", np.zeros((2, 2, 4, 6, 3), np.uint8))
    data = (tmp_path / "clips.npy").read_bytes()
    (tmp_path / "clips.npy").write_bytes(damage(data))
    with pytest.raises(VidgaugeError, match=r"clips\.npy: (has|is not an .npy)"):
        list_source(tmp_path / "clips.npy", None)


def test_permission(root, write_lines, monkeypatch):
    source, real = write_lines(root / "m.jsonl", {"videos": ["a.mp4", "b.mp4"]}), os.lstat

    def refuse(path, **options):
        if str(path).endswith("a.mp4"):
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", refuse)
    listing = list_source(source, None)
    assert [(bad.id, bad.reason) for bad in listing.rejected] == [("a.mp4", "permission")]
    assert ids(listing) == ["b.mp4"]


def test_a_folder_that_may_not_be_read(root, monkeypatch):
    real = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_source(root, None)
    assert [(bad.id, bad.reason) for bad in listing.rejected] == [("sub", "permission")]
    assert ids(listing) == ["a.mp4", "b.mp4", "d e, f.mp4"]


def test_frames_are_the_same_files_to_the_listing_and_to_the_decoder():
    assert images.SUFFIXES == IMAGE_SUFFIXES


def test_rejects_have_one_form():
    assert Reject._fields == ("line", "path", "reason", "detail", "id")


def test_listing_stays_light():
    code = (
        "import sys, vidgauge.manifest.listing, vidgauge.manifest.runlock; "
        "heavy = {'numpy', 'torch', 'av', 'h5py', 'pydantic', 'snakemake'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real videos are not at {REAL}")
@pytest.mark.parametrize(("name", "videos"), [("camera", 4), ("lavie", 11), ("cogvideox", 4)])
def test_real_manifests(name, videos):
    listing = list_source(REAL / f"{name}.jsonl", REAL / name)
    assert (len(listing.rows), listing.rejected) == (videos, [])
    assert [row[:7] for row in list_source(REAL / name, None).rows] == [row[:7] for row in listing.rows]
    assert all(("text" in row.columns) == (name != "camera") for row in listing.rows)
