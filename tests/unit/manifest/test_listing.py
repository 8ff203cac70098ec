"""The listing on disk: only what differs is written, shards stay where they are, a name stays with its source."""

import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.draws import shard_of
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.files import read_jsonl, write_text
from vidgauge.manifest.listing import Dataset, read_dataset, read_lines, read_texts, shards_needed, write_listing
from vidgauge.manifest.sources import Selection


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results" / "manifests" / "real"


@pytest.fixture
def videos(tmp_path, make_video):
    for number in range(20):
        make_video(tmp_path / "videos" / f"{number:02}.mp4")
    return tmp_path / "videos"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def times(folder):
    """{name: time} of the files that jobs depend on, after setting all of them to an old time."""
    return {
        path.name: path.stat().st_mtime_ns for path in (folder / "listing").iterdir() if path.name != "written.json"
    }


def age(folder):
    for path in [folder / "dataset.json", *(folder / "listing").iterdir(), *(folder / "texts").iterdir()]:
        os.utime(path, ns=(1, 1))


def rewritten(folder):
    return sorted(name for name, time in times(folder).items() if time != 1)


def test_files(folder, videos):
    dataset = write_listing(folder, videos, None, 6, probe_version=7)
    assert dataset == read_dataset(folder)
    assert (dataset.source, dataset.root, dataset.shard_size, dataset.shards) == (str(videos), str(videos), 6, 4)
    assert sum(dataset.counts) == 20
    for shard in range(4):
        header, *rows = read_jsonl(folder / "listing" / f"{shard}.jsonl")
        assert header == {"probe": 7, "format": 2}
        names = [row["id"] for row in rows]
        assert names == sorted(name for name in names_in(videos) if shard_of(name, 4) == shard)
        assert len(names) == dataset.counts[shard]
        assert all(row["path"] == str(videos / row["id"]) for row in rows)
    assert not list(folder.rglob("*.tmp"))


def test_nothing_is_rewritten_without_a_change(folder, videos):
    write_listing(folder, videos, None, 6, probe_version=1)
    for _ in range(2):
        age(folder)
        before = write_listing(folder, videos, None, 6, probe_version=1)
        assert rewritten(folder) == []
        assert (folder / "dataset.json").stat().st_mtime_ns == 1
    assert write_listing(folder, videos, None, 6, probe_version=1) == before


@pytest.mark.parametrize("change", ["touch", "add", "remove"])
def test_one_change_rewrites_one_shard(folder, videos, make_video, change):
    write_listing(folder, videos, None, 6, probe_version=1)
    age(folder)
    name = "new.mp4" if change == "add" else "07.mp4"
    if change == "touch":
        os.utime(videos / name, ns=(3, 3))
    elif change == "add":
        make_video(videos / name)
    else:
        (videos / name).unlink()
    write_listing(folder, videos, None, 6, probe_version=1)
    assert rewritten(folder) == [f"{shard_of(name, 4)}.jsonl"]


def test_a_file_that_was_deleted_or_edited_is_written_again(folder, videos):
    write_listing(folder, videos, None, 6, probe_version=1)
    text = (folder / "listing" / "0.jsonl").read_text()
    (folder / "listing" / "0.jsonl").unlink()
    (folder / "listing" / "1.jsonl").write_text("edited")
    age(folder)
    write_listing(folder, videos, None, 6, probe_version=1)
    assert rewritten(folder) == ["0.jsonl", "1.jsonl"]
    assert (folder / "listing" / "0.jsonl").read_text() == text


def test_a_new_probe_version_rewrites_all_shards(folder, videos):
    write_listing(folder, videos, None, 6, probe_version=1)
    age(folder)
    write_listing(folder, videos, None, 6, probe_version=2)
    assert rewritten(folder) == [f"{shard}.jsonl" for shard in range(4)]


def test_a_new_form_of_the_other_files_has_them_written_again(folder, videos, monkeypatch):
    digests = []
    for form in (1, 2):
        monkeypatch.setattr("vidgauge.manifest.listing.FILES", form)
        write_listing(folder, videos, None, 6, probe_version=1)
        digests.append(json.loads((folder / "listing" / "written.json").read_text())["digest"])
        age(folder)
    assert digests[0] != digests[1]
    assert rewritten(folder) == []


def test_moving_lines_touches_no_shard(folder, videos, write_lines):
    rows = [{"videos": [name], "text": f"é\u2028{name}", "human": {"a": 1}} for name in names_in(videos)]
    source = write_lines(videos.parent / "m.jsonl", *rows)
    write_listing(folder, source, videos, 6, probe_version=1)
    age(folder)
    write_lines(source, "", "not json", *reversed(rows))
    write_listing(folder, source, videos, 6, probe_version=1)
    assert rewritten(folder) == ["lines.jsonl", "rejected.jsonl"]
    assert read_lines(folder / "listing" / "lines.jsonl", {"00.mp4", "none"}) == {"00.mp4": 22}
    assert [bad["line"] for bad in read_jsonl(folder / "listing" / "rejected.jsonl")] == [2]
    said = dict(read_jsonl(folder / "listing" / "columns.jsonl"))
    assert said["00.mp4"] == {"text": "é\u202800.mp4", "human": {"a": 1}}
    assert list(said) == names_in(videos)
    assert read_texts(folder / "texts" / f"{shard_of('00.mp4', 4)}.jsonl")["00.mp4"] == "é\u202800.mp4"


