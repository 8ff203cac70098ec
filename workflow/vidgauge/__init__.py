"""vidgauge: evaluate generated videos. Snakemake runs the stages, this package holds all the logic."""

__version__ = "0.1.0"
