from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import vidgauge.metrics
from vidgauge.errors import UsageError
from vidgauge.metrics.registry import _discover, check_options, defaults, reduction, reductions
from vidgauge.specs import Reduced, ReduceSpec

VIDEOS = [f"{row}.mp4" for row in range(64)], [f"{row}.mp4" for row in range(64)]
FRAMES = [f"{row // 8}.mp4" for row in range(64)], [f"{row // 8}.mp4" for row in range(64)]


def sample(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(64, 4)).astype(np.float32)


def reduced(name: str, reference: np.ndarray | None, candidate: np.ndarray, **options: Any) -> Reduced:
    spec = reduction(name)
    videos = {"videos": VIDEOS if name == "pair_distance" else FRAMES} if spec.by_video else {}
    return spec.reduce(reference, candidate, **videos, **options)


@pytest.mark.parametrize("name", reductions())
def test_contract(name: str) -> None:
    spec = reduction(name)
    reference, candidate = (sample(0) if spec.needs_reference else None), sample(1)
    before = candidate.copy()
    found = reduced(name, reference, candidate, seed=7, **spec.options)
    assert found == reduced(name, reference, candidate, seed=7)  # repeatable, and the options are the defaults
    assert (candidate == before).all()
    assert type(found) is Reduced
    assert {type(value) for value in (found.value, *found.values.values())} == {float}
    assert np.isfinite([found.value, *found.values.values()]).all()
    assert check_options(spec, spec.options) == []
    assert (spec.name, spec.version >= 1, bool(spec.source)) == (name, True, True)
    assert spec.by_video or not spec.paired
    if spec.from_stats:
        assert defaults(spec.from_stats) == spec.options


@pytest.mark.parametrize(
    "name", [name for name, spec in reductions().items() if spec.needs_reference and name != "authenticity"]
)
def test_better_is_what_the_nearer_candidate_is(name: str) -> None:
    shift = np.array([9.0, 0, 0, 0])  # turns rows as well as moving them: some kernels see directions only
    near, far = (reduced(name, sample(0), sample(1) + step, seed=0).value for step in (0, shift))
    assert (near < far) == (reduction(name).better == "lower")


def test_options_of_the_kernel_distances() -> None:
    x, y = sample(0), 1.5 * sample(1)
    plain = reduced("kernel", x, y, seed=3, subset_size=20)
    scaled = reduced("kernel", x, y, seed=9, subset_size=20, subset_seed=3, scale=1000.0)
    assert scaled == Reduced(1000 * plain.value, {"subset_std": 1000 * plain.values["subset_std"]})
    assert reduced("kernel_exact", x, y, seed=0, scale=10.0).value == 10 * reduced("kernel_exact", x, y, seed=0).value
    quadratic = vidgauge.metrics.polynomial_mmd(x, y, degree=2, coef0=0, biased=True)
    assert reduced("jedi", x, y, seed=0).value == 100 * quadratic
    cubic = reduced("jedi", x, y, seed=0, degree=3, coef0=1.0, estimator="unbiased", scale=1.0)
    assert cubic == reduced("kernel_exact", x, y, seed=0)
    assert reduced("cmmd", x, y, seed=0).value == 1000 * vidgauge.metrics.gaussian_mmd(x, y)
    sliced = vidgauge.metrics.sliced_wasserstein(x, y, seed=5)
    assert reduced("mind", x, y, seed=5).value == 3 * 4 * sliced
    assert reduced("mind", x, y, seed=5, alpha=1.0).value == sliced


def test_frechet_from_statistics_of_any_denominator() -> None:
    x, y = sample(0), 1.5 * sample(1)
    of_x, of_y = vidgauge.metrics.stats_from_features(x), vidgauge.metrics.stats_from_features(y)
    saved = SimpleNamespace(n=64, mean=of_y.mean, cov=np.cov(y.T.astype(float)), ddof=1)
    unknown = SimpleNamespace(n=None, mean=of_y.mean, cov=np.cov(y.T.astype(float)), ddof=None)
    spec = reduction("frechet")
    assert spec.from_stats is not None
    for options in ({"ddof": 0}, {"ddof": 1}, {"ddof": 0, "fold": "data-juicer"}):
        expected = pytest.approx(spec.reduce(x, y, seed=0, **options).value, rel=1e-6)
        assert spec.from_stats(of_x, saved, seed=0, **options).value == expected
        assert spec.from_stats(saved, of_x, seed=0, **options).value == expected
    as_it_is = spec.from_stats(of_x, unknown, seed=0, ddof=0).value
    sample_cov = vidgauge.metrics.frechet_distance_from_stats(of_x.mean, of_x.cov, saved.mean, saved.cov)
    assert as_it_is == sample_cov != spec.from_stats(of_x, saved, seed=0, ddof=0).value
    with pytest.raises(ValueError, match="saved statistics do not tell samples apart"):
        spec.from_stats(of_x, saved, seed=0, weighting="videos")
    with pytest.raises(ValueError, match="more than 1 sample for ddof 1, got 1"):
        spec.from_stats(of_x, vidgauge.metrics.stats_from_features(y[:1]), seed=0, ddof=1)


def test_frechet_by_videos() -> None:
    x, y = sample(0), 1.5 * sample(1)
    ragged = ["a"] * 10 + ["b"] * 54
    by_videos = reduction("frechet").reduce(x, y, seed=0, videos=(VIDEOS[0], ragged), weighting="videos").value
    weights = np.repeat([1 / 10, 1 / 54], [10, 54])
    assert by_videos == vidgauge.metrics.frechet_distance(x, y, weights=(np.ones(64), weights))
    assert by_videos != reduction("frechet").reduce(x, y, seed=0, videos=(VIDEOS[0], ragged)).value
    with pytest.raises(ValueError, match="weighting: expected each sample's video"):
        reduction("frechet").reduce(x, y, seed=0, weighting="videos")
    with pytest.raises(ValueError, match="ddof: expected 0 where rows have weights, got 1"):
        reduction("frechet").reduce(x, y, seed=0, videos=VIDEOS, weighting="videos", ddof=1)


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
        ("kernel_exact", {"k": 3}, ["k: unknown option of kernel_exact; known are: scale"]),
        ("kernel", {"scale": 1000, "subset_seed": 2020, "short": "refuse"}, []),
        ("kernel", {"scale": 0.0}, ["scale: should be greater than 0, got 0.0"]),
        ("authenticity", {"k": 3}, ["k: unknown option of authenticity; known are: none"]),
        ("pair_distance", {"videos": 1}, ["videos: unknown option of pair_distance; known are: none"]),
        ("frechet", {"weighting": "videos", "fold": "data-juicer"}, []),
        ("mind", {"order": 2, "alpha": None}, []),
        ("frechet", {"dof": 1}, ["dof: unknown option of frechet; did you mean 'ddof'?"]),
        ("frechet", {"ddof": 2}, ["ddof: should be less than or equal to 1, got 2"]),
        ("inception_score", {"shuffle_seed": None, "input": "probabilities"}, []),
        ("inception_score", {"input": "softmax"}, ["input: should be 'logits' or 'probabilities', got 'softmax'"]),
        ("precision_recall", {"k": 0, "radius": 16}, [
            "k: should be greater than or equal to 1, got 0",
            "radius: should be 'float64' or 'float16', got 16",
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
    with pytest.raises(UsageError, match="unknown reduction 'x'; known are: authenticity, cmmd, "):
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
