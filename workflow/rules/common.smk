# What the rules look up: the checked configuration, and which files follow from it. All logic is in the package.
import json
import os
import re
import sys
import time
from functools import cache

BASE = Path(workflow.basedir).resolve()
sys.path.insert(0, str(BASE / "workflow"))
# Jobs find the package and the Python that runs Snakemake without an install step or an activated environment.
os.environ.update(
    PYTHONPATH=os.pathsep.join(filter(None, [str(BASE / "workflow"), os.environ.get("PYTHONPATH")])),
    PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
)

from vidgauge import networks, plan, scratch
from vidgauge.files import write_if_changed
from vidgauge.manifest.listing import read_dataset, shards_needed
from vidgauge.manifest.pairs import write_pairs
from vidgauge.metric import metrics
from vidgauge.prepare import checked, has_gpu, joined_shards, prepare
from vidgauge.store.verify import removed

STARTED = time.time()
CONFIG = checked(config, workflow)
EVALUATION = CONFIG.evaluation
METRICS = metrics(CONFIG)
SCORED = plan.scores(CONFIG)
RESULTS = Path(CONFIG.results)
prepare(
    CONFIG,
    workflow,
    manifests=RESULTS / "manifests",
    plans=RESULTS / EVALUATION / "plan",
)


pathvars:
    results=CONFIG.results,
    logs=str(RESULTS / "logs"),
    benchmarks=str(RESULTS / "benchmarks"),


wildcard_constraints:
    dataset="[^/]+",
    beside="[^/]+",
    candidate="[^/]+",
    clips="[^/]+",
    extractor="[^/]+",
    evaluation="[^/]+",
    metric="[^/]+",
    shard=r"\d+",
    weights=r"\w+",


def probed_files(wildcards):
    """What a dataset's manifest is joined from: enough for what its metrics sample, with a margin for rejects."""
    folder = RESULTS / "manifests" / wildcards.dataset
    listed = read_dataset(folder)
    needed = shards_needed(listed.counts, plan.videos_wanted(CONFIG, wildcards.dataset))
    number = joined_shards(folder / "probed.json", f"{folder}/shards/{{shard}}.jsonl", needed, listed.shards)
    return expand("<results>/manifests/{dataset}/shards/{shard}.jsonl", shard=range(number), **wildcards)


def gate_counts():
    """Usable videos and clips as the gate counted them; makes Snakemake wait for the gate."""
    gate = RESULTS / EVALUATION / "gate.json"
    if workflow.is_main_process:  # the DAG of a job's own process has no gate: it was passed before
        gate = Path(checkpoints.gate.get(evaluation=EVALUATION).output[0])
    return counts_of(gate, gate.stat().st_mtime_ns)


@cache
def counts_of(gate, time):
    """What a gate counted. time: when, for one that was made anew."""
    found = json.loads(gate.read_text())
    return plan.Counts(found["usable"], found["clips"], found["sizes"])


def features_of(metric, dataset):
    """The features file of each run that a metric reads of a dataset; of saved statistics the plan says where they are."""
    if CONFIG.datasets[dataset].is_statistics:
        return []
    files = plan.features(CONFIG, METRICS[metric], dataset, gate_counts())
    return [f"<results>/features/{file.dataset}/{file.clips}/{file.extractor}.h5" for file in files]


def feature_shards(wildcards):
    """The shards that a features file is merged from."""
    wanted = plan.Features(wildcards.dataset, wildcards.clips, wildcards.extractor)
    needed = plan.shards_of(CONFIG, wanted, gate_counts())
    folder = RESULTS / "features" / wanted.dataset / wanted.clips / wanted.extractor
    shards = read_dataset(RESULTS / "manifests" / wanted.dataset).shards
    number = joined_shards(folder / "merged.json", f"{folder}/{{shard}}.h5", needed, shards)
    return expand("<results>/features/{dataset}/{clips}/{extractor}/{shard}.h5", shard=range(number), **wildcards)


def network_asked(wildcards):
    """The network that a features file is named after, and which of its arrays, as JSON."""
    return networks.network_asked(CONFIG, wildcards.extractor).model_dump_json()


def weights_place(wildcards):
    """Where its weights are."""
    return networks.weights_place(CONFIG, wildcards.extractor)


def gpus(wildcards):
    """GPUs of a features job: none where its network has no use for one, or none can be there."""
    if CONFIG.device == "cpu" or not network_of(wildcards.extractor)[0].extractor.uses_gpu:
        return 0
    return int(CONFIG.device == "cuda" or not workflow.local_exec or has_gpu())


