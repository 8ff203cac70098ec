"""One line for each video: scores averaged over its rows, what is broken, what people said; the worst ones."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.errors import VidgaugeError
from vidgauge.extractors import spec
from vidgauge.files import to_jsonl, write_text
from vidgauge.single.curves import curves
from vidgauge.single.people import agreements, unread
from vidgauge.single.table import Line, csv_text, lines, ratings
from vidgauge.single.worst import broken_ones, worst
from vidgauge.store.features import FeatureArray, write_features

VIDEO = {
    "kind": "file",
    "row": None,
    "fingerprint": "0",
    "bytes": 1,
    "frames": 8,
    "fps": 8.0,
    "duration": 1.0,
    "height": 8,
    "width": 8,
    "codec": "h264",
    "pixel_format": "yuv420p",
}
NAMES = [column.name for column in spec("frame_statistics").arrays["scores"].columns]


def features(path: Path, rows: dict[str, list[list[float]]], columns: list[str]) -> Path:
    """Scores of some videos: rows of each, one frame after the other."""
    videos = [name for name in sorted(rows) for _ in rows[name]]
    starts = [at for name in sorted(rows) for at in range(len(rows[name]))]
    values = np.array([row for name in sorted(rows) for row in rows[name]], np.float32).reshape(-1, len(columns))
    array = FeatureArray(values, np.array(videos, object), np.array(starts), np.array(starts) + 3)
    write_features(path, {"scores": array}, attrs={"columns": {"scores": columns}})
    return path


def manifest(path: Path, columns: dict[str, dict[str, Any]]) -> Path:
    write_text(
        path, to_jsonl({"id": n, "path": f"/{n}", **VIDEO, "columns": said} for n, said in sorted(columns.items()))
    )
    return path


def plan(*arrays: dict[str, Any], candidates: tuple[str, ...] = ("a",)) -> dict[str, Any]:
    return {"candidates": list(candidates), "scores": list(arrays), "seed": 0}


def array(columns: list[str], extractor: str = "pickscore", **labels: str) -> dict[str, Any]:
    return {
        "extractor": extractor,
        "array": "scores",
        "per": "frame",
        "labels": {name: labels.get(name, name) for name in columns},
    }


def test_scores_are_means_over_a_videos_rows_that_have_one(tmp_path: Path) -> None:
    nan = math.nan
    file = features(tmp_path / "f.h5", {"v": [[1, 2], [3, nan]], "w": [[nan, nan]], "x": [[5, 6]]}, ["p", "q"])
    videos = manifest(tmp_path / "v.jsonl", {"v": {"text": "a dog"}, "w": {}, "x": {"human": {"overall": 2}}, "y": {}})
    found = lines(plan(array(["p", "q"], q="m.q")), [file], {"a": videos})
    assert [(line.id, line.text, line.human) for line in found] == [
        ("v", "a dog", {}),
        ("w", None, {}),
        ("x", None, {"overall": 2.0}),
        ("y", None, {}),  # of which no row is there: not sampled, or not decoded
    ]
    assert csv_text(found, ["p", "m.q"]).splitlines()[4] == "a,y,/y,,,,"
    assert found[0].scores == {"p": 2.0, "m.q": 2.0}
    assert all(math.isnan(score) for score in found[1].scores.values())
    assert found[0].starts == {"p": 3, "m.q": 3}
    assert found[0].broken is None  # nobody looked
    table = list(csv.DictReader(io.StringIO(csv_text(found, ["p", "m.q"]))))
    assert table[0] == {
        "dataset": "a", "id": "v", "path": "/v", "text": "a dog", "p": "2.0", "m.q": "2.0", "human.overall": "",
    }  # fmt: skip
    assert (table[1]["p"], table[2]["human.overall"]) == ("", "2.0")


def test_broken_videos_are_named(tmp_path: Path) -> None:
    good = dict.fromkeys(NAMES, 0.0) | {"temporal_flickering": 0.97, "motion_smoothness_midpoint": 0.97}
    black = good | {"black_share": 1.0, "static_share": 1.0}
    rows = {name: [[each[column] for column in NAMES]] for name, each in (("v", good), ("w", black))}
    file = features(tmp_path / "f.h5", rows, NAMES)
    videos = manifest(tmp_path / "v.jsonl", {"v": {}, "w": {}})
    found = lines(plan(array(NAMES, "frame_statistics")), [file], {"a": videos})
    assert [line.broken for line in found] == [[], ["black", "frozen"]]
    assert csv_text(found, NAMES).splitlines()[2].startswith("a,w,/w,,black frozen,")
    (told,) = broken_ones(found)
    assert (told["id"], told["broken"]) == ("w", ["black", "frozen"])


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = features(tmp_path / "f.h5", {"v": [[1]]}, ["p"])
    with pytest.raises(VidgaugeError, match=r"f\.h5: does not hold the columns q"):
        lines(plan(array(["q"])), [file], {"a": manifest(tmp_path / "v.jsonl", {"v": {}})})
    with pytest.raises(VidgaugeError, match="1 array of 2 candidates and 1 features file do not fit"):
        lines(plan(array(["p"]), candidates=("a", "b")), [file], {})


@pytest.mark.parametrize(
    ("columns", "wanted", "unread_ones"),
    [
        ({}, {}, {}),
        ({"human": {"overall": 3, "motion": "4.5", "note": "good"}}, {"overall": 3.0, "motion": 4.5}, {"note": "good"}),
        ({"human.overall": "3", "human.motion": "", "humanity": 7}, {"overall": 3.0}, {}),
        ({"human": 4}, {"overall": 4.0}, {}),
        ({"human": None}, {}, {}),
        ({"human": {"overall": "nan", "motion": "3,5"}}, {}, {"overall": "nan", "motion": "3,5"}),
    ],
)
def test_ratings(columns: dict[str, Any], wanted: dict[str, float], unread_ones: dict[str, str]) -> None:
    assert ratings(columns) == (wanted, unread_ones)


def test_ratings_that_are_no_numbers_are_told() -> None:
    found = [line("v", 1.0, unread={"overall": "3,5"}), line("w", 2.0, unread={"overall": "4,5"}), line("x", 3.0)]
    (text,) = unread(found)
    assert text.startswith("human.overall: 2 of 3 videos have a rating that is no number and is left out ('3,5' of v,")
    assert unread(found[1:])[0].startswith("human.overall: 1 of 2 videos has a rating that")


def line(name: str, score: float, **more: Any) -> Line:
    keys: dict[str, Any] = {"text": None, "broken": None, "human": {}, "starts": {"p": 0}}
    return Line("a", name, f"/{name}", scores={"p": score}, **keys | more)


def test_the_worst_come_first_and_equals_by_name() -> None:
    found = [line("v", 2.0), line("w", 1.0), line("x", math.nan), line("y", 1.0), line("z", 3.0)]
    for better, wanted in (("higher", ["w", "y", "v"]), ("lower", ["z", "v"])):  # the best are not the worst
        (told,) = worst(found, [{"label": "p", "metric": "m", "better": better}], number=3)
        assert [video["id"] for video in told["videos"]] == wanted
        assert (told["least"], told["most"], told["mean"]) == (1.0, 3.0, 1.75)
        assert told["equal"] == 0
    assert worst(found[2:3], [{"label": "p", "metric": "m", "better": "higher"}]) == []


@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=12),
    st.sampled_from(["higher", "lower"]),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_nothing_is_worst_that_no_video_is_better_than(
    scores: list[float], better: str, number: int, luck: Random
) -> None:
    found = [line(f"v{at:02}", score) for at, score in enumerate(scores)]
    luck.shuffle(found)
    asked = [{"label": "p", "metric": "m", "better": better}]
    (told,) = worst(found, asked, number)
    sign = 1 if better == "higher" else -1
    ranked = sorted(sign * score for score in scores)
    behind = [score for score in ranked if score < ranked[-1]]
    values = [sign * video["value"] for video in told["videos"]]
    assert values == behind[:number]
    assert (not values) == (len(set(scores)) == 1)
    assert told["equal"] == (behind.count(values[-1]) - values.count(values[-1]) if values else 0)
    assert worst(found[::-1], asked, number) == [told]


def test_agreement_with_people_is_of_videos_that_have_both() -> None:
    found = [line(f"v{n}", float(n), text=f"t{n}", human={"overall": float(n * n)}) for n in range(9)]
    found += [line("none", 9.0), line("nan", math.nan, human={"overall": 1.0})]
    (told,) = agreements(found, ["p"], seed=0)
    assert (told["score"], told["aspect"], told["videos"], told["prompts"]) == ("p", "overall", 9, 9)
    assert told["spearman"]["value"] == pytest.approx(1.0)
    assert 0.9 < told["pearson"]["value"] < 1
    low, high = told["pearson"]["ci95"]
    assert low <= told["pearson"]["value"] <= high
    assert agreements(found[::-1], ["p"], seed=0)[0]["pearson"] == told["pearson"]
    (constant,) = agreements([line(f"v{n}", 1.0, human={"overall": float(n)}) for n in range(6)], ["p"], seed=0)
    assert constant["kendall"] == {"value": None, "ci95": None, "why": "the scores are constant"}


def test_a_curve_is_the_mean_over_videos_at_each_frame(tmp_path: Path) -> None:
    nan = math.nan
    file = features(tmp_path / "f.h5", {"v": [[1], [3], [nan]], "w": [[5], [nan], [nan]], "x": [[9]]}, ["p"])
    (curve,) = curves(plan(array(["p"], p="m.p")), [file])
    assert (curve["score"], curve["dataset"], curve["frames"], curve["videos"]) == ("m.p", "a", [3, 4], [3, 1])
    assert curve["mean"] == pytest.approx([5.0, 3.0])
    assert curve["std"] == pytest.approx([np.std([1, 5, 9]), 0.0])
    assert curves(plan(array(["p"]) | {"per": "clip"}), [file]) == []
