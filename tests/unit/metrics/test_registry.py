from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vidgauge.metrics
from vidgauge.errors import UsageError
from vidgauge.metrics.registry import _discover, check_options, defaults, reduction, reductions
from vidgauge.specs import Reduced, ReduceSpec


def sample(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(64, 4)).astype(np.float32)


@pytest.mark.parametrize("name", reductions())
def test_contract(name: str) -> None:
    spec = reduction(name)
    reference, candidate = (sample(0) if spec.needs_reference else None), sample(1)
    before = candidate.copy()
    found = spec.reduce(reference, candidate, seed=7, **spec.options)
    assert found == spec.reduce(reference, candidate, seed=7)  # repeatable, and the options are the defaults
    assert (candidate == before).all()
    assert type(found) is Reduced
    assert {type(value) for value in (found.value, *found.values.values())} == {float}
    assert np.isfinite([found.value, *found.values.values()]).all()
    assert check_options(spec, spec.options) == []
    assert (spec.name, spec.version >= 1, bool(spec.source)) == (name, True, True)


@pytest.mark.parametrize("name", [name for name, spec in reductions().items() if spec.needs_reference])
def test_better_is_what_the_nearer_candidate_is(name: str) -> None:
    spec = reduction(name)
    near, far = (spec.reduce(sample(0), sample(1) + shift, seed=0).value for shift in (0, 9))
    assert (near < far) == (spec.better == "lower")


def test_headlines_and_their_parts() -> None:
    x, y = sample(0), 1.5 * sample(1)
    recall = reduction("precision_recall").reduce(x, y, seed=0, k=4)
    precise = vidgauge.metrics.precision_recall(x, y, k=4)
    assert recall.values == {"precision": precise.precision, "recall": precise.recall}
    assert recall.value == pytest.approx(2 / (1 / precise.precision + 1 / precise.recall))
    assert reduction("precision_recall").reduce(x, x + 99, seed=0).value == 0
    coverage = reduction("density_coverage").reduce(x, y, seed=0)
    assert coverage.value == coverage.values["coverage"]
    kernel = reduction("kernel").reduce(x, y, seed=3, subset_size=20)
    assert kernel == Reduced(*_mean_and(vidgauge.metrics.kernel_distance(x, y, subset_size=20, seed=3)))
    from_logits = reduction("inception_score").reduce(None, x, seed=0)
    p = np.exp(x.astype(float))
    from_probabilities = reduction("inception_score").reduce(
        None, p / p.sum(axis=1, keepdims=True), seed=1, input="probabilities"
    )
    assert from_logits.value == pytest.approx(from_probabilities.value)
    assert from_logits.value == from_logits.values["mean"]


def _mean_and(found: Any) -> tuple[float, dict[str, float]]:
    return found.mean, {"subset_std": found.std}


@pytest.mark.parametrize(
    ("name", "options", "problems"),
    [
        ("kernel", {"subsets": 5, "subset_size": 2}, []),
        ("kernel", {"subset_size": 1}, ["subset_size: should be greater than or equal to 2, got 1"]),
        ("kernel", {"subsets": "many"}, ["subsets: should be a valid integer, got 'many'"]),
        ("kernel", {"subsets": True}, ["subsets: should be a valid integer, got True"]),
        ("kernel_exact", {"k": 3}, ["k: unknown option of kernel_exact; known are: none"]),
        ("frechet", {"dof": 1}, ["dof: unknown option of frechet; did you mean 'ddof'?"]),
        ("frechet", {"ddof": 2}, ["ddof: should be less than or equal to 1, got 2"]),
        ("inception_score", {"shuffle_seed": None, "input": "probabilities"}, []),
        ("inception_score", {"input": "softmax"}, ["input: should be 'logits' or 'probabilities', got 'softmax'"]),
        ("precision_recall", {"k": 0, "radius": 1}, [
            "k: should be greater than or equal to 1, got 0",
            "radius: unknown option of precision_recall; known are: k",
        ]),
    ],
)  # fmt: skip
def test_options_are_checked(name: str, options: dict[str, Any], problems: list[str]) -> None:
    assert check_options(reduction(name), options) == problems


def test_options_without_annotations_are_checked_by_their_defaults() -> None:
    def reduce(reference, candidate, *, seed, power=2.0):  # type: ignore[no-untyped-def]
        return Reduced(0.0)

    spec = ReduceSpec("mine", reduce, "lower", 1, "", options=defaults(reduce))
    assert check_options(spec, {"power": 3.5}) == []
    assert check_options(spec, {"power": "3"}) == ["power: should be a valid number, got '3'"]


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="unknown reduction 'kernal'; did you mean 'kernel'"):
        reduction("kernal")
    with pytest.raises(UsageError, match="unknown reduction 'x'; known are: density_coverage, frechet, "):
        reduction("x")


def test_a_new_module_is_found_and_a_broken_one_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "more_reductions"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "mine.py").write_text(
        "from vidgauge.specs import Reduced, ReduceSpec\n"
        "def reduce(reference, candidate, *, seed): return Reduced(1.0)\n"
        "METRIC = ReduceSpec('mine', reduce, 'lower', 1, 'here')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert list(_discover.__wrapped__("more_reductions")) == ["mine"]
    (package / "zz_broken.py").touch()
    with pytest.raises(TypeError, match=r"zz_broken must end with METRIC = ReduceSpec\(name='zz_broken'"):
        _discover.__wrapped__("more_reductions")


def test_the_registry_imports_nothing_heavy() -> None:
    code = (
        "import sys, vidgauge.metrics, vidgauge.metrics.registry as r\n"
        "[r.check_options(spec, spec.options) for spec in r.reductions().values()]\n"
        "assert not {'numpy', 'scipy', 'torch', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    for name in vidgauge.metrics.__all__:
        assert getattr(vidgauge.metrics, name).__name__ == name
        assert name in dir(vidgauge.metrics)
    with pytest.raises(AttributeError, match="has no attribute 'fvd'"):
        _ = vidgauge.metrics.fvd
