"""The function that worker processes run, by its name."""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

Function = Callable[[Any], Generator[Any]]
"""A task in, messages out."""


def load(function: str) -> Function:
    """The generator function that 'module:name' stands for."""
    module, _, name = function.partition(":")
    found: Function = getattr(import_module(module), name)
    return found
