"""`vidgauge show`: the results of several evaluations in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from vidgauge.report.comparable import Row


@click.command("show")
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True)
def command(files: tuple[Path, ...]) -> None:
    """Print the results of evaluations, FILES named metrics.json, in one table.

    Numbers stand in one line only where every setting that they depend on is the same; a note says what differs.

    Example: vidgauge show results/*/metrics.json
    """
    from vidgauge.arguments import json_file
    from vidgauge.report.table import table_text

    results = [json_file(file, "evaluation", "results") for file in files]
    title = ", ".join(dict.fromkeys(result["evaluation"] for result in results))
    rows = joined([(result["evaluation"], result["results"]) for result in results])
    click.echo(table_text(title, rows), nl=False)


def joined(evaluations: Sequence[tuple[str, Sequence[Row]]]) -> list[Row]:
    """The rows of several evaluations. A candidate is named with its evaluation where two of them use its name.

    Unless they say the same of it: two evaluations over the same features do.
    """
    users: dict[str, dict[str, list[Row]]] = {}
    for evaluation, rows in evaluations:
        for row in rows:
            users.setdefault(row["candidate"], {}).setdefault(evaluation, []).append(row)
    shared = {name for name, where in users.items() if len(where) > 1 and not _agree(list(where.values()))}
    found: list[Row] = []
    for evaluation, rows in evaluations:
        for row in rows:
            named = {"candidate": f"{row['candidate']} ({evaluation})"} if row["candidate"] in shared else {}
            if (one := {**row, **named}) not in found:
                found.append(one)
    return found


def _agree(several: Sequence[Sequence[Row]]) -> bool:
    """Whether evaluations never give one metric of a candidate, with the same settings and counts, two values."""
    values: dict[str, float | None] = {}
    for rows in several:
        for row in rows:
            settings = repr([row[key] for key in ("metric", "protocol", "reference", "knobs", "seed", "runs")])
            if values.setdefault(settings, row["value"]) != row["value"]:
                return False
    return True
