"""`vidgauge report`: the results of an evaluation as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from vidgauge.arguments import NamedFile, json_file

File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("report")
@click.argument("metrics", type=File)
@click.option("--survey", "surveys", type=NamedFile(), multiple=True, help="survey.json of a dataset.")
@click.option("--map", "maps", type=File, multiple=True, help="A map of the features.")
@click.option("--videos", type=NamedFile(), multiple=True, help="videos.jsonl of a dataset, for the contact sheets.")
@click.option(
    "--benchmarks",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of Snakemake's benchmark files, for the time of each stage.",
)
@click.option("--run", type=File, help="plan/run.json, which says when the last run began.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The page, HTML.")
def report_command(
    metrics: Path,
    surveys: tuple[tuple[str, Path], ...],
    maps: tuple[Path, ...],
    videos: tuple[tuple[str, Path], ...],
    benchmarks: Path | None,
    run: Path | None,
    out: Path,
) -> None:
    """Write the report of an evaluation, one page that needs no network. METRICS: its metrics.json.

    Example: vidgauge report results/demo/metrics.json --survey real=results/manifests/real/survey.json
    --map results/demo/maps/motion.json --videos real=results/manifests/real/videos.jsonl
    --benchmarks results/benchmarks --run results/demo/plan/run.json --out results/demo/report.html
    """
    from vidgauge.files import write_text
    from vidgauge.report.explain import paragraph
    from vidgauge.report.page.build import make_report
    from vidgauge.report.page.single import single_videos
    from vidgauge.report.sheets import pictured, sheets
    from vidgauge.report.timing import reused_summary
    from vidgauge.report.timing import stages as stages_of

    results = json_file(metrics, "evaluation", "results", "differences", "curves", "provenance")
    drawn = [json_file(file, "name", "points", "datasets", "worst", "best") for file in maps]
    began = json_file(run, "started") if run else None
    stages = stages_of(benchmarks, results["evaluation"], results["results"], began) if benchmarks else []
    page = make_report(
        results,
        surveys={name: json_file(file, "fps", "sizes") for name, file in surveys},
        maps=drawn,
        sheets={
            one["name"]: sheets(one, dict(videos), _clip_specs(one, results["results"])) for one in pictured(drawn)
        },
        stages=stages,
        stages_summary=reused_summary(stages),
        single=single_videos(results["single"], results["results"], dict(videos)) if "single" in results else None,
        methods={
            f"{row['metric']}, {row['candidate']}": paragraph(row, results["provenance"]) for row in results["results"]
        },
    )
    write_text(out, page)


def _clip_specs(drawn: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any] | None]:
    """The clip spec of each dataset in a map, by the rows of the metrics that rest on it."""
    found: dict[str, Mapping[str, Any] | None] = {}
    for row in rows:
        if row["metric"] in drawn["metrics"]:
            found.setdefault(row["candidate"], row["clip_spec"])
            if row["reference"] is not None:
                found.setdefault(row["reference"], row["clip_spec_reference"])
    return found
