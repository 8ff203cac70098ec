"""How long each stage of an evaluation took, and what of it was there from before, by Snakemake's benchmark files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgauge import layout
from vidgauge.report.comparable import Row
from vidgauge.wording import counted

STAGES = ("probe", "clips", "features", "merge", "metric")


def stages(
    benchmarks: Path, evaluation: str, rows: Sequence[Row], run: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """The stages that some rows rest on, in the order of the pipeline, one entry for each kind of job.

    benchmarks: the folder of the benchmark files. run: with `started`, the unix seconds at which the last run began;
    None: all is from before. An entry is {"stage", "what": the dataset, the dataset and network, or the metric;
    "jobs": how many, "seconds": of all of them, one after another; "made": now, before or mixed; "reused": jobs from
    before, "saved": their seconds}. Files without a number, of jobs that were killed, count as not there.
    """
    started = run["started"] if run else float("inf")
    jobs: dict[tuple[str, str], dict[Path, tuple[float, bool]]] = {}
    for stage, what, file in _files(benchmarks, evaluation, rows):
        seconds = _seconds(file)
        if seconds is not None:
            jobs.setdefault((stage, what), {})[file] = seconds, file.stat().st_mtime >= started
    return [
        _entry(stage, what, list(of.values()))
        for (stage, what), of in sorted(jobs.items(), key=lambda item: STAGES.index(item[0][0]))
    ]


def reused_summary(found: Sequence[Mapping[str, Any]]) -> str:
    """How much of the features was there from before, in a sentence; empty where no job of theirs is known.

    >>> reused_summary([{"stage": "features", "what": "a", "jobs": 12, "reused": 8, "saved": 192.0}])
    '4 of 12 feature jobs ran now; 8 were there from before (3.2 min saved).'
    """
    features = [entry for entry in found if entry["stage"] == "features"]
    jobs, reused = (sum(entry[key] for entry in features) for key in ("jobs", "reused"))
    # with what led to features, but without the numbers, which cost next to nothing
    saved = duration(sum(entry["saved"] for entry in found if entry["stage"] != "metric"))
    if not jobs:
        return ""
    every = "The only feature job" if jobs == 1 else f"All {jobs} feature jobs"
    if not reused:
        return f"{every} ran now."
    if reused == jobs:
        return f"{every} {'was' if jobs == 1 else 'were'} there from before ({saved} saved)."
    there = counted(reused, "was", "were")
    return f"{jobs - reused} of {jobs} feature jobs ran now; {there} there from before ({saved} saved)."


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(4.21), duration(192), duration(9000)
    ('4.2 s', '3.2 min', '2.5 h')
    """
    for least, unit in ((3600, "h"), (60, "min")):
        if seconds >= least:
            return f"{seconds / least:.2g} {unit}" if seconds < 10 * least else f"{seconds / least:.0f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def _entry(stage: str, what: str, jobs: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    before = [seconds for seconds, now in jobs if not now]
    made = "now" if not before else "before" if len(before) == len(jobs) else "mixed"
    seconds = sum(seconds for seconds, _ in jobs)
    return {
        "stage": stage,
        "what": what,
        "jobs": len(jobs),
        "seconds": seconds,
        "made": made,
        "reused": len(before),
        "saved": sum(before),
    }


def _files(benchmarks: Path, evaluation: str, rows: Sequence[Row]) -> Iterator[tuple[str, str, Path]]:
    """(stage, what, file) of every benchmark file that the rows rest on; some come more than once."""
    for row in rows:
        yield "metric", row["metric"], benchmarks / "metric" / evaluation / row["candidate"] / f"{row['metric']}.tsv"
        for dataset, clips in _clips(row):
            for file in _tables(benchmarks / "probe" / dataset):
                yield "probe", dataset, file
            for name in clips:
                for file in _tables(benchmarks / "clips" / dataset / name):
                    yield "clips", dataset, file
                for file in sorted((benchmarks / "clips" / dataset / name).glob("vs-*/*.tsv")):
                    yield "clips", f"{dataset}, partners", file
                what = f"{dataset}, {row['extractor']}"
                for network in _networks(benchmarks / "features" / dataset / name, row):
                    for file in _tables(network):
                        yield "features", what, file
                    yield "merge", what, benchmarks / "merge" / dataset / name / f"{network.name}.tsv"


def _clips(row: Row) -> Iterator[tuple[str, list[str]]]:
    """(dataset, folders of its clips, one for each run) of both sides of a row; none of saved statistics."""
    for dataset, spec in ((row["reference"], row["clip_spec_reference"]), (row["candidate"], row["clip_spec"])):
        if dataset is not None and spec is not None:
            of = layout.asked(spec)
            seeds = range(row["seed"], row["seed"] + row["runs"]) if of.spec.seeded else [0]
            yield dataset, [layout.clips_name(of.spec, seed=seed, draws=of.draws) for seed in seeds]


def _networks(folder: Path, row: Row) -> list[Path]:
    """The folders of the row's network: with its weights where their digest is in a name, else all of that network."""
    said = f"-{row['precision']}-"
    names = [
        path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.name.startswith((f"{row['extractor']}-", f"{row['extractor']}+")) and said in path.name
    ]
    digest = (row["weights_sha256"] or "noweights")[:8]
    return [path for path in names if f"{said}{digest}" in path.name] or names


def _tables(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.tsv"))


def _seconds(file: Path) -> float | None:
    """Seconds of a job, all its repeats; None where the file is not there or was never finished."""
    try:
        with file.open(newline="") as lines:
            found = [float(line["s"]) for line in csv.DictReader(lines, delimiter="\t")]
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return None
    return sum(found) if found else None