def test_another_text_or_rating_touches_no_listed_shard(folder, videos, write_lines):
    rows = [{"videos": [name], "text": f"of {name}", "human": {"a": 1}} for name in names_in(videos)]
    source = write_lines(videos.parent / "m.jsonl", *rows)
    write_listing(folder, source, videos, 6, probe_version=1)
    age(folder)
    rows[0]["human"] = {"a": 2}
    write_lines(source, *rows)
    write_listing(folder, source, videos, 6, probe_version=1)
    assert rewritten(folder) == ["columns.jsonl"]
    assert all(path.stat().st_mtime_ns == 1 for path in (folder / "texts").iterdir())
    age(folder)
    rows[0]["text"] = "another"
    write_lines(source, *rows)
    write_listing(folder, source, videos, 6, probe_version=1)
    assert rewritten(folder) == ["columns.jsonl"]
    texts = folder / "texts" / f"{shard_of('00.mp4', 4)}.jsonl"
    assert [path for path in texts.parent.iterdir() if path.stat().st_mtime_ns != 1] == [texts]


def test_shards_are_kept_until_they_are_outgrown_fourfold(folder, tmp_path, make_video):
    videos = tmp_path / "videos"

    def listed(number):
        for i in range(number):
            make_video(videos / f"{i}.mp4")
        return write_listing(folder, videos, None, 2, probe_version=1).shards

    assert listed(3) == 2
    assert listed(16) == 2
    assert listed(17) == 9
    for i in range(10, 17):
        (videos / f"{i}.mp4").unlink()
    assert listed(10) == 9
    assert write_listing(folder, videos, None, 5, probe_version=1).shards == 9  # another size alone recuts nothing
    for i in range(10, 45):
        make_video(videos / f"{i}.mp4")
    assert write_listing(folder, videos, None, 1, probe_version=1).shards == 45
    shutil.rmtree(folder)
    (folder / "listing").mkdir(parents=True)
    (folder / "listing" / "7.jsonl").touch()
    assert write_listing(folder, videos, None, 30, probe_version=1).shards == 2
    names = {path.name for path in (folder / "listing").iterdir()}
    assert names == {"0.jsonl", "1.jsonl", "rejected.jsonl", "lines.jsonl", "columns.jsonl", "written.json"}


def test_leftovers_of_a_killed_run_go(folder, videos):
    write_listing(folder, videos, None, 6, probe_version=1)
    for name in ("0.jsonl.1-ab.tmp", "4.jsonl"):
        (folder / "listing" / name).write_text("half")
    write_listing(folder, videos, None, 6, probe_version=1)
    assert len(list((folder / "listing").iterdir())) == 8


def test_a_source_without_a_usable_video_has_one_empty_shard(folder, tmp_path, write_lines):
    dataset = write_listing(folder, write_lines(tmp_path / "m.jsonl", "x"), None, 6, probe_version=1)
    assert (dataset.shards, dataset.counts) == (1, [0])


def test_a_name_bound_to_another_source_or_root(folder, videos, tmp_path, write_lines):
    source = write_lines(tmp_path / "m.jsonl", {"videos": ["videos/00.mp4"]})
    write_listing(folder, source, None, 6, probe_version=1)  # nothing was computed: the name is free
    write_listing(folder, videos, None, 6, probe_version=1)
    (folder.parents[1] / "features" / folder.name).mkdir(parents=True)
    age(folder)
    with pytest.raises(VidgaugeError) as error:
        write_listing(folder, source, None, 6, probe_version=1)
    results = tmp_path / "results"
    for said in ("already holds", str(videos), str(source), f"{results}/manifests/real", f"{results}/clips/real"):
        assert said in str(error.value)
    with pytest.raises(VidgaugeError, match="another root"):
        write_listing(folder, videos, tmp_path, 6, probe_version=1)
    assert rewritten(folder) == []
    write_listing(folder, videos / ".." / "videos", videos, 6, probe_version=1)  # the same, spelt otherwise


@pytest.fixture
def rows(videos, write_lines):
    rows = [{"video": name, "model": "ab"[number % 2], "split": 1} for number, name in enumerate(names_in(videos))]
    return write_lines(videos / "m.jsonl", *rows)


def bind(folder, source, selection=None):
    return write_listing(folder, source, None, 6, probe_version=1, selection=selection or Selection())


