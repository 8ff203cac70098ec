"""The Fréchet distance of two Gaussian fits, which FVD and FID are.

|mu_r - mu_c|^2 + tr S_r + tr S_c - 2 tr (S_r S_c)^(1/2): Dowson & Landau (1982); Heusel et al. (2017) for FID,
Unterthiner et al. (2018) for FVD. The last trace is a nuclear norm: with S_r = A'A and S_c = B'B, (S_r S_c)^(1/2)
has the trace of |A B'|, the sum of its singular values. They are found to rounding even where covariances are singular,
which a square root of a matrix is not.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from vidgauge.metrics._arrays import as_count, as_matrix, as_pair, as_weights, float64, mean_of_rows, row_blocks
from vidgauge.metrics.stats import stats_from_features
from vidgauge.specs import Influence

NOT_ROUNDING = 1e-3  # relative; a covariance this far from symmetric or from non-negative is wrong, not rounded


def frechet_distance(reference: Any, candidate: Any, *, ddof: int = 0, weights: tuple[Any, Any] | None = None) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets of features; lower is better, 0 for equal sets.

    reference: (n, d), candidate: (m, d), n and m >= 2, any real dtype; all sums are float64. n < d is allowed.
    ddof: 0 divides covariances by n (StyleGAN-V, cd-fvd), 1 by n - 1 (pytorch-fid, clean-fid, torch-fidelity).
    weights: (n,) and (m,) numbers > 0, by whose sum the weighted sums are divided, with ddof 0; None: all equal.
    Symmetric, never negative. Raises ValueError with the shapes seen and wanted.

    >>> x = np.random.default_rng(0).normal(size=(500, 8))
    >>> round(frechet_distance(x, x + 0.5), 6)  # d * shift**2
    2.0
    """
    if as_count(ddof, "ddof", least=0) > 1:
        raise ValueError(f"ddof: expected 0 or 1, got {ddof!r}")
    if weights is not None and ddof:
        raise ValueError("ddof: expected 0 where rows have weights, got 1")
    x, y = as_pair(reference, candidate, rows=2)
    of_x, of_y = (None, None) if weights is None else weights
    mean_x, root_x = _fit(x, of_x, ddof, "reference")
    mean_y, root_y = _fit(y, of_y, ddof, "candidate")
    return _distance(mean_x - mean_y, root_x, root_y)


def frechet_approximately(
    reference: Any, candidate: Any, *, ddof: int = 0, weights: tuple[Any, Any] | None = None
) -> float:
    """`frechet_distance` to about six digits in a fraction of its time, for curves over many parts of the same sets.

    Covariances are formed and their product is squared, which costs half of the digits.
    """
    x, y = as_pair(reference, candidate, rows=2)
    of_x, of_y = (None, None) if weights is None else weights
    mean_x, root_x = _fit(x, of_x, ddof, "reference", exact=False)
    mean_y, root_y = _fit(y, of_y, ddof, "candidate", exact=False)
    products = root_x @ root_y.T
    squares = np.linalg.eigvalsh(products @ products.T if len(root_x) < len(root_y) else products.T @ products)
    shift, overlap = mean_x - mean_y, np.sqrt(np.maximum(squares, 0)).sum()
    return max(float(shift @ shift + np.vdot(root_x, root_x) + np.vdot(root_y, root_y) - 2 * overlap), 0.0)


def frechet_influence(
    reference: Any, candidate: Any, *, ddof: int = 0, weights: tuple[Any, Any] | None = None
) -> Influence:
    """How much each row moves `frechet_distance`, to first order: what its sampling error is made of.

    Arguments, and what is raised, as there. The effect of row x with weight w, the others' being 1, is the derivative
    by w: (2 (mu - mu').(x - mu) + |x - mu|^2 - (x - mu)' T (x - mu), less its mean) / n, where T is the optimal map
    between the two Gaussians (Rippl, Munk, Sturm 2016, "Limit laws of the empirical Wasserstein distance").
    """
    x, y = as_pair(reference, candidate, rows=2)
    of_x, of_y = (None, None) if weights is None else weights
    mean_x, root_x = _fit(x, of_x, ddof, "reference")
    mean_y, root_y = _fit(y, of_y, ddof, "candidate")
    to_x, to_y = _half_maps(root_x, root_y)
    return Influence(_effects(x, mean_x, of_x, mean_x - mean_y, to_y), _effects(y, mean_y, of_y, mean_y - mean_x, to_x))


