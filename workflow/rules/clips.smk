# Decode once, for all clip specs: frames are sampled, converted and resized, and kept only until every extractor has
# read them. The folder's name is that of one clip spec, or stands for several.


rule clips:
    input:
        videos="<results>/manifests/{dataset}/shards/{shard}.jsonl",
        # Few clips wait on the disk at once; what they wait for is no part of them.
        turn=ancient(features_before),
        # Weights that cannot be had are found out before hours of decoding.
        weights=weights_to_fetch,
    output:
        (
            "<results>/clips/{dataset}/{clips}/{shard}.h5"
            if CONFIG.keep_clips
            else temp("<results>/clips/{dataset}/{clips}/{shard}.h5")
        ),
    log:
        "<logs>/clips/{dataset}/{clips}/{shard}.log",
    benchmark:
        "<benchmarks>/clips/{dataset}/{clips}/{shard}.tsv"
    conda:
        "../../envs/vidgauge.yaml"
    threads: clip_threads
    params:
        specs=clip_specs,
    shell:
        "python -m vidgauge clips {input.videos:q} {params.specs:q} --out {output:q} --workers {threads} 2> {log:q}"


# The same frames of each video's own reference video, once for all networks that see pairs.
rule partners:
    input:
        clips=clips_of_shard,
        pairs=pairs_of_shard,
        videos="<results>/manifests/{dataset}/shards/{shard}.jsonl",
    output:
        (
            "<results>/clips/{dataset}/{clips}/vs-{beside}/{shard}.h5"
            if CONFIG.keep_clips
            else temp("<results>/clips/{dataset}/{clips}/vs-{beside}/{shard}.h5")
        ),
    log:
        "<logs>/clips/{dataset}/{clips}/vs-{beside}/{shard}.log",
    benchmark:
        "<benchmarks>/clips/{dataset}/{clips}/vs-{beside}/{shard}.tsv"
    priority: 1  # before more clips are decoded
    conda:
        "../../envs/vidgauge.yaml"
    threads: clip_threads
    params:
        spec=clip_spec,
        trim=trimmed_partners,
    shell:
        "python -m vidgauge partners {input.clips:q} --videos {input.videos:q} --pairs {input.pairs:q} --spec {params.spec:q}"
        " {params.trim:q} --out {output:q} --workers {threads} 2> {log:q}"
