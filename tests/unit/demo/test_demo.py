"""The demo's files: how many, what they hold, and that the same seed gives the same bytes."""

import json

import av
import numpy as np
import pytest

from vidgauge.demo import DATASETS, make_demo
from vidgauge.demo import make as making
from vidgauge.demo.degrade import DEGRADATIONS, scramble
from vidgauge.demo.encode import encode
from vidgauge.demo.render import render
from vidgauge.demo.scenes import make_scene
from vidgauge.errors import UsageError


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def decoded(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, make_demo(folder, videos=2, workers=1)


def test_every_dataset_has_its_videos(demo):
    folder, places = demo
    assert list(places) == ["real", "mild", "strong", "scrambled"] == list(DATASETS)
    for name, place in places.items():
        assert place == folder / name
        assert sorted(p.name for p in place.iterdir()) == ["0000.mp4", "0001.mp4"]


def test_videos_are_h264_of_one_size(demo):
    for place in demo[1].values():
        with av.open(str(place / "0000.mp4")) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
            assert stream.average_rate == making.FPS
        assert decoded(place / "0000.mp4").shape == (making.FRAMES, making.SIDE, making.SIDE, 3)


@pytest.mark.parametrize("name", DATASETS)
def test_decoded_frames_are_those_that_were_made(demo, name):
    made, _ = making.make_frames(name, 1)
    error = decoded(demo[1][name] / "0001.mp4").astype(float) - made
    assert np.abs(error.mean()) < 1.5  # the colour matrix is the one that the file names
    assert np.sqrt((error**2).mean()) < 20  # what H.264 and its halved colours lose


def test_manifests_name_the_videos_and_share_the_captions(demo):
    folder, _ = demo
    texts = {}
    for name in DATASETS:
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        assert [row["videos"] for row in rows] == [[f"{name}/0000.mp4"], [f"{name}/0001.mp4"]]
        texts[name] = [row["text"] for row in rows]
    assert texts["real"] == texts["mild"] == texts["strong"] == texts["scrambled"]
    assert texts["real"][0] != texts["real"][1]


def test_same_seed_same_bytes_whatever_the_workers(demo, tmp_path):
    make_demo(tmp_path, videos=2, workers=2)
    assert contents(tmp_path) == contents(demo[0])


def test_a_video_does_not_depend_on_how_many_there_are(demo, tmp_path):
    places = make_demo(tmp_path, videos=1, workers=1)
    for name, place in places.items():
        assert (place / "0000.mp4").read_bytes() == (demo[1][name] / "0000.mp4").read_bytes()


def test_seeds_and_datasets_differ():
    first = making.make_frames("real", 0)[0]
    assert (first != making.make_frames("real", 0, seed=1)[0]).mean() > 0.5
    assert (first != making.make_frames("scrambled", 0)[0]).mean() > 0.5


def test_scrambled_is_clean_frames_in_another_order():
    number = DATASETS.index("scrambled")
    ordered = render(make_scene(0, number, 0), making.FRAMES, making.SIDE)
    shuffled, _ = making.make_frames("scrambled", 0)
    assert sorted(frame.tobytes() for frame in ordered) == sorted(frame.tobytes() for frame in shuffled)
    assert (ordered != shuffled).any()
    steps = [np.abs(np.diff(frames.astype(float), axis=0)).mean() for frames in (ordered, shuffled)]
    assert steps[1] > 1.5 * steps[0]


def test_degradations_keep_shape_and_grow():
    frames = making.make_frames("real", 0)[0][:2]
    loss = {
        name: np.abs(spoil(frames, np.random.default_rng(0)) - frames.astype(float)).mean()
        for name, spoil in DEGRADATIONS.items()
        if spoil is not scramble
    }
    assert loss["real"] == 0 < loss["mild"] < loss["strong"] / 2


def test_a_complete_demo_is_left_alone_and_a_damaged_one_mended(demo):
    folder, places = demo
    calls = []
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    make_demo(folder, videos=2, workers=1, progress=lambda done, total: calls.append((done, total)))
    assert not calls
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    whole = contents(folder)
    (places["mild"] / "0001.mp4").write_bytes(b"cut")
    make_demo(folder, videos=2, workers=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(n, 8) for n in range(1, 9)]
    assert contents(folder) == whole
    untouched = places["real"] / "0000.mp4"
    assert untouched.stat().st_mtime_ns == before[untouched]


def test_fewer_videos_remove_only_the_demos_own_files(tmp_path):
    make_demo(tmp_path, videos=2, workers=1)
    (tmp_path / "real" / "mine.mp4").write_bytes(b"")
    make_demo(tmp_path, videos=1, workers=1)
    assert sorted(p.name for p in (tmp_path / "real").iterdir()) == ["0000.mp4", "mine.mp4"]
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("wrong", [{"videos": 0}, {"videos": 10000}, {"seed": -1}])
def test_settings_that_cannot_be_meant_are_refused(tmp_path, wrong):
    with pytest.raises(UsageError, match="the demo takes"):
        make_demo(tmp_path, **wrong)


def test_encoding_repeats_to_the_byte():
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)
    assert encode(frames, 12, 16) == encode(frames.copy(), 12, 16)