def frechet_influence_from_stats(mean_r: Any, cov_r: Any, candidate: Any, *, ddof: int = 0) -> Influence:
    """As `frechet_influence`, of a reference that is given by mean (d,) and covariance (d, d) and counts as exact."""
    y = as_matrix(candidate, "candidate", rows=2)
    mean = np.asarray(mean_r, dtype=np.float64)
    mean_y, root_y = _fit(y, None, ddof, "candidate")
    root = _root_of_cov(np.asarray(cov_r, dtype=np.float64), "cov_r")
    return Influence(None, _effects(y, mean_y, None, mean_y - mean, _half_maps(root, root_y)[0]))


def frechet_distance_from_stats(mean_r: Any, cov_r: Any, mean_c: Any, cov_c: Any) -> float:
    """Squared Fréchet distance of two Gaussians given by their means (d,) and covariances (d, d); lower is better.

    Eigenvalues that rounding made negative, or that are too small to be told from rounding, count as 0.
    Raises ValueError with the shapes seen and wanted, and for a covariance that is not symmetric or has eigenvalues
    that are negative beyond rounding.

    >>> round(frechet_distance_from_stats([0.25], [[2.0]], [-1.0], [[0.5]]), 12)  # 1.25**2 + (sqrt(2) - sqrt(0.5))**2
    2.0625
    """
    means = [np.array(mean, dtype=np.float64) for mean in (mean_r, mean_c)]
    covs = [np.array(cov, dtype=np.float64) for cov in (cov_r, cov_c)]
    shapes = [a.shape for a in (*means, *covs)]
    d = means[0].size
    if shapes != [(d,), (d,), (d, d), (d, d)] or d < 1:
        raise ValueError(f"expected means (d,), (d,) and covariances (d, d), (d, d), got {shapes}")
    if not all(np.isfinite(a).all() for a in (*means, *covs)):
        raise ValueError(f"expected finite means (d,) and covariances (d, d), got NaN or infinity in shapes {shapes}")
    return _distance(means[0] - means[1], _root_of_cov(covs[0], "cov_r"), _root_of_cov(covs[1], "cov_c"))


def fold_quarters(features: Any) -> np.ndarray:
    """The columns of (n, d) features folded as data-juicer's `div_feature_dim=4` does: (n, q), q = d / 4.

    The first three quarters are added up, and the first column of the fourth to every column of the sum: an upstream
    slip, kept so that its numbers can be met. Sums keep the features' precision, as upstream's do.
    Raises ValueError with the shape seen where d is no multiple of 4.

    >>> fold_quarters([[1.0, 2.0, 10.0, 20.0, 100.0, 200.0, 5.0, 7.0]]).tolist()
    [[116.0, 227.0]]
    """
    x = as_matrix(features, "features")
    if x.shape[1] % 4:
        raise ValueError(f"features: expected shape (n, d) with d a multiple of 4 to fold, got {x.shape}")
    if x.dtype.kind != "f":
        x = float64(x)
    q = x.shape[1] // 4
    folded: np.ndarray = x[:, :q] + x[:, q : 2 * q] + x[:, 2 * q : 3 * q] + x[:, 3 * q : 3 * q + 1]
    return folded


