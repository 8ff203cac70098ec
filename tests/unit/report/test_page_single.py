"""What the page says of single videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.report import fabricate
from tests.unit.report.test_page_build import NASTY, Page
from vidgauge.report.page.single import NAMED, PICTURED, single_videos


def told(*, broken: int = 1, sets: int = 1, videos: int = 2) -> dict[str, Any]:
    def video(n: int) -> dict[str, Any]:
        return {"id": f"v{n}.mp4", "path": f"/v{n}.mp4", "text": NASTY[n % 4], "value": n / 8, "start": 0, "broken": []}

    correlation = {"value": 0.5, "ci95": [0.25, 0.75], "why": None}
    none = {"value": None, "ci95": None, "why": "the scores are constant"}
    return {
        "worst": [
            {
                "score": "sharpness",
                "metric": "m",
                "dataset": f"mild{n or ''}",
                "better": "higher",
                "least": 0.0,
                "mean": 0.5,
                "most": 1234.5,
                "videos": [video(at) for at in range(videos)],
                "equal": 0,
            }
            for n in range(sets)
        ],
        "unread": ["human.overall: 1 of 9 videos has a rating that is no number"],
        "broken": [{**video(n), "dataset": "mild", "broken": ["black", "frozen"]} for n in range(broken)],
        "human": [
            {"score": "sharpness", "aspect": "overall", "videos": 9, "prompts": 7}
            | {"spearman": correlation, "kendall": none, "pearson": correlation}
        ],
    }


def page_of(found: dict[str, Any], videos: dict[str, Path]) -> Page:
    data = fabricate.everything(("mild", "strong"), metrics=1, videos=60, maps=0)
    single = single_videos(found, data["results"]["results"], videos)
    return Page(fabricate.report_of({**data, "single": single}))  # type: ignore[typeddict-unknown-key]


def test_worst_broken_and_people(tmp_path: Path) -> None:
    (tmp_path / "videos.jsonl").touch()
    page = page_of(told(), {"mild": tmp_path / "videos.jsonl"})
    assert {"single", "people"} <= set(page.ids())
    for words in (
        "Broken videos",
        "black and frozen",
        "mean 0.5, from 0 to 1234; higher is better",
        "0.50 [0.25, 0.75]",
    ):
        assert words in page.text, words
    assert "– the scores are constant" in page.text
    assert "1 of 9 videos has a rating that is no number." in page.text
    assert "where its video lies is not known" in page.text  # instead of a picture
    assert NASTY[0] in page.text
    assert not any(NASTY[0] in script for script in page.scripts)


def test_a_set_whose_videos_are_alike_lists_none_and_ties_at_the_end_are_told() -> None:
    found = told(sets=2)
    found["worst"][0] |= {"videos": [], "least": 0.0, "mean": 0.0, "most": 0.0}
    found["worst"][1] |= {"dataset": "strong", "equal": 7}
    page = page_of(found, {})
    assert "mild: 0 for every video that has one; higher is better" in page.text
    assert "The worst videos of mild" not in page.text
    assert "7 more videos have 0.125, as the last one here." in page.text
    assert "more video" not in page_of(told(), {}).text


def test_a_page_has_few_pictures_and_names() -> None:
    found = single_videos(told(broken=NAMED + 5, sets=3, videos=20), [], {})
    assert (len(found["broken"]), found["more_broken"]) == (NAMED, 5)
    problems = [video["problem"] for one in found["scores"]["sharpness"] for video in one["videos"]]
    assert sum("there are enough" in problem for problem in problems) == 60 - PICTURED


@pytest.mark.parametrize("section", ["single", "people"])
def test_without_scores_there_is_no_section(section: str) -> None:
    data = fabricate.everything(("mild", "strong"), metrics=1, videos=60, maps=0)
    assert section not in Page(fabricate.report_of(data)).ids()
