# Features to numbers, numbers to tables.


rule metric:
    input:
        plan="<results>/{evaluation}/plan/metrics/{metric}.json",
        features=metric_features,
        manifests=metric_manifests,
        surveys=metric_surveys,
    output:
        "<results>/{evaluation}/metrics/{candidate}/{metric}.json",
    log:
        "<logs>/metric/{evaluation}/{candidate}/{metric}.log",
    benchmark:
        "<benchmarks>/metric/{evaluation}/{candidate}/{metric}.tsv"
    conda:
        "../../envs/vidgauge.yaml"
    params:
        manifests=manifest_options,
        surveys=lambda wildcards, input: named_options("--survey", input.surveys),
    shell:
        "python -m vidgauge metric {input.plan:q} {input.features:q} --candidate {wildcards.candidate:q}"
        " {params.manifests:q} {params.surveys:q} --out {output:q} 2> {log:q}"


rule videos:
    input:
        plan="<results>/{evaluation}/plan/scores.json",
        features=score_features,
        videos=expand("<results>/manifests/{dataset}/videos.jsonl", dataset=SCORED["candidates"]),
    output:
        csv=report(
            "<results>/{evaluation}/videos.csv",
            caption="../report/videos.rst",
            category="Results",
            labels={"evaluation": "{evaluation}", "table": "single videos"},
        ),
        json="<results>/{evaluation}/videos.json",
    log:
        "<logs>/videos/{evaluation}.log",
    conda:
        "../../envs/vidgauge.yaml"
    params:
        videos=lambda wildcards, input: named_options("--videos", input.videos),
    shell:
        "python -m vidgauge videos {input.plan:q} {input.features:q} {params.videos:q}"
        " --csv {output.csv:q} --json {output.json:q} 2> {log:q}"


rule table:
    input:
        plan="<results>/{evaluation}/plan/evaluation.json",
        rows=all_rows,
        single=single_videos,
        rejected="<results>/{evaluation}/rejected.jsonl",
    output:
        json="<results>/{evaluation}/metrics.json",
        csv=report(
            "<results>/{evaluation}/metrics.csv",
            caption="../report/metrics.rst",
            category="Results",
            labels={"evaluation": "{evaluation}", "table": "rows"},
        ),
        text=report(
            "<results>/{evaluation}/metrics.txt",
            caption="../report/table.rst",
            category="Results",
            labels={"evaluation": "{evaluation}", "table": "overview"},
        ),
    log:
        "<logs>/table/{evaluation}.log",
    conda:
        "../../envs/vidgauge.yaml"
    params:
        single=lambda wildcards, input: [part for file in input.single for part in ("--single", file)],
    shell:
        "python -m vidgauge collect {input.plan:q} {input.rows:q} --rejected {input.rejected:q} {params.single:q} --json {output.json:q} --csv {output.csv:q}"
        " --text {output.text:q} 2> {log:q}"
