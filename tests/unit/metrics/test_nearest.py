"""Nearest rows, by all differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.metrics.nearest import nearest_others, nearest_rows


@given(seed=st.integers(0, 1000), levels=st.integers(1, 4))
def test_neighbours_are_those_of_all_differences(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = (rng.integers(0, levels, (n, 3)).astype(float) for n in (17, 23))  # full of ties and of equal rows
    square = ((y[:, None] - x[None]) ** 2).sum(axis=2)
    rows, distance = nearest_rows(y, x)
    assert rows.tolist() == square.argmin(axis=1).tolist()
    assert distance.tolist() == np.sqrt(square.min(axis=1)).tolist()
    own = ((x[:, None] - x[None]) ** 2).sum(axis=2) + np.diag(np.full(17, np.inf))
    rows, distance = nearest_others(x)
    assert rows.tolist() == own.argmin(axis=1).tolist()
    assert distance.tolist() == np.sqrt(own.min(axis=1)).tolist()


def test_neighbours_refuse_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(0, 2\)"):
        nearest_rows(np.zeros((3, 2)), np.zeros((0, 2)))
    with pytest.raises(ValueError, match=r"n >= 2, d\), got \(1, 2\)"):
        nearest_others(np.zeros((1, 2)))
