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
from vidgauge.manifest.listing import read_dataset, shards_needed
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


def clip_spec(wildcards):
    """The clip spec, seed and draws that some clips are named after, as JSON."""
    return plan.clips_asked(CONFIG, wildcards.dataset, wildcards.clips, gate_counts()).model_dump_json()


def clip_specs(wildcards):
    """The same of each of the clips that are decoded together, as options of the command."""
    names = clips_together(wildcards)
    asked = [plan.clips_asked(CONFIG, wildcards.dataset, name, gate_counts()) for name in names]
    return [part for each in asked for part in ("--spec", each.model_dump_json())]


def clips_together(wildcards):
    """The names of the clips that a file of clips holds."""
    files = plan.all_features(CONFIG, gate_counts())
    return scratch.members(wildcards.clips, [file.clips for file in files if file.dataset == wildcards.dataset])


def clips_unless_done(wildcards):
    """The clips that a features job reads; nothing where the features are newer than the shard's list of videos.

    A job's own process takes what is there, for which clips were decoded together was decided when the run began. A job
    without clips makes them again itself.
    """
    if features_below(wildcards):
        return []
    if not workflow.is_main_process:
        return scratch.files_with(RESULTS / "clips" / wildcards.dataset, wildcards.clips, wildcards.shard)[:1]
    if features_done(wildcards):
        return []
    gate_counts()
    made = files_of_clips((RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns)
    file = made.get((wildcards.dataset, wildcards.clips, int(wildcards.shard)), wildcards.clips)
    return f"<results>/clips/{wildcards.dataset}/{file}/{wildcards.shard}.h5"


@cache
def network_of(extractor):
    """The metric whose features have that name, and the name of the features that they are made of, if they are."""
    return networks.metric_of(CONFIG, extractor)[0], networks.features_below(CONFIG, extractor)


def features_below(wildcards):
    """The features that a features job reads instead of clips, where it does."""
    _, below = network_of(wildcards.extractor)
    return expand("<results>/features/{dataset}/{clips}/{below}/{shard}.h5", below=below, **wildcards) if below else []


def texts_read(wildcards):
    """The texts of a shard's videos, where the network reads them."""
    reads = network_of(wildcards.extractor)[0].extractor.text
    return expand("<results>/manifests/{dataset}/texts/{shard}.jsonl", **wildcards) if reads else []


def partners_seen(wildcards):
    """The videos of a dataset and of the one that has their partners, where the network sees both."""
    partners = network_of(wildcards.extractor)[0].partners
    return expand("<results>/manifests/{name}/videos.jsonl", name=[wildcards.dataset, partners]) if partners else []


def feature_sources(wildcards, input):
    """What a features job reads besides clips, as options of the command."""
    options = {"--features": input.below, "--texts": input.texts, "--partners": input.partners}
    return [part for option, files in options.items() for file in files for part in (option, file)]


def features_done(wildcards, extractor=None, clips=None):
    """Whether the features of a shard are newer than what they are made from, and not forced."""
    settings = workflow.dag_settings
    if settings.forceall or settings.forcetargets or "features" in settings.forcerun:
        return False
    folder = RESULTS / "features" / wildcards.dataset / (clips or wildcards.clips) / (extractor or wildcards.extractor)
    file, manifest = folder / f"{wildcards.shard}.h5", RESULTS / "manifests" / wildcards.dataset
    metric, _ = network_of(extractor or wildcards.extractor)
    others = [manifest / "texts" / f"{wildcards.shard}.jsonl"] if metric.extractor.text else []
    others += [
        RESULTS / "manifests" / name / "videos.jsonl"
        for name in (wildcards.dataset, metric.partners)
        if metric.partners
    ]
    return newer_than_videos(file, wildcards) and all(scratch.is_fresh(file, other) for other in others)


def clips_done(wildcards):
    """Whether a file of clips is there, and newer than the list of videos of its shard."""
    file = RESULTS / "clips" / wildcards.dataset / wildcards.clips / f"{wildcards.shard}.h5"
    return newer_than_videos(file, wildcards)


def newer_than_videos(file, wildcards):
    """Whether a file is there, and newer than the list of videos of its shard."""
    return scratch.is_fresh(file, RESULTS / "manifests" / wildcards.dataset / "shards" / f"{wildcards.shard}.jsonl")


@cache
def clips_to_make(time):
    """The files of clips that this run needs, each for all features of a shard that are not done. time: the gate's."""
    found = scratch.pieces(CONFIG, gate_counts())
    wanted = [piece for piece in found if not all(features_done(piece, name) for _, name in piece.features)]
    alone, rest = [], []
    for piece in wanted:
        (alone if CONFIG.keep_clips or clips_done(piece) else rest).append(piece)
    return [*alone, *scratch.together(rest, scratch.room_in(RESULTS / "clips"))]


@cache
def files_of_clips(time):
    """The folder of the file that holds some clips of a shard: {(dataset, clips, shard): folder}. time: the gate's."""
    return {
        (piece.dataset, clips, piece.shard): piece.clips for piece in clips_to_make(time) for clips, _ in piece.features
    }


@cache
def turns(time):
    """What the clips of each shard wait for, so that few of them are on the disk at once. time: the gate's."""
    wanted = clips_to_make(time)
    parallel = 2 * workflow.cores if workflow.local_exec else workflow.nodes
    return scratch.turns(wanted, scratch.at_once(wanted, scratch.room_in(RESULTS / "clips"), parallel))


def features_before(wildcards):
    """The features that must be finished before these clips are made."""
    if CONFIG.keep_clips or not workflow.is_main_process:
        return []
    gate_counts()
    waiting = turns((RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns)
    return [f"<results>/{file}" for file in waiting.get((wildcards.dataset, wildcards.clips, int(wildcards.shard)), [])]


def weights_to_fetch(wildcards):
    """The tickets of weights that must be fetched before these features are computed, or these clips decoded for them.

    Never those that are there: nothing that is done can become stale by a ticket.
    """
    if "extractor" in wildcards.keys():
        files = [(wildcards.clips, wildcards.extractor)]
    elif clips_done(wildcards):
        files = []
    else:
        names = clips_together(wildcards)
        files = [(clips, extractor) for clips in names for extractor in networks.extractors_of(CONFIG, clips)]
    missing = [extractor for clips, extractor in files if not features_done(wildcards, extractor, clips)]
    wanted = {name for extractor in missing for name in networks.weights_wanted(CONFIG, extractor)}
    return [
        f"<results>/weights/{name}.json" for name in sorted(wanted) if not (RESULTS / f"weights/{name}.json").exists()
    ]


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


def clip_threads(wildcards):
    gate_counts()
    return share_of_cores(len(clips_to_make((RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns)))


def feature_threads(wildcards):
    counts = gate_counts()
    jobs = sum(plan.shards_of(CONFIG, file, counts) for file in plan.all_features(CONFIG, counts))
    return 4 if gpus(wildcards) else share_of_cores(jobs)


def kept_clips(wildcards):
    """The clips that the user wants to keep."""
    if not CONFIG.keep_clips:
        return []
    counts, pattern = gate_counts(), "<results>/clips/{0.dataset}/{0.clips}/{1}.h5"
    return [
        pattern.format(file, shard)
        for file in plan.all_features(CONFIG, counts)
        for shard in range(plan.shards_of(CONFIG, file, counts))
    ]


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
    names = [wildcards.candidate, METRICS[wildcards.metric].reference]
    return expand("<results>/manifests/{dataset}/survey.json", dataset=[n for n in names if n in CONFIG.listed])


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
