"""Many GPUs on one machine: each job takes one that no other job has. Neither torch nor NumPy is imported.

Snakemake counts the GPUs of local jobs and does not say which one is whose, so that each job leases its own.
"""

from vidgauge.gpus.leasing import lease
from vidgauge.gpus.listing import Gpu, visible

__all__ = ["Gpu", "lease", "visible"]
