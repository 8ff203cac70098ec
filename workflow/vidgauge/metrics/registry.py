"""The reductions a metric may name, with their options. Imports no NumPy: a Snakefile is parsed for every job.

A reduction is one module of `vidgauge.metrics.reductions`, found by being there and named as its file. It ends with
`METRIC = ReduceSpec(...)`, whose `reduce` imports the arithmetic when it is called and whose options are the
keyword arguments of `reduce` after `seed` (and `videos`, where it is `by_video`: the video of each row of both sides):
names, types and defaults stand there and nowhere else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from vidgauge.errors import UsageError, did_you_mean
from vidgauge.specs import ReduceSpec

GIVEN = ("seed", "videos")  # keyword arguments of a `reduce` function that are no options


def reductions() -> Mapping[str, ReduceSpec]:
    """Every reduction by name, in alphabetical order.

    >>> list(reductions())
    ['authenticity', 'cmmd', 'density_coverage', 'frechet', ...]
    """
    return _discover("vidgauge.metrics.reductions")


def reduction(name: str) -> ReduceSpec:
    """The reduction of that name; UsageError, which names the nearest, if there is none.

    >>> reduction("frechet").better
    'lower'
    >>> reduction("freche")
    Traceback (most recent call last):
    vidgauge.errors.UsageError: unknown reduction 'freche'; did you mean 'frechet'?
    """
    known = reductions()
    if name not in known:
        raise UsageError(f"unknown reduction {name!r}; {did_you_mean(name, known)}")
    return known[name]


def defaults(reduce: Callable[..., Any]) -> dict[str, Any]:
    """The options of a `reduce` function and their defaults: its keyword arguments after `seed` and `videos`."""
    parameters = inspect.signature(reduce).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in GIVEN}


def check_options(spec: ReduceSpec, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the options, one message each that starts with the key; empty if nothing is.

    >>> check_options(reduction("kernel"), {"subset": 3, "subset_size": 1})  # doctest: +NORMALIZE_WHITESPACE
    ["subset: unknown option of kernel; did you mean 'subsets'?",
     'subset_size: should be greater than or equal to 2, got 1']
    """
    hints = get_type_hints(spec.reduce, include_extras=True)
    problems = []
    for key, value in options.items():
        if key not in spec.options:
            problems.append(f"{key}: unknown option of {spec.name}; {did_you_mean(key, spec.options)}")
            continue
        try:
            TypeAdapter(hints.get(key, type(spec.options[key]))).validate_python(value, strict=True)
        except ValidationError as error:
            wanted = error.errors()[0]["msg"].removeprefix("Input ")
            problems.append(f"{key}: {wanted}, got {value!r}")
    return problems


@cache
def _discover(package: str) -> Mapping[str, ReduceSpec]:
    names = sorted(module.name for module in iter_modules(import_module(package).__path__))
    return MappingProxyType({name: _spec_of(import_module(f"{package}.{name}")) for name in names})


def _spec_of(module: ModuleType) -> ReduceSpec:
    spec, name = getattr(module, "METRIC", None), module.__name__.rpartition(".")[2]
    if not isinstance(spec, ReduceSpec) or spec.name != name:
        raise TypeError(f"{module.__name__} must end with METRIC = ReduceSpec(name={name!r}, ...)")
    return spec
