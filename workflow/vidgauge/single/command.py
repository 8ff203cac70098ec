"""`vidgauge videos`: scores of single videos as a table."""

from __future__ import annotations

from pathlib import Path

import click

from vidgauge.arguments import NamedFile, json_file

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Out = click.Path(dir_okay=False, path_type=Path)


@click.command("videos")
@click.argument("plan", type=File)
@click.argument("features", type=File, nargs=-1)
@click.option("--videos", type=NamedFile(), multiple=True, help="NAME=FILE: videos.jsonl of a candidate.")
@click.option("--csv", "csv_out", type=Out, required=True, help="One line per video.")
@click.option(
    "--json", "json_out", type=Out, required=True, help="The worst and broken ones, and agreement with people."
)
def videos_command(
    plan: Path, features: tuple[Path, ...], videos: tuple[tuple[str, Path], ...], csv_out: Path, json_out: Path
) -> None:
    """Write the scores of all videos of an evaluation's candidates, from FEATURES that hold scores.

    Example: vidgauge videos results/s/plan/scores.json mild.h5 --videos mild=results/manifests/mild/videos.jsonl
    --csv videos.csv --json videos.json
    """
    from vidgauge.files import write_json, write_text
    from vidgauge.single.curves import curves
    from vidgauge.single.people import agreements, unread
    from vidgauge.single.table import csv_text, lines
    from vidgauge.single.worst import broken_ones, worst

    asked = json_file(plan, "candidates", "scores", "asked", "seed")
    columns = [label for each in asked["scores"] for label in each["labels"].values()]
    found = lines(asked, features, dict(videos))
    write_text(csv_out, csv_text(found, columns))
    told = {
        "worst": worst(found, asked["asked"]),
        "broken": broken_ones(found),
        "curves": curves(asked, features),
        "unread": unread(found),
        "human": agreements(found, columns, seed=asked["seed"]),
    }
    write_json(json_out, told)
