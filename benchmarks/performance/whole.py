"""The whole: data-juicer's ten metrics, in one run and one by one.

What is compared is one cold run of the workflow, without intervals and page, which the others do not make, and ten
processes that compute a metric each (see `alone`). The archives' weights are random, see `archives`.
"""

from __future__ import annotations

import json
import shutil
import struct
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.performance import processes
from benchmarks.performance.rows import Row
from benchmarks.performance.timing import in_turns
from tests.make_videos import encode, frames

FOLDER = Path(tempfile.gettempdir()) / "vidgauge-performance" / "whole"
METRICS = (
    "fvd2048_16f",
    "fvd2048_128f",
    "fvd2048_128f_subsample8f",
    "kvd2048_16f",
    "prv2048_3n_16f",
    "isv2048_ucf",
    "fid50k",
    "kid50k",
    "is50k",
    "pr50k_3n",
)
SETS = ("real", "a")
FEW, VIDEOS = 2, 8

LENGTH, HEIGHT, WIDTH = 136, 360, 640
CORES = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""As jobs of vidgauge have it: threads that wait for one another would count as processor time."""

FRAMES_A_CLIP = 16
"""Frames for each clip. Of data-juicer's 50,000 and 2,048 it is 24; vidgauge draws a power of two of each video."""


@dataclass(frozen=True)
class Project:
    """A folder with videos, archives, and a copy of the workflow that knows these by their digests."""

    folder: Path
    videos: int  # of each set
    clips: int  # of each set
    weights: Path
    snakefile: Path

    def samples(self, metric: str) -> int:
        """Clips or frames that a metric takes of each set."""
        return self.clips * (FRAMES_A_CLIP if "50k" in metric else 1)

    def write_config(self, metrics: list[str], results: str, **more: Any) -> Path:
        """A configuration with the presets' own definitions, but for the number of samples."""
        from vidgauge.presets import presets

        define = {name: {**presets()[name].model_dump(mode="json"), "samples": self.samples(name)} for name in metrics}
        config = {
            "evaluation": "whole",
            "reference": SETS[0],
            "datasets": {name: {"source": f"videos/{name}"} for name in SETS},
            "metrics": metrics,
            "define": define,
            "weights": str(self.weights),
            "results": results,
            "report": False,
            "uncertainty": False,
        }
        path = self.folder / f"{results}.json"
        path.write_text(json.dumps(config | more), encoding="utf-8")
        return path

    def command(self, config: Path, *more: str) -> list[str]:
        return processes.snakemake(self.snakefile, "--configfile", str(config), "--cores", str(CORES), *more)

    def run(self, metrics: list[str], results: str, **more: Any) -> None:
        """The workflow."""
        processes.run(self.command(self.write_config(metrics, results, **more)), self.folder)

    def cold(self, metrics: list[str], results: str) -> None:
        """The workflow in a results folder of its own that is not there yet."""
        shutil.rmtree(self.folder / results, ignore_errors=True)
        self.run(metrics, results)

    def alone(self, metric: str) -> None:
        """A metric as others compute it."""
        from benchmarks.performance.alone import PLANS
        from benchmarks.performance.archives import files

        archive = files(self.weights)[PLANS[metric][0]]
        folders = [str(self.folder / "videos" / name) for name in reversed(SETS)]
        given = [metric, "--archive", str(archive), "--samples", str(self.samples(metric)), *folders]
        command = [sys.executable, "-m", "benchmarks.performance.alone", *given]
        processes.run(command, Path(__file__).parents[2], **ONE_THREAD)


def prepared(videos: int, *, clips: int, full: bool) -> Project:
    """A project; its videos and archives are made once and kept."""
    from benchmarks.performance.archives import copy_workflow, write_archives

    folder, weights = FOLDER / f"{videos}", FOLDER / ("full" if full else "light")
    make_videos(folder / "videos", videos)
    if not (weights / "complete").exists():
        write_archives(weights, full=full)
        (weights / "complete").touch()
    return Project(folder, videos, clips, weights, copy_workflow(folder / "vidgauge", weights))


