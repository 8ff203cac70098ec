from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vidgauge.metrics import _arrays, _neighbours
from vidgauge.metrics.leave_out import leave_out_by_removal
from vidgauge.metrics.manifold_leave_out import authenticity_without, coverage_without, precision_recall_without
from vidgauge.metrics.registry import defaults, reduction, reductions
from vidgauge.specs import Reduced

MANIFOLD = [
    ("precision_recall", {}),
    ("precision_recall", {"radius": "float16"}),
    ("density_coverage", {}),
    ("authenticity", {}),
]


def left_out(name: str, x: Any, y: Any, groups: tuple[Any, Any], **options: Any) -> tuple[np.ndarray, np.ndarray]:
    leave_out = reduction(name).leave_out
    assert leave_out is not None
    found = leave_out(x, y, groups=groups, seed=0, **options)
    assert found[0] is not None
    return found[0], found[1]


def by_removal(name: str, x: Any, y: Any, groups: tuple[Any, Any], **options: Any) -> tuple[np.ndarray, np.ndarray]:
    found = leave_out_by_removal(reduction(name).reduce, x, y, groups=groups, seed=0, **options)
    assert found[0] is not None
    return found[0], found[1]


def assert_equal(found: tuple[np.ndarray, np.ndarray], expected: tuple[np.ndarray, np.ndarray]) -> None:
    for of_side, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(of_side, wanted, rtol=0, atol=1e-12)


