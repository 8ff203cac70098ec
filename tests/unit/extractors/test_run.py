"""The features stage: from clips files to a features file, the same bits for any number of workers and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.clips_files import NAME, clips_file
from vidgauge import extractors
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors import loading
from vidgauge.extractors.own import NetworkAsked
from vidgauge.extractors.run import extract
from vidgauge.specs import Network
from vidgauge.store.features import array_widths, read_array, read_attrs, read_failed
from vidgauge.store.merge import merge
from vidgauge.weights import entry

T, SIZE = 3, (32, 48)
NETWORKS = ["efficientnet_lite0", "pixel_grid"]  # whose weights are always there


@pytest.fixture
def one_load(lite0: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    built = loading.built
    monkeypatch.setattr(
        loading, "built", lambda spec, *rest, **how: lite0 if spec.name.startswith("eff") else built(spec, *rest, **how)
    )


def write(path: Path, videos: Sequence[str], *, t: int = T, spec: dict[str, Any] | None = None) -> Path:
    """Clips that follow from the id, two draws each, in the order given."""
    full = {"frames": t, "seed": None, **(spec or {})}
    with clips_file(path, spec=full, shape=(t, *SIZE), attrs={"clips": "3f", "seed": 42}) as writer:
        for video in videos:
            for draw in (0, 1):
                rng = np.random.default_rng([draw, *video.encode()])
                start = int(rng.integers(100))
                frames = rng.integers(0, 256, (t, *SIZE, 3), np.uint8)
                writer.append(video, draw, start, start + 2 * np.arange(t), frames)
        writer.fail("bad", "/bad", "decode_error", "d")
    return path


def content(path: Path) -> dict[str, list[Any]]:
    arrays = {name: read_array(path, name) for name in array_widths(path)}
    return {
        name: [a.values.tobytes(), a.video.tolist(), a.draw.tolist(), a.start.tolist()] for name, a in arrays.items()
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_bits_do_not_depend_on_workers_order_or_files(one_load: None, tmp_path: Path, name: str) -> None:
    videos = [f"v{n}" for n in range(7)]
    seen: list[tuple[int, int]] = []
    one = write(tmp_path / "one.h5", videos)
    extract(
        [one], tmp_path / "a.h5", network=NetworkAsked(name=name), device="cpu", progress=lambda *at: seen.append(at)
    )
    wanted = content(tmp_path / "a.h5")
    assert seen[-1] == (14, 14)
    parts = [write(tmp_path / "p.h5", videos[5:] + videos[:2]), write(tmp_path / "q.h5", videos[4:1:-1])]
    extract(parts, tmp_path / "b.h5", network=NetworkAsked(name=name), device="cpu", workers=3)
    assert content(tmp_path / "b.h5") == wanted
    for number, part in enumerate(parts):
        extract([part], tmp_path / f"s{number}.h5", network=NetworkAsked(name=name), device="cpu")
    merge([tmp_path / "s0.h5", tmp_path / "s1.h5"], tmp_path / "m.h5")
    assert content(tmp_path / "m.h5") == wanted
    bad = {"video": "bad", "path": "/bad", "reason": "decode_error", "detail": "d", "clips": 1}
    assert read_failed(tmp_path / "m.h5") == [bad]


def test_a_clip_that_is_drawn_again_passes_the_network_once(tmp_path: Path) -> None:
    """Draws of short videos repeat clips: rows are those of a file that holds each of them."""
    starts = {"a": [2, 0, 2, 1, 0, 0, 2], "b": [0] * 7, "c": [6, 5, 4, 3, 2, 1, 0]}
    pixels = np.random.default_rng(0).integers(0, 256, (12, *SIZE, 3), np.uint8)
    paths = tmp_path / "shared.h5", tmp_path / "apart.h5"
    for path in paths:
        with clips_file(path, spec={"frames": T}, shape=(T, *SIZE)) as writer:
            for video, drawn in starts.items():
                draws = sorted(range(7), key=lambda draw: drawn[draw] if path == paths[0] else draw)
                for draw in draws:
                    at = drawn[draw]
                    writer.append(video, draw, at, range(at, at + T), pixels[at : at + T])
    with h5py.File(paths[0]) as shared, h5py.File(paths[1]) as apart:
        assert (len(shared[NAME]["frames"]), len(apart[NAME]["frames"])) == (3 + 1 + 7, 6 + 1 + 7)
    seen: list[tuple[int, int]] = []
    for path in paths:
        out = path.with_suffix(".out.h5")
        extract([path], out, network=NetworkAsked(name="pixel_grid"), progress=lambda *at: seen.append(at), workers=2)
    assert content(paths[0].with_suffix(".out.h5")) == content(paths[1].with_suffix(".out.h5"))
    assert (11, 11) in seen


def test_rows_carry_their_origin(tmp_path: Path) -> None:
    extract([write(tmp_path / "c.h5", ["b", "a"])], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    clip, frame = read_array(tmp_path / "f.h5", "clip"), read_array(tmp_path / "f.h5", "frame")
    assert clip.video.tolist() == ["a", "a", "b", "b"]
    assert clip.draw.tolist() == [0, 1, 0, 1]
    assert frame.video.tolist() == ["a"] * 6 + ["b"] * 6
    assert frame.start[:3].tolist() == [clip.start[0] + step for step in (0, 2, 4)]


def test_attributes(one_load: None, tmp_path: Path) -> None:
    clips = write(tmp_path / "c.h5", ["a"])
    extract([clips], tmp_path / "f.h5", network=NetworkAsked(name="efficientnet_lite0"), attrs={"manifest": "1f"})
    found = read_attrs(tmp_path / "f.h5")
    assert found["extractor"] == "efficientnet_lite0"
    assert found["weights_sha256"] == entry("efficientnet_lite0").sha256
    assert (found["weights"], found["weights_verified"], found["licence"]) == ("efficientnet_lite0", True, "Apache-2.0")
    assert (found["clips"], found["clip_spec"]) == ("3f", {"frames": T, "seed": None})
    assert found["seed"] is None  # the clip spec says that no draw was made
    assert (found["precision"], found["manifest"]) == ("float32", "1f")
    assert found["batch_shape"] == "(8, 32, 48, 3)"
    assert found["device"].startswith("cpu ")
    assert {"vidgauge", "python", "numpy", "torch"} <= set(found["versions"])


@pytest.mark.parametrize("name", NETWORKS)
def test_no_clips_give_no_rows_and_load_no_network(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "built", lambda *_, **__: pytest.fail("loaded"))
    extract([write(tmp_path / "c.h5", [])], tmp_path / "f.h5", network=NetworkAsked(name=name))
    wanted = {array: spec.width for array, spec in extractors.spec(name).arrays.items()}
    assert array_widths(tmp_path / "f.h5") == dict(sorted(wanted.items()))
    assert all(len(read_array(tmp_path / "f.h5", array)) == 0 for array in wanted)


def test_single_frames_have_no_motion(one_load: None, tmp_path: Path) -> None:
    extract(
        [write(tmp_path / "c.h5", ["a", "b"], t=1)], tmp_path / "f.h5", network=NetworkAsked(name="efficientnet_lite0")
    )
    assert list(array_widths(tmp_path / "f.h5")) == ["features", "logits"]


def test_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VidgaugeError, match="no clips files were given"):
        extract([], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    with pytest.raises(UsageError, match="unknown extractor"):
        extract([], tmp_path / "f.h5", network=NetworkAsked(name="nope"))


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    a, same = write(tmp_path / "a.h5", ["a"]), write(tmp_path / "b.h5", ["a"])
    with pytest.raises(VidgaugeError, match="both have draw 0 of a"):
        extract([a, same], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    other = write(tmp_path / "c.h5", ["c"], spec={"stride": 2})
    with pytest.raises(VidgaugeError, match="different specs"):
        extract([a, other], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
    assert not (tmp_path / "f.h5").exists()


def test_failure_of_the_network_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(clips: np.ndarray) -> dict[str, np.ndarray]:
        raise RuntimeError("no")

    monkeypatch.setattr(loading, "built", lambda *_, **__: broken)
    with pytest.raises(RuntimeError, match="no"):
        extract(
            [write(tmp_path / "c.h5", ["a", "b"])],
            tmp_path / "f.h5",
            network=NetworkAsked(name="pixel_grid"),
            workers=2,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["c.h5"]


def test_values_that_are_not_finite_name_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def overflow(clips: np.ndarray) -> dict[str, np.ndarray]:
        calls.append(1)
        rows = {"frame": np.zeros((T, 24), np.float32), "clip": np.zeros((1, 24), np.float32)}
        rows["frame"][1] = np.inf if len(calls) == 3 else 0
        return rows

    monkeypatch.setattr(loading, "built", lambda *_, **__: overflow)
    with pytest.raises(VidgaugeError, match="b: NaN or infinity in pixel_grid: frame"):
        extract([write(tmp_path / "c.h5", ["a", "b", "c"])], tmp_path / "f.h5", network=NetworkAsked(name="pixel_grid"))
