"""Start-up

Seconds of processor time of a fresh Python process. Jobs of the features stage: until the weights are read, so that
all is imported and the module is made.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.performance.rows import Row
from benchmarks.performance.timing import in_turns

COMMANDS = {
    "`vidgauge --version`": ("--version",),
    "`vidgauge metric --help`": ("metric", "--help"),
    "`vidgauge clips --help`": ("clips", "--help"),
}
IMPORTS = {
    "clips": "import vidgauge.cli, vidgauge.stages",
    "metric": "import vidgauge.cli, vidgauge.evaluate",
}
NETWORKS = {  # and what each needs besides torch
    "i3d_kinetics400": "nothing",
    "efficientnet_lite0": "nothing",
    "inception_2015": "nothing",
    "videomae_base": "transformers",
}
JOB = """
from pathlib import Path

import vidgauge.cli, vidgauge.stages
from vidgauge.extractors import _checkpoints, spec
from vidgauge.specs import Setup, WeightsFile

def read(_):
    raise EOFError

_checkpoints.tensors_of = read
try:
    spec("{name}").build(Setup(WeightsFile(Path("none"), "", None, False, "pickle"), "cpu", "float32", ()))
except EOFError:
    pass
else:
    raise SystemExit("the weights were not read")
"""


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Rows of commands in seconds, and of networks as ratios to `import torch`."""
    networks = dict(list(NETWORKS.items())[:2]) if quick else NETWORKS
    ran = {
        "python": ("-c", "pass"),
        **{what: ("-m", "vidgauge", *arguments) for what, arguments in COMMANDS.items()},
        **{stage: ("-c", code) for stage, code in IMPORTS.items()},
        "torch": ("-c", "import torch"),
        **{name: ("-c", JOB.format(name=name)) for name in networks},
    }
    turns: dict[str, Callable[[], None]] = {what: partial(_run, arguments) for what, arguments in ran.items()}
    took = {what: of.cpu for what, of in in_turns(turns, rounds=1 if quick else 5).items()}
    for what in COMMANDS:
        yield Row(what, took[what], "s", note=f"`python -c pass` {took['python']:.2f} s; no torch, no NumPy")
    for stage in IMPORTS:
        yield Row(f"what the {stage} stage imports", took[stage], "s", note="no torch")
    for name, needed in networks.items():
        yield Row(
            f"features job of `{name}`, until its weights are read, against `import torch`",
            took[name] / took["torch"],
            note=f"{took[name]:.2f} s against {took['torch']:.2f} s; needs {needed} besides torch",
        )


def _run(arguments: Sequence[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
