"""What every metric does with its input: NumPy, torch, lists; never changed; refused with the shapes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from vidgauge.metrics import (
    authenticity,
    density_coverage,
    frechet_distance,
    gaussian_mmd,
    inception_score,
    kernel_distance,
    kernel_distance_exact,
    polynomial_mmd,
    precision_recall,
    sliced_wasserstein,
    stats_from_features,
    vendi_score,
)
from vidgauge.metrics._arrays import as_matrix, row_blocks

PAIRED = [
    frechet_distance,
    kernel_distance,
    kernel_distance_exact,
    polynomial_mmd,
    gaussian_mmd,
    sliced_wasserstein,
    precision_recall,
    density_coverage,
    authenticity,
]
devices = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def sample(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(20, 3)).astype(np.float32)


@pytest.mark.parametrize("function", PAIRED)
@pytest.mark.parametrize("device", devices)
def test_tensors_and_lists_give_what_arrays_give(function: Callable, device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, y = sample(), sample(1)
    expected = function(x, y)
    tensor = torch.tensor(y, device=device, requires_grad=True)
    assert function(torch.tensor(x, device=device), tensor) == expected
    assert function(x.tolist(), y.astype(np.float64)) == expected
    assert function(np.asfortranarray(x), y[::-1].copy()[::-1]) == expected


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int32])
def test_tensor_types(dtype: torch.dtype) -> None:
    tensor = torch.tensor([[1.5, -2.0], [3.0, 1e2]]).to(dtype)
    assert as_matrix(tensor, "x").tolist() == tensor.tolist()


@pytest.mark.parametrize("function", PAIRED)
def test_input_stays_as_it_is(function: Callable) -> None:
    x, y = sample().astype(np.float64), sample(1).astype(np.float64)
    before = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    first = function(x, y)
    assert first == function(x, y)
    assert (x == before[0]).all()
    assert (y == before[1]).all()


def test_single_arrays_stay_as_they_are() -> None:
    p = np.full((20, 4), 0.25)
    p.flags.writeable = False
    inception_score(p)
    stats_from_features(p)
    vendi_score(p)


@pytest.mark.parametrize("function", PAIRED)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(20), r"candidate: expected shape \(n, d\) with n >= \d and d >= 1, got \(20,\)"),
        (np.zeros((20, 3, 1)), r"got \(20, 3, 1\)"),
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        (np.zeros((20, 0)), r"got \(20, 0\)"),
        (np.zeros((20, 4)), r"reference \(n, d\) and candidate \(m, d\) of one width d, got \(20, 3\) and \(20, 4\)"),
        (np.zeros((20, 3), dtype=complex), r"expected real numbers of shape \(n, d\), got complex128"),
        (np.where(np.arange(60).reshape(20, 3) == 40, np.nan, 0), r"\(20, 3\) with NaN .* in 1 row, .* row 13"),
        (np.full((20, 3), np.inf), "NaN or infinity in 20 rows, the first of them row 0"),
    ],
)
def test_bad_input_is_refused(function: Callable, bad: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(sample(), bad)


def test_blocks_cover_every_row_once() -> None:
    for n, size in ((0, 3), (1, 3), (9, 3), (10, 3)):
        covered = np.concatenate([np.empty(0, int), *(np.arange(n)[rows] for rows in row_blocks(n, size))])
        assert covered.tolist() == list(range(n))


def test_metrics_never_import_torch() -> None:
    code = (
        "import sys, numpy as np, vidgauge.metrics as m\n"
        "x = np.eye(20); m.frechet_distance(x, x); m.kernel_distance(x, x); m.precision_recall(x, x)\n"
        "m.inception_score(x); m.density_coverage(x, x); m.authenticity(x, x); m.vendi_score(x)\n"
        "m.sliced_wasserstein(x, x); m.gaussian_mmd(x, x); m.pair_distance(x, x, videos=[range(20)] * 2)\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