def test_a_name_is_bound_to_its_selection(folder, rows):
    bind(folder, rows, Selection({"model": "b"}))  # nothing was computed: the name is free
    dataset = bind(folder, rows, Selection({"model": "a", "split": 1}))
    assert (sum(dataset.counts), dataset) == (10, read_dataset(folder))
    assert json.loads((folder / "dataset.json").read_text())["selection"] == {"where": {"model": "a", "split": 1}}
    (folder.parents[1] / "features" / folder.name).mkdir(parents=True)
    age(folder)
    for where, now in (
        ({}, "nothing (the default)"),
        ({"model": "b", "split": 1}, '{"model": "b", "split": 1}'),
        ({"model": "a"}, '{"model": "a"}'),
    ):
        with pytest.raises(VidgaugeError) as error:
            bind(folder, rows, Selection(where))
        said = 'another where: {"model": "a", "split": 1}, and the configuration now says ' + now
        assert said in str(error.value)
    with pytest.raises(VidgaugeError, match="another source"):
        bind(folder, rows.parent, None)
    assert rewritten(folder) == []
    bind(folder, rows, Selection({"split": 1, "model": "a"}))  # the same, in another order
    assert rewritten(folder) == []


def test_a_name_is_bound_to_its_side(folder, tmp_path, make_video):
    for name in ("v.mp4", "v_x.mp4", "v_y.mp4"):
        make_video(tmp_path / "pairs" / name)
    bind(folder, tmp_path / "pairs", Selection({}, "candidate", ("_x",)))
    (folder.parents[1] / "features" / folder.name).mkdir(parents=True)
    for selection, said in (
        (Selection({}, "reference", ("_x",)), "another side: candidate, and the configuration now says reference"),
        (Selection({}, "candidate", ("_y",)), r'another suffixes: \["_x"\], and the configuration now says \["_y"\]'),
        (Selection(), "another side: candidate, and the configuration now says nothing"),
    ):
        with pytest.raises(VidgaugeError, match=said):
            bind(folder, tmp_path / "pairs", selection)


def test_a_selection_alone_rewrites_the_record(folder, rows, write_lines):
    bind(folder, rows)
    dataset = bind(folder, rows, Selection({"split": 1}))  # the same rows
    assert dataset == read_dataset(folder)
    assert dataset.selection == {"where": {"split": 1}}


def test_a_record_from_before_there_were_selections_means_all_videos(folder, rows, videos):
    bind(folder, videos)
    (folder.parents[1] / "features" / folder.name).mkdir(parents=True)
    record = json.loads((folder / "dataset.json").read_text())
    assert "selection" not in record
    assert Dataset(**record) == read_dataset(folder) == bind(folder, videos)
    make = Selection({}, "candidate")
    (videos / "00_synthetic.mp4").touch()
    with pytest.raises(
        VidgaugeError, match=r"another side: nothing \(the default\), and the configuration now says cand"
    ):
        bind(folder, videos, make)


def test_a_pattern_is_bound_as_it_is_written(folder, videos):
    assert bind(folder, videos / "0*.mp4").source == str(videos / "0*.mp4")
    (folder.parents[1] / "features" / folder.name).mkdir(parents=True)
    with pytest.raises(VidgaugeError, match=r"another source: .*/0\*\.mp4, and the configuration now says .*/1\*\.mp4"):
        bind(folder, videos / "1*.mp4")
    assert bind(folder, videos / ".." / "videos" / "0*.mp4").root == str(videos)


def test_a_bound_source_that_is_gone_is_said_to_be_gone(folder, videos):
    write_listing(folder, videos, None, 6, probe_version=1)
    videos.rename(videos.parent / "moved")
    with pytest.raises(UsageError, match="does not exist"):
        write_listing(folder, videos, None, 6, probe_version=1)


def test_no_or_a_broken_dataset(folder):
    with pytest.raises(VidgaugeError, match="was not listed yet"):
        read_dataset(folder)
    folder.mkdir(parents=True)
    for text in ("", "{}", "[1]", '{"source": 1, "more": 2}'):
        (folder / "dataset.json").write_text(text)
        with pytest.raises(VidgaugeError, match="Delete"):
            read_dataset(folder)


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 200))
def test_shards_needed_is_the_smallest_number(counts, videos):
    number = shards_needed(counts, videos)
    assert 1 <= number <= len(counts)
    assert sum(counts[: number - 1]) < videos * 1.25
    assert number == len(counts) or sum(counts[:number]) >= videos * 1.25


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_text(path, "old")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_dataset_json_is_readable(folder, videos):
    write_listing(folder, videos, None, 100, probe_version=1)
    assert json.loads((folder / "dataset.json").read_text()) == {
        "source": str(videos),
        "root": str(videos),
        "shard_size": 100,
        "shards": 1,
        "counts": [20],
    }
    assert Dataset.__dataclass_params__.frozen
