"""Metrics: pure functions of arrays. The names below are imported when they are first used, NumPy with them.

What a configuration needs (names, options, versions) is in `vidgauge.metrics.registry`, which imports no NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidgauge.metrics.frechet import frechet_distance, frechet_distance_from_stats
    from vidgauge.metrics.inception import InceptionScore, inception_score
    from vidgauge.metrics.kernel import KernelDistance, kernel_distance, kernel_distance_exact
    from vidgauge.metrics.manifold import DensityCoverage, PrecisionRecall, density_coverage, precision_recall
    from vidgauge.metrics.stats import Stats, merge_stats, stats_from_features

__all__ = [
    "DensityCoverage",
    "InceptionScore",
    "KernelDistance",
    "PrecisionRecall",
    "Stats",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_stats",
    "inception_score",
    "kernel_distance",
    "kernel_distance_exact",
    "merge_stats",
    "precision_recall",
    "stats_from_features",
]

_MODULES = ("frechet", "inception", "kernel", "manifold", "stats")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in (import_module(f"{__name__}.{home}") for home in _MODULES):
            if name in vars(module):
                return vars(module)[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
