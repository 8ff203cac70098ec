"""Precision and recall, density and coverage: how two sets lie in each other's neighbourhoods.

Every row gets a ball that reaches to its k-th nearest neighbour in its own set. Kynkäänniemi et al. (2019), "Improved
precision and recall metric for assessing generative models"; Naeem et al. (2020), "Reliable fidelity and diversity
metrics for generative models". All decisions are those of exact float64 distances, ties included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_matrix, as_pair, row_blocks
from vidgauge.metrics._neighbours import Cloud, Tile, squared_radii


class PrecisionRecall(NamedTuple):
    """Share of the candidate within the reference's balls, and of the reference within the candidate's."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Mean number of reference balls around a candidate over k, and the share of reference balls with a candidate."""

    density: float
    coverage: float


def precision_recall(reference: Any, candidate: Any, *, k: int = 3) -> PrecisionRecall:
    """Precision (is the candidate realistic?) and recall (is all of the reference met?), 0 to 1; higher is better.

    reference: (n, d), candidate: (m, d), n and m > k, any real dtype. A row is in a ball if its distance to the
    centre is at most the radius. Raises ValueError with the shapes seen and wanted.

    >>> precision_recall([[0.0], [1.0], [9.0]], [[0.5], [1.0], [99.0]], k=1)  # 99 lies in no ball
    PrecisionRecall(precision=0.6666666666666666, recall=1.0)
    """
    x, y = as_pair(reference, candidate, rows=as_count(k, "k") + 1)
    real, fake = Cloud(x), Cloud(y)
    of_real, of_fake = squared_radii(real, k), squared_radii(fake, k)
    precise, recalled = np.zeros(len(fake), dtype=bool), np.zeros(len(real), dtype=bool)
    for i, j, tile in _tiles(real, fake):
        precise[j] |= tile.below(of_real[i, None], strict=False).any(axis=0)
        recalled[i] |= tile.below(of_fake[None, j], strict=False).any(axis=1)
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
    for i, j, tile in _tiles(real, fake):
        inside = tile.below(of_real[i, None], strict=True)
        held += int(real.counts[i] @ inside @ fake.counts[j])
        covered[i] |= inside.any(axis=1)
    return DensityCoverage(held / (k * fake.total), _share(covered, real))


def _tiles(real: Cloud, fake: Cloud) -> Iterator[tuple[slice, slice, Tile]]:
    for i in row_blocks(len(real)):
        for j in row_blocks(len(fake)):
            yield i, j, Tile(real.points[i], fake.points[j], real.mean)


def _share(chosen: np.ndarray, cloud: Cloud) -> float:
    return int(cloud.counts[chosen].sum()) / cloud.total
