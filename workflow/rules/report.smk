# Results to look at: maps of the features, and a page that holds all there is to say.


rule map:
    input:
        plan="<results>/{evaluation}/plan/maps/{metric}.json",
        features=map_features,
    output:
        "<results>/{evaluation}/maps/{metric}.json",
    log:
        "<logs>/map/{evaluation}/{metric}.log",
    benchmark:
        "<benchmarks>/map/{evaluation}/{metric}.tsv"
    conda:
        "../../envs/vidgauge.yaml"
    params:
        features=lambda wildcards, input: named_options("--features", input.features),
    shell:
        "python -m vidgauge map {input.plan:q} {params.features:q} --out {output:q} 2> {log:q}"


rule report:
    input:
        results="<results>/{evaluation}/metrics.json",
        maps=all_maps,
        videos=expand("<results>/manifests/{dataset}/videos.jsonl", dataset=CONFIG.listed),
        surveys=expand("<results>/manifests/{dataset}/survey.json", dataset=CONFIG.listed),
    output:
        report(
            "<results>/{evaluation}/report.html",
            caption="../report/report.rst",
            category="Results",
            labels={"evaluation": "{evaluation}", "table": "report"},
        ),
    log:
        "<logs>/report/{evaluation}.log",
    conda:
        "../../envs/vidgauge.yaml"
    resources:
        # No input and no parameter: when a run began must not make its report stale.
        run=lambda wildcards: f"{RESULTS}/{wildcards.evaluation}/plan/run.json",
    params:
        benchmarks=str(RESULTS / "benchmarks"),
        maps=lambda wildcards, input: [part for file in input.maps for part in ("--map", file)],
        videos=lambda wildcards, input: named_options("--videos", input.videos),
        surveys=lambda wildcards, input: named_options("--survey", input.surveys),
    shell:
        "python -m vidgauge report {input.results:q} {params.maps:q} {params.videos:q} {params.surveys:q}"
        " --benchmarks {params.benchmarks:q} --run {resources.run:q} --out {output:q} 2> {log:q}"
