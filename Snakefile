# The table of contents: what is evaluated stands in config.yaml, how in workflow/rules/, the logic in workflow/vidgauge/.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")

# A user's own --configfile replaces config.yaml; Snakemake would merge the two, and the demo's datasets would leak in.
if not workflow.overwrite_configfiles:

    configfile: str(Path(workflow.basedir, "config.yaml"))


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_clips.smk"
include: "workflow/rules/manifest.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/clips.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        f"<results>/{EVALUATION}/metrics.json",
        f"<results>/{EVALUATION}/metrics.csv",
        f"<results>/{EVALUATION}/report.html" if CONFIG.report else [],
        kept_clips,
        damaged_features,


onsuccess:
    print(finished_table())


onerror:
    print(what_failed(log))
