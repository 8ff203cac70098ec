from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import (
    KernelDistance,
    _arrays,
    gaussian_mmd,
    kernel_distance,
    kernel_distance_exact,
    polynomial_mmd,
)


def sample(n: int, d: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, d))


def by_hand(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    within_x = (kernel(x, x).sum() - np.trace(kernel(x, x))) / (n * (n - 1))
    within_y = (kernel(y, y).sum() - np.trace(kernel(y, y))) / (m * (m - 1))
    return float(within_x + within_y - 2 * kernel(x, y).mean())


@pytest.mark.parametrize("size", [4, 25])  # subsets of few rows: each by itself; of many: all kernel values once
def test_the_candidate_is_drawn_first(size: int) -> None:
    real, fake = sample(40, 3), sample(30, 3, seed=1, shift=0.3)
    rng, values = np.random.RandomState(5), []
    for _ in range(6):
        of_fake = rng.permutation(30)[:size]
        values.append(by_hand(real[rng.permutation(40)[:size]], fake[of_fake]))
    found = kernel_distance(real, fake, subsets=6, subset_size=size, seed=5)
    assert found == pytest.approx((np.mean(values), np.std(values)), rel=1e-10)


def test_subsets_are_never_larger_than_the_smaller_set() -> None:
    x, y = sample(12, 2), sample(7, 2, seed=1)
    assert kernel_distance(x, y, subsets=4) == kernel_distance(x, y, subsets=4, subset_size=7)


def test_a_subset_that_is_the_whole_set_is_the_exact_value() -> None:
    x, y = sample(50, 6), sample(50, 6, seed=1, shift=1)
    found = kernel_distance(x, y, subsets=3)
    assert found.mean == pytest.approx(kernel_distance_exact(x, y), rel=1e-12)
    assert found.std == pytest.approx(0, abs=1e-12)


def test_subsets_scatter_around_the_exact_value() -> None:
    x, y = sample(300, 4), sample(200, 4, seed=1, shift=0.5)
    found = kernel_distance(x, y, subsets=400, subset_size=50)
    assert found.mean == pytest.approx(kernel_distance_exact(x, y), abs=5 * found.std / 20)


def test_equal_laws_are_unbiased() -> None:
    values = [kernel_distance_exact(sample(30, 3, seed=2 * i), sample(20, 3, seed=2 * i + 1)) for i in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert min(values) < 0


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**16), st.integers(2, 30), st.integers(2, 30), st.integers(1, 8))
def test_laws_of_the_exact_form(seed: int, n: int, m: int, d: int) -> None:
    x, y = sample(n, d, seed), sample(m, d, seed + 1, shift=0.5)
    exact = kernel_distance_exact(x, y)
    order = np.random.default_rng(seed)
    assert exact == pytest.approx(by_hand(x, y), rel=1e-9, abs=1e-11)
    assert kernel_distance_exact(y, x) == pytest.approx(exact, rel=1e-9, abs=1e-11)
    x, y = order.permutation(x), order.permutation(y)
    assert kernel_distance_exact(x, y) == pytest.approx(exact, rel=1e-9, abs=1e-11)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        assert kernel_distance_exact(x, y) == pytest.approx(exact, rel=1e-9, abs=1e-11)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generator_alone() -> None:
    x, y = sample(30, 3), sample(30, 3, seed=1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    first = kernel_distance(x, y, subset_size=10, seed=3)
    assert isinstance(first, KernelDistance)
    assert first == kernel_distance(x, y, subset_size=10, seed=3)
    assert first != kernel_distance(x, y, subset_size=10, seed=4)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


def test_bad_arguments_are_refused() -> None:
    x = sample(5, 3)
    with pytest.raises(ValueError, match="subset_size: expected a whole number >= 2, got 1"):
        kernel_distance(x, x, subset_size=1)
    with pytest.raises(ValueError, match="subsets: expected a whole number >= 1, got 0"):
        kernel_distance(x, x, subsets=0)
    for function in (kernel_distance, kernel_distance_exact):
        with pytest.raises(ValueError, match=r"candidate: .* n >= 2 .* got \(1, 3\)"):
            function(x, x[:1])


def of_all_pairs(x: np.ndarray, y: np.ndarray, kernel: Callable, biased: bool) -> float:
    n, m = len(x), len(y)
    of_x, of_y, across = (np.array([[kernel(a, b) for b in q] for a in p]) for p, q in ((x, x), (y, y), (x, y)))
    if biased:
        return float(of_x.mean() + of_y.mean() - 2 * across.mean())
    within = (of_x.sum() - np.trace(of_x)) / (n * (n - 1)) + (of_y.sum() - np.trace(of_y)) / (m * (m - 1))
    return float(within - 2 * across.mean())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**16), st.integers(2, 9), st.integers(2, 9), st.integers(1, 5), st.booleans(), st.booleans())
