# Which videos there are, which of them are usable, and whether the evaluation may go on.


rule probe:
    input:
        "<results>/manifests/{dataset}/listing/{shard}.jsonl",
    output:
        "<results>/manifests/{dataset}/shards/{shard}.jsonl",
    log:
        "<logs>/probe/{dataset}/{shard}.log",
    benchmark:
        "<benchmarks>/probe/{dataset}/{shard}.tsv"
    conda:
        "../../envs/vidgauge.yaml"
    threads: probe_threads
    params:
        # No output: Snakemake would delete it, and a killed probe is to go on where it was.
        journal=lambda wildcards: f"{RESULTS}/manifests/{wildcards.dataset}/probes/{wildcards.shard}.jsonl",
    shell:
        "python -m vidgauge probe {input:q} --out {output:q} --journal {params.journal:q} --workers {threads} 2> {log:q}"


rule manifest:
    input:
        rejected="<results>/manifests/{dataset}/listing/rejected.jsonl",
        lines="<results>/manifests/{dataset}/listing/lines.jsonl",
        columns="<results>/manifests/{dataset}/listing/columns.jsonl",
        shards=probed_files,
        number="<results>/manifests/{dataset}/probed.json",
    output:
        videos="<results>/manifests/{dataset}/videos.jsonl",
        rejected="<results>/manifests/{dataset}/rejected.jsonl",
        survey="<results>/manifests/{dataset}/survey.json",
    log:
        "<logs>/manifest/{dataset}.log",
    conda:
        "../../envs/vidgauge.yaml"
    shell:
        "python -m vidgauge manifest {input.rejected:q} {input.lines:q} {input.shards:q} --columns {input.columns:q}"
        " --videos {output.videos:q} --rejected {output.rejected:q} --survey {output.survey:q} 2> {log:q}"


rule screen:
    input:
        plan="<results>/{evaluation}/plan/screen.json",
        manifests=expand(
            "<results>/manifests/{dataset}/{file}",
            dataset=CONFIG.listed,
            file=["videos.jsonl", "rejected.jsonl", "listing/lines.jsonl"],
        ),
    output:
        screened="<results>/{evaluation}/screened.json",
        rejected="<results>/{evaluation}/rejected.jsonl",
    log:
        "<logs>/screen/{evaluation}.log",
    conda:
        "../../envs/vidgauge.yaml"
    shell:
        "python -m vidgauge screen {input.plan:q} {input.manifests:q}"
        " --out {output.screened:q} --rejected {output.rejected:q} 2> {log:q}"


# Metrics are asked for only after the gate, so that every bad video of every dataset is listed before any costly work.
checkpoint gate:
    input:
        plan="<results>/{evaluation}/plan/gate.json",
        # Only named in messages: another metric over known features must not reopen the gate.
        evaluation=ancient("<results>/{evaluation}/plan/evaluation.json"),
        screened="<results>/{evaluation}/screened.json",
        rejected="<results>/{evaluation}/rejected.jsonl",
    output:
        "<results>/{evaluation}/gate.json",
    log:
        "<logs>/gate/{evaluation}.log",
    retries: 0  # bad videos are no less bad the next time
    conda:
        "../../envs/vidgauge.yaml"
    shell:
        "python -m vidgauge gate {input.plan:q} {input.evaluation:q} {input.screened:q} {input.rejected:q}"
        " --out {output:q} 2> {log:q}"
