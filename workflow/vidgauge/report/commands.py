"""`vidgauge collect` for the workflow; `show`, `table` and `explain`: results for people and for papers."""

from __future__ import annotations

from pathlib import Path

import click

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Out = click.Path(dir_okay=False, path_type=Path)
FILES = click.argument("files", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)


@click.command("collect")
@click.argument("plan", type=File)
@click.argument("rows", type=File, nargs=-1, required=True)
@click.option("--rejected", type=File, required=True, help="The evaluation's rejected.jsonl.")
@click.option("--single", type=File, help="What `vidgauge videos` says of single videos.")
@click.option("--json", "json_out", type=Out, required=True, help="All results and their provenance.")
@click.option("--csv", "csv_out", type=Out, required=True, help="One line per result.")
@click.option("--text", "text_out", type=Out, required=True, help="The table for people.")
def collect_command(
    plan: Path,
    rows: tuple[Path, ...],
    rejected: Path,
    single: Path | None,
    json_out: Path,
    csv_out: Path,
    text_out: Path,
) -> None:
    """Collect the ROWS of an evaluation, and how they differ, in one JSON file, one CSV file and one table.

    Example: vidgauge collect results/demo/plan/evaluation.json results/demo/metrics/*/*.json
    --rejected results/demo/rejected.jsonl --json metrics.json --csv metrics.csv --text metrics.txt
    """
    from vidgauge.arguments import json_file
    from vidgauge.evaluate import ROW
    from vidgauge.files import read_jsonl
    from vidgauge.report.collect import collect
    from vidgauge.uncertainty.curves import curves
    from vidgauge.uncertainty.differences import differences

    found = [json_file(row, *ROW, "resampled") for row in rows]
    run = plan.with_name("run.json")  # how the workflow was started: nothing that a result depends on
    collect(
        json_file(plan, "config", "metrics"),
        [{key: row[key] for key in ROW} for row in found],
        list(read_jsonl(rejected)),
        differences=differences(found),
        curves=curves(found),
        single=json_file(single, "worst", "broken", "human") if single else None,
        run=json_file(run) if run.exists() else None,
        json_out=json_out,
        csv_out=csv_out,
        text_out=text_out,
    )


@click.command("show")
@FILES
def command(files: tuple[Path, ...]) -> None:
    """Print the results of evaluations, FILES named metrics.json or the folders that hold them, in one table.

    Numbers stand in one line only where every setting that they depend on is the same; a note says what differs.

    Example: vidgauge show results/*/metrics.json
    """
    from vidgauge.report.results import read
    from vidgauge.report.table import table_text

    click.echo(table_text(read(files)), nl=False)


@click.command("table")
@FILES
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "latex", "csv"]),
    default="text",
    show_default=True,
    help="latex needs booktabs; csv is that of metrics.csv.",
)
@click.option("--metric", "metrics", multiple=True, help="Only this metric; may be given several times.")
@click.option("--out", type=Out, help="A file to write. Default: print it.")
def table_command(files: tuple[Path, ...], form: str, metrics: tuple[str, ...], out: Path | None) -> None:
    """Write the results of evaluations, FILES named metrics.json or the folders that hold them, as a table for a paper.

    Below it stands what a paper must say of the numbers: protocol, number of videos, clips, weights, intervals, seed.

    Example: vidgauge table results/demo --format latex --metric frechet_motion_lite0 --out table.tex
    """
    from vidgauge.files import write_text
    from vidgauge.report.formats import FORMATS
    from vidgauge.report.results import read

    text = FORMATS[form](read(files, metrics))
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)


@click.command("explain")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--metric", help="Of metrics.json, only this metric.")
@click.option("--candidate", help="Of metrics.json, only this candidate.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
def explain_command(file: Path, metric: str | None, candidate: str | None, form: str) -> None:
    """Print a result as a paragraph for the methods section of a paper, and all that is needed to make it again.

    FILE: one result of an evaluation, or its metrics.json, or the folder that holds that.

    Example: vidgauge explain results/demo/metrics/mild/frechet_motion_lite0.json
    """
    from vidgauge.report.explain import FORMATS, explained

    place = file / "metrics.json" if file.is_dir() else file
    click.echo(FORMATS[form](explained(place, metric, candidate)))
