"""What happens while Snakemake reads the rules, before there is a DAG: check the configuration, list the sources.

Everything a job depends on besides other jobs' outputs is written to small files here, each only where it differs.
Snakemake then sees a change by the file's age, also from another working directory or without its own records.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from vidgauge import config as configuration
from vidgauge import plan, scratch, weights
from vidgauge.config import Config
from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.extractors._hub import INSTALL
from vidgauge.files import to_json, write_if_changed, write_text
from vidgauge.manifest.clock import bring_back
from vidgauge.manifest.listing import read_dataset, write_listing
from vidgauge.manifest.probing import PROBE_VERSION
from vidgauge.manifest.runlock import guard
from vidgauge.metric import metrics
from vidgauge.networks import weights_folder
from vidgauge.store.verify import remove_damaged
from vidgauge.vouched import with_digests


def checked(raw: Mapping[str, Any], workflow: Any) -> Config:
    """The checked configuration, digests filled in; leaves with every problem in one message."""
    where = ", ".join(str(path) for path in workflow.configfiles) or "config"
    try:
        config = with_digests(configuration.load(raw, where), where, fresh=workflow.is_main_process)
        own_environments = getattr(workflow.deployment_settings, "deployment_method", None)
        if workflow.is_main_process and not own_environments:  # else jobs find their libraries elsewhere
            refuse_missing_libraries(config, where)
        if config.device == "cuda" and workflow.is_main_process and workflow.local_exec and not has_gpu():
            raise UsageError(f"{where}: device: cuda, but this machine shows no GPU; use device: auto, or cpu")
    except VidgaugeError as error:
        _leave(error)
    return config


def refuse_missing_libraries(config: Config, where: str) -> None:
    """UsageError for a network, or a map, that needs a package that is not installed: before anything is made."""
    if config.report and config.map == "tsne" and not installed("scikit-learn"):
        raise UsageError(
            f"{where}: map: tsne needs the package scikit-learn. {INSTALL.replace('[hub]', '[tsne]')}. Or use map: pca"
        )
    for metric in metrics(config).values():
        for library in metric.extractor.libraries:
            if not installed(library):
                how = INSTALL if library == "transformers" else f"Install it: pip install {library}"
                raise UsageError(
                    f"{where}: metrics: {metric.name} rests on {metric.extractor.name}, which needs the package "
                    f"{library}. {how}"
                )


def refuse_missing_texts(config: Config, manifests: Path) -> None:
    """UsageError for a network that reads texts, of a dataset none of whose videos has one."""
    for metric in metrics(config).values():
        reads = metric.extractor.text and metric.column is not None and "text" in metric.column.undefined
        for name in plan.videos_of(config, metric) if reads else []:
            if not any(file.stat().st_size for file in (manifests / name / "texts").iterdir()):
                raise UsageError(
                    f"datasets.{name}: {metric.name} reads a text for each video, and not one of {name} has one; "
                    "give a manifest whose lines have `text`, as source, or take the metric out"
                )


def installed(library: str) -> bool:
    """Whether a distribution is there, by its name: modules may have other names."""
    try:
        version(library)
    except PackageNotFoundError:
        return False
    return True


def prepare(config: Config, workflow: Any, *, manifests: Path, plans: Path) -> None:
    """List the sources and write the plans, in the main process only, and hold the results folder while jobs run."""

    def write() -> None:
        bring_back(Path(config.results))
        remove_leftovers(Path(config.results))
        remove_old_tickets(Path(config.results) / "weights", weights_folder(config))
        write_listings(config, manifests)
        refuse_missing_texts(config, manifests)
        write_plans(config, manifests, plans)

    def begin() -> None:
        for damage in remove_damaged(Path(config.results)):
            print(f"vidgauge: {damage}.", file=sys.stderr)
        make_room(config, manifests)
        # For people and the report: nothing that a result depends on.
        words = ["snakemake" if Path(sys.argv[0]).stem in ("snakemake", "__main__") else sys.argv[0], *sys.argv[1:]]
        run = {"started": time.time(), "command": words, "cores": workflow.resource_settings.cores}
        write_text(plans / "run.json", to_json(run) + "\n")

    if workflow.is_main_process:
        guard(workflow, Path(config.results), write, begin, written=(plans / "evaluation.json").exists)


def make_room(config: Config, manifests: Path) -> None:
    """Delete clips whose features are all there, and refuse a run whose other clips cannot fit: UsageError.

    Before a video was opened: all that are listed count as usable, with one clip each; the job that makes clips knows
    better, and asks again.
    """
    results = Path(config.results)
    listed = {name: read_dataset(manifests / name).counts for name in config.listed}
    needs = plan.needs(config)
    counts = plan.Counts({name: dict.fromkeys(needs, shards) for name, shards in listed.items()}, {}, {})
    wanted: list[scratch.Piece] = []
    used: list[scratch.Piece] = []
    for piece in scratch.pieces(config, counts):
        features = results / "features" / piece.dataset
        videos = manifests / piece.dataset / "shards" / f"{piece.shard}.jsonl"
        done = all(
            scratch.is_fresh(features / clips / name / f"{piece.shard}.h5", videos) for clips, name in piece.features
        )
        (used if done else wanted).append(piece)
    for left in (results / "clips").glob(f"*/{scratch.TOGETHER}*/*.h5"):  # by a run that was killed
        left.unlink(missing_ok=True)
    if not _clips_are_kept(results):
        for piece in used:  # a kill came between the last network pass and their removal
            folder = results / "clips" / piece.dataset / piece.clips
            for left in (folder / f"{piece.shard}.h5", *folder.glob(f"vs-*/{piece.shard}.h5")):
                left.unlink(missing_ok=True)
    scratch.refuse_what_cannot_fit(wanted, results / "clips", kept=config.keep_clips)


def _clips_are_kept(results: Path) -> bool:
    """Whether any of the evaluations in a results folder keeps its clips, or may: one whose plan cannot be read."""
    try:
        plans = [json.loads(file.read_bytes()) for file in results.glob("*/plan/evaluation.json")]
        return any(said["config"]["keep_clips"] for said in plans)
    except (OSError, ValueError, KeyError, TypeError):
        return True


def remove_leftovers(results: Path) -> None:
    """Remove what killed jobs had half written. A job that outlived its run can then not finish; it is done again."""
    for folder in (results / "clips", results / "features"):
        for path in folder.rglob(".*.tmp"):
            if path.is_dir():  # with clips that a features job made for itself
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_old_tickets(tickets: Path, folder: Path) -> None:
    """Forget that weights were fetched where the file is no longer the one that was verified, or another is wanted."""
    for ticket in tickets.glob("[!.]*.json"):
        if not _counts(ticket, folder):
            ticket.unlink()


def _counts(ticket: Path, folder: Path) -> bool:
    try:
        said = json.loads(ticket.read_bytes())
        known = weights.registry()[said["name"]]
        path = weights.location(known, folder)
        same = said["path"] == str(path.absolute()) and known.sha256 in (None, said["sha256"])
        return bool(same and max(file.stat().st_mtime_ns for file in weights.paths_of(path)) == said["mtime_ns"])
    except (OSError, ValueError, KeyError, TypeError):  # the file is gone, or the ticket is half written
        return False


def write_listings(config: Config, manifests: Path) -> None:
    """List the source of every dataset of videos. Raises UsageError with the problems of all datasets."""
    problems = [
        f"datasets.{name}: {dataset.source}: there is no such file of saved statistics; correct the path"
        for name, dataset in config.datasets.items()
        if dataset.is_statistics and not Path(dataset.source).is_file()
    ]
    for name in config.listed:
        dataset = config.datasets[name]
        try:
            write_listing(
                manifests / name,
                Path(dataset.source),
                Path(dataset.root) if dataset.root else None,
                config.shard_size,
                probe_version=PROBE_VERSION,
                selection=dataset.selection,
            )
        except VidgaugeError as error:
            problems.append(f"datasets.{name}: {error}")
    if problems:
        raise UsageError("\n".join(problems))


def write_plans(config: Config, manifests: Path, plans: Path) -> None:
    """Write what the jobs of this evaluation read of its configuration, each file with no more than its job needs."""
    listed = {name: read_dataset(manifests / name).counts for name in config.listed}
    asked = {name: plan.metric_plan(config, metric) for name, metric in metrics(config).items()}
    for metric in asked.values():
        for name, statistics in metric["statistics"].items():
            statistics |= _state(Path(config.datasets[name].source))
    files: dict[str, Any] = {
        "screen.json": {"version": plan.SCREEN_VERSION, "listed": listed, "needs": plan.needs(config)},
        "gate.json": {"bad_videos": config.bad_videos.model_dump(mode="json")},
        "evaluation.json": {
            "evaluation": config.evaluation,
            "config": config.model_dump(mode="json"),
            "metrics": asked,
        },
    }
    files |= {f"metrics/{name}.json": metric for name, metric in asked.items()}
    files |= {f"maps/{name}.json": found for name, found in plan.maps(config).items()}
    if (scores := plan.scores(config))["scores"]:
        files["scores.json"] = scores
    else:  # of an earlier configuration
        for stale in (plans / "scores.json", plans.parent / "videos.csv", plans.parent / "videos.json"):
            stale.unlink(missing_ok=True)
    for name, content in files.items():
        write_if_changed(plans / name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _state(file: Path) -> dict[str, Any]:
    """Which file of saved statistics is meant. No rule makes it, so that Snakemake is not asked about it."""
    found = file.stat()
    return {"path": str(file.resolve()), "bytes": found.st_size, "mtime_ns": found.st_mtime_ns}


def joined_shards(file: Path, pattern: str, needed: int, shards: int) -> int:
    """How many of a dataset's `shards` to join: what is needed now, or what an earlier evaluation made if that is more.

    pattern: the shards' paths, with {shard}. The number is written to `file`, an input of the job that joins: Snakemake
    makes no missing shard for a joined file that is older than none of its inputs, so a number that grows must show as
    a file that is new.
    """
    made = max((n for n in range(1, shards + 1) if Path(pattern.format(shard=n - 1)).exists()), default=0)
    number = max(needed, made)
    write_if_changed(file, f"{number}\n")
    return number


def has_gpu() -> bool:
    """Whether this machine shows a GPU's device file. Only for planning: the job itself asks PyTorch."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):  # hidden by the user
        return False
    if any(any(Path("/dev").glob(name)) for name in ("nvidia[0-9]*", "dxg")):
        return True
    # many processors with graphics show AMD's; to look a version up takes ten times as long as to look at files
    return Path("/dev/kfd").exists() and installed("torch") and "rocm" in version("torch")


def _leave(error: VidgaugeError) -> NoReturn:
    """End Snakemake with a message and no traceback: it would add one to any exception that it knows."""
    print(f"vidgauge: {error}", file=sys.stderr)
    raise SystemExit(error.exit_code) from None
