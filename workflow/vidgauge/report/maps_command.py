"""`vidgauge map`: the data of a map of the features."""

from __future__ import annotations

from pathlib import Path

import click

from vidgauge.arguments import NamedFile, json_file


@click.command("map")
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--features",
    "named",
    type=NamedFile(),
    multiple=True,
    required=True,
    help="The features of a dataset; one option for each.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The map, as JSON.")
def map_command(plan: Path, named: tuple[tuple[str, Path], ...], out: Path) -> None:
    """Lay the videos of datasets out in a plane, by their features, and find each one's nearest of the reference.

    Example: vidgauge map results/demo/plan/maps/motion.json --features real=real.h5 --features mild=mild.h5
    --out results/demo/maps/motion.json
    """
    from vidgauge.report.maps import write_map

    keys = ("name", "metrics", "extractor", "array", "clips", "reference", "seed", "method")
    write_map(json_file(plan, *keys), dict(named), out)