def test_every_kernel_by_hand(seed: int, n: int, m: int, d: int, biased: bool, normalize: bool) -> None:
    x, y = sample(n, d, seed), sample(m, d, seed + 1, shift=0.5)
    near = {"rel": 1e-9, "abs": 1e-11}
    for degree, gamma, coef0 in ((1, None, 0.0), (2, None, 0.0), (2, 0.3, 1.5), (5, 0.1, 2.0)):
        factor = 1 / d if gamma is None else gamma
        expected = of_all_pairs(x, y, lambda a, b: (factor * a @ b + coef0) ** degree, biased)  # noqa: B023
        found = polynomial_mmd(x, y, degree=degree, gamma=gamma, coef0=coef0, biased=biased)
        assert found == pytest.approx(expected, **near)
    units = [a / np.linalg.norm(a, axis=1, keepdims=True) if normalize else a for a in (x, y)]
    for sigma in (0.5, 10.0):
        expected = of_all_pairs(*units, lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * sigma**2)), biased)  # noqa: B023
        found = gaussian_mmd(x, y, sigma=sigma, normalize=normalize, biased=biased)
        assert found == pytest.approx(expected, **near)
        order = np.random.default_rng(seed)
        again = gaussian_mmd(
            order.permutation(y), order.permutation(x), sigma=sigma, normalize=normalize, biased=biased
        )
        assert again == pytest.approx(found, **near)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_arrays, "BLOCK_ROWS", 3)
            again = gaussian_mmd(x, y, sigma=sigma, normalize=normalize, biased=biased)
        assert again == pytest.approx(found, **near)


def test_two_points_have_a_closed_form() -> None:
    """Of unit rows at an angle: |x - y|² is 2 - 2 cos. With sigma 10 and times 1000, CMMD."""
    for angle in (0.0, 1e-6, 0.5, np.pi):
        y = [[3 * np.cos(angle), 3 * np.sin(angle)]]
        expected = -2 * np.expm1(-((2 * np.sin(angle / 2)) ** 2) / 200)
        assert gaussian_mmd([[7.0, 0.0]], y) == pytest.approx(expected, rel=1e-3 if angle == 1e-6 else 1e-12, abs=1e-18)
    assert gaussian_mmd([[0.0]], [[20.0]], normalize=False) == pytest.approx(2 - 2 * np.exp(-2), rel=1e-12)


def test_the_example_of_the_jedi_package() -> None:
    x, y = np.arange(1, 10).reshape(3, 3), [[7, 6, 5], [4, 3, 2], [1, 1, 8], [0, 2, 5]]
    assert polynomial_mmd(x, y, degree=2, coef0=0, biased=True) == pytest.approx(270.7, abs=0.05)


def test_gaussian_kernels_keep_their_digits_far_from_zero() -> None:
    x, y = sample(40, 5), sample(40, 5, seed=1, shift=0.2)
    near_zero = gaussian_mmd(x, y, normalize=False)
    assert gaussian_mmd(x + 1024, y + 1024, normalize=False) == pytest.approx(near_zero, rel=1e-8)
    assert gaussian_mmd(x, x.copy()) == pytest.approx(0, abs=1e-18)
    assert gaussian_mmd(5 * x, 0.1 * y) == pytest.approx(gaussian_mmd(x, y), rel=1e-9)


def test_short_sets_are_refused_where_asked() -> None:
    x, y = sample(12, 2), sample(7, 2, seed=1)
    assert kernel_distance(x, y, subset_size=7, short="refuse") == kernel_distance(x, y, subset_size=7)
    with pytest.raises(ValueError, match=r"n and m >= subset_size 8, got \(12, 2\) and \(7, 2\)"):
        kernel_distance(x, y, subset_size=8, short="refuse")


def test_bad_kernels_are_refused() -> None:
    x = sample(5, 3)
    with pytest.raises(ValueError, match="degree: expected a whole number >= 1, got 0"):
        polynomial_mmd(x, x, degree=0)
    with pytest.raises(ValueError, match=r"sigma: expected a finite number > 0, got 0\.0"):
        gaussian_mmd(x, x, sigma=0.0)
    with pytest.raises(ValueError, match=r"candidate: .* n >= 2 .* got \(1, 3\)"):
        gaussian_mmd(x, x[:1], biased=False)
    with pytest.raises(ValueError, match=r"candidate: expected rows of a length > 0, .* row 4 is zero"):
        gaussian_mmd(x, np.concatenate([x[:4], np.zeros((1, 3))]))
