"""Each reduction in the words of a methods section, with the options it was called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vidgauge.metrics import registry

Options = Mapping[str, Any]

CUBIC = "squared maximum mean discrepancy (MMD) with the kernel (x·y / d + 1)³ on d features"
UNBIASED = "unbiased for independent samples"


def formula(reduction: str, options: Options) -> str:
    """What a reduction computes. One that is not known here is said by its options.

    >>> formula("frechet", {"ddof": 0, "weighting": "samples", "fold": "none"})
    'Fréchet distance of Gaussian fits with population covariance'
    """
    return WORDS[reduction](options) if reduction in WORDS else _listed(reduction, options)


def source(reduction: str) -> str:
    """Whose formula it is; empty for reductions that are not known.

    >>> source("vendi")
    'Friedman & Dieng 2023 (Vendi score)...'
    """
    spec = registry.reductions().get(reduction)
    return spec.source if spec else ""


def _listed(reduction: str, options: Options) -> str:
    said = ", ".join(f"{key}: {value}" for key, value in options.items())
    return f"reduction {reduction}" + (f" with {said}" if said else "")


def _times(options: Options) -> str:
    return f", times {options['scale']:g}" if options["scale"] != 1 else ""


def _pairs(options: Options) -> str:
    """Which pairs of rows an estimate of the MMD counts."""
    return "biased (a row's pair with itself counts)" if options["estimator"] == "biased" else UNBIASED


def _frechet(options: Options) -> str:
    covariance = "population" if options["ddof"] == 0 else "sample"
    text = f"Fréchet distance of Gaussian fits with {covariance} covariance"
    if options["weighting"] == "videos":
        text += ", every video with the same weight"
    if options["fold"] != "none":
        text += ", after features were folded to a quarter of their width as data-juicer does"
    return text


def _kernel(options: Options) -> str:
    seed = "the seed of the run" if options["subset_seed"] is None else f"seed {options['subset_seed']}"
    size = f"{'at most ' if options['short'] == 'shrink' else ''}{options['subset_size']}"
    return (
        f"{CUBIC}, {UNBIASED}, mean over {options['subsets']} random subsets of {size} samples of each set drawn from "
        f"{seed}{_times(options)}"
    )


def _cmmd(options: Options) -> str:
    rows = "rows of length 1" if options["normalize"] else "rows as they are"
    kernel = f"the Gaussian kernel of sigma {options['sigma']:g}"
    return f"squared MMD with {kernel} on {rows}, {_pairs(options)}{_times(options)}"


def _jedi(options: Options) -> str:
    gamma = "x·y / d" if options["gamma"] is None else f"{options['gamma']:g} x·y"
    inner = f"{gamma} + {options['coef0']:g}" if options["coef0"] else gamma
    kernel = f"the polynomial kernel ({inner}) to the power {options['degree']}"
    return f"squared MMD with {kernel} on d features, {_pairs(options)}{_times(options)}"


def _mind(options: Options) -> str:
    factor = "3 d on d features" if options["alpha"] is None else f"{options['alpha']:g}"
    return (
        f"Wasserstein distance to the power {options['order']:g} of projections on a line, mean over "
        f"{options['projections']} random directions, times {factor}"
    )


def _precision_recall(options: Options) -> str:
    rounded = ", radii rounded to float16" if options["radius"] == "float16" else ""
    return f"F-score of improved precision and recall with {options['k']} nearest neighbours{rounded}"


def _inception_score(options: Options) -> str:
    order = "in the order of the samples"
    if options["shuffle_seed"] is not None:
        by = {"numpy": "NumPy", "torch": "PyTorch"}[options["shuffle_by"]]
        order = f"after a shuffle by {by} from seed {options['shuffle_seed']}"
    return f"Inception score of {_classes(options)}, mean over {options['splits']} splits {order}"


def _video_inception_score(options: Options) -> str:
    return f"Inception score of {_classes(options)} over the frames of each video alone, mean over videos"


def _classes(options: Options) -> str:
    given = "the softmax of class scores" if options["input"] == "logits" else "class probabilities"
    return f"{given} ({options['epsilon']:g} added inside logarithms)" if options["epsilon"] else given


def _vendi(options: Options) -> str:
    entropy = "Shannon" if options["order"] == 1 else f"Rényi (order {options['order']:g})"
    return f"Vendi score: the exponential of the {entropy} entropy of the eigenvalues of the cosine similarities"


WORDS: dict[str, Callable[[Options], str]] = {
    "authenticity": lambda _: "share of samples that are no near copies of the reference's, in percent",
    "cmmd": _cmmd,
    "density_coverage": lambda given: f"coverage of the reference, and density, with {given['k']} nearest neighbours",
    "frechet": _frechet,
    "inception_score": _inception_score,
    "jedi": _jedi,
    "kernel": _kernel,
    "kernel_exact": lambda given: f"{CUBIC}, {UNBIASED}, over all pairs{_times(given)}",
    "mean": lambda _: "mean over videos of the mean of each one's scores",
    "mind": _mind,
    "pair_distance": lambda _: (
        "squared distance of each video's features to those of its own reference, mean over pairs"
    ),
    "pair_frechet": lambda _: "Fréchet distance of each video's frames to those of its own reference, mean over pairs",
    "precision_recall": _precision_recall,
    "vendi": _vendi,
    "video_inception_score": _video_inception_score,
}
