"""Networks whose code is that of the package transformers, which is an extra. Nothing here imports torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vidgauge.errors import VidgaugeError

INSTALL = "In vidgauge's folder, run: pip install -e '.[hub]' --constraint envs/constraints.txt"


def from_transformers(extractor: str, *names: str) -> tuple[Any, ...]:
    """Classes of transformers; VidgaugeError, which says what to install, where it or one of them is missing.

    The package is used for its code alone: nothing is downloaded, and configurations are written out where they are
    used.
    """
    try:
        package = import_module("transformers")
        return tuple(getattr(package, name) for name in names)
    except (ImportError, AttributeError) as error:
        raise VidgaugeError(
            f"extractor {extractor} needs {' and '.join(names)} of the package transformers, which cannot be imported "
            f"({error}). {INSTALL}"
        ) from error