def rows_of(kind: str, n: int, m: int, d: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if kind == "ties":  # small integers far from 0
        return (2 * x).round() + 1000, (2 * y).round() + 1000
    if kind == "copies":  # of the reference: they lie on the edges of its balls
        return x, x[rng.integers(0, n, m)]
    if kind == "stills":  # videos whose frames are all the same
        return x[np.arange(n) // 4], np.concatenate([x[: m // 4], y])[np.arange(m) // 4]
    if kind == "clusters":  # videos whose frames are much alike
        centres = rng.normal(size=(n + m, d))
        return centres[np.arange(n) // 6] + 0.1 * x, centres[np.arange(m) // 6] + 0.1 * y
    if kind == "collapsed":
        return x, np.repeat(x[:1], m, axis=0)
    return x, y


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["random", "ties", "copies", "stills", "clusters", "collapsed"]),
    st.sampled_from(["random", "runs", "gaps"]),
    st.integers(0, 2**16),
    st.integers(6, 40),
    st.integers(6, 40),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(2, 8),
)
def test_every_decision_is_that_of_the_rows_that_are_left(
    kind: str, order: str, seed: int, n: int, m: int, d: int, k: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rows_of(kind, n, m, d, rng)
    groups = rng.integers(0, count, n), rng.integers(0, count, m)
    if order == "runs":  # neighbours in the same group, as the frames of a video are
        groups = np.sort(groups[0]), np.sort(groups[1])
    elif order == "gaps":
        groups = groups[0] // 2 * 2, groups[1] // 2 * 2 + 1
    assume(all(len(group) - np.bincount(group).max() > k for group in groups))
    for name, options in MANIFOLD:
        used = options if name == "authenticity" else {**options, "k": k}
        expected = by_removal(name, x, y, groups, **used)
        assert_equal(left_out(name, x, y, groups, **used), expected)
        with pytest.MonkeyPatch.context() as patch:  # tiny blocks
            patch.setattr(_arrays, "BLOCK_ROWS", 5)
            patch.setattr(_neighbours, "TILE_VALUES", 64)
            assert_equal(left_out(name, x, y, groups, **used), expected)


@pytest.mark.parametrize(("name", "options"), MANIFOLD)
@pytest.mark.parametrize("kind", ["random", "clusters"])
def test_many_groups_of_wide_rows(name: str, options: dict[str, Any], kind: str) -> None:
    rng = np.random.default_rng(0)
    x, y = (side.astype(np.float32) for side in rows_of(kind, 96, 84, 40, rng))
    groups = np.arange(96) // 6 % 16, np.arange(84) // 6 % 13
    assert_equal(left_out(name, x, y, groups, **options), by_removal(name, x, y, groups, **options))
    of_reference, of_candidate = left_out(name, x, y, groups, **options)
    whole = reduction(name).reduce(x, y, seed=0, **options).value
    assert (of_candidate[13:] == whole).all()  # of which the candidate has no rows
    assert of_reference.std() > 0
    assert of_candidate.std() > 0


def test_balls_that_grow_and_rows_that_leave() -> None:
    x, y, alone = [[0.0], [1.0], [3.0]], [[1.8], [-2.0]], ([0, 1, 2], [0, 1])
    # The balls of 0, 1 and 3 reach 1, 1 and 2: those of 1 and 3 hold 1.8. Without 0 that of 1 grows to 2; without 1
    # both others grow to 3, that of 0 holds -2 and 1.8; without 3 only that of 1 holds one.
    coverage = coverage_without(x, y, groups=alone, k=1)
    assert coverage.reference.tolist() == [1, 1, 0.5]
    assert coverage.candidate.tolist() == [0, 2 / 3, 2 / 3]  # of group 2 it has none
    precision, recall = precision_recall_without(x, [*y, [9.0]], groups=([0, 1, 2], [0, 1, 2]), k=1)
    assert precision.reference.tolist() == [1 / 3, 2 / 3, 1 / 3]
    assert precision.candidate.tolist() == [0, 1 / 2, 1 / 2]
    assert recall.reference.tolist() == [1, 1, 1]
    # 1.8 is nearest to 1, and nearer than 0 is to 1: a copy. Without 1 it is a copy of 3, whose neighbour is then 0.
    assert authenticity_without(x, y, groups=alone).reference.tolist() == [50, 0, 50]
    assert authenticity_without(x, y, groups=alone).candidate.tolist() == [100, 0, 50]


@pytest.mark.parametrize("function", [precision_recall_without, coverage_without, authenticity_without])
def test_groups_that_leave_too_little_are_refused(function: Any) -> None:
    x = np.arange(12.0)[:, None]
    with pytest.raises(
        ValueError, match=r"reference: .* without each group of rows, got \(12, 1\), of which group 1 lea"
    ):
        function(x, x, groups=([1] * 12, [0, 1] * 6))
    with pytest.raises(
        ValueError, match=r"candidate: .* without each group of rows, got \(12, 1\), of which group 0 lea"
    ):
        function(x, x, groups=([0, 1] * 6, [0] * 12))
    for bad in ([0] * 11, [[0]] * 12, [0.0] * 12, [-1] * 12):
        with pytest.raises(
            ValueError, match="groups: expected a whole number >= 0 for each of the 12 rows of the cand"
        ):
            function(x, x, groups=([0, 1] * 6, bad))
    with pytest.raises(ValueError, match=r"groups: .* rows of the reference"):
        function(x, x, groups=(None, [0, 1] * 6))


@pytest.mark.parametrize("name", [name for name, spec in reductions().items() if spec.leave_out])
def test_contract(name: str) -> None:
    spec = reduction(name)
    assert spec.leave_out
    given = {key: value for key, value in defaults(spec.leave_out).items() if key != "groups"}
    assert given == spec.options
    x, y = np.random.default_rng(0).normal(size=(2, 40, 3)).astype(np.float32)
    groups = np.arange(40) % 4, np.arange(40) % 5
    expected = leave_out_by_removal(spec.reduce, x, y, groups=groups, seed=3, **spec.options)
    found = spec.leave_out(x, y, groups=groups, seed=3, **spec.options)
    for side, wanted in zip(found, expected, strict=True):
        assert side is not None
        assert side.shape == (5,)
        assert side.dtype == np.float64
        np.testing.assert_allclose(side, wanted, rtol=0, atol=1e-12)


def total(
    reference: np.ndarray | None,
    candidate: np.ndarray,
    *,
    seed: int,
    videos: tuple[Sequence[str] | None, Sequence[str]] | None = None,
    times: float = 1.0,
) -> Reduced:
    if videos is not None:  # each row says what its video's key must be
        assert reference is None or [f"{row[0]:.0f}" for row in reference] == videos[0]
        assert [f"{row[0]:.0f}" for row in candidate] == videos[1]
    sums = 0 if reference is None else 1000 * reference.sum()
    return Reduced(float(seed + times * (sums + candidate.sum())))


def test_removal_leaves_out_the_rows_and_videos_of_one_side() -> None:
    x, y, groups = [[1], [2], [4]], [[1], [10], [100], [1000]], ([0, 0, 2], [1, 2, 2, 1])
    for keys in (None, (["1", "2", "4"], ["1", "10", "100", "1000"])):
        found = leave_out_by_removal(total, x, y, groups=groups, seed=5, videos=keys, times=2.0)
        assert found[0] is not None
        assert found[0].tolist() == [5 + 2 * (1111 + 1000 * left) for left in (4, 7, 3)]
        assert found[1].tolist() == [5 + 2 * (7000 + left) for left in (1111, 110, 1001)]


def test_removal_without_a_reference() -> None:
    found = leave_out_by_removal(total, None, [[1], [2]], groups=(None, [1, 0]), seed=0, videos=(None, ["1", "2"]))
    assert found[0] is None
    assert found[1].tolist() == [1, 2]
    with pytest.raises(ValueError, match="rows of the reference"):
        leave_out_by_removal(total, None, [[1], [2]], groups=([0], [1, 0]), seed=0)


def test_removal_computes_a_whole_set_at_most_once() -> None:
    calls = []

    def counted(reference: Any, candidate: Any, *, seed: int) -> Reduced:
        calls.append((len(reference), len(candidate)))
        return total(reference, candidate, seed=seed)

    leave_out_by_removal(counted, [[1], [2]], [[1], [2], [3]], groups=([0, 4], [1, 2, 2]), seed=0)
    assert sorted(calls) == [(1, 3), (1, 3), (2, 1), (2, 2), (2, 3)]
