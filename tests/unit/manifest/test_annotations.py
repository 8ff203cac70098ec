"""AIGVE's annotation files: one side is a dataset, in each spelling of the list."""

import json

import pytest

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources import Selection, list_source

REFERENCE, CANDIDATE = Selection(side="reference"), Selection(side="candidate")
SPELLINGS = ["data_list", "datset_list", "dataset_list"]


@pytest.fixture
def root(tmp_path, make_video):
    for name in ("real/a.mp4", "real/b.mp4", "made/a.mp4", "made/b.mp4", "made/b2.mp4"):
        make_video(tmp_path / "evaluate" / name)
    return tmp_path / "evaluate"


def item(real, made, prompt="a cat", **others):
    return {"prompt_gt": prompt, "video_path_pd": made, "video_path_gt": real, **others}


def write(root, *items, key="data_list"):
    path = root.parent / "evaluate.json"
    path.write_text(json.dumps({"metainfo": {"length": len(items), "data_list": 3}, key: items}, indent=1))
    return path


def columns(listing):
    assert listing.rejected == []
    return {row.id: dict(row.columns) for row in listing.rows}


@pytest.mark.parametrize("key", SPELLINGS)
def test_each_side(root, key):
    source = write(root, item("real/a.mp4", "made/a.mp4"), item("real/b.mp4", "made/b.mp4", " ", seed=3), key=key)
    first, second = {"text": "a cat", "pair": "real/a"}, {"pair": "real/b", "seed": 3}
    assert columns(list_source(source, root, REFERENCE)) == {"real/a.mp4": first, "real/b.mp4": second}
    candidate = list_source(source, root, CANDIDATE)
    assert columns(candidate) == {"made/a.mp4": first, "made/b.mp4": second}
    lines = source.read_text().splitlines()
    assert [lines[row.line - 1].strip() for row in candidate.rows] == ["{", "{"]
    assert [json.loads(lines[row.line + 1].split(":")[1].rstrip(",")) for row in candidate.rows] == [
        "made/a.mp4",
        "made/b.mp4",
    ]


def test_absolute_paths_and_white_space(root):
    source = write(root, item(f"{root}/real/a.mp4", f" {root}/made/a.mp4\n"))
    assert columns(list_source(source, root, CANDIDATE)) == {
        "made/a.mp4": {"text": "a cat", "pair": f"{root}/real/a"},
    }
    assert list(columns(list_source(source, None, REFERENCE))) == ["evaluate/real/a.mp4"]


def test_a_real_video_of_several_items_is_listed_once(root):
    items = [
        item("real/b.mp4", "made/b.mp4", "a dog", seed=1),
        item("real/b.mp4", "made/b2.mp4", "a cat", seed=1),
    ]
    for order in (items, items[::-1]):
        source = write(root, *order)
        assert columns(list_source(source, root, REFERENCE)) == {"real/b.mp4": {"pair": "real/b", "seed": 1}}
        assert [row["pair"] for row in columns(list_source(source, root, CANDIDATE)).values()] == ["real/b"] * 2


@pytest.mark.parametrize("real", ["", None, 3])
def test_an_item_without_a_real_video_is_a_candidate_without_a_pair(root, real):
    source = write(root, item(real, "made/a.mp4"), item("real/b.mp4", "made/b.mp4"))
    assert columns(list_source(source, root, CANDIDATE))["made/a.mp4"] == {"text": "a cat"}
    rejected = list_source(source, root, REFERENCE).rejected
    assert [(bad.reason, bad.detail.split(";")[0]) for bad in rejected] == [
        ("no-videos-key", "has no path under `video_path_gt`")
    ]


def test_where_chooses_among_items(root):
    source = write(
        root,
        item("real/b.mp4", "made/b.mp4", model="one"),
        item("real/b.mp4", "made/b2.mp4", "a dog", model="two"),
        item("real/a.mp4", "made/gone.mp4", model="two"),
    )
    one = {"where": {"model": "one"}}
    assert list(columns(list_source(source, root, Selection(**one, side="candidate")))) == ["made/b.mp4"]
    assert columns(list_source(source, root, Selection(**one, side="reference"))) == {
        "real/b.mp4": {"text": "a cat", "pair": "real/b", "model": "one"}
    }
    with pytest.raises(UsageError, match='no row has model: "three"'):
        list_source(source, root, Selection({"model": "three"}, "candidate"))


def test_bad_items_are_rejects(root):
    source = write(root, item("real/a.mp4", "made/gone.mp4"), "text", {}, item("real/b.mp4", "made/b.mp4", "\ud800"))
    listing = list_source(source, root, CANDIDATE)
    assert [bad.reason for bad in listing.rejected] == ["missing", "no-videos-key", "no-videos-key", "bad-encoding"]
    lines = [bad.line for bad in listing.rejected]
    assert lines == sorted(set(lines))
    assert listing.rows == []


@pytest.mark.parametrize("key", SPELLINGS)
def test_without_side(root, key):
    with pytest.raises(UsageError, match=f"`{key}` lists pairs .*side: reference .*or side: candidate"):
        list_source(write(root, key=key), root)


@pytest.mark.parametrize("value", [[{"video": "a.mp4"}], {"video": "a.mp4", "data_list": []}, {"pairs": []}, []])
def test_side_for_a_manifest_without_sides(root, value):
    (root / "m.json").write_text(json.dumps(value))
    with pytest.raises(UsageError, match="this manifest has no sides"):
        list_source(root / "m.json", None, CANDIDATE)


def test_suffixes_mean_nothing_here(root):
    with pytest.raises(UsageError, match="`suffixes` means nothing"):
        list_source(write(root), root, Selection(side="candidate", suffixes=("_x",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"data_list": {}}', "`data_list` must be a list of"),
        ('{"data_list": [], "dataset_list": []}', "both `data_list` and `dataset_list`"),
        ('{"data_list": [}', "is not JSON"),
        ('{"data_list": []} x', "is not JSON: there is more"),
    ],
)
def test_files_that_cannot_be_meant(root, text, said):
    (root / "m.json").write_text(text)
    with pytest.raises(VidgaugeError, match=said):
        list_source(root / "m.json", None, CANDIDATE)


def test_the_order_of_keys_does_not_matter(root):
    text = '\n{ "a" : {"b": [1]} ,\n"c":[] , "data_list" :\n [\n' + json.dumps(item("real/a.mp4", "made/a.mp4")) + "]}"
    (root / "m.json").write_text(text)
    assert [row.line for row in list_source(root / "m.json", None, CANDIDATE).rows] == [5]
