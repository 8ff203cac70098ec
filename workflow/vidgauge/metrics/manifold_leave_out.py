"""Precision and recall, coverage and authenticity without each group of rows, all in one pass over the distances.

Leaving out a group changes a ball only if that holds one of the few nearest neighbours of its centre. So a row is met
without the group if a ball of another group holds it, or would hold it once it has grown for want of the group.
All decisions are those of `vidgauge.metrics.manifold` for the rows that are left, ties included.

groups: of each row, (n,) of the reference's and (m,) of the candidate's, whole numbers from 0; G is one more than the
largest on either side, and a group that has no rows on a side leaves the value as it is.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_count, as_pair
from vidgauge.metrics._neighbours import Cloud, bounds, nth_distances, rows_against
from vidgauge.metrics._tiles import Tile, squared_distances, tiles
from vidgauge.metrics.leave_out import as_groups
from vidgauge.metrics.manifold import squares_of_halves


class Without(NamedTuple):
    """Values without each group of the reference's rows, (G,), and without each of the candidate's, (G,)."""

    reference: np.ndarray
    candidate: np.ndarray


def precision_recall_without(
    reference: Any,
    candidate: Any,
    *,
    groups: tuple[Any, Any],
    k: int = 3,
    radius: Literal["float64", "float16"] = "float64",
) -> tuple[Without, Without]:
    """Precision and recall, as `precision_recall` gives them, without each group.

    reference: (n, d), candidate: (m, d), of which more than k rows must be left; k, radius: as there. Memory is bounded
    but for G (n + m) values. Raises ValueError with the shapes seen and wanted.

    >>> x, y = [[0.0], [1.0], [3.0]], [[0.5], [2.5], [99.0]]
    >>> precision, recall = precision_recall_without(x, y, groups=([0, 1, 2], [0, 1, 2]), k=1)
    >>> precision.candidate.tolist()  # 99 lies in no ball
    [0.5, 0.5, 1.0]
    """
    least = as_count(k, "k") + 1
    real, fake = _clouds(reference, candidate, groups, (least, least))
    of_real, of_fake = (_balls(cloud, k, rounded=radius == "float16") for cloud in (real, fake))
    around_fake, around_real = _none(real, fake), _none(fake, real)
    for i, j, tile in tiles(real.points, fake.points, real.mean):
        of_real.add_to(around_fake[:, j], i, tile, axis=0)
        of_fake.add_to(around_real[:, i], j, tile, axis=1)
    return (
        Without(_share(around_fake[:-1] > 0, fake), _share_left(around_fake[-1] > 0, fake)),
        Without(_share_left(around_real[-1] > 0, real), _share(around_real[:-1] > 0, real)),
    )


def coverage_without(reference: Any, candidate: Any, *, groups: tuple[Any, Any], k: int = 5) -> Without:
    """Coverage, as `density_coverage` gives it, without each group.

    reference: (n, d), of which more than k rows must be left; candidate: (m, d), of which one must; k: as there. Memory
    is bounded but for G n values. Raises ValueError with the shapes seen and wanted.
    """
    real, fake = _clouds(reference, candidate, groups, (as_count(k, "k") + 1, 1))
    balls = _balls(real, k)
    inside, reached = _none(fake, real), np.zeros(balls.grown.shape, dtype=bool)
    for i, j, tile in tiles(real.points, fake.points, real.mean):
        inside[:, i] += _others(fake.group[j], tile.below(balls.radii[i, None], strict=True).T, len(inside))
        for slot, grown in enumerate(balls.grown[i].T):
            reached[i, slot] |= tile.below(grown[:, None], strict=True).any(axis=1)
    covered = inside[-1] > 0
    gained = (reached & ~covered[:, None]) * real.counts[:, None]
    more = np.bincount(balls.without.ravel(), gained.ravel(), minlength=real.groups)
    return Without(_share_left(covered, real, more), _share(inside[:-1] > 0, real))


def authenticity_without(reference: Any, candidate: Any, *, groups: tuple[Any, Any]) -> Without:
    """The percentage that `authenticity` gives, without each group.

    reference: (n, d), of which two rows must be left; candidate: (m, d), of which one must. Memory is bounded but for
    G (n + m) values. Raises ValueError with the shapes seen and wanted.
    """
    real, fake = _clouds(reference, candidate, groups, (2, 1))
    radii = _radii(real, 1)
    authentic = np.ones((len(radii), len(fake)), dtype=bool)
    for rows in rows_against(real, len(fake)):
        every_i, every_j, every_distance = _near(fake.points[rows], real, 1)
        for g in range(len(radii)):
            kept = real.group[every_j] != g
            i, j, distances = every_i[kept], every_j[kept], every_distance[kept]
            smallest = distances[np.searchsorted(i, i)]  # sorted by i, then by distance
            copied = (distances == smallest) & (distances <= radii[g, j])
            authentic[g, rows.start + i[copied]] = False
    return Without(100 * _share(authentic[:-1], fake), 100 * _share_left(authentic[-1], fake))


class _Grouped(Cloud):
    """The distinct rows of each group of a set, and how often each occurs there."""

    def __init__(self, x: np.ndarray, group: np.ndarray, groups: int) -> None:
        """x: (n, d); group: (n,) from 0 to groups - 1."""
        clouds = [Cloud(x[group == g]) for g in range(groups)]
        self.total, self.groups = len(x), groups
        self.points = np.concatenate([cloud.points for cloud in clouds])  # (u, d)
        self.counts = np.concatenate([cloud.counts for cloud in clouds])  # (u,)
        self.group = np.repeat(np.arange(groups), [len(cloud) for cloud in clouds])  # (u,)
        self.left = len(x) - np.array([cloud.total for cloud in clouds])  # (groups,) rows without each group


class _Balls(NamedTuple):
    """The balls around the u rows of a set: squared radii, and those that grow where another group is left out."""

    group: np.ndarray  # (u,)
    radii: np.ndarray  # (u,)
    grown: np.ndarray  # (u, s) for each of a row's few such groups; -inf: it has no more of them
    without: np.ndarray  # (u, s) which group

    def add_to(self, held: np.ndarray, rows: slice, tile: Tile, *, axis: int) -> None:
        """Adds to held (G + 1, b) how many balls of some rows hold each of b points without each group, and in all.

        tile: of the distances of these rows, along axis, to the points.
        """

        def below(radii: np.ndarray) -> np.ndarray:
            inside = tile.below(np.expand_dims(radii, 1 - axis), strict=False)
            return inside if axis == 0 else inside.T

        held += _others(self.group[rows], below(self.radii[rows]), len(held))
        for grown, without in zip(self.grown[rows].T, self.without[rows].T, strict=True):
            held += _by_group(without, below(grown), len(held))


def _clouds(
    reference: Any, candidate: Any, groups: tuple[Any, Any], least: tuple[int, int]
) -> tuple[_Grouped, _Grouped]:
    x, y = as_pair(reference, candidate)
    of_x, of_y, count = as_groups(groups, len(x), len(y))
    clouds = _Grouped(x, of_x, count), _Grouped(y, of_y, count)
    for name, cloud, rows, side in zip(("reference", "candidate"), clouds, least, (x, y), strict=True):
        short = np.flatnonzero(cloud.left < rows)
        if len(short):
            raise ValueError(
                f"{name}: expected shape (n, d) with n >= {rows} without each group of rows, "
                f"got {side.shape}, of which group {short[0]} leaves {cloud.left[short[0]]}"
            )
    return clouds


def _radii(cloud: _Grouped, k: int) -> np.ndarray:
    """(G + 1, u) squared distances to the k-th nearest other row without each group, and in all."""
    radii = np.zeros((cloud.groups + 1, len(cloud)))
    for rows in rows_against(cloud, len(cloud)):
        wanted = rows.start + np.flatnonzero(cloud.counts[rows] <= k)  # else k equals stay while it does: radius 0
        if len(wanted):
            i, j, distances = _near(cloud.points[wanted], cloud, k, own=wanted)
            short = k - (cloud.counts[wanted] - 1)
            for g in range(len(radii)):
                kept = cloud.group[j] != g
                radii[g, wanted] = nth_distances(i[kept], distances[kept], cloud.counts[j[kept]], short)
    return radii


def _near(
    points: np.ndarray, cloud: _Grouped, k: int, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (position in points, row of the cloud) and their squared distances, sorted by position, then distance.

    Among them are each point's k nearest rows, whichever group is left out, and all that tie with these. own: (a,)
    which row of the cloud each point is, where it is no neighbour of itself.
    """
    lower, upper = bounds(points, cloud)
    others, at = len(cloud), np.arange(len(points))
    if own is not None:
        others -= 1
        upper[at, own] = lower[at, own] = np.inf
    length = min(k + int(np.bincount(cloud.group).max()), others)  # among so many, k are of other groups than any one
    found = np.argpartition(upper, length - 1, axis=1)[:, :length]
    found = np.take_along_axis(found, np.take_along_axis(upper, found, axis=1).argsort(axis=1), axis=1)
    nearest, groups = np.take_along_axis(upper, found, axis=1), cloud.group[found]
    limit = nearest[:, min(k, length) - 1]
    for slot in range(min(k, length)):  # only a group that is among the k nearest moves the k-th
        reached = np.cumsum(groups != groups[:, slot, None], axis=1) >= k
        nth = np.where(reached[:, -1], reached.argmax(axis=1), length - 1)
        limit = np.maximum(limit, nearest[at, nth])
    i, j = np.nonzero(lower <= limit[:, None])
    distances = squared_distances(points, cloud.points, i, j)
    order = np.lexsort((distances, i))
    return i[order], j[order], distances[order]


