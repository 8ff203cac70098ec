"""A machine with GPUs: a program `nvidia-smi` that answers from two files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PROGRAM = """#!/bin/sh
[ "$2" = --format=csv,noheader,nounits ] || exit 2
case "$1" in
  --query-gpu=index,uuid,name,memory.used,memory.total) exec cat "{folder}/gpus" ;;
  --query-compute-apps=gpu_uuid,pid,used_memory) exec cat "{folder}/processes" ;;
esac
exit 2
"""


class Machine:
    """GPUs `GPU-0`, `GPU-1` and so on of 80000 MiB, and a folder for their locks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.locks = folder / "machine", folder / "tmp"
        self.folder.mkdir()
        self.locks.mkdir()
        program = self.folder / "nvidia-smi"
        program.write_text(PROGRAM.format(folder=self.folder))
        program.chmod(0o755)
        tools = {str(Path(found).parent) for tool in ("sh", "cat") if (found := shutil.which(tool))}
        self.environment = {"PATH": os.pathsep.join([str(self.folder), *tools]), "TMPDIR": str(self.locks)}

    def has(self, used: list[int], processes: str = "", names: list[str] | None = None) -> None:
        """GPUs of which so many MiB are in use; processes: lines of nvidia-smi."""
        names = names or ["NVIDIA H100"] * len(used)
        rows = enumerate(zip(names, used, strict=True))
        lines = [f"{at}, GPU-{at}, {name}, {mib}, 80000" for at, (name, mib) in rows]
        (self.folder / "gpus").write_text("\n".join(lines) + "\n")
        (self.folder / "processes").write_text(processes)
