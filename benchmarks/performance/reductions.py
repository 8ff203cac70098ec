"""Reductions

Numbers from features. BLAS has one thread, as in the jobs of a run, where not said otherwise; then processor time is
compared, for it is less disturbed by what else runs. The clock counts where all cores work.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy
from scipy.linalg import sqrtm  # here, for limits of threads hold for libraries that are loaded
from threadpoolctl import threadpool_limits

from benchmarks.performance.rows import Row
from benchmarks.performance.timing import Took, in_turns
from vidgauge.metrics import frechet, kernel_distance, kernel_distance_exact, precision_recall
from vidgauge.metrics.registry import reduction
from vidgauge.reducing import Question
from vidgauge.uncertainty.row import uncertain

Pair = tuple[np.ndarray, np.ndarray]

SUBSETS, SUBSET = 100, 1000  # of the kernel distance
WATCHED = 60.0  # seconds in which the memory of the largest problem is looked at


def rows(*, quick: bool = False) -> Iterator[Row]:
    """Fréchet, kernel distance, precision and recall, and what their intervals cost."""
    with threadpool_limits(1):
        sizes = [(2000, 300), (300, 600)] if quick else [(5000, 400), (5000, 1408), (5000, 2048), (1000, 2048)]
        yield from (_frechet(n, d) for n, d in sizes)
        yield from _kernel(quick=quick)
        yield from _neighbours("one thread", *((2000, 512) if quick else (8000, 4096)), wall=False)
    yield from _neighbours("all cores", *((2000, 512) if quick else (12_000, 4096)), wall=True)
    yield _memory(*((2000, 64, 2.0) if quick else (50_000, 4096, WATCHED)))
    for what in ("Fréchet distance", "precision and recall"):
        yield Row(f"{what}, on a GPU", None, note="no path on a GPU: reductions run on the CPU")
    with threadpool_limits(1):
        for name in ("frechet", "kernel", "precision_recall"):
            yield _interval(name, *((600, 600) if quick else (2048, 2048)))


def _sets(n: int, d: int, seed: int = 0) -> Pair:
    """Two sets (n, d) float32 that differ a little; their features are correlated, as those of networks are."""
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((d, d), np.float32) / np.float32(d**0.5)
    x, y = (rng.standard_normal((n, d), np.float32) @ mixed for _ in range(2))
    return x, y * np.float32(1.02)


def _cpu(took: Took) -> float:
    """Seconds of processors, which are counted in hundredths."""
    return max(took.cpu, 0.01)


def _frechet(n: int, d: int) -> Row:
    x, y = _sets(n, d)

    def usual() -> float:
        """As pytorch-fid and those after it: covariances, and the square root of their product."""
        first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
        root = sqrtm(first @ second).real
        shift = x.mean(axis=0) - y.mean(axis=0)
        return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * np.trace(root))

    mean, root = frechet._fit(x, None, 0, "x")
    took = in_turns(
        {
            "ours": lambda: frechet.frechet_distance(x, y),
            "usual": usual,
            "fit": lambda: frechet._fit(x, None, 0, "x"),
            "distance": lambda: frechet._distance(mean, root, root[::-1]),
        },
        rounds=5 if d < 1000 else 1,
        warm=d < 1000,
    )
    ours, other = _cpu(took["ours"]), _cpu(took["usual"])
    return Row(
        f"Fréchet distance, {n:,} x {d}, against scipy.linalg.sqrtm",
        other / ours,
        at_least=8 if (n, d) == (5000, 2048) else None,
        note=f"{ours:.2g} s of a core against {other:.2g} s (SciPy {scipy.__version__}); the two fits take "
        f"{2 * took['fit'].cpu:.2g} s, the distance {took['distance'].cpu:.2g} s",
    )


def _kernel(*, quick: bool) -> Iterator[Row]:
    d, some = (64, 2) if quick else (2048, 10)
    for n, subsets in ((400, SUBSETS), (4000, 4)) if quick else ((2048, SUBSETS), (50_000, some)):
        x, y = _sets(n, d)
        size = min(SUBSET, n)

        def loop(x: np.ndarray = x, y: np.ndarray = y, n: int = n, size: int = size) -> None:
            rng = np.random.RandomState(0)
            for _ in range(some):
                of_y = rng.choice(n, size, replace=False)
                kernel_distance_exact(x[rng.choice(n, size, replace=False)], y[of_y])

        took = in_turns(
            {"ours": lambda x=x, y=y, subsets=subsets: kernel_distance(x, y, subsets=subsets), "loop": loop},
            rounds=1,
            warm=False,
        )
        ours, other = _cpu(took["ours"]), _cpu(took["loop"]) * subsets / some
        why = (
            "every kernel value once, and all subsets' sums as one product"
            if subsets == SUBSETS
            else "subsets share too few rows: all kernel values would be more work than those of each subset"
        )
        yield Row(
            f"kernel distance, {subsets} subsets of {size}, {n:,} x {d}, against one subset after the other in float64",
            other / ours,
            note=f"{ours:.2g} s of a core against {other:.2g} s (timed over {some} subsets); {why}",
        )


def _neighbours(threads: str, n: int, d: int, *, wall: bool) -> Iterator[Row]:
    x, y = _sets(n, d)
    a, b = np.random.default_rng(0).normal(size=(2, 2048, d))
    single = a.astype(np.float32), b.astype(np.float32)
    products = max(1, n // 1000)

    def multiply(a: np.ndarray, b: np.ndarray) -> None:
        for _ in range(products):
            a @ b.T

    took = in_turns(
        {
            "double": lambda: multiply(a, b),
            "single": lambda: multiply(*single),
            "ours": lambda: precision_recall(x, y),
            "double again": lambda: multiply(a, b),
            "single again": lambda: multiply(*single),
        },
        rounds=1,
        warm=False,
    )
    seconds = {name: one.wall if wall else _cpu(one) for name, one in took.items()}
    operations = 2 * d * n * n  # of the distances of one set to another
    rate = 3 * operations / seconds["ours"]
    machine, machine32 = (
        2 * 2 * d * 2048**2 * products / (seconds[name] + seconds[f"{name} again"]) for name in ("double", "single")
    )
    yield Row(
        f"precision and recall, {n:,} x {n:,} x {d}, {threads}, of the rate of a float64 matrix product",
        100 * rate / machine,
        "%",
        at_least=70,
        note=f"{seconds['ours']:.3g} s: {rate / 1e9:.3g} of {machine / 1e9:.3g} GFLOP/s, counting 2 d (n² + m² + n m) "
        "of float64; above 100 % as bounds are float32 products, and of a set's own distances only half are formed",
    )
    done = 2 * operations / seconds["ours"]
    yield Row(
        "the same, of the operations that are done and the rate of a float32 matrix product",
        100 * done / machine32,
        "%",
        note=f"{done / 1e9:.3g} of {machine32 / 1e9:.3g} GFLOP/s, counting d (n² + m²) + 2 d n m",
    )


def _memory(n: int, d: int, seconds: float) -> Row:
    """The largest problem takes minutes, of which the first are watched: the tiles of the reference with itself."""
    code = (
        "import sys, numpy as np; from vidgauge.metrics import precision_recall; "
        "precision_recall(*(np.load(path, mmap_mode='r') for path in sys.argv[1:]))"
    )
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{side}.npy" for side in ("reference", "candidate")]
        for seed, path in enumerate(paths):
            whole = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
            rng = np.random.default_rng(seed)
            for start in range(0, n, 1000):
                rng.standard_normal(out=whole[start : start + 1000], dtype=np.float32)
            del whole
        child = subprocess.Popen([sys.executable, "-c", code, *map(str, paths)], env=_with_packages())
        began, anonymous = time.monotonic(), 0
        try:
            while child.poll() is None and time.monotonic() - began < seconds:
                anonymous = max(anonymous, _resident(child.pid))
                time.sleep(0.02)
        finally:
            child.kill()
            child.wait()
    if child.returncode > 0:
        raise RuntimeError(f"the process whose memory was watched failed with {child.returncode}; see above")
    ended = "" if child.returncode < 0 else "to its end "
    return Row(
        f"precision and recall, {n:,} x {n:,} x {d}: most memory",
        anonymous / 1e6,
        "MB",
        at_most=2000,
        note=f"besides the features, {2 * n * d * 4 / 1e6:.0f} MB in mapped files (RssAnon of a process of its own, "
        f"watched {ended}for {time.monotonic() - began:.0f} s; normal values, of which few pairs stay open)",
    )


def _resident(pid: int) -> int:
    """Bytes of a process that are of no file; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def _with_packages() -> dict[str, str]:
    """The environment, with every folder that modules are found in here."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _interval(name: str, n: int, d: int) -> Row:
    x, y = _sets(n, d)
    spec, videos = reduction(name), tuple([f"{side}{row}" for row in range(n)] for side in "rc")
    question = Question(spec, 0, spec.options, (x, y), (videos[0], videos[1]))
    value = question.answer().value
    took = in_turns(
        {"value": question.answer, "interval": lambda: uncertain([question], [value], [(videos[0], videos[1])])},
        rounds=1,
        warm=False,
    )
    alone, more = _cpu(took["value"]), _cpu(took["interval"])
    return Row(
        f"{name}, {n:,} x {d}: a number with its interval and curve, against the number alone",
        (alone + more) / alone,
        note=f"{alone + more:.2g} s of a core against {alone:.2g} s",
    )
