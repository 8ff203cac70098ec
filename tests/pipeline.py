"""An evaluation in one process: the functions that the workflow's rules call, in their order, without Snakemake.

from tests.pipeline import evaluated
found = evaluated({"evaluation": "test", "datasets": ..., "metrics": [...]}, tmp_path)
found.row("looks", "a")["value"]
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidgauge import config as configuration
from vidgauge import networks, plan, prepare
from vidgauge.config import Config
from vidgauge.evaluate import evaluate
from vidgauge.manifest.gate import pass_gate, screen_files
from vidgauge.manifest.joining import join
from vidgauge.manifest.listing import read_dataset, shards_needed
from vidgauge.manifest.probing import probe_shard
from vidgauge.metric import metrics
from vidgauge.stages import make_clips_file, make_features_file
from vidgauge.store.merge import merge
from vidgauge.vouched import with_digests

Row = dict[str, Any]


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation gave, and where its files lie."""

    config: Config
    counts: plan.Counts
    rows: list[Row]

    def row(self, metric: str, candidate: str) -> Row:
        (found,) = (row for row in self.rows if (row["metric"], row["candidate"]) == (metric, candidate))
        return found

    def features(self, metric: str, dataset: str) -> list[Path]:
        """The features file of each run that a metric reads of a dataset, or its saved statistics."""
        return features_of(self.config, metric, dataset, self.counts)


def evaluated(raw: Mapping[str, Any], folder: Path) -> Evaluated:
    """Run an evaluation below `folder`; its `results` are folder/results, whatever `raw` says."""
    config = with_digests(configuration.load({**raw, "results": str(folder / "results")}), "config")
    results = Path(config.results)
    manifests, plans = results / "manifests", results / config.evaluation / "plan"
    prepare.write_listings(config, manifests)
    prepare.write_plans(config, manifests, plans)
    for dataset in config.listed:
        probed(config, manifests / dataset)
    counts = gate(config, manifests, plans)
    for file in plan.all_features(config, counts):
        features(config, file, counts)
    rows = [metric_row(config, name, candidate, counts) for name in metrics(config) for candidate in config.candidates]
    return Evaluated(config, counts, rows)


def probed(config: Config, folder: Path) -> None:
    """The rules probe and manifest."""
    listed = read_dataset(folder)
    needed = shards_needed(listed.counts, plan.videos_wanted(config, folder.name))
    number = prepare.joined_shards(folder / "probed.json", f"{folder}/shards/{{shard}}.jsonl", needed, listed.shards)
    shards = [folder / "shards" / f"{shard}.jsonl" for shard in range(number)]
    for shard in shards:
        probe_shard(folder / "listing" / shard.name, shard, contained=False)
    listing, joined = folder / "listing", (folder / "videos.jsonl", folder / "rejected.jsonl")
    join(shards, listing / "rejected.jsonl", *joined, lines=listing / "lines.jsonl", columns=listing / "columns.jsonl")


def gate(config: Config, manifests: Path, plans: Path) -> plan.Counts:
    """The rules screen and gate."""
    files = ("videos.jsonl", "rejected.jsonl", "listing/lines.jsonl")
    given = [manifests / dataset / file for dataset in config.listed for file in files]
    screened, rejected, out = (plans.parent / name for name in ("screened.json", "rejected.jsonl", "gate.json"))
    screen_files(read_json(plans / "screen.json"), given, screened, rejected)
    pass_gate(read_json(plans / "gate.json"), read_json(plans / "evaluation.json"), screened, rejected, out)
    found = read_json(out)
    return plan.Counts(found["usable"], found["clips"], found["sizes"])


def features(config: Config, wanted: plan.Features, counts: plan.Counts) -> None:
    """The rules clips, features and merge. Clips are kept for the next network, as in a run that needs both."""
    results, merged = Path(config.results), features_file(config, wanted)
    if merged.exists():
        return
    asked = plan.clips_asked(config, wanted.dataset, wanted.clips, counts)
    made = []
    needed, listed = plan.shards_of(config, wanted, counts), read_dataset(results / "manifests" / wanted.dataset).shards
    folder = merged.parent / wanted.extractor
    number = prepare.joined_shards(folder / "merged.json", f"{folder}/{{shard}}.h5", needed, listed)
    for shard in range(number):
        videos = results / "manifests" / wanted.dataset / "shards" / f"{shard}.jsonl"
        clips = results / "clips" / wanted.dataset / wanted.clips / f"{shard}.h5"
        if not clips.exists():
            clips.parent.mkdir(parents=True, exist_ok=True)
            make_clips_file(videos, [asked], clips, workers=1, contained=False)
        made.append(folder / f"{shard}.h5")
        make_features_file(
            [clips],
            made[-1],
            videos=videos,
            asked=asked,
            network=networks.network_asked(config, wanted.extractor),
            weights=Path(networks.weights_place(config, wanted.extractor)),
            device=config.device,
            precision=config.precision,
            workers=1,
        )
    merge(made, merged)


def metric_row(config: Config, name: str, candidate: str, counts: plan.Counts) -> Row:
    """The rule metric."""
    metric, manifests = metrics(config)[name], Path(config.results) / "manifests"
    datasets = [candidate, *([metric.reference] if metric.reference else [])]
    files = [file for dataset in datasets for file in features_of(config, name, dataset, counts)]
    videos = [manifests / str(dataset) / "videos.jsonl" for dataset in (candidate, config.reference)]
    asked = read_json(Path(config.results) / config.evaluation / "plan" / "metrics" / f"{name}.json")
    row = evaluate(asked, candidate, files, videos if metric.reduce.paired else ())
    return dict(json.loads(json.dumps(row)))  # as it is read back from its file


def features_of(config: Config, metric: str, dataset: str, counts: plan.Counts) -> list[Path]:
    """What a metric reads of a dataset: a file for each run. Of saved statistics the plan says where they are."""
    if config.datasets[dataset].is_statistics:
        return []
    return [features_file(config, file) for file in plan.features(config, metrics(config)[metric], dataset, counts)]


def features_file(config: Config, file: plan.Features) -> Path:
    return Path(config.results) / "features" / file.dataset / file.clips / f"{file.extractor}.h5"


def drop_clips(config: Config) -> None:
    """Delete the clips, as a run does that has no more use for them."""
    shutil.rmtree(Path(config.results) / "clips", ignore_errors=True)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
