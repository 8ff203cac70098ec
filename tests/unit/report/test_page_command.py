"""`vidgauge report`: files in, a page out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.unit.report import fabricate
from vidgauge.report.page.command import report_command


@pytest.fixture
def files(tmp_path: Path) -> Path:
    data = fabricate.everything(("mild", "strong"), metrics=2, videos=30, maps=1)
    named = {"metrics": data["results"], "map": data["maps"][0], "survey": data["surveys"]["mild"]}
    for name, found in {**named, "run": {"started": 1, "command": ["snakemake"], "cores": 2}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    (tmp_path / "videos.jsonl").write_text("")
    times = tmp_path / "benchmarks" / "metric" / "fabricated" / "mild" / "fid50k.tsv"
    times.parent.mkdir(parents=True)
    times.with_name(f"{fabricate.METRICS[0][0]}.tsv").write_text("s\th:m:s\n2.5\t0:00:02\n")
    return tmp_path


def run(files: Path, *more: str) -> Result:
    out = ["--out", str(files / "report.html")]
    return CliRunner().invoke(report_command, [str(files / "metrics.json"), *more, *out])


def test_from_the_workflows_files(files: Path) -> None:
    more = [
        "--survey",
        f"mild={files / 'survey.json'}",
        "--map",
        str(files / "map.json"),
        "--run",
        str(files / "run.json"),
    ]
    more += ["--videos", f"mild={files / 'videos.jsonl'}", "--benchmarks", str(files / "benchmarks")]
    done = run(files, *more)
    assert done.exception is None
    page = (files / "report.html").read_text()
    for said in (
        "mild is clearly better than all others by all 2 metrics.",
        "no picture: where its video lies is not known",
        "metric 2.5 s",
    ):
        assert said in page
    assert 'id="datasets"' in page
    assert "<h4>frechet_<wbr>frames_<wbr>lite0, mild</h4>" in page


def test_from_the_results_alone(files: Path) -> None:
    assert run(files).exception is None
    assert 'id="stages"' not in (files / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--survey", "mild"], "'--survey': 'mild': NAME=FILE was wanted"),
        (
            ["--videos", "mild=nowhere.jsonl"],
            "'--videos': 'mild=nowhere.jsonl': NAME=FILE was wanted, and a file that is there",
        ),
    ],
)
def test_options_that_cannot_be_meant(files: Path, more: list[str], said: str) -> None:
    assert said in run(files, *more).output


def test_results_of_an_older_version(files: Path) -> None:
    results = json.loads((files / "metrics.json").read_text())
    del results["differences"]
    (files / "metrics.json").write_text(json.dumps(results))
    assert "metrics.json: lacks differences" in str(run(files).exception)
