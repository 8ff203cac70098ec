"""`vidgauge show`: the results of several evaluations in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vidgauge.report.comparable import Row


@click.command("show")
@click.argument("files", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
def command(files: tuple[Path, ...]) -> None:
    """Print the results of evaluations, FILES named metrics.json or the folders that hold them, in one table.

    Numbers stand in one line only where every setting that they depend on is the same; a note says what differs.

    Example: vidgauge show results/*/metrics.json
    """
    from vidgauge.arguments import json_file
    from vidgauge.report.table import table_text

    places = [file / "metrics.json" if file.is_dir() else file for file in files]
    results = [json_file(file, "evaluation", "results") for file in places]
    title = ", ".join(dict.fromkeys(result["evaluation"] for result in results))
    rows = joined([(result["evaluation"], result["results"]) for result in results])
    click.echo(table_text(title, rows), nl=False)


def joined(evaluations: Sequence[tuple[str, Sequence[Row]]]) -> list[Row]:
    """The rows of several evaluations, each once. A candidate that is other videos elsewhere is named with both."""
    digests: dict[str, set[str | None]] = {}
    for _, rows in evaluations:
        for row in rows:
            digests.setdefault(row["candidate"], set()).add(row["candidate_digest"])
    found: list[Row] = []
    for evaluation, rows in evaluations:
        for row in rows:
            several = len(digests[row["candidate"]]) > 1
            named = {"candidate": f"{row['candidate']} ({evaluation})"} if several else {}
            if (one := {**row, **named}) not in found:
                found.append(one)
    return found
