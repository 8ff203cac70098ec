"""`vidgauge compare`: a quick question to the workflow, without writing a configuration first.

It writes the configuration that a user would, and runs Snakemake on it. Datasets get the names that the results folder
already knows them by, so that features computed once are found again, whoever asks.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

import click
import yaml

from vidgauge.config import Config, load
from vidgauge.errors import UsageError
from vidgauge.files import to_json, write_if_changed
from vidgauge.manifest.listing import read_dataset
from vidgauge.manifest.sources import root_of
from vidgauge.manifest.sources.pattern import is_pattern
from vidgauge.specs import Precision

PROJECT = Path(__file__).resolve().parents[2]

MADE_BY = "# made by: "
"""How a configuration begins that was written here, and may be overwritten."""

PLACES = ("results", "weights", "device", "report")
"""Keys that say where and in which form, not what is asked: the name of an evaluation does not depend on them."""

OPENING = ("Using workflow specific profile", "Assuming unrestricted shared filesystem", "Building DAG of jobs")
"""How the lines begin that Snakemake writes before anything can go wrong."""


STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


Place = Mapping[str, Any]
"""What a dataset's name stands for in a results folder: source and root, resolved, and what it selects of them."""


class _Said(click.Command):
    """Keeps the words of the command line, for the first line of the configuration."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["said"] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Said)
@click.argument("datasets", nargs=-1, required=True, metavar="REFERENCE CANDIDATE...")
@click.option("--metric", "metrics", multiple=True, required=True, help="A metric's name; may be repeated.")
@click.option("--no-reference", is_flag=True, help="All datasets are candidates, for metrics that look at them alone.")
@click.option("--define", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="YAML: your own metrics.")
@click.option("--results", default="results", show_default=True, help="The results folder; what is there is used.")
@click.option("--name", help="The evaluation's name. Default: one that stands for the question.")
@click.option("--cores", type=click.IntRange(min=1), help="Default: all.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("--precision", type=click.Choice(get_args(Precision)))
@click.option("--seed", type=int, help="Every random choice follows from it.")
@click.option("--runs", type=int, help="Repeat with other seeds; mean and standard deviation are reported.")
@click.option("--weights", help="Where network weights are kept. Default: the user's cache folder.")
@click.option("--bad-videos", type=click.Choice(["fail", "reject"]), help="Stop at unusable videos, or leave them out.")
@click.option("--report", is_flag=True, help="Make report.html as well.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what would run.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the configuration; run nothing.")
@click.pass_context
def compare(
    ctx: click.Context,
    datasets: tuple[str, ...],
    metrics: tuple[str, ...],
    no_reference: bool,
    define: Path | None,
    results: str,
    name: str | None,
    cores: int | None,
    bad_videos: str | None,
    dry_run: bool,
    save: Path | None,
    **options: Any,
) -> None:
    """Compare CANDIDATEs with a REFERENCE, by the workflow and with its cache, and print the table.

    Each is a source as in the configuration: a folder, a manifest, an array. NAME=PATH chooses a dataset's name;
    otherwise it is the one that the results folder knows the source by, or the path's last part.

    Example: vidgauge compare /data/real /data/step10k new=/data/step20k --metric frechet_motion_lite0
    """
    given = [_named_path(text) for text in datasets]
    names = name_datasets([(name, place_of(path)) for name, path in given], bindings(Path(results)))
    if options["weights"] is not None:
        options["weights"] = _absolute(options["weights"])
    config = configuration(
        dict(zip(names, (path for _, path in given), strict=True)),
        reference=None if no_reference else names[0],
        metrics=list(metrics),
        define=_definitions(define) if define else {},
        bad_videos={"action": bad_videos} if bad_videos == "reject" else None,
        results=results,
        **options,
    )
    config = {"evaluation": name or evaluation_name(config)} | config
    load(config, "compare")
    file = save or Path(results, config["evaluation"], "config.yaml")
    _write(file, config, shlex.join(["vidgauge", "compare", *ctx.meta["said"]]))
    if save:
        click.echo(f"{save}: written. To run it: snakemake -s {_snakefile()} --cores all --configfile {save}")
        return
    ctx.exit(_snakemake(file, cores, dry_run=dry_run))


def bindings(results: Path) -> dict[str, Place]:
    """What each name of a results folder is bound to. Raises VidgaugeError for a record that cannot be read."""
    folders = (path.parent for path in sorted(results.glob("manifests/*/dataset.json")))
    return {folder.name: read_dataset(folder).binding for folder in folders}


def place_of(source: str) -> Place:
    """What a source given alone is bound to."""
    return {"source": str(Path(source).resolve()), "root": str(root_of(Path(source), None).resolve())}


def name_datasets(given: Sequence[tuple[str | None, Place]], bound: Mapping[str, Place]) -> list[str]:
    """A name for each of `given`, (the name that the user chose or None, what it stands for), all different.

    A name bound to the same place is used again. Others are the source's last part, with a digest of the place where
    another place has that name: the same in every call, as long as the names of the results folder stay.
    Raises UsageError where two have one name.
    """
    chosen = {name: place for name, place in given if name is not None}
    known = {name: bound[name] for name in sorted(bound) if name not in chosen}
    names: list[str] = []
    for own, place in given:
        name = own or next((name for name in known if known[name] == place), None) or _free(place, {*known, *chosen})
        if name in names:
            raise UsageError(f"{place['source']}: dataset '{name}' is there twice; give one another name: NAME=PATH")
        if not own:
            known[name] = place
        names.append(name)
    return names


def configuration(
    sources: Mapping[str, str], *, reference: str | None, metrics: list[str], **options: Any
) -> dict[str, Any]:
    """The keys of a configuration, but for `evaluation`; options that are None or the default are left out."""
    chosen = {
        "reference": reference,
        "datasets": {name: {"source": source} for name, source in sources.items()},
        "metrics": metrics,
        **options,
    }
    defaults = {key: field.get_default(call_default_factory=True) for key, field in Config.model_fields.items()}
    return {key: value for key, value in chosen.items() if value is not None and value != defaults[key]}


def evaluation_name(config: Mapping[str, Any]) -> str:
    """A name that stands for what is asked."""
    asked = {key: value for key, value in config.items() if key not in PLACES}
    return f"compare-{_digest(to_json(asked))[:8]}"


def _named_path(text: str) -> tuple[str | None, str]:
    """NAME=PATH or PATH as (name or None, absolute path). What exists, or has no name before the =, is a path."""
    name, separator, path = text.partition("=")
    if not separator or "/" in name or Path(text).exists():
        name, path = "", text
    if not path:
        raise UsageError(f"'{text}': names no dataset; give a path, or NAME=PATH")
    return name or None, _absolute(path)


def _absolute(path: str) -> str:
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - links are followed elsewhere


def _free(place: Place, taken: Set[str]) -> str:
    digest, base = _digest(to_json(place)), _plain(place["source"])
    choices = [base, *(f"{base}-{digest[:length]}" for length in range(8, len(digest) + 1))]
    return next(name for name in choices if name not in taken)


def _plain(source: str) -> str:
    """A source's last part as a dataset's name: that of a file without its suffix, that of a pattern its folder's."""
    path = Path(source)
    shown = path if path.exists() else next(part for part in (path, *path.parents) if not is_pattern(Path(part.name)))
    name = path.stem if shown == path and not path.is_dir() else shown.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".-").rstrip("-")[:80] or "videos"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _definitions(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: is no YAML ({' '.join(str(error).split())})") from None
    if isinstance(found, dict) and set(found) == {"define"}:  # as `vidgauge presets --define` writes it
        found = found["define"]
    if not isinstance(found, dict):
        raise UsageError(f"{file}: should hold what stands under `define` in a configuration: name: {{reduce: ...}}")
    return found


def _write(file: Path, config: Mapping[str, Any], command: str) -> None:
    """Write a configuration. Raises UsageError instead of overwriting one that a user wrote."""
    if file.exists() and not file.read_text(errors="replace").startswith(MADE_BY):
        raise UsageError(f"{file}: is there, and was not written by `vidgauge compare`; choose another name")
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    write_if_changed(file, f"{MADE_BY}{' '.join(command.splitlines())}\n{text}")


def _snakefile() -> Path:
    if not (file := PROJECT / "Snakefile").is_file():
        raise UsageError(
            f"{file}: is not there, and compare runs it; install the project from a copy: pip install -e ."
        )
    return file


def _snakemake(file: Path, cores: int | None, *, dry_run: bool) -> int:
    """Run the workflow on a configuration and print the table, or why there is none. The exit code is Snakemake's."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(_snakefile()), "--configfile", str(file)]
    # Named, for Snakemake would take a folder `default` that happens to lie here for a profile.
    command += ["--workflow-profile", str(PROJECT / "profiles" / "default")]
    command += ["--cores", str(cores or "all"), "--quiet", "host", "reason"]
    if dry_run:
        return subprocess.run([*command, "rules", "--dry-run"], check=False).returncode
    code, text, stopped = _watched(command)
    if not code:
        click.echo(f"{(file.parent / 'metrics.txt').read_text()}\nResults: {file.parent}/")
    elif stopped:
        click.echo("vidgauge: stopped. The same command goes on where this one ended.", err=True)
    else:
        click.echo(failure(text), err=True)
    return code if code >= 0 else 128 - code  # of a process that a signal ended, as shells have it


def _watched(command: list[str]) -> tuple[int, str, bool]:
    """Run Snakemake behind a progress bar: its exit code, all that it wrote, and whether it was stopped."""
    from tqdm import tqdm

    lines: list[str] = []
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with (
        subprocess.Popen(command, text=True, errors="replace", process_group=0, **streams) as child,
        _stopping(child) as stops,
        tqdm(desc="compare", unit="job", disable=None, leave=False) as bar,
    ):
        for line in child.stdout or ():
            lines.append(line)
            if bar.disable and re.match(r"\d+ of \d+ steps ", line):
                click.echo(f"compare: {line}", nl=False, err=True)
            if found := re.match(r"(\d+) of (\d+) steps ", line):
                bar.total = int(found[2])
                bar.update(int(found[1]) - bar.n)
        return child.wait(), "".join(lines), bool(stops)


@contextmanager
def _stopping(child: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Hand on what is to stop this process, to the child and its jobs, as Ctrl-C; the signals that came."""
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(child.pid, signal.SIGINT)

    before = {number: signal.signal(number, stop) for number in STOPS if signal.getsignal(number) != signal.SIG_IGN}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def failure(text: str) -> str:
    """What a user needs of what a failed Snakemake wrote: the logs of the failed jobs, else all but its opening."""
    logs = re.findall(r"^Logfile ([^\n]+):\n(=+)\n(.+?)\n\2$", text, re.MULTILINE | re.DOTALL)
    if logs and len(logs) == len(re.findall(r"^Error in rule ", text, re.MULTILINE)):
        return "\n".join(f"{log}:\n{said}" for log, _, said in logs)
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(OPENING)).strip()
