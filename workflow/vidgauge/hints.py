"""What messages add where a configuration says what one may well expect to work."""

from __future__ import annotations

from typing import Any

from vidgauge import extractors
from vidgauge.presets import presets

BUILDING = frozenset(("base", "bases", "extends", "from", "inherit", "inherits", "like", "metric", "parent", "preset"))
"""Keys by which others let one definition build on another."""


def of_column(name: str) -> str | None:
    """How to get a metric whose name, or its end, is that of a column of scores; None where no array has such a one.

    >>> of_column("ssim"), of_column("looks")
    ("'ssim' is a column of psnr_ssim; take ssim", None)
    """
    column = name.rpartition(".")[2]
    homes = {
        spec.name: found.better
        for spec in extractors.extractors().values()
        for array in spec.arrays.values()
        for found in array.columns
        if found.name == column
    }
    if not homes:
        return None
    said = f"'{column}' is a column of {' and '.join(homes)}"
    beside = {known: definition for known, definition in presets().items() if definition.extractor in homes}
    if ready := [known for known, definition in beside.items() if definition.column == column]:
        return f"{said}; take {' or '.join(ready)}"
    near = next(iter(beside))
    if not any(homes.values()):
        return (
            f"{said}; neither more nor less of it is better, so it only stands in videos.csv, with {near} for instance"
        )
    return f"{said}; paste what `vidgauge presets --define {near}` prints, with a name of its own and column: {column}"


def of_building(key: str, value: Any) -> str | None:
    """How to change a named metric, for a key of a definition that asks for it; None for other keys."""
    named = isinstance(value, str) and value in presets()
    if key not in BUILDING and not named:
        return None
    return (
        "a definition says everything itself and builds on no other; paste what "
        f"`vidgauge presets --define {value if named else 'NAME'}` prints, and change it"
    )
