"""Precision and recall, density and coverage: how two sets lie in each other's neighbourhoods.

Every row gets a ball that reaches to its k-th nearest neighbour in its own set. Kynkäänniemi et al. (2019), "Improved
precision and recall metric for assessing generative models"; Naeem et al. (2020), "Reliable fidelity and diversity
metrics for generative models". All decisions are those of exact float64 distances, ties included.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_matrix, as_pair
from vidgauge.metrics._neighbours import Cloud, nearest, squared_radii
from vidgauge.metrics._tiles import tiles


class PrecisionRecall(NamedTuple):
    """Share of the candidate within the reference's balls, and of the reference within the candidate's."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Mean number of reference balls around a candidate over k, and the share of reference balls with a candidate."""

    density: float
    coverage: float


def precision_recall(
    reference: Any, candidate: Any, *, k: int = 3, radius: Literal["float64", "float16"] = "float64"
) -> PrecisionRecall:
    """Precision (is the candidate realistic?) and recall (is all of the reference met?), 0 to 1; higher is better.

    reference: (n, d), candidate: (m, d), n and m > k, any real dtype. A row is in a ball if its distance to the
    centre is at most the radius. radius: float16 rounds radii to half precision, as NVIDIA's code and data-juicer do:
    above 65504 a ball holds everything, below 3e-8 nothing but its centre.
    Raises ValueError with the shapes seen and wanted.

    >>> precision_recall([[0.0], [1.0], [9.0]], [[0.5], [1.0], [99.0]], k=1)  # 99 lies in no ball
    PrecisionRecall(precision=0.6666666666666666, recall=1.0)
    """
    x, y = as_pair(reference, candidate, rows=as_count(k, "k") + 1)
    real, fake = Cloud(x), Cloud(y)
    of_real, of_fake = squared_radii(real, k), squared_radii(fake, k)
    if radius == "float16":
        of_real, of_fake = squares_of_halves(of_real), squares_of_halves(of_fake)
    precise, recalled = np.zeros(len(fake), dtype=bool), np.zeros(len(real), dtype=bool)
    for i, j, tile in tiles(real.points, fake.points, real.mean):
        precise[j] = tile.any_within(of_real[i, None], 0, precise[j])
        recalled[i] = tile.any_within(of_fake[None, j], 1, recalled[i])
    return PrecisionRecall(_share(precise, fake), _share(recalled, real))


def density_coverage(reference: Any, candidate: Any, *, k: int = 5) -> DensityCoverage:
    """Density (0 and up, around 1 for equal laws) and coverage (0 to 1); higher is better.

    reference: (n, d), n > k; candidate: (m, d), m >= 1; any real dtype. Only the reference has balls, so stray
    candidates widen none. A row is in a ball if its distance to the centre is less than the radius.
    Raises ValueError with the shapes seen and wanted.

    >>> density_coverage([[0.0], [1.0], [9.0]], [[0.5], [0.6]], k=1)  # 9's ball is empty
    DensityCoverage(density=2.0, coverage=0.6666666666666666)
    """
    as_matrix(reference, "reference", rows=as_count(k, "k") + 1)
    x, y = as_pair(reference, candidate)
    real, fake = Cloud(x), Cloud(y)
    of_real = squared_radii(real, k)
    held, covered = 0, np.zeros(len(real), dtype=bool)
    for i, j, tile in tiles(real.points, fake.points, real.mean):
        inside = tile.below(of_real[i, None], strict=True)
        held += int(real.counts[i] @ inside @ fake.counts[j])
        covered[i] |= inside.any(axis=1)
    return DensityCoverage(held / (k * fake.total), _share(covered, real))


def authenticity(reference: Any, candidate: Any) -> float:
    """Percentage (0 to 100) of candidates that are no copies of the reference; higher is better.

    reference: (n, d), n >= 2; candidate: (m, d), m >= 1; any real dtype. A candidate is authentic if it is farther from
    its nearest reference than this is from its own nearest other reference, and strictly so: Alaa et al. (2022), "How
    faithful is your synthetic data?", as in dgm-eval's AuthPct. Of several nearest references the loneliest decides, so
    that their order does not. Candidates far from everything are authentic: read it beside a distance.
    Raises ValueError with the shapes seen and wanted.

    >>> authenticity([[0.0], [1.0], [5.0]], [[0.0], [0.5], [2.5]])  # a copy, one that is near 0 and 1, one that is not
    33.33333333333333...
    """
    as_matrix(reference, "reference", rows=2)
    x, y = as_pair(reference, candidate)
    real, fake = Cloud(x), Cloud(y)
    i, j, distances = nearest(fake.points, real)
    authentic = np.ones(len(fake), dtype=bool)
    authentic[i[distances <= squared_radii(real, 1)[j]]] = False
    return 100 * _share(authentic, fake)


def squares_of_halves(squares: np.ndarray) -> np.ndarray:
    """Squared radii whose roots are rounded to half precision."""
    with np.errstate(over="ignore"):  # a radius too large for float16 is infinite, as in the code that is followed
        return np.sqrt(squares).astype(np.float16).astype(np.float64) ** 2


def _share(chosen: np.ndarray, cloud: Cloud) -> float:
    return int(cloud.counts[chosen].sum()) / cloud.total
