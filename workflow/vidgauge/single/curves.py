"""How a score goes along the video: its mean over videos at each frame, where it is one by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.store.features import read_array, read_attrs

LONGEST = 1000
"""Frames of a curve; features files have all of them."""


def curves(plan: Mapping[str, Any], features: Sequence[Path]) -> list[dict[str, Any]]:
    """{"score", "dataset", "frames", "mean", "std", "videos"} of each column by frame, and dataset.

    plan, features: as for `table.lines`. frames: numbers in the videos, ascending; mean, std (over videos, population)
    and videos (that have a value there) of each. Frames of which no video has a value are left out.
    """
    candidates = plan["candidates"]
    found = []
    for number, array in enumerate(plan["scores"]):
        if array["per"] != "frame":
            continue
        for at, dataset in enumerate(candidates):
            file = features[number * len(candidates) + at]
            columns, rows = read_attrs(file)["columns"][array["array"]], read_array(file, array["array"])
            once = {(video, start): row for row, (video, start) in enumerate(zip(rows.video, rows.start, strict=True))}
            kept = np.array(sorted(once.values()), dtype=np.int64)  # frames that several clips share count once
            for place, name in enumerate(columns):
                curve = _curve(rows.values[kept, place].astype(np.float64), rows.start[kept])
                found.append({"score": array["labels"][name], "dataset": dataset, **curve})
    return found


def _curve(values: np.ndarray, frames: np.ndarray) -> dict[str, list[Any]]:
    there = ~np.isnan(values)
    numbers, of = np.unique(frames[there], return_inverse=True)
    counts = np.bincount(of)
    mean = np.bincount(of, values[there]) / counts
    std = np.sqrt(np.bincount(of, (values[there] - mean[of]) ** 2) / counts)
    return {
        "frames": numbers[:LONGEST].tolist(),
        "mean": mean[:LONGEST].tolist(),
        "std": std[:LONGEST].tolist(),
        "videos": counts[:LONGEST].tolist(),
    }
