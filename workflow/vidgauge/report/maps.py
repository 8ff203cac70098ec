"""Where the videos of an evaluation lie in a network's space, and how far each is from the reference's.

A video is one point: its first draw, of a per-frame array the mean over its frames. Its distance is that to the nearest
video of the reference, of another one where it is of the reference itself, and is told as a multiple of the median of
the reference's own: 1 is as far as videos of the reference are from one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from vidgauge.draws import position
from vidgauge.errors import VidgaugeError
from vidgauge.files import to_json, write_text
from vidgauge.metrics._arrays import row_blocks
from vidgauge.metrics.nearest import nearest_others, nearest_rows
from vidgauge.report.projection import pca, tsne
from vidgauge.store.features import FeatureArray, read_samples

SHOWN = 1000  # points of a dataset
LISTED = 6  # of the best and worst videos of a candidate
QUANTILES = (5, 25, 50, 75, 95)
Method = Literal["pca", "tsne"]


@dataclass(frozen=True, eq=False)
class Points:
    """One point per video. video: (v,) ids, ascending; start: (v,) its clip's first frame; values: (v, d)."""

    video: np.ndarray
    start: np.ndarray
    values: np.ndarray
    samples: int  # rows that the features have, of all draws
    not_finite: int  # videos left out because their features hold NaN or infinity

    def __len__(self) -> int:
        return len(self.video)


class Near(NamedTuple):
    """Each video's nearest of the reference: its row there, the distance, and that in multiples of the usual."""

    row: np.ndarray
    distance: np.ndarray
    relative: np.ndarray | None  # None: the reference's own distances say nothing


def video_points(array: FeatureArray) -> Points:
    """The point of each video, whatever the order of the rows: float32 where it is one row, else a float64 mean."""
    videos, place = np.unique(array.video.astype(str), return_inverse=True)
    order = np.lexsort((array.start, array.draw, place))
    first = np.searchsorted(place[order], np.arange(len(videos)))
    order = order[array.draw[order] == array.draw[order[first]][place[order]]]
    first = np.searchsorted(place[order], np.arange(len(videos)))
    ends = np.append(first[1:], len(order))
    if len(order) == len(videos):
        values = array.values[order]
    else:
        values = np.empty((len(videos), array.values.shape[1]))
        for block in row_blocks(len(videos), 64):
            rows = array.values[order[first[block.start] : ends[block.stop - 1]]].astype(np.float64)
            sums = np.add.reduceat(rows, first[block] - first[block.start], axis=0)
            values[block] = sums / (ends - first)[block, None]
    finite = np.isfinite(values).all(axis=1)
    ids = videos.astype(object)
    return Points(ids[finite], array.start[order[first]][finite], values[finite], len(array), int((~finite).sum()))


def feature_map(
    sides: Mapping[str, FeatureArray], reference: str | None, *, seed: int, method: Method = "pca"
) -> dict[str, Any]:
    """The map of some datasets' features: places in the plane, distances, best and worst videos.

    sides: features of each dataset, (n, d) of one width d. reference: the one that the others are held against; None,
    or one that is not among them: no distances. PCA is fitted on the reference's points, on all without one. t-SNE of
    fewer than 10 points, or of equal ones, is PCA.
    At most 1000 points of a dataset have a place, the first in hash order; distances are those of all. Best and worst
    are 6 each, of equally good ones the first by id. What is not defined is None. Raises ValueError for other widths.
    """
    return map_of({name: video_points(side) for name, side in sides.items()}, reference, seed=seed, method=method)


def map_of(points: Mapping[str, Points], reference: str | None, *, seed: int, method: Method) -> dict[str, Any]:
    """`feature_map` of points."""
    shapes = {name: of.values.shape for name, of in points.items()}
    if len({shape[1] for shape in shapes.values()}) > 1:
        raise ValueError(f"expected features (n, d) of one width d, got {shapes}")
    if reference is not None and (reference not in points or not len(points[reference])):
        reference = None
    shown = {name: _first_by_hash(of.video) for name, of in points.items()}
    places, said = _places(points, shown, reference, seed=seed, method=method)
    near = _near(points, reference)
    rival = points[reference].video if reference else np.empty(0, object)
    found: dict[str, Any] = {"method": said[0], "explained": said[1], "reference": reference, "points": []}
    for name, of in points.items():
        found["points"] += [
            {
                "dataset": name,
                "video": of.video[row],
                "start": int(of.start[row]),
                "x": _rounded(x),
                "y": _rounded(y),
                **_distance(near.get(name), row, rival),
            }
            for row, (x, y) in zip(shown[name].tolist(), places[name], strict=True)
        ]
    found["datasets"] = {
        name: {
            "videos": len(of),
            "samples": of.samples,
            "shown": len(shown[name]),
            "not_finite": of.not_finite,
            "quantiles": _quantiles(near.get(name)),
        }
        for name, of in points.items()
    }
    for what, sign in (("worst", -1), ("best", 1)):
        found[what] = {
            name: [
                _listed(points[name], points[str(reference)], of, row)
                for row in np.argsort(sign * of.distance, kind="stable")[:LISTED].tolist()  # rows are in order of ids
            ]
            for name, of in near.items()
            if name != reference
        }
    return found