def _balls(cloud: _Grouped, k: int, *, rounded: bool = False) -> _Balls:
    radii = squares_of_halves(_radii(cloud, k)) if rounded else _radii(cloud, k)
    grows = (radii[:-1] > radii[-1]) & (np.arange(cloud.groups)[:, None] != cloud.group)
    i, g = np.nonzero(grows.T)  # sorted by row
    slot = np.arange(len(i)) - np.searchsorted(i, i)
    shape = len(cloud), 1 + int(slot.max(initial=-1))
    grown, without = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64)
    grown[i, slot], without[i, slot] = radii[g, i], g
    return _Balls(cloud.group, radii[-1], grown, without)


def _none(of: _Grouped, points: _Grouped) -> np.ndarray:
    """(G + 1, u) zeros: for each point, how much of another set is near it without each group, and in all."""
    return np.zeros((of.groups + 1, len(points)), dtype=np.int64)


def _others(group: np.ndarray, chosen: np.ndarray, rows: int) -> np.ndarray:
    """(rows, b) how many of a column's chosen rows are of another group than each; none are of the last."""
    counts = _by_group(group, chosen, rows)
    others: np.ndarray = counts.sum(axis=0) - counts
    return others


def _by_group(group: np.ndarray, chosen: np.ndarray, rows: int) -> np.ndarray:
    """(rows, b) how many of a column's chosen rows are of each group; group: (a,) of each row, chosen: (a, b) bool."""
    i, j = np.nonzero(chosen)
    columns = chosen.shape[1]
    return np.bincount(group[i] * columns + j, minlength=rows * columns).reshape(rows, columns)


def _share(chosen: np.ndarray, cloud: _Grouped) -> np.ndarray:
    """(G,) of all rows. chosen: (G, u)."""
    share: np.ndarray = chosen @ cloud.counts / cloud.total
    return share


def _share_left(chosen: np.ndarray, cloud: _Grouped, more: np.ndarray | int = 0) -> np.ndarray:
    """(G,) of the rows that are left without each group. chosen: (u,); more: (G,) how many are chosen besides."""
    counts = chosen * cloud.counts
    share: np.ndarray = (counts.sum() - np.bincount(cloud.group, counts, cloud.groups) + more) / cloud.left
    return share
