"""`vidgauge weights`: which weights are known, which are here, and how to get them here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vidgauge.errors import UsageError, VidgaugeError

if TYPE_CHECKING:
    from vidgauge.specs import WeightsFile
    from vidgauge.weights.registry import Entry

LOG_SECONDS = 20.0  # from one line of progress to the next where there is no terminal


def _folder(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--folder",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where weights are kept. Default: vidgauge/weights in the user's cache folder.",
    )(command)


@click.group()
def weights() -> None:
    """Weights of networks: list the known ones, fetch, add and verify them.

    Example: vidgauge weights list
    """


@weights.command("list")
@_folder
@click.option("--json", "as_json", is_flag=True, help="All that is known of them, for programs.")
def list_(folder: Path | None, as_json: bool) -> None:
    """List the known weights: which are there, how large they are, their licences.

    Example: vidgauge weights list
    """
    from vidgauge.weights.registry import location, registry
    from vidgauge.weights.verify import is_there

    entries = [(entry, location(entry, folder)) for entry in registry().values()]
    if as_json:
        known = [_known(entry, path) for entry, path in entries]
        click.echo(json.dumps(known, ensure_ascii=False, indent=2))
        return
    rows = [
        (entry.name, "yes" if is_there(path, entry) else "no", entry.size_text, entry.licence)
        for entry, path in entries
    ]
    click.echo(_table([("name", "there", "size", "licence"), *rows]))


@weights.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_folder
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="What was fetched, JSON; for one NAME.")
def fetch(names: tuple[str, ...], folder: Path | None, out: Path | None) -> None:
    """Fetch weights that are not there yet, and check them.

    Example: vidgauge weights fetch i3d_styleganv inception_nvidia
    """
    from vidgauge.files import write_json
    from vidgauge.weights.fetch import fetch_entry
    from vidgauge.weights.registry import entry

    if out is not None and len(names) > 1:
        raise UsageError(f"--out describes one file, but {len(names)} names were given: {', '.join(names)}")
    for wanted in [entry(name) for name in names]:  # a misspelt one is found before anything is fetched
        with _progress(wanted.name) as progress:
            file = fetch_entry(wanted, folder, progress=progress, say=_say)
        _tell(wanted, file)
        if out is not None:
            write_json(out, record(wanted, file))


@weights.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@_folder
def add(name: str, file: Path, folder: Path | None) -> None:
    """Copy a FILE, or a folder, that was brought by hand to where the weights are kept, if it is the right one.

    Example: vidgauge weights add i3d_styleganv ~/i3d_torchscript.pt
    """
    from vidgauge.weights.fetch import add_entry
    from vidgauge.weights.registry import entry

    _tell(entry(name), add_entry(entry(name), file, folder))


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_folder
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...], folder: Path | None) -> None:
    """Compare the weights that are there (or those of the NAMES) with their digests; exit code 1 if any is wrong.

    Example: vidgauge weights verify i3d_styleganv
    """
    from vidgauge.weights.registry import entry, location, registry
    from vidgauge.weights.verify import find_entry, is_there

    there = [known for known in registry().values() if is_there(location(known, folder), known)]
    wrong = False
    for wanted in [entry(name) for name in names] or there:
        try:
            click.echo(f"{wanted.name}: {_state(find_entry(wanted, folder))}")
        except VidgaugeError as error:
            wrong = True
            click.echo(f"{wanted.name}: {error}")
    ctx.exit(int(wrong))


@weights.command()
@click.argument("name")
@_folder
def path(name: str, folder: Path | None) -> None:
    """Print where the weights are, if they are there.

    Example: vidgauge weights path i3d_styleganv
    """
    from vidgauge.weights.missing import missing
    from vidgauge.weights.registry import entry, location
    from vidgauge.weights.verify import is_there

    found = location(entry(name), folder)
    if not is_there(found, entry(name)):
        raise missing(entry(name), folder)
    click.echo(found.absolute())


def record(entry: Entry, file: WeightsFile) -> dict[str, Any]:
    """What the workflow notes of weights. mtime_ns (the latest) and bytes show cheaply whether they were replaced."""
    from vidgauge.weights.folders import paths

    stats = [path.stat() for path in paths(file.path)]
    return {
        "name": entry.name,
        "path": str(file.path.absolute()),
        "sha256": file.sha256,
        "bytes": sum(stat.st_size for stat in stats),
        "mtime_ns": max(stat.st_mtime_ns for stat in stats),
        "verified": file.verified,
        "licence": entry.licence,
    }


def _known(entry: Entry, path: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from vidgauge.weights.verify import is_there

    return {**asdict(entry), "path": str(path.absolute()), "there": is_there(path, entry)}


def _table(rows: list[tuple[str, ...]]) -> str:
    """Rows as text: each column as wide as its longest cell, the last as it comes."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows)


def _tell(entry: Entry, file: WeightsFile) -> None:
    click.echo(f"{entry.name}: {file.path.absolute()}: {_state(file)}")
    click.echo(f"  licence: {entry.licence}")
    click.echo(f"  cite: {entry.citation}")
    if entry.note:
        click.echo(f"  note: {entry.note}")


def _state(file: WeightsFile) -> str:
    if file.verified:
        return f"verified, SHA-256 {file.sha256}"
    what = "no digest of all its files" if file.format == "folder" else "no digest"
    return f"not verified, for {what} is known; SHA-256 {file.sha256}"


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal; a line now and then elsewhere, as in the logs of the workflow."""
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    with tqdm(
        desc=name,
        unit="B",
        unit_scale=True,
        leave=False,
        file=sys.stderr,
        mininterval=0.1 if terminal else LOG_SECONDS,
        delay=0 if terminal else LOG_SECONDS,
        ascii=not terminal,
    ) as bar:

        def update(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield update