def write_map(plan: Mapping[str, Any], files: Mapping[str, Path], out: Path) -> None:
    """Write the map that a plan asks for, as JSON: what the plan says of it, then `feature_map`.

    plan: name, metrics, extractor, array, clips ({dataset: name}), reference, seed, method; also `samples` ({dataset:
    rows of the features that the metrics take, null: all}) and `arrays` ({dataset: array} of files that name it
    otherwise), both of which may be left out. files: features of each dataset that has some. Raises VidgaugeError for
    files that cannot be read, and for features of several widths.
    """
    points = {}
    for name, file in files.items():  # one at a time: features of all datasets would not fit into memory
        array = plan.get("arrays", {}).get(name, plan["array"])
        points[name] = video_points(read_samples(file, array, plan.get("samples", {}).get(name)))
    widths = {name: of.values.shape[1] for name, of in points.items()}
    if len(set(widths.values())) > 1:
        said = ", ".join(f"{files[name]}: {width}" for name, width in widths.items())
        raise VidgaugeError(f"a map needs features of one width, and these differ ({said}); give those of one network")
    keys = ("name", "metrics", "extractor", "array", "clips")
    found = map_of(points, plan["reference"], seed=plan["seed"], method=plan["method"])
    write_text(out, to_json({**{key: plan[key] for key in keys}, **found}) + "\n")


def _first_by_hash(videos: np.ndarray) -> np.ndarray:
    """Rows, ascending, of the videos that come first in hash order, in which samples are picked too."""
    order = sorted(range(len(videos)), key=lambda row: position(str(videos[row])))
    return np.array(sorted(order[:SHOWN]), dtype=np.intp)


def _places(
    points: Mapping[str, Points], shown: Mapping[str, np.ndarray], reference: str | None, *, seed: int, method: Method
) -> tuple[dict[str, np.ndarray], tuple[str, list[float] | None]]:
    """(places (k, 2) of the shown points of each dataset, (the method's name, shares of the variance))."""
    values = {name: points[name].values[rows].astype(np.float64) for name, rows in shown.items()}
    together = np.concatenate(list(values.values()))
    if not len(together):
        return {name: np.empty((0, 2)) for name in shown}, ("PCA", None)
    plane = tsne(together, seed=seed) if method == "tsne" else None
    said: tuple[str, list[float] | None] = ("t-SNE", None)
    if plane is None:
        plane, shares = pca(values[reference] if reference else together, together)
        said = "PCA", shares if any(shares) else None
    ends = np.cumsum([len(rows) for rows in shown.values()])
    return dict(zip(shown, np.split(plane, ends[:-1]), strict=True)), said


def _near(points: Mapping[str, Points], reference: str | None) -> dict[str, Near]:
    """Each dataset's nearest videos of the reference, where there are any."""
    if reference is None:
        return {}
    target, found, usual = points[reference].values, {}, 0.0
    if len(target) > 1:
        rows, distance = nearest_others(target)
        usual = float(np.median(distance))
        found[reference] = Near(rows, distance, distance / usual if usual else None)
    for name, of in points.items():
        if name != reference and len(of):
            rows, distance = nearest_rows(of.values, target)
            found[name] = Near(rows, distance, distance / usual if usual else None)
    return found


def _distance(near: Near | None, row: int, rival: np.ndarray) -> dict[str, Any]:
    if near is None:
        return {"distance": None, "nearest": None}
    relative = None if near.relative is None else _rounded(near.relative[row])
    return {"distance": relative, "nearest": rival[near.row[row]]}


def _listed(candidate: Points, reference: Points, near: Near, row: int) -> dict[str, Any]:
    return {
        "video": candidate.video[row],
        "start": int(candidate.start[row]),
        **_distance(near, row, reference.video),
        "nearest_start": int(reference.start[near.row[row]]),
    }


def _quantiles(near: Near | None) -> dict[str, float] | None:
    if near is None or near.relative is None:
        return None
    return {f"p{q:02}": _rounded(np.percentile(near.relative, q)) for q in QUANTILES}


def _rounded(value: Any) -> float:
    """Six digits: more than a picture shows, and a file of half the size."""
    return float(f"{float(value):.6g}")
