# Which clips are made, in which files and when, and what the jobs read that make them and that show them to a network.


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
    if features_below(wildcards) or (workflow.is_main_process and features_done(wildcards)):
        return []
    return clips_of_shard(wildcards)


def clips_of_shard(wildcards):
    """The file that holds some clips of a shard."""
    if not workflow.is_main_process:
        return scratch.files_with(RESULTS / "clips" / wildcards.dataset, wildcards.clips, wildcards.shard)[:1]
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


def paired_by(wildcards):
    """A metric that looks at a shard's videos and their partners, where the network sees both, or partners are named."""
    if "extractor" in wildcards.keys():
        return network_of(wildcards.extractor)[0]
    return next(metric for metric in METRICS.values() if metric.beside == wildcards.beside)


def pairs_of_shard(wildcards):
    """The partners of a shard's videos, where the network sees both."""
    other = paired_by(wildcards).partners
    return [str(pairs_file(wildcards.dataset, other, wildcards.shard))] if other else []


def pairs_file(dataset, other, shard):
    """The same as a file. All are written here, where the gate has passed and datasets have changed since."""
    if workflow.is_main_process:
        gate_counts()
        pairs_written(dataset, other, (RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns)
    return RESULTS / "manifests" / dataset / "pairs" / other / f"{shard}.jsonl"


@cache
def pairs_written(dataset, other, time):
    """Bring the partners of all shards up to date. time: the gate's."""
    write_pairs(RESULTS / "manifests" / dataset, RESULTS / "manifests" / other)


def partners_unless_done(wildcards):
    """The clips of partners that a features job reads, where its network sees pairs: as `clips_unless_done`."""
    beside = network_of(wildcards.extractor)[0].beside
    if beside is None:
        return []
    file = scratch.partners_clips(RESULTS, wildcards.dataset, wildcards.clips, beside, wildcards.shard)
    made = not features_done(wildcards) if workflow.is_main_process else file.exists()
    return [str(file)] if made else []


def trimmed_partners(wildcards):
    """The option by which partners may be of another length."""
    return ["--trim"] if paired_by(wildcards).trim else []


def feature_sources(wildcards, input):
    """What a features job reads besides clips, as options of the command."""
    options = {
        "--features": input.below,
        "--texts": input.texts,
        "--pairs": input.pairs,
        "--partners": input.partners,
    }
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
    others += [pairs_file(wildcards.dataset, metric.partners, wildcards.shard)] if metric.partners else []
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


def clip_threads(wildcards):
    gate_counts()
    return share_of_cores(len(clips_to_make((RESULTS / EVALUATION / "gate.json").stat().st_mtime_ns)))


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
