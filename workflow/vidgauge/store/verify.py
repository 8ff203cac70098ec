"""Clips and features that another program, or a disk, has damaged since they were written: deleted as a run begins.

Snakemake then makes them anew. Every file is read once: those found whole stand in a record, and a later run asks the
system only whether they are still the same. No NumPy and no HDF5: this runs while Snakemake reads the rules.

The record is {file below the results folder: its `seal.state`}; null stands for one that was deleted and is not made
again yet.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vidgauge.files import to_json, write_if_changed
from vidgauge.store import seal

RECORD = "features/.verified.json"
_FILES = ("features/*/*/*.h5", "features/*/*/*/*.h5", "clips/*/*/*.h5")  # merged, of shards, clips


def remove_damaged(results: Path) -> list[str]:
    """Delete the clips and features below a results folder that do not hold what was written; why, in words, for each.

    Files without a seal are left alone. Raises OSError where a file cannot be read or not deleted.
    """
    states = {str(path.relative_to(results)): list(seal.state(path)) for at in _FILES for path in results.glob(at)}
    known = _record(results)
    new = [name for name, state in states.items() if known.get(name) != state]
    with ThreadPoolExecutor() as pool:  # digests are made without Python's lock
        faults = dict(zip(new, pool.map(lambda name: seal.fault(results / name), new), strict=True))
    damaged = {name: why for name, why in faults.items() if why}
    for name in damaged:
        (results / name).unlink()
    whole = {name: state for name, state in states.items() if name not in damaged}
    gone = dict.fromkeys(removed(results) | damaged.keys())
    if whole or gone or known:
        write_if_changed(results / RECORD, to_json(dict(sorted((whole | gone).items()))) + "\n")
    return [
        f"{results / name} {why}. It was deleted, and is made anew where it is needed" for name, why in damaged.items()
    ]


def removed(results: Path) -> set[str]:
    """The files below the results folder that were deleted since they were damaged, and are not made again yet."""
    return {name for name, state in _record(results).items() if state is None and not (results / name).exists()}


def _record(results: Path) -> dict[str, list[int] | None]:
    try:
        found = json.loads((results / RECORD).read_bytes())
    except (FileNotFoundError, ValueError):  # damaged itself: all is read again
        return {}
    return found if isinstance(found, dict) else {}
