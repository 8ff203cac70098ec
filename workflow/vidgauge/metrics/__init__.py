"""Metrics: pure functions of arrays. The names below are imported when they are first used, NumPy with them.

What a configuration needs (names, options, versions) is in `vidgauge.metrics.registry`, which imports no NumPy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidgauge.metrics.by_video import MeanOverVideos, pair_distance, pair_frechet, video_inception_score
    from vidgauge.metrics.diversity import vendi_score
    from vidgauge.metrics.frechet import frechet_distance, frechet_distance_from_stats
    from vidgauge.metrics.inception import InceptionScore, inception_score
    from vidgauge.metrics.kernel import (
        KernelDistance,
        gaussian_mmd,
        kernel_distance,
        kernel_distance_exact,
        polynomial_mmd,
    )
    from vidgauge.metrics.manifold import (
        DensityCoverage,
        PrecisionRecall,
        authenticity,
        density_coverage,
        precision_recall,
    )
    from vidgauge.metrics.sliced import sliced_wasserstein
    from vidgauge.metrics.stats import Stats, merge_stats, stats_from_features

__all__ = [
    "DensityCoverage",
    "InceptionScore",
    "KernelDistance",
    "MeanOverVideos",
    "PrecisionRecall",
    "Stats",
    "authenticity",
    "density_coverage",
    "frechet_distance",
    "frechet_distance_from_stats",
    "gaussian_mmd",
    "inception_score",
    "kernel_distance",
    "kernel_distance_exact",
    "merge_stats",
    "pair_distance",
    "pair_frechet",
    "polynomial_mmd",
    "precision_recall",
    "sliced_wasserstein",
    "stats_from_features",
    "vendi_score",
    "video_inception_score",
]

_MODULES = ("by_video", "diversity", "frechet", "inception", "kernel", "manifold", "sliced", "stats")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in (import_module(f"{__name__}.{home}") for home in _MODULES):
            if name in vars(module):
                return vars(module)[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
