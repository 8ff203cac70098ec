"""What a dataset's videos are like, counted: readable bins, exact counts of short ones, whatever the videos' order."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.files import to_jsonl, write_text
from vidgauge.manifest.survey import BINS, LISTED, histogram, survey, write_survey
from vidgauge.specs import Video

VIDEO = Video("a.mp4", "/a.mp4", "file", None, "0" * 64, 1200, 24, 12.0, 2.0, 40, 60, "h264", "yuv420p")


def video(number: int, **keys: Any) -> Video:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return replace(VIDEO, **{"id": f"{number:04d}.mp4", "fingerprint": digest, **keys})


def test_a_survey_counts_everything() -> None:
    found = survey(
        [
            video(0),
            video(1, fps=29.97002997, frames=30, duration=1.001, codec="vp9", bytes=2400),
            video(1, width=80, fps=12.0004),
            video(2, kind="frames", fps=None, duration=None, codec="png", pixel_format="RGB", bytes=10**9),
        ]
    )
    heads = [hashlib.sha256(text).hexdigest()[:16] for text in (b"0", b"1", b"1", b"2")]
    assert found == {
        "version": 1,
        "videos": 4,
        "unknown_fps": 1,
        "fps": [[12.0, 2], [29.97, 1]],
        "sizes": [[60, 40, 3], [80, 40, 1]],
        "other_sizes": 0,
        "frames": {"edges": [24, 25, 26, 27, 28, 29, 30, 31], "counts": [3, 0, 0, 0, 0, 0, 1]},
        "seconds": {
            "edges": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1],
            "counts": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        },
        "short_frames": [[24, 3], [30, 1]],
        "short_seconds": [[1.0, 1], [2.0, 2]],
        "codecs": {"h264": 2, "png": 1, "vp9": 1},
        "pixel_formats": {"yuv420p": 3, "RGB": 1},
        # 8 * 1200 / (24 * 40 * 60) = 1/6, of the wider video 1/8, of the longer one 8 * 2400 / (30 * 2400) = 4/15
        "bits_per_pixel": {"p05": 0.129167, "median": 0.166667, "p95": 0.256667},
        "bytes": 1200 * 2 + 2400 + 10**9,
        "fingerprints": "".join(sorted(heads)),
    }


def test_no_video_gives_an_empty_survey() -> None:
    found = survey([])
    assert [found[key] for key in ("videos", "fps", "sizes", "frames", "seconds", "bits_per_pixel")] == [
        0,
        [],
        [],
        None,
        None,
        None,
    ]


def test_what_has_no_times_has_no_seconds() -> None:
    found = survey([video(0, kind="array", fps=None, duration=None, codec="npy")])
    assert (found["unknown_fps"], found["seconds"], found["short_seconds"], found["bits_per_pixel"]) == (
        1,
        None,
        [],
        None,
    )


@given(st.permutations(range(12)))
def test_the_order_of_videos_does_not_matter(order: list[int]) -> None:
    videos = [
        video(i % 7, fps=24 + i / 7, frames=10 + i * i, width=60 + i % 3, codec="ab"[i % 2], bytes=i * 1000 + 7)
        for i in range(12)
    ]
    assert survey(videos[i] for i in order) == survey(videos)


def test_beyond_64_rates_the_rare_ones_are_whole() -> None:
    listed = survey(video(i, fps=20 + i / 100) for i in range(LISTED))["fps"]
    assert listed == [[20 + i / 100, 1] for i in range(LISTED)]
    often = [video(i, fps=29.97) for i in range(5)]
    rare = [video(i, fps=20 + i / 1000) for i in range(300)]
    fps = survey([*often, *rare])["fps"]
    assert [29.97, 5] in fps
    assert len(fps) == LISTED  # 20.0 is one of those that are listed, and all others are nearest to it
    assert sum(count for _, count in fps) == 305
    assert dict(map(tuple, fps))[20.0] == 1 + 300 - (LISTED - 1)


def test_beyond_64_sizes_the_rare_ones_are_counted_together() -> None:
    found = survey([*(video(i, width=1 + i) for i in range(100)), video(0, width=100)])
    assert found["sizes"][:2] == [[100, 40, 2], [1, 40, 1]]
    assert (len(found["sizes"]), found["other_sizes"]) == (LISTED, 101 - LISTED - 1)


def test_short_videos_alone_are_counted_exactly() -> None:
    found = survey(
        [video(0, frames=255, duration=59.994), video(1, frames=256, duration=60.0), video(2, frames=9, duration=0.333)]
    )
    assert found["short_frames"] == [[9, 1], [255, 1]]
    assert found["short_seconds"] == [[0.33, 1], [59.99, 1]]


@given(st.dictionaries(st.integers(1, 10**7), st.integers(1, 50), min_size=1), st.sampled_from([0, -1]))
def test_every_value_has_its_bin(values: dict[int, int], least: int) -> None:
    counted: Counter[Any] = Counter({value / 10 if least < 0 else value: count for value, count in values.items()})
    found = histogram(counted, least=least)
    assert found is not None
    edges, counts = found["edges"], found["counts"]
    assert len(counts) == len(edges) - 1 <= BINS
    assert edges == sorted(set(edges))
    assert 0 not in (counts[0], counts[-1]), "empty bins at an end say nothing"
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        assert count == sum(number for value, number in counted.items() if low <= value < high)
    assert sum(counts) == sum(values.values())


def test_edges_are_readable() -> None:
    steps = histogram(Counter({17: 1, 233: 1, 100: 9}), least=0)
    assert steps is not None
    assert (steps["edges"][:3], steps["edges"][-1]) == ([10, 20, 30], 240)
    seconds = histogram(Counter({0.3: 1, 0.7: 1}), least=-1)
    assert seconds == {"edges": [0.3, 0.4, 0.5, 0.6, 0.7, 0.8], "counts": [1, 0, 0, 0, 1]}
    one_long = histogram(Counter({16: 99, 20000: 1}), least=0)
    assert one_long is not None
    assert one_long["edges"] == [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000]


def test_it_is_written_as_one_line_of_json(tmp_path: Path) -> None:
    videos, out = tmp_path / "videos.jsonl", tmp_path / "survey.json"
    write_text(videos, to_jsonl(asdict(video(i)) for i in range(3)))
    write_survey(videos, out)
    assert json.loads(out.read_text()) == survey(video(i) for i in range(3))
    assert out.read_text().count("\n") == 1


@pytest.mark.stress
def test_many_videos_are_surveyed_in_seconds() -> None:
    import time

    videos = [video(i, fps=24 + i % 999 / 999, frames=1 + i % 5000, width=100 + i % 700) for i in range(100_000)]
    begin = time.process_time()
    survey(videos)
    assert time.process_time() - begin < 3
