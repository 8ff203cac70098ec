"""Nothing changed: what a call costs that has nothing to do.

Ten metrics over finished results (those of the section on the whole, with networks that cost nothing), and two over
10,000 videos; in turns with a Snakefile that holds one rule without a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.performance import growth, processes, whole
from benchmarks.performance.rows import Row
from benchmarks.performance.timing import in_turns


def rows(*, quick: bool = False) -> Iterator[Row]:
    """The rows of this section."""
    project = whole.prepared(whole.FEW, clips=whole.FEW, full=False)
    metrics, results = (whole.METRICS[:1], "one") if quick else (whole.METRICS, "together")
    command = project.command(project.write_config(list(metrics), results))
    yield from _measured("ten metrics" if not quick else metrics[0], command, project.folder, quick=quick)
    many = growth.SIZES[0 if quick else -1]
    yield from _measured(f"{many:,} videos", growth.command(), growth.prepared(many, keep=True), quick=quick)


def _measured(what: str, command: list[str], folder: Path, *, quick: bool) -> Iterator[Row]:
    processes.run(command, folder)  # finished already where the section that it belongs to came before
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    (empty / "Snakefile").write_text("rule all:\n    output: []\n", encoding="utf-8")
    calls = {
        "dry": _call([*command, "-n"], folder),
        "empty dry": _call(processes.snakemake(empty / "Snakefile", "-n"), empty),
        "run": _call(command, folder),
        "empty": _call(processes.snakemake(empty / "Snakefile", "--cores", "2"), empty),
    }
    took = in_turns(calls, rounds=1 if quick else 5)
    for name, words in (("dry", "a dry run"), ("run", "a run")):
        ours, other = took[name], took[f"empty {name}".removesuffix(" run")]
        yield Row(
            f"{what}: {words} over an empty Snakefile's",
            ours.wall - other.wall,
            "s",
            at_most=0.5,
            note=f"{ours.wall:.2f} and {other.wall:.2f} s on the clock, {ours.cpu:.2f} and {other.cpu:.2f} s of a core",
        )
    if "Nothing to be done" not in (said := processes.run(command, folder)):
        raise RuntimeError(f"{folder}: there was something to do:\n{said}")
    found = [process for words in ([*command, "-n"], command) for process in processes.watched(words, folder)]
    yield Row(
        f"{what}: processes that import torch",
        float(sum(process.torch for process in found)),
        "of them",
        at_most=0.0,
        note=f"{len(found)} processes in a dry run and a run",
    )


def _call(words: list[str], folder: Path) -> Callable[[], str]:
    return lambda: processes.run(words, folder)
