# Networks' weights: fetched and verified once, on the machine where Snakemake was started, before any GPU job.


localrules:
    weights,


rule weights:
    output:
        "<results>/weights/{weights}.json",
    log:
        "<logs>/weights/{weights}.log",
    priority: 100
    conda:
        "../../envs/vidgauge.yaml"
    params:
        folder=networks.weights_folder(CONFIG),
    shell:
        "python -m vidgauge weights fetch {wildcards.weights:q} --folder {params.folder:q} --out {output:q} > {log:q} 2>&1"
