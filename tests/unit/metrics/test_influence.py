from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, _mmd, inception_score, sliced_wasserstein, vendi_score
from vidgauge.metrics.diversity import vendi_influence
from vidgauge.metrics.inception import inception_influence, probabilities_from_logits
from vidgauge.metrics.kernel import gaussian_mmd_influence, polynomial_mmd_influence
from vidgauge.metrics.leave_out import leave_out_by_removal
from vidgauge.metrics.registry import defaults, reduction, reductions
from vidgauge.metrics.sliced import sliced_wasserstein_influence
from vidgauge.specs import Influence

WITH = [name for name, spec in reductions().items() if spec.influence and not spec.paired]
PAIRED = [name for name, spec in reductions().items() if spec.influence and spec.paired]
LIKE = {"inception_score": {"splits": 1}}  # so that the order of rows does not matter
STEP = 1e-5


def sample(n: int, d: int, seed: int = 0, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


def influence_of(name: str, *sides: Any, seed: int = 0, **options: Any) -> Influence:
    influence = reduction(name).influence
    assert influence is not None
    return influence(*sides, seed=seed, **{**reduction(name).options, **options})


def sides_of(name: str, n: int, m: int, d: int = 4) -> tuple[np.ndarray | None, np.ndarray, dict[str, Any]]:
    """Two sets whose rows come in videos of three frames, without the first if the reduction has no reference."""
    reference = sample(n, d) if reduction(name).needs_reference else None
    videos = [row // 3 for row in range(n)] if reference is not None else None, [row // 3 for row in range(m)]
    given = {"videos": videos} if reduction(name).by_video else {}
    return reference, sample(m, d, seed=1, shift=0.5, scale=1.4), given


def derivatives(value: Callable[[np.ndarray], float], n: int) -> np.ndarray:
    """(n,) of a function of weights, at equal weights."""
    steps = STEP * np.eye(n)
    return np.array([(value(1 + step) - value(1 - step)) / (2 * STEP) for step in steps])


@pytest.mark.parametrize("name", [*WITH, *PAIRED])
def test_contract(name: str) -> None:
    spec = reduction(name)
    reference, candidate, given = sides_of(name, 30, 30)
    if name == "pair_distance":
        given = {"videos": (range(30), range(30))}
    before = candidate.copy()
    found = influence_of(name, reference, candidate, **given)
    assert (candidate == before).all()
    assert spec.influence
    assert defaults(spec.influence) == spec.options
    assert (found.reference is None) == (not spec.needs_reference)
    for effects in (found.reference, found.candidate):
        if effects is not None:
            assert (effects.shape, effects.dtype) == ((30,), np.float64)
            assert effects.sum() == pytest.approx(0, abs=1e-12 * (1 + np.abs(effects).sum()))


@pytest.mark.parametrize("name", [name for name in WITH if name != "kernel"])  # whose draws would change
def test_effects_of_videos_are_what_leaving_them_out_changes(name: str) -> None:
    """To first order, and scaled as the value is: of 60 videos, the second order is a few hundredths."""
    reference, candidate, given = sides_of(name, 240, 180)
    options = {**given, **LIKE.get(name, {})}
    found = influence_of(name, reference, candidate, **options)
    groups = None if reference is None else np.arange(240) // 3, np.arange(180) // 3
    value = reduction(name).reduce(reference, candidate, seed=0, **options).value
    without = leave_out_by_removal(reduction(name).reduce, reference, candidate, groups=groups, seed=0, **options)
    for effects, left, of_rows in zip((found.reference, found.candidate), without, groups, strict=True):
        if effects is not None:
            expected = np.bincount(of_rows, effects)
            changes = (value - left)[: len(expected)] * (1 - 1 / len(expected))
            changes -= changes.mean()  # bias, of second order
            assert np.abs(changes - expected).max() < 0.1 * np.abs(expected).max() > 0


@pytest.mark.parametrize("name", WITH)
def test_effects_follow_their_rows(name: str) -> None:
    reference, candidate, given = sides_of(name, 30, 24)
    order = np.random.default_rng(0)
    of_x, of_y = order.permutation(30), order.permutation(24)
    options = LIKE.get(name, {})
    found = influence_of(name, reference, candidate, **options, **given)
    if given:
        keys = given["videos"]
        given = {"videos": (keys[0] and [keys[0][row] for row in of_x], [keys[1][row] for row in of_y])}
    moved = influence_of(name, None if reference is None else reference[of_x], candidate[of_y], **options, **given)
    np.testing.assert_allclose(moved.candidate, found.candidate[of_y], rtol=1e-9, atol=1e-12)
    if reference is not None:
        assert found.reference is not None
        np.testing.assert_allclose(moved.reference, found.reference[of_x], rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**16), st.integers(2, 9), st.integers(2, 9), st.booleans(), st.booleans())
def test_mmd_against_derivatives_by_weights(seed: int, n: int, m: int, biased: bool, cubic: bool) -> None:
    x, y = sample(n, 3, seed), sample(m, 3, seed + 1, shift=0.5)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if cubic:
            return (a @ b.T / 3 + 1) ** 3
        return np.exp(-((a[:, None] - b) ** 2).sum(axis=2) / 2)

    def within(a: np.ndarray, w: np.ndarray) -> float:
        own = 0 if biased else w**2
        return (w @ kernel(a, a) @ w - (own * np.diag(kernel(a, a))).sum()) / (w.sum() ** 2 - np.sum(own))

    def mmd2(v: np.ndarray, w: np.ndarray) -> float:
        return within(x, v) + within(y, w) - 2 * v @ kernel(x, y) @ w / (v.sum() * w.sum())

    expected = derivatives(lambda v: mmd2(v, np.ones(m)), n), derivatives(lambda w: mmd2(np.ones(n), w), m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 4)
        if cubic:
            found = polynomial_mmd_influence(x, y, biased=biased)
        else:
            found = gaussian_mmd_influence(x, y, sigma=1.0, normalize=False, biased=biased)
    np.testing.assert_allclose(found.reference, expected[0], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(found.candidate, expected[1], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("shape", [(12, 4), (6, 9), (5, 5)])
@pytest.mark.parametrize("order", [1.0, 0.3, 2.0, 700.0])
def test_vendi_against_derivatives_by_weights(shape: tuple[int, int], order: float) -> None:
    x = sample(*shape)
    x[-1] = 2 * x[-2]  # one direction less than rows, or a tie
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)

    def score(w: np.ndarray) -> float:
        p = np.linalg.svd(unit * np.sqrt(w / w.sum())[:, None], compute_uv=False) ** 2
        p = p[p > 1e-12]
        if order == 1:
            return float(np.exp(-(p * np.log(p)).sum()))
        return float(np.exp((order * np.log(p.max()) + np.log(((p / p.max()) ** order).sum())) / (1 - order)))

    assert score(np.ones(len(x))) == pytest.approx(vendi_score(x, order=order))
    found = vendi_influence(x, order=order)
    np.testing.assert_allclose(found.candidate, derivatives(score, len(x)), rtol=1e-5, atol=1e-8)
    assert found.reference is None


@pytest.mark.parametrize(("epsilon", "seed", "splits"), [(0.0, 42, 3), (0.05, 3, 2), (1e-10, None, 1)])
def test_inception_score_against_derivatives_by_weights(epsilon: float, seed: int | None, splits: int) -> None:
    p = probabilities_from_logits(2 * sample(20, 5))
    p[:, 4] = 0  # a class that no row has
    p[3, :2] = 0
    p[:7] *= 1 + 9e-4  # rows that sum to 1 but for rounding
    p /= p.sum(axis=1, keepdims=True) / np.where(np.arange(20) < 7, 1 + 9e-4, 1)[:, None]
    order = np.arange(20)
    if seed is not None:
        np.random.RandomState(seed).shuffle(order)

    def log(q: np.ndarray) -> np.ndarray:
        return np.log(np.where(q > 0, q + epsilon, 1))

    def score(w: np.ndarray) -> float:
        scores = []
        for rows in (order[i * 20 // splits : (i + 1) * 20 // splits] for i in range(splits)):
            v = w[rows] / w[rows].sum()
            q = v @ p[rows]
            scores.append(np.exp(v @ (p[rows] * log(p[rows])).sum(axis=1) - q @ log(q)))
        return float(np.mean(scores))

    options: dict[str, Any] = {"epsilon": epsilon, "shuffle_seed": seed, "splits": splits}
    assert score(np.ones(20)) == pytest.approx(inception_score(p, **options).mean)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_arrays, "BLOCK_ROWS", 3)
        found = inception_influence(p, **options)
    np.testing.assert_allclose(found.candidate, derivatives(score, 20), rtol=1e-5, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 2**16), st.sampled_from([(5, 7), (8, 3), (4, 6), (6, 6), (1, 4)]), st.sampled_from([1.0, 2.0, 3.0])
)
def test_sliced_wasserstein_against_derivatives_by_weights(seed: int, sizes: tuple[int, int], order: float) -> None:
    """Where a level is one of both sets, to either side of which derivatives differ, the mean of both."""
    x, y = sample(sizes[0], 2, seed), sample(sizes[1], 2, seed + 1, shift=0.5)
    directions = np.random.RandomState(seed).standard_normal((3, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)

    def cost(u: np.ndarray, of_u: np.ndarray, v: np.ndarray, of_v: np.ndarray) -> float:
        ends = [np.cumsum(w[at.argsort()]) / w.sum() for at, w in ((u, of_u), (v, of_v))]
        levels = np.sort(np.concatenate(ends))
        mass, middles = np.diff(levels, prepend=0), levels - np.diff(levels, prepend=0) / 2
        met = [
            np.sort(at)[np.searchsorted(end, middles).clip(max=len(at) - 1)]
            for at, end in zip((u, v), ends, strict=True)
        ]
        return float(mass @ np.abs(met[0] - met[1]) ** order)

    def sliced(of_x: np.ndarray, of_y: np.ndarray) -> float:
        return float(np.mean([cost(x @ line, of_x, y @ line, of_y) for line in directions]))

    n, m = np.ones(sizes[0]), np.ones(sizes[1])
    found = sliced_wasserstein_influence(x, y, projections=3, order=order, seed=seed)
    assert sliced_wasserstein(x, y, projections=3, order=order, seed=seed) == pytest.approx(sliced(n, m))
    np.testing.assert_allclose(found.reference, derivatives(lambda w: sliced(w, m), len(n)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.candidate, derivatives(lambda w: sliced(n, w), len(m)), rtol=1e-4, atol=1e-4)
    costs = [cost(x @ line, n, y @ line, m) for line in directions]
    assert found.variance == pytest.approx(np.var(costs) / 3)


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_have_their_effects_on_the_references_rows(name: str) -> None:
    frames = 1 if name == "pair_distance" else 3
    x, y = sample(6 * frames, 4), sample(4 * frames, 4, seed=1)
    of_x, of_y = np.arange(6).repeat(frames), np.array([5, 0, 2, 3]).repeat(frames)
    reduce = reduction(name).reduce
    mean = reduce(x, y, seed=0, videos=(of_x, of_y)).value
    found = influence_of(name, x, y, videos=(of_x, of_y))
    assert found.reference is not None
    for video in range(6):
        alone = video in of_y and reduce(x, y[of_y == video], seed=0, videos=(of_x, of_y[of_y == video])).value
        expected = (alone - mean) / 4 if video in of_y else 0
        assert found.reference[of_x == video].sum() == pytest.approx(expected)
        assert np.ptp(found.reference[of_x == video]) == 0
    assert found.candidate.shape == (4 * frames,)
    assert not found.candidate.any()


def test_videos_share_their_effect_among_their_rows() -> None:
    logits, videos = sample(10, 5), ["a"] * 2 + ["b"] * 5 + ["c"] * 3
    reduce = reduction("video_inception_score").reduce
    mean = reduce(None, logits, seed=0, videos=(None, videos)).value
    found = influence_of("video_inception_score", None, logits, videos=(None, videos)).candidate
    for key, rows in {"a": slice(2), "b": slice(2, 7), "c": slice(7, 10)}.items():
        alone = reduce(None, logits[rows], seed=0, videos=(None, [key] * len(logits[rows]))).value
        np.testing.assert_allclose(found[rows], (alone - mean) / 3 / len(logits[rows]))


def test_the_draws_of_subsets_add_their_variance() -> None:
    x, y = sample(40, 3), sample(50, 3, seed=1, shift=0.5)
    options = {"subsets": 7, "subset_size": 12, "subset_seed": 3, "scale": 10.0}
    found = influence_of("kernel", x, y, **options)
    std = reduction("kernel").reduce(x, y, seed=99, **options).values["subset_std"]
    assert found.variance == pytest.approx(std**2 / 7)
    exact = influence_of("kernel_exact", x, y, scale=10.0)
    assert exact.variance == 0
    np.testing.assert_array_equal(found.candidate, exact.candidate)
    with pytest.raises(ValueError, match="subset_size 1000"):
        influence_of("kernel", x, y, short="refuse")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cmmd", {"sigma": 1.0}),
        ("jedi", {}),
        ("kernel_exact", {}),
        ("kernel", {"subsets": 4, "subset_size": 30}),  # whose draws add to the variance
        ("inception_score", {"splits": 2}),
        ("mind", {"projections": 10}),  # likewise
        ("vendi", {}),
        ("vendi", {"order": 2.0}),
        ("video_inception_score", {}),
    ],
)
def test_variances_are_those_of_independent_sets(name: str, options: dict[str, Any]) -> None:
    """Of 60 videos with 3 frames each, which are alike; the standard deviation of 200 values is known within 5 %."""
    values, variances = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = (
            rng.normal(shift, scale, (60, 4)).repeat(3, axis=0) + rng.normal(0, 0.3, (180, 4))
            for shift, scale in ((0, 1), (0.7, [2, 1, 0.5, 0.5]))  # far from equal, and no set the same every way
        )
        keys = np.arange(180) // 3
        given = {"videos": (keys, keys)} if reduction(name).by_video else {}
        values.append(reduction(name).reduce(x, y, seed=seed, **options, **given).value)
        found = influence_of(name, x, y, seed=seed, **options, **given)
        effects = [side for side in (found.reference, found.candidate) if side is not None]
        variances.append(found.variance + sum((np.bincount(keys, side) ** 2).sum() for side in effects))
    assert 0.85 < np.sqrt(np.mean(variances)) / np.std(values) < 1.15


def test_effects_of_large_sets_are_taken_from_a_part_of_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(900, 6)), rng.normal(size=(700, 6)) + 0.7
    exact = polynomial_mmd_influence(x, y)
    monkeypatch.setattr(_mmd, "PARTNERS", 300)
    found = polynomial_mmd_influence(x, y)
    for one, other in ((found.reference, exact.reference), (found.candidate, exact.candidate)):
        assert one.shape == other.shape
        assert not np.array_equal(one, other)
        assert np.sqrt((one**2).sum()) == pytest.approx(np.sqrt((other**2).sum()), rel=0.1)
        assert np.corrcoef(one, other)[0, 1] > 0.97
