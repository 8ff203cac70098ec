"""Pairs by name: each side is a dataset, and both carry the same key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import UsageError
from vidgauge.manifest.sources import Selection, list_source
from vidgauge.manifest.sources.pairs import one_side
from vidgauge.manifest.sources.rows import NO_COLUMNS, Listing, Row

REFERENCE, CANDIDATE = Selection(side="reference"), Selection(side="candidate")


@pytest.fixture
def make(tmp_path, make_video):
    def make(*names):
        for name in names:
            make_video(tmp_path / name)
        return tmp_path

    return make


def pairs(listing):
    return {row.id: row.columns["pair"] for row in listing.rows}


def rejects(listing):
    return [(bad.id, bad.reason) for bad in listing.rejected]


def test_both_sides_of_a_folder(make):
    root = make("a.mp4", "a_synthetic.mp4", "sub/b.v1.mov", "sub/b.v1-Generated.MP4", "c.mp4", "d_generated.mp4")
    reference, candidate = (list_source(root, None, selection) for selection in (REFERENCE, CANDIDATE))
    assert pairs(reference) == {"a.mp4": "a", "sub/b.v1.mov": "sub/b.v1"}
    assert pairs(candidate) == {"a_synthetic.mp4": "a", "sub/b.v1-Generated.MP4": "sub/b.v1"}
    assert rejects(reference) == [("c.mp4", "unpaired")]
    assert rejects(candidate) == [("d_generated.mp4", "unpaired")]
    assert "no generated video c with one of" in reference.rejected[0].detail
    assert "no real video d.*" in candidate.rejected[0].detail
    assert len(list_source(root, None).rows) == 6


def test_ids_and_pairs_are_relative_to_the_root(make):
    root = make("set/a.mp4", "set/a_synthetic.mp4")
    listing = list_source(root / "set", root, CANDIDATE)
    assert pairs(listing) == {"set/a_synthetic.mp4": "set/a"}


def test_frame_folders(tmp_path):
    for name in ("v1.2", "v1.2_synthetic", "v1.3_synthetic"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_bytes(b"x")
    assert pairs(list_source(tmp_path, None, REFERENCE)) == {"v1.2": "v1.2"}
    listing = list_source(tmp_path, None, CANDIDATE)
    assert pairs(listing) == {"v1.2_synthetic": "v1.2"}
    assert rejects(listing) == [("v1.3_synthetic", "unpaired")]


def test_a_pattern_pairs_what_it_matches(make):
    root = make("a.mp4", "a_synthetic.mp4", "other/b.mp4", "other/b_synthetic.mp4")
    assert pairs(list_source(root / "*.mp4", None, CANDIDATE)) == {"a_synthetic.mp4": "a"}


def test_a_broken_video_is_a_reject_of_its_own_side_alone(make):
    root = make("a.mp4", "b_synthetic.mp4", "c.mp4", "c_synthetic.mp4")
    (root / "a_synthetic.mp4").touch()
    (root / "b.mp4").symlink_to("gone")
    reference, candidate = (list_source(root, None, selection) for selection in (REFERENCE, CANDIDATE))
    assert (list(pairs(reference)), rejects(reference)) == (["a.mp4", "c.mp4"], [("b.mp4", "missing")])
    assert rejects(candidate) == [("a_synthetic.mp4", "empty")]
    assert list(pairs(candidate)) == ["b_synthetic.mp4", "c_synthetic.mp4"]


def test_two_generated_videos_need_a_dataset_each(make):
    root = make("a.mp4", "a_one.mp4", "a_two.mp4", "b.mp4", "b_two.mp4")
    both = ("_one", "_two")
    with pytest.raises(UsageError, match=r"a_one\.mp4 and a_two\.mp4 were both generated for a\..*suffixes: \["):
        list_source(root, None, Selection(side="candidate", suffixes=both))
    reference = list_source(root, None, Selection(side="reference", suffixes=both))
    assert (pairs(reference), reference.rejected) == ({"a.mp4": "a", "b.mp4": "b"}, [])
    one, two = (list_source(root, None, Selection(side="candidate", suffixes=(end,))) for end in both)
    assert pairs(one) == {"a_one.mp4": "a"}
    assert pairs(two) == {"a_two.mp4": "a", "b_two.mp4": "b"}
    assert one.rejected == two.rejected == []


def test_two_real_videos_of_one_name(make):
    root = make("a.mp4", "a.mov", "a_synthetic.mp4")
    with pytest.raises(UsageError, match=r"a\.mov and a\.mp4 are both the real video of the pair a;"):
        list_source(root, None, REFERENCE)


def test_the_longest_suffix_counts(make):
    root = make("a.mp4", "a_x_y.mp4")
    for ends in (("_y", "_x_y"), ("_x_y", "_y")):
        assert pairs(list_source(root, None, Selection(side="candidate", suffixes=ends))) == {"a_x_y.mp4": "a"}


@pytest.mark.parametrize("selection", [REFERENCE, CANDIDATE])
@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a.mp4", "b.mp4"), r"no name ends in one of _synthetic, .*the first is a\.mp4.*Set `suffixes`"),
        (("b_synthetic.mp4", "a_generated.mp4"), r"every name ends in .*the first is a_generated\.mp4.*Remove `side`"),
    ],
)
def test_a_source_of_one_side(make, selection, names, said):
    with pytest.raises(UsageError, match=said):
        list_source(make(*names), None, selection)


@pytest.mark.parametrize("selection", [CANDIDATE, Selection(side="reference", suffixes=("_x",))])
@pytest.mark.parametrize("name", ["m.jsonl", "m.csv", "m.npy"])
def test_manifests_and_arrays_have_no_sides(tmp_path, name, selection):
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match=r"`side` means nothing for .*it is for .*folder.*AIGVE.*pattern.*Remove it"):
        list_source(tmp_path / name, None, selection)


NAMES = st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "_one"])), min_size=1)


@given(NAMES)
def test_each_video_is_of_one_side_and_the_sides_agree(tmp_path_factory, names):
    rows = [Row(f"{a}{end}.mp4", f"/{a}{end}", "file", None, 1, 1, None, NO_COLUMNS, None) for a, end in sorted(names)]
    sides = []
    for side in ("reference", "candidate"):
        try:
            sides.append(one_side(tmp_path_factory.getbasetemp(), Listing(rows, []), Selection({}, side, ("_one",))))
        except UsageError:
            assert len({end for _, end in names}) == 1
            return
    reference, candidate = sides
    assert set(pairs(reference).values()) == set(pairs(candidate).values())
    listed = [row.id for side in sides for row in side.rows] + [bad.id for side in sides for bad in side.rejected]
    assert sorted(listed) == sorted(row.id for row in rows)
