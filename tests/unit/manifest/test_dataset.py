"""The keys of a dataset: what contradicts itself is refused, and saved statistics are not listed."""

import pytest

from vidgauge.config import load
from vidgauge.errors import UsageError
from vidgauge.manifest.dataset import Dataset
from vidgauge.manifest.sources import Selection
from vidgauge.prepare import write_listings


def configured(**dataset):
    return load(
        {
            "evaluation": "test",
            "reference": "real",
            "datasets": {"real": dataset, "a": {"source": "videos/a"}},
            "metrics": ["looks"],
            "define": {"looks": {"reduce": "frechet", "extractor": "pixel_grid"}},
        }
    ).datasets["real"]


def test_defaults_choose_everything():
    dataset = configured(source="videos")
    assert dataset.selection == Selection()
    assert dataset.selection.said() == {}
    assert Dataset.model_validate(dataset.model_dump()) == dataset


def test_all_keys():
    where = {"model": "one", "split": 2, "good": True, "weight": 0.5}
    dataset = configured(source="pairs.json", root="videos", where=where, side="candidate")
    assert dataset.selection == Selection(where, "candidate")
    assert configured(source="videos", side="reference", suffixes=["_x"]).selection.said() == {
        "side": "reference",
        "suffixes": ["_x"],
    }


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"where": {"a": None}}, "where.a: should be text, a number, true or false, got None"),
        ({"where": {"a": [1]}}, "where.a: should be text"),
        ({"where": {"a": float("nan")}}, "where.a: should be text"),
        ({"where": "model"}, "where: "),
        ({"side": "real"}, "side: input should be 'reference' or 'candidate', got 'real'"),
        ({"side": "candidate", "suffixes": []}, "suffixes: "),
        (
            {"side": "candidate", "suffixes": ["_x.mp4"]},
            "suffixes[0]: should be the end of a name before its extension",
        ),
        ({"side": "candidate", "suffixes": [""]}, "suffixes[0]: should be the end"),
        ({"side": "candidate", "suffixes": ["a/b"]}, "suffixes[0]: should be the end"),
        ({"side": "candidate", "suffixes": "_x"}, "suffixes: "),
        ({"suffixes": ["_x"]}, "suffixes say what generated videos' names end in, and need side"),
        ({"array": "mu"}, "array is for saved statistics (.h5, .hdf5, .npz, .pickle, .pkl), and videos is none"),
        ({"n": 3}, "n is for saved statistics"),
        ({"sides": "candidate"}, "sides: unknown key; did you mean 'side'?"),
        ({"source": "s.npz", "n": 0}, "n: "),
        ({"source": "s.npz", "array": ""}, "array: "),
        ({"source": "s.npz", "root": "."}, "root means nothing for saved statistics (s.npz)"),
        (
            {"source": "s.pkl", "where": {"a": 1}, "side": "reference", "suffixes": ["_x"]},
            "where means nothing for saved statistics (s.pkl), which are no videos; remove it; side means nothing for "
            "saved statistics (s.pkl), which are no videos; remove it; suffixes means nothing",
        ),
    ],
)
def test_what_cannot_be_meant(keys, said):
    with pytest.raises(UsageError) as error:
        configured(**{"source": "videos"} | keys)
    assert "config.yaml: datasets.real" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("name", ["s.npz", "s.PKL", "a.b/s.pickle", "s.h5", "s.hdf5"])
def test_statistics(name):
    dataset = configured(source=name, array="pool", n=2048)
    assert dataset.is_statistics
    assert (dataset.array, dataset.n) == ("pool", 2048)


@pytest.mark.parametrize("name", ["s.npy", "s.jsonl", "s.npz/videos", "videos", "npz"])
def test_videos(name):
    assert not configured(source=name).is_statistics


def test_only_videos_are_listed_with_their_selection(tmp_path, make_video):
    for name in ("v.mp4", "v_x.mp4"):
        make_video(tmp_path / name)
    (tmp_path / "saved.npz").touch()
    pairs = {"source": str(tmp_path), "suffixes": ["_x"]}
    config = load(
        {
            "evaluation": "test",
            "reference": "saved",
            "datasets": {
                "saved": {"source": str(tmp_path / "saved.npz")},
                "real": {**pairs, "side": "reference"},
                "made": {**pairs, "side": "candidate"},
                "all": {"source": f"{tmp_path}/*.mp4"},
            },
            "metrics": ["looks"],
            "define": {"looks": {"reduce": "frechet", "extractor": "pixel_grid"}},
        }
    )
    write_listings(config, tmp_path / "manifests")
    listed = {path.name: (path / "listing" / "0.jsonl").read_text() for path in (tmp_path / "manifests").iterdir()}
    assert sorted(listed) == ["all", "made", "real"]
    assert [listed[name].count('"id": "v') for name in ("all", "made", "real")] == [2, 1, 1]
    columns = tmp_path / "manifests" / "made" / "listing" / "columns.jsonl"
    assert columns.read_text() == '["v_x.mp4", {"pair": "v"}]\n'
