"""The report as a run leaves it: made of what is there, idle when nothing changed, remade when something did."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.workflow.project import CLIPS, FRAMES, Project

pytestmark = pytest.mark.workflow

SEES = {"reduce": "kernel_exact", "extractor": "pixel_grid", "array": "frame", "clips": CLIPS}


def test_a_run_leaves_a_report_that_holds_everything(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        videos=9,
        datasets=("real", "a", "b"),
        metrics=["looks", "sees"],
        define={"looks": FRAMES, "sees": SEES},
        report=True,
    )
    first = project.run()
    assert (first.jobs["map"], first.jobs["report"]) == (1, 1)  # both metrics rest on the same features
    folder = project.results / "test"
    page = (folder / "report.html").read_text()
    assert all(name in page for name in ("looks", "sees", "v3.mp4"))
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)  # nothing from a network
    found = json.loads((folder / "metrics.json").read_text())
    assert [(one["metric"], one["a"], one["b"]) for one in found["differences"]] == [
        ("looks", "a", "b"),
        ("sees", "a", "b"),
    ]
    assert all(row["ci95"][0] <= row["value"] <= row["ci95"][1] for row in found["results"])
    assert "resampled" not in found["results"][0]
    assert found["provenance"]["made"]["command"][0] == "snakemake"
    assert json.loads((project.results / "manifests/a/survey.json").read_text())["videos"] == 9
    assert project.run().idle

    project.config["uncertainty"] = False
    second = project.run()
    assert second.jobs.keys() == {"metric", "table", "report"}  # nothing is decoded or computed again
    assert [row["ci95"] for row in project.rows()] == [None] * 4
    assert [row["value"] for row in project.rows()] == [row["value"] for row in found["results"]]
