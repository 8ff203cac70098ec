"""`where`: only the rows whose columns have the given values, in each kind of manifest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import UsageError
from vidgauge.manifest.sources import Selection, list_source
from vidgauge.manifest.sources.selection import equal_json

ROWS = [
    {"video": "a.mp4", "model": "one", "split": 1, "good": True},
    {"video": "b.mp4", "model": "two", "split": 1.0, "good": False},
    {"video": "c.mp4", "model": "one", "split": 2, "good": False},
    {"video": "d.mp4", "model": "two"},
]


@pytest.fixture
def root(tmp_path, make_video):
    for name in "abcd":
        make_video(tmp_path / f"{name}.mp4")
    return tmp_path


def as_jsonl(root, rows):
    (root / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root / "m.jsonl"


def as_json(root, rows):
    (root / "m.json").write_text(json.dumps(rows))
    return root / "m.json"


def as_csv(root, rows):
    names = ["video", "model", "split", "good"]
    lines = [",".join(str(row.get(name, "")) for name in names) for row in rows]
    (root / "m.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    return root / "m.csv"


def ids(source, where):
    listing = list_source(source, None, Selection(where))
    assert listing.rejected == []
    return "".join(row.id.removesuffix(".mp4") for row in listing.rows)


@pytest.mark.parametrize("write", [as_jsonl, as_json])
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({}, "abcd"),
        ({"model": "one"}, "ac"),
        ({"split": 1}, "ab"),  # 1 is 1.0 ...
        ({"good": True}, "a"),  # ... but not true
        ({"model": "two", "split": 1}, "b"),
    ],
)
def test_json(root, write, where, wanted):
    assert ids(write(root, ROWS), where) == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [({}, "abcd"), ({"model": "one"}, "ac"), ({"split": 1}, "a"), ({"split": "1.0"}, "b"), ({"good": False}, "bc")],
)
def test_csv_is_compared_as_it_is_written(root, where, wanted):
    assert ids(as_csv(root, ROWS), where) == wanted


def test_rows_that_are_not_taken_are_not_looked_at(root):
    others = [{"video": "gone.mp4", "model": "two"}, {"model": "two"}, {"video": "a.mp4", "model": "two"}]
    source = as_jsonl(root, [*others, *ROWS])
    assert ids(source, {"model": "one"}) == "ac"
    bad = list_source(source, None, Selection({"model": "two"})).rejected
    assert [(reject.line, reject.reason) for reject in bad] == [(1, "missing"), (2, "no-videos-key")]


def test_lines_that_cannot_be_read_are_rejects_of_every_dataset(root):
    source = as_jsonl(root, ROWS)
    source.write_text("nonsense\n" + source.read_text())
    for model in ("one", "two"):
        listing = list_source(source, None, Selection({"model": model}))
        assert (len(listing.rows), [bad.line for bad in listing.rejected]) == (2, [1])
    source.write_text("nonsense\n")
    assert len(list_source(source, None, Selection({"model": "one"})).rejected) == 1


@pytest.mark.parametrize("write", [as_jsonl, as_json, as_csv])
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"modle": "one"}, "where: no row has a column 'modle'; did you mean 'model'"),
        ({"video": "a.mp4"}, "where: no row has a column 'video'"),
        ({"model": "three"}, 'where: no row has model: "three"; the column\'s values are "one", "two"'),
        ({"model": "one", "split": "1.5"}, 'where: no row has split: "1.5"'),
        ({"model": "two", "split": 2}, 'no row has model: "two" and split: 2'),
    ],
)
def test_what_no_row_has(root, write, where, said):
    with pytest.raises(UsageError) as error:
        list_source(write(root, ROWS), None, Selection(where))
    assert said in str(error.value)
    assert str(root / "m.") in str(error.value)


def test_a_message_shows_some_of_many_values(root):
    rows = [{"video": "a.mp4", "text": f"prompt {number:02}"} for number in range(50)]
    with pytest.raises(UsageError, match=r'"prompt 00".*"prompt 07" and 42 more\.$'):
        list_source(as_jsonl(root, rows), None, Selection({"text": "?"}))


@pytest.mark.parametrize("name", ["folder", "a.npy", "*.mp4"])
def test_only_manifests_have_columns(root, make_video, name):
    make_video(root / "folder" / "a.mp4")
    (root / "a.npy").touch()
    with pytest.raises(UsageError, match=r"`where` means nothing for .*it is for .*csv.*json.*jsonl.* Remove it"):
        list_source(root / name, None, Selection({"model": "one"}))


def test_twenty_thousand_rows_of_several_datasets(root):
    rows = [{"video": f"{'abcd'[number % 4]}.mp4", "model": number % 500, "n": number} for number in range(20_000)]
    source = as_jsonl(root, rows)
    for model in (0, 499):
        listing = list_source(source, None, Selection({"model": model}))
        assert [row.columns["model"] for row in listing.rows] == [model]
        assert {bad.reason for bad in listing.rejected} == {"duplicate"}
        assert len(listing.rows) + len(listing.rejected) == 40


VALUES = st.one_of(st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.text(max_size=2))


@given(VALUES, VALUES)
def test_equality_is_that_of_json(found, wanted):
    assert equal_json(found, found)
    assert equal_json(found, wanted) == equal_json(wanted, found)
    if equal_json(found, wanted):
        assert json.dumps(found) == json.dumps(wanted) or float(found) == float(wanted)
        assert isinstance(found, bool) == isinstance(wanted, bool)
