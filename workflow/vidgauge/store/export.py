"""Saved statistics and features as the files of other tools, so that their numbers and ours can meet."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.files import replacing
from vidgauge.metrics.stats import covariance
from vidgauge.store.statistics import Statistics, read_statistics, read_values

To = Literal["npz", "cd-fvd", "npy"]
PROTOCOL = 4  # of pickles: read by any Python from 3.4 on


def export(
    path: str | PathLike[str], out: str | PathLike[str], *, to: To, array: str | None = None, n: int | None = None
) -> None:
    """Write what `read_statistics` or `read_values` reads in another tool's format.

    npz: mu, sigma with sigma divided by n - 1, for pytorch-fid and clean-fid. cd-fvd: the pickle that its
    `load_real_stats`, and StyleGAN-V's FeatureStats.load, read. npy: features (n, d) float32.
    n: the rows behind the statistics, where the file does not say. Raises UsageError for `out` equal to `path`,
    VidgaugeError for a file without features (npy) or without n where it is needed, and what reading raises.
    """
    source, target = Path(path), Path(out)
    if to not in get_args(To):
        raise UsageError(f"to: unknown {to!r}; known are: {', '.join(get_args(To))}")
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target}: is the file that is exported; give another name to write to")
    if to == "npy":
        values = read_values(source, array)
        if values is None:
            raise VidgaugeError(f"{source}: holds statistics only, no features; export it to npz or cd-fvd")
        _write(target, lambda file: np.save(file, values, allow_pickle=False))
        return
    statistics = read_statistics(source, array, n=n)
    if to == "npz":
        sigma = _cov(source, statistics, 1)
        _write(target, lambda file: np.savez(file, mu=statistics.mean, sigma=sigma))
    else:
        state = _feature_stats(source, statistics)
        _write(target, lambda file: pickle.dump(state, file, protocol=PROTOCOL))


def _cov(path: Path, statistics: Statistics, ddof: Literal[0, 1]) -> np.ndarray:
    """The covariance divided by n - ddof."""
    if statistics.ddof != ddof:
        _n(path, statistics)
    try:
        return covariance(statistics, ddof)
    except ValueError as error:
        raise VidgaugeError(f"{path}: {error}") from error


def _feature_stats(path: Path, statistics: Statistics) -> Mapping[str, Any]:
    """The state of a FeatureStats: sums, from which it takes its mean and its population covariance."""
    n, mean, d = _n(path, statistics), statistics.mean, len(statistics.mean)
    second = _cov(path, statistics, 0) + np.outer(mean, mean)
    return {
        "capture_all": False,
        "capture_mean_cov": True,
        "max_items": None,
        "num_items": n,
        "num_features": d,
        "all_features": [],
        "raw_mean": mean * n,
        "raw_cov": second * n,
    }


def _n(path: Path, statistics: Statistics) -> int:
    if statistics.n is None:
        raise VidgaugeError(f"{path}: does not say how many rows its statistics come from, and it matters here; give n")
    return statistics.n


def _write(out: Path, write: Callable[[Any], None]) -> None:
    with replacing(out) as temporary, temporary.open("wb") as file:
        write(file)
