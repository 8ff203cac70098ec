"""How often a 95 % interval holds the truth: Gaussians whose distance is known, drawn anew again and again.

    python benchmarks/coverage.py [--trials 400] [--workers 2]

docs/uncertainty.md has the table that this prints.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np

from vidgauge.metrics.registry import reduction
from vidgauge.reducing import Question
from vidgauge.uncertainty.differences import difference
from vidgauge.uncertainty.row import uncertain

LARGE = 64
"""How many times as large sets are whose number stands for that of the laws."""


@dataclass(frozen=True)
class Case:
    """Two Gaussians in `width` dimensions, `videos` of each, `rows` alike rows of each video."""

    reduce: str
    width: int
    videos: int
    spectrum: float = 0.0  # variance of feature k is k ** -spectrum
    apart: float = 0.3  # the candidate's mean and deviations are off by about so many deviations
    rows: int = 1
    prompts: bool = False  # whether candidates are made from the reference's prompts
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        parts = [self.reduce, f"{self.videos} videos", f"{self.width} features"]
        parts += [f"{self.rows} frames each"] if self.rows > 1 else []
        parts += ["shared prompts"] if self.prompts else []
        return ", ".join([*parts, f"spectrum k^-{self.spectrum:g}", f"apart {self.apart:g}"])

    @property
    def deviations(self) -> np.ndarray:
        """(d,) of the reference."""
        return np.arange(1, self.width + 1) ** (-self.spectrum / 2)

    def draw(self, seed: int, which: int, apart: float | None = None) -> np.ndarray:
        """(videos * rows, d): set number `which` of a trial; the reference is number 0."""
        off, k = (self.apart if apart is None else apart) * bool(which), np.arange(self.width)
        noise = self._noise(seed, which)
        if self.prompts and which:  # half of what a video is follows from its prompt
            noise = np.sqrt(0.5) * self._noise(seed, 0) + np.sqrt(0.5) * noise
        scaled = noise * self.deviations * (1 + off * np.cos(k)) + off * self.deviations * np.sin(k)
        found: np.ndarray = scaled.reshape(-1, self.width)
        return found

    def _noise(self, seed: int, which: int) -> np.ndarray:
        """(videos, rows, d), standard normal; rows of a video share most of it."""
        rng = np.random.default_rng([seed, which])
        of_video, of_row = (rng.normal(size=(self.videos, rows, self.width)) for rows in (1, self.rows))
        return np.sqrt(0.8) * of_video + np.sqrt(0.2) * of_row

    @cached_property
    def truth(self) -> float:
        """The number of the two laws."""
        if self.reduce == "frechet":
            return float(
                ((self.apart * self.deviations) ** 2).sum()
            )  # sin² + cos² of the means' and deviations' shifts
        large = replace(self, videos=LARGE * self.videos)
        spec = reduction(self.reduce)
        sets = (large.draw(-1 % 2**32, 0) if spec.needs_reference else None, large.draw(-1 % 2**32, 1))
        options = {**spec.options, **self.options}
        if spec.by_video and spec.options.keys() & {"epsilon"}:
            options["videos"] = (None, [row // self.rows for row in range(len(sets[1]))])
        elif spec.paired:
            options["videos"] = ([row // self.rows for row in range(len(sets[0]))],) * 2
        return spec.reduce(*sets, seed=0, **options).value


def trial(case: Case, seed: int, which: int = 1, apart: float | None = None) -> dict[str, Any]:
    """A row of one draw, as far as intervals and differences need it."""
    return trial_of(case, seed, which, case.draw(seed, 0), case.draw(seed, which, apart))


def trial_of(case: Case, seed: int, which: int, reference: np.ndarray, candidate: np.ndarray) -> dict[str, Any]:
    """The same of given sets (videos * rows, d)."""
    keys = [f"{video}" for video in range(case.videos) for _ in range(case.rows)]
    spec = reduction(case.reduce)
    options = {**spec.options, **case.options}
    videos = (keys, keys if case.prompts or spec.paired else [f"{which}/{key}" for key in keys])
    sets = (reference, candidate) if spec.needs_reference else (None, candidate)
    question = Question(spec, seed, options, sets, videos if spec.needs_reference else (None, videos[1]))
    value = question.answer().value
    row, resampled = uncertain([question], [value], [videos if spec.needs_reference else (None, videos[1])])
    named = {"metric": spec.name, "candidate": str(which), "reference": "0", "reference_digest": "0"}
    counts = {"n_candidate": len(candidate), "videos_candidate": case.videos}
    return row | named | counts | {"value": value, "better": spec.better, "resampled": resampled}


def covered(case: Case, trials: int, run: Any = map) -> dict[str, float]:
    """Shares of trials whose interval holds the truth, and what the numbers were like.

    The truth of an interval that is of a limit, or of a number without bias, is the distance of the two laws: known of
    the Fréchet distance, else that of sets many times as large. That of others is the mean of all trials' numbers.
    """
    rows = list(run(partial(trial, case), range(trials)))
    values = np.array([row["value"] for row in rows])
    limits = np.array([row["infinity"] is not None for row in rows])
    of_laws = limits | (reduction(case.reduce).bias in ("none", "known"))
    truth = np.where(of_laws, case.truth if of_laws.any() else np.nan, values.mean())
    low, high = np.array([row["ci95"] for row in rows]).T
    centre = [row["value"] if row["infinity"] is None else row["infinity"] for row in rows]
    inside = (low <= truth) & (truth <= high)

    def share(of: np.ndarray) -> float:
        return float(np.mean(inside[of])) if of.any() else float("nan")

    return {
        "truth": float(np.mean(truth)),
        "value": float(values.mean()),
        "centre": float(np.mean(centre)),
        "width": float(np.mean(high - low)),
        "spread": float(np.std(centre)),
        "limits": float(np.mean(limits)),
        "covered": float(np.mean(inside)),
        "of limits": share(limits),
        "of others": share(~limits),
    }


def differences_covered(case: Case, trials: int, run: Any = map) -> float:
    """Share of trials whose interval holds the difference of two candidates: of the mean of all trials, or at infinity
    of the known distances, 0 for candidates that are as far from the reference in other ways."""
    rows = list(run(partial(unlike, case), range(trials)))
    mean = np.mean([row["difference"] for row in rows if row["of"] == "value"] or [0.0])
    return float(
        np.mean(
            [
                abs((mean if row["of"] == "value" else 0.0) - row["difference"]) <= row["ci95"][1] - row["difference"]
                for row in rows
            ]
        )
    )


def unlike(case: Case, seed: int) -> dict[str, Any]:
    """How two candidates differ that are as far from the reference, one by its mean, the other by its deviations."""
    far = case.apart * np.sqrt((case.deviations**2).mean())
    reference = case.draw(seed, 0)
    moved = replace(case, apart=0.0).draw(seed, 1) + far
    spread_out = replace(case, apart=0.0).draw(seed, 2) * (1 + far / np.sqrt((case.deviations**2).mean()))
    return difference(*(trial_of(case, seed, which, reference, one) for which, one in ((1, moved), (2, spread_out))))


def told_apart(case: Case, trials: int, other: float | None = None, run: Any = map) -> float:
    """Share of trials in which two candidates are told apart: of one law, or the second one `other` apart."""
    rows = list(run(partial(pair, case, other), range(trials)))
    return float(np.mean([row["better"] is not None for row in rows]))


def pair(case: Case, other: float | None, seed: int) -> dict[str, Any]:
    """How two candidates of a trial differ."""
    return difference(trial(case, seed, 1), trial(case, seed, 2, other))


CASES = [
    Case("frechet", 16, 256),
    Case("frechet", 64, 256),
    Case("frechet", 64, 1024),
    Case("frechet", 100, 400, spectrum=1),
    Case("frechet", 512, 256, spectrum=2),
    Case("frechet", 64, 128, spectrum=1, rows=8),
    Case("frechet", 64, 512, apart=0.0),
    Case("frechet", 64, 256, prompts=True),
    Case("frechet", 128, 256),
    Case("frechet", 256, 256, spectrum=1),
    Case("frechet", 1024, 256, spectrum=1),
    Case("frechet", 256, 32),
    Case("kernel_exact", 16, 256),
    Case("kernel_exact", 256, 32),
    Case("kernel", 16, 256, options={"subset_size": 100}),
    Case("kernel_exact", 16, 64, rows=8),
    Case("kernel_exact", 16, 256, prompts=True),
    Case("kernel_exact", 16, 64, rows=8, prompts=True),
    Case("cmmd", 16, 256, options={"normalize": False, "sigma": 4.0}),
    Case("jedi", 16, 256),
    Case("mind", 16, 256, options={"projections": 100}),
    Case("vendi", 16, 256, spectrum=1),
    Case("inception_score", 10, 128, options={"splits": 1}),
    Case("inception_score", 10, 512, options={"splits": 1}),
    Case("vendi", 32, 128),
    Case("vendi", 64, 128, spectrum=1),
    Case("video_inception_score", 10, 64, rows=8),
    Case("pair_distance", 16, 64),
    Case("precision_recall", 16, 256),
    Case("precision_recall", 16, 128),
    Case("density_coverage", 16, 256),
    Case("density_coverage", 16, 512),
    Case("authenticity", 16, 256),
]
TIES = [
    Case("frechet", 64, 256),
    Case("frechet", 64, 256, prompts=True),
    Case("frechet", 256, 32),
    Case("kernel_exact", 16, 256),
    Case("precision_recall", 16, 256),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    asked = parser.parse_args()
    columns = ["truth", "value", "centre", "width", "limits", "covered", "of limits", "of others"]
    print("| case |", " | ".join(columns), "|\n| --- |" + " ---: |" * len(columns))
    with ProcessPoolExecutor(asked.workers) as pool:
        run = partial(pool.map, chunksize=4)
        for case in CASES:
            if asked.only in case.name:
                found = covered(case, asked.trials, run)
                cells = [f"{found[key]:.4g}" for key in columns[:4]]
                cells += ["" if np.isnan(found[key]) else f"{found[key]:.0%}" for key in columns[4:]]
                print("|", " | ".join([case.name, *cells]), "|", flush=True)
        print("\n| two candidates | one law: apart | twice as far: apart | as far, unlike: apart | covered |")
        print("| --- |" + " ---: |" * 4)
        for case in TIES:
            if asked.only in case.name:
                shares = [told_apart(case, asked.trials, other, run) for other in (None, 2 * case.apart)]
                rows = list(run(partial(unlike, case), range(asked.trials)))
                shares += [float(np.mean([row["better"] is not None for row in rows]))]
                shares += [differences_covered(case, asked.trials, run)]
                print("|", " | ".join([case.name, *(f"{share:.0%}" for share in shares)]), "|", flush=True)


if __name__ == "__main__":
    main()