def make_videos(folder: Path, videos: int) -> None:
    """`videos` files in each set. Two are encoded; each copy is made another by a box at its end that players skip."""
    if (folder / "complete").exists():
        return
    for number in range(2 * videos):
        home = folder / SETS[number % 2]
        home.mkdir(parents=True, exist_ok=True)
        content = encoded(number // 2 % 2) + struct.pack(">I4sQ", 16, b"free", number)
        (home / f"{number // 2:04d}.mp4").write_bytes(content)
    (folder / "complete").touch()


def encoded(seed: int) -> bytes:
    """A video, encoded once and kept."""
    file = FOLDER / f"{seed}.mp4"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        encode(FOLDER / "half.mp4", frames(LENGTH, HEIGHT, WIDTH, seed=seed, noise=6), fps=24).replace(file)
    return file.read_bytes()


def rows(*, quick: bool = False) -> Iterator[Row]:
    """The rows of this section."""
    few, many = (FEW, FEW) if quick else (FEW, VIDEOS)
    metrics = METRICS[:1] if quick else METRICS
    together, apart = {}, {}
    for videos in dict.fromkeys((few, many)):
        project = prepared(videos, clips=videos, full=False)
        together[videos] = cpu(lambda project=project: project.cold(list(metrics), "together"))
        apart[videos] = {name: cpu(lambda project=project, name=name: project.alone(name)) for name in metrics}
    each = sum(apart[many].values())
    pairs = max(1, many - few)
    ours = (together[many] - together[few]) / pairs
    others = (each - sum(apart[few].values())) / pairs
    yield Row(
        "ten metrics one by one, against one run: processor time, networks that cost nothing",
        each / together[many],
        at_least=5.0,
        note=f"{each:.0f} and {together[many]:.0f} s of a core for 2 x {many} videos of {LENGTH} frames of "
        f"{WIDTH} x {HEIGHT}, each measured once with one thread a process. The start of processes, and what else does "
        f"not grow with the videos, is {each - many * others:.0f} and {together[many] - many * ours:.0f} s of these",
    )
    one = cpu(lambda: project.cold([metrics[0]], "one"))
    yield Row(
        f"{metrics[0]} alone, as others compute it, against a run of vidgauge for it alone",
        apart[many][metrics[0]] / one,
        note=f"{apart[many][metrics[0]]:.0f} and {one:.0f} s of a core; ten such runs would take about "
        f"{10 * one / together[many]:.1f} times what one run takes for all ten",
    )
    if quick:
        return
    yield Row(
        "the same for each further pair of videos, without the start of jobs and processes",
        others / ours,
        at_least=5.0,
        note=f"{others:.1f} and {ours:.1f} s of a core; the others decode each video 9 times to the end, vidgauge "
        "once, to the last frame that is wanted",
    )
    took = network_seconds()
    theirs = sum(number * took[which] for which, number in passes_alone().items())
    own = sum(number * took[which] for which, number in passes_together().items())
    yield Row(
        "the same with the networks on the processor, their passes measured one by one and added",
        (others + theirs) / (ours + own),
        at_least=5.0,
        note=f"{others + theirs:.0f} and {ours + own:.0f} s of a core, the networks' {theirs:.0f} and {own:.0f} of "
        "these: I3D on 128 frames, which one metric alone rests on, is "
        f"{100 * 2 * took['i3d_styleganv', 128] / own:.0f} % of vidgauge's",
    )


def cpu(function: Callable[[], object]) -> float:
    """Processor seconds of a call, once."""
    return in_turns({"it": function}, rounds=1, warm=False)["it"].cpu


def passes_alone() -> Counter[tuple[str, int]]:
    """Of each archive on clips of so many frames: calls for one video of each set, where each metric makes its own."""
    from benchmarks.performance.alone import PLANS

    found: Counter[tuple[str, int]] = Counter()
    for archive, length, _, reduction in PLANS.values():
        found[archive, length] += _calls(length) * (1 if reduction == "inception_score" else 2)
    return found


def passes_together() -> Counter[tuple[str, int]]:
    """The same where metrics share them. Inception's archive is called for each of its two arrays."""
    from benchmarks.performance.alone import PLANS

    found: Counter[tuple[str, int]] = Counter()
    for archive, length, _ in {plan[:3] for plan in PLANS.values()}:
        sets, arrays = 1 if archive == "c3d_ucf101" else 2, 2 if archive == "inception_nvidia" else 1
        found[archive, length] += _calls(length) * sets * arrays
    return found


def _calls(length: int) -> int:
    return FRAMES_A_CLIP if length == 1 else 1


def network_seconds() -> dict[tuple[str, int], float]:
    """Processor seconds of one clip, or frame, in an archive with the layers of the real network, on one thread."""
    import torch

    from benchmarks.performance.alone import KEYWORDS
    from benchmarks.performance.archives import files, write_archives

    weights = FOLDER / "full"
    if not (weights / "complete").exists():
        write_archives(weights, full=True)
        (weights / "complete").touch()
    torch.set_num_threads(1)
    found = {}
    for name, length in passes_alone():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is a dead end, says torch
            network = torch.jit.load(str(files(weights)[name])).eval()
        batch = 8 if length == 1 else 1
        x = torch.randint(0, 256, (batch, 3, length, 240, 320)).float()
        x = x[:, :, 0] if length == 1 else x
        with torch.inference_mode(), torch.jit.optimized_execution(False):
            found[name, length] = cpu(lambda: network(x, **KEYWORDS.get(name, {}))) / batch  # noqa: B023
    return found