def share_of_cores(jobs):
    """Cores of one of several like jobs: one each where there are jobs enough to keep all cores busy."""
    here = workflow.local_exec and workflow.is_main_process  # in a cluster job's own process all execution is local
    return max(1, workflow.cores // max(1, jobs)) if here else 8


def probe_threads(wildcards):
    return share_of_cores(sum(read_dataset(RESULTS / "manifests" / name).shards for name in CONFIG.listed))


def feature_threads(wildcards):
    counts = gate_counts()
    jobs = sum(plan.shards_of(CONFIG, file, counts) for file in plan.all_features(CONFIG, counts))
    return 4 if gpus(wildcards) else share_of_cores(jobs)


def damaged_features(wildcards):
    """Features that were damaged after they were made, and deleted: results that are there would not ask for them."""
    gone = removed(RESULTS)
    files = plan.all_features(CONFIG, gate_counts()) if gone else []
    names = [f"features/{file.dataset}/{file.clips}/{file.extractor}.h5" for file in files]
    return [f"<results>/{name}" for name in names if name in gone]


def metric_features(wildcards):
    """What a metric job reads: the candidate's features of each run, then the reference's."""
    reference = METRICS[wildcards.metric].reference
    datasets = [wildcards.candidate, *([reference] if reference else [])]
    return [file for dataset in datasets for file in features_of(wildcards.metric, dataset)]


def metric_manifests(wildcards):
    """The videos of both sets, where a metric compares each with its own partner."""
    if not METRICS[wildcards.metric].reduce.paired:
        return []
    return expand("<results>/manifests/{dataset}/videos.jsonl", dataset=[wildcards.candidate, CONFIG.reference])


def metric_surveys(wildcards):
    """What there is to know of the videos of both sets, for warnings; of saved statistics there is nothing."""
    gate_counts()
    names = [wildcards.candidate, METRICS[wildcards.metric].reference]
    time = (RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns
    return [survey_of(name, time) for name in names if name in CONFIG.listed]


@cache
def survey_of(dataset, time):
    """A copy of a dataset's survey that is only as new as its text: one that is made again mostly says the same.

    time: the gate's.
    """
    survey = RESULTS / "manifests" / dataset / "survey.json"
    copy = survey.with_name("surveyed.json")
    if workflow.is_main_process and survey.exists():
        write_if_changed(copy, survey.read_text("utf-8"))
    return str(copy if copy.exists() else survey)


def named_options(option, files):
    """Files of datasets as repeated options NAME=FILE. A dataset's name is the folder below manifests or features."""
    if isinstance(files, str):  # before the gate it is not known which files those are
        return []
    parts = [Path(file).relative_to(RESULTS).parts for file in files]
    return [part for file, (_, name, *_) in zip(files, parts) for part in (option, f"{name}={file}")]


def map_features(wildcards):
    """What a map shows: the features of the first run, of every dataset that is videos."""
    names = plan.videos_of(CONFIG, METRICS[wildcards.metric])
    return [features_of(wildcards.metric, name)[0] for name in names]


def all_maps(wildcards):
    """One map for each array of features."""
    return expand("<results>/{evaluation}/maps/{metric}.json", metric=plan.maps(CONFIG), **wildcards)


def manifest_options(wildcards, input):
    """The same as options of the command."""
    return [part for path in input.manifests for part in ("--manifest", path)]


def score_features(wildcards):
    """The features that hold scores of single videos: of each array those of every candidate, of the first run."""
    gate_counts()
    return [features_of(array["metric"], name)[0] for array in SCORED["scores"] for name in SCORED["candidates"]]


def single_videos(wildcards):
    """What is told of single videos, where there are scores of them."""
    return expand("<results>/{evaluation}/videos.json", **wildcards) if SCORED["scores"] else []


def all_rows(wildcards):
    """One result per metric and candidate, in the order of the configuration."""
    gate_counts()
    return expand(
        "<results>/{evaluation}/metrics/{candidate}/{metric}.json",
        evaluation=wildcards.evaluation,
        metric=METRICS,
        candidate=CONFIG.candidates,
    )


def finished_table():
    """The table, if this run made it."""
    table = RESULTS / EVALUATION / "metrics.txt"
    if not table.exists() or table.stat().st_mtime < STARTED:
        return ""
    return f"\n{table.read_text()}\nResults: {table.parent}/"


def what_failed(logs):
    """What the jobs that failed had to say, without the words that Snakemake puts around it."""
    text = "\n".join(Path(log).read_text(errors="replace") for log in logs)
    said = re.findall(r"^vidgauge: .*?(?=^=+$)", text, re.DOTALL | re.MULTILINE)  # each stands in a frame
    if not said:  # Snakemake was told to be quiet
        files = sorted(file for file in (RESULTS / "logs").rglob("*.log") if file.stat().st_mtime >= STARTED)
        said = [line for file in files for line in file.read_text(errors="replace").splitlines(keepends=True)]
        said = [line for line in said if line.startswith("vidgauge: ")]
    return "\n".join(["", *dict.fromkeys(said), "To go on, run the same command again: what is finished is kept."])
