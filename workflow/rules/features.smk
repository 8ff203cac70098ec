# One network pass per extractor, whatever the number of metrics and arrays that rest on it.


rule features:
    input:
        clips=clips_unless_done,
        below=features_below,
        texts=texts_read,
        pairs=pairs_of_shard,
        partners=partners_unless_done,
        videos="<results>/manifests/{dataset}/shards/{shard}.jsonl",
        weights=weights_to_fetch,
    output:
        "<results>/features/{dataset}/{clips}/{extractor}/{shard}.h5",
    log:
        "<logs>/features/{dataset}/{clips}/{extractor}/{shard}.log",
    benchmark:
        "<benchmarks>/features/{dataset}/{clips}/{extractor}/{shard}.tsv"
    priority: 1  # before more clips are decoded
    retries: 1
    conda:
        "../../envs/vidgauge.yaml"
    threads: feature_threads
    resources:
        gpu=gpus,
        # Resources, not parameters: another device or folder must not make finished features stale.
        device=CONFIG.device,
        weights=weights_place,
    params:
        network=network_asked,
        precision=CONFIG.precision,
        spec=clip_spec,
        sources=feature_sources,
    shell:
        "python -m vidgauge features {input.clips:q} {params.sources:q} --videos {input.videos:q} --spec {params.spec:q}"
        " --extractor {params.network:q} --weights {resources.weights:q} --device {resources.device} --precision {params.precision}"
        " --out {output:q} --workers {threads} 2> {log:q}"


rule merge:
    input:
        shards=feature_shards,
        number="<results>/features/{dataset}/{clips}/{extractor}/merged.json",
    output:
        "<results>/features/{dataset}/{clips}/{extractor}.h5",
    log:
        "<logs>/merge/{dataset}/{clips}/{extractor}.log",
    benchmark:
        "<benchmarks>/merge/{dataset}/{clips}/{extractor}.tsv"
    conda:
        "../../envs/vidgauge.yaml"
    shell:
        "python -m vidgauge merge {input.shards:q} --out {output:q} 2> {log:q}"
