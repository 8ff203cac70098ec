"""Write what `make stress` counted into docs/reliability.md: `python tests/reliability.py FOLDER` with its records."""

from __future__ import annotations

import json
import platform
import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
BLOCK = re.compile(r"(<!-- stress -->\n).*?(<!-- /stress -->)", re.DOTALL)


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """What the tests recorded: {what: {count: number or words}}, sorted by what."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*.json")):
        found |= json.loads(file.read_text())
    if not found:
        sys.exit(f"{folder}: holds no records; run: make stress")
    return dict(sorted(found.items()))


def table(found: dict[str, dict[str, Any]]) -> str:
    """One line for each record, and the kills of all."""
    lines = ["| what | counted |", "| --- | --- |"]
    for what, counts in found.items():
        said = "; ".join(f"{_words(name)}: {_number(value)}" for name, value in counts.items())
        lines.append(f"| {_words(what)} | {said} |")
    kills = sum(counts["kills"] for counts in found.values() if "kills" in counts)
    lines.append(f"| all random kills | {kills}, none of them changed a bit |")
    return "\n".join(lines)


def surroundings() -> str:
    """The versions and the system, without a date: the same again where nothing has changed."""
    import av
    import h5py

    hdf5 = h5py.version.hdf5_version
    libav = ".".join(map(str, av.library_versions["libavcodec"]))
    return (
        f"Python {platform.python_version()}, Snakemake {version('snakemake')}, HDF5 {hdf5} (h5py {version('h5py')}), "
        f"PyAV {version('av')} (libavcodec {libav}), {platform.system()} {platform.release()}, results on "
        f"{_file_system(Path(tempfile.gettempdir()))} and, for the tests of disks, tmpfs."
    )


def _file_system(folder: Path) -> str:
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = {str(path) for path in [folder.resolve(), *folder.resolve().parents]}
    return max((len(place), kind) for place, kind in mounts if place in above)[1]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


if __name__ == "__main__":
    text = f"\n{table(records(Path(sys.argv[1])))}\n\n{surroundings()}\n\n"
    PAGE.write_text(BLOCK.sub(lambda block: f"{block[1]}{text}{block[2]}", PAGE.read_text()))