def fold_gaussian(mean: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (q,) and covariance (q, q) of features that are folded, from mean (d,) and covariance (d, d) of the others.

    Raises ValueError with the shape seen where d is no multiple of 4.
    """
    return fold_quarters(mean[None])[0], fold_quarters(fold_quarters(cov).T).T


def _fit(x: np.ndarray, weights: Any, ddof: int, name: str, *, exact: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) of x and a root (p, d) of its covariance."""
    w = None if weights is None else as_weights(weights, len(x), f"weights of the {name}")
    if not exact and len(x) > x.shape[1]:
        stats = stats_from_features(x, weights=weights)
        with suppress(np.linalg.LinAlgError):  # singular: below is the way that bears it
            factor = np.linalg.cholesky(stats.cov if w is not None else stats.cov * (len(x) / (len(x) - ddof)))
            return stats.mean, np.ascontiguousarray(factor.T)
    mean = mean_of_rows(x, w)
    return mean, _root(x, mean, ddof, w)


def _distance(shift: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Of the mean difference (d,) and the roots a (p, d) and b (q, d) of the covariances a'a and b'b."""
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum() if len(a) and len(b) else 0.0
    distance = shift @ shift + np.vdot(a, a) + np.vdot(b, b) - 2 * overlap
    return max(float(distance), 0.0)  # a square: what is below 0 is rounding


def _half_maps(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(d, p) each, whose products with their transposes are the optimal maps between the Gaussians of a'a and b'b.

    The first leads from b'b to a'a: a' (a b'b a')^(-1/2) a, on the span of b; the eigenvalues of the middle are the
    squared singular values of a b'. The second leads back.
    """
    left, values, right = np.linalg.svd(a @ b.T, full_matrices=False)
    kept = values > len(values) * np.finfo(float).eps * values[:1].sum()
    roots = np.sqrt(values[kept])
    return (a.T @ left[:, kept]) / roots, (b.T @ right[kept].T) / roots


def _effects(x: np.ndarray, mean: np.ndarray, weights: Any, shift: np.ndarray, half: np.ndarray) -> np.ndarray:
    """(n,) effects of rows x (n, d), less their mean, times each row's share of the weights."""
    found = np.empty(len(x))
    for rows in row_blocks(len(x)):
        centred = float64(x[rows])
        centred -= mean
        moved = centred @ half
        found[rows] = 2 * (centred @ shift) + (centred * centred).sum(axis=1) - (moved * moved).sum(axis=1)
    share = np.full(len(x), 1 / len(x)) if weights is None else np.asarray(weights) / np.sum(weights)
    effects: np.ndarray = share * (found - share @ found)
    return effects


def _root(x: np.ndarray, mean: np.ndarray, ddof: int, weights: np.ndarray | None) -> np.ndarray:
    """(p, d) with p <= d rows whose Gram matrix is the covariance of x. That is never formed, so no digit is lost.

    More than d centred rows are folded into d by a QR step, block by block, so that memory is bounded by d.
    """
    n, d = x.shape
    root = np.empty((0, d))
    for rows in row_blocks(n, max(2 * d, 1024)):  # long blocks: each step factors the d rows so far again
        centred = float64(x[rows])
        centred -= mean
        if weights is not None:
            centred *= np.sqrt(weights[rows, None])
        root = np.concatenate([root, centred])
        if len(root) > d:
            root = np.asarray(np.linalg.qr(root, mode="r"))
    scaled: np.ndarray = root / np.sqrt(n - ddof if weights is None else weights.sum())
    return scaled


def _root_of_cov(cov: np.ndarray, name: str) -> np.ndarray:
    """(p, d) with p <= d rows whose Gram matrix is the covariance."""
    slack = NOT_ROUNDING * np.abs(cov).max()
    if np.abs(cov - cov.T).max() > slack:
        raise ValueError(f"{name}: expected a symmetric (d, d) covariance, got shape {cov.shape}, not symmetric")
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    if values[0] < -slack:
        raise ValueError(f"{name}: expected no negative eigenvalue, got shape {cov.shape} with {values[0]:.3g}")
    # a zero eigenvalue comes out as eps-sized noise, whose root (1e-8) would be summed over all such directions
    kept = values > len(cov) * np.finfo(float).eps * values[-1]
    root: np.ndarray = (vectors[:, kept] * np.sqrt(values[kept])).T
    return root
