"""Features in the plane: principal components, or t-SNE. Seeded, with signs that do not depend on the machine."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

from vidgauge.errors import UsageError
from vidgauge.metrics._arrays import mean_of_rows

NEGLIGIBLE = 1e-12  # of the whole variance: what is left of a component that is not there
TSNE_WIDTH = 50  # components that t-SNE is given (van der Maaten and Hinton 2008 use 30)
TSNE_LEAST = 10  # points; of fewer there are no neighbourhoods to keep


def pca(fit: np.ndarray, points: np.ndarray, width: int = 2) -> tuple[np.ndarray, list[float]]:
    """(scores (n, width) float64, each component's share of the variance of `fit`).

    fit: (m, d) with m >= 1, whose mean is the origin and whose directions of most variance are the axes; points:
    (n, d). Components that `fit` does not have are 0. Each axis points to where its largest loading is positive.
    Raises ValueError with the shapes seen.
    """
    if fit.ndim != 2 or points.ndim != 2 or fit.shape[1:] != points.shape[1:] or not len(fit):
        raise ValueError(f"expected fit (m >= 1, d) and points (n, d), got {fit.shape} and {points.shape}")
    mean = mean_of_rows(fit)
    centred = fit - mean
    by_row = len(fit) <= fit.shape[1]  # the smaller of the two matrices has the same eigenvalues
    square = centred @ centred.T if by_row else centred.T @ centred
    total, size = float(np.trace(square)), len(square)
    scores, shares = np.zeros((len(points), width)), [0.0] * width
    if total <= NEGLIGIBLE * len(fit) * float(mean @ mean):
        return scores, shares
    values, vectors = eigh(square, subset_by_index=[max(0, size - width), size - 1])
    for axis in range(min(width, size)):
        share = float(values[-1 - axis]) / total
        if share > NEGLIGIBLE:
            loading = centred.T @ vectors[:, -1 - axis] if by_row else vectors[:, -1 - axis]
            loading = loading / np.copysign(np.linalg.norm(loading), loading[np.abs(loading).argmax()])
            scores[:, axis], shares[axis] = (points - mean) @ loading, share
    return scores, shares


def tsne(points: np.ndarray, *, seed: int) -> np.ndarray | None:
    """(n, 2) float64 by t-SNE on the first 50 principal components; None where there is too little to show.

    points: (n, d). Starts from the first two components. Raises UsageError where scikit-learn is not installed.
    """
    try:
        from sklearn.manifold import TSNE
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn
    except ImportError:
        raise UsageError(
            "t-SNE needs scikit-learn, which is not installed: in vidgauge's folder, run pip install -e '.[tsne]' "
            "--constraint envs/constraints.txt, or use map: pca"
        ) from None
    if len(points) < TSNE_LEAST:
        return None
    scores, shares = pca(points, points, min(TSNE_WIDTH, *points.shape))
    if not shares[0]:
        return None
    start = np.zeros((len(points), 2))
    start[:, : scores.shape[1]] = scores[:, :2] / scores[:, 0].std() * 1e-4
    model = TSNE(
        init=start.astype(np.float32),
        perplexity=min(30.0, (len(points) - 1) / 3),
        learning_rate="auto",
        random_state=seed,
        n_jobs=1,
    )
    with threadpool_limits(1):  # which n_jobs does not reach: sums would depend on the number of cores
        return np.asarray(model.fit_transform(scores.astype(np.float32)), np.float64)
