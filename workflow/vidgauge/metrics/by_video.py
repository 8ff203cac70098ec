"""What is taken video by video: weights that make every video count once, and means over videos or pairs of them.

The means are those of AIGVE (Xiang et al. 2025, AIGVE-Tool). They are named as FID, FVD and IS there and are not: each
compares the few frames of one video, or two vectors, and not two sets of videos.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vidgauge.metrics._arrays import as_matrix, as_pair, rows_by_video
from vidgauge.metrics.frechet import frechet_distance
from vidgauge.metrics.inception import inception_score
from vidgauge.specs import Influence

NAMED = 3  # keys that a message lists


class MeanOverVideos(NamedTuple):
    """The mean, and over how many videos or pairs."""

    mean: float
    videos: int


def video_weights(keys: Sequence[Hashable]) -> np.ndarray:
    """(n,) float64 weights of rows that give every video a total of 1, from each row's video.

    >>> video_weights(["a", "b", "b"]).tolist()
    [1.0, 0.5, 0.5]
    """
    counts: dict[Hashable, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return np.array([1 / counts[key] for key in keys])


def pair_distance(
    reference: Any, candidate: Any, *, videos: tuple[Sequence[Hashable], Sequence[Hashable]]
) -> MeanOverVideos:
    """Mean over pairs of the squared Euclidean distance between a candidate's row and its reference's; lower is better.

    reference: (n, d), candidate: (m, d), any real dtype, one row per video; arithmetic is float64.
    videos: the key of each row's video, (n,) and (m,); a candidate is compared with the reference of the same key, and
    references that no candidate asks for are left out. AIGVE calls it FVD: with one sample on each side both
    covariances are zero, and what is left of the Fréchet distance is the distance of the two means.
    Raises ValueError with the shapes seen and wanted, and with keys that have no reference, or more than one row.

    >>> pair_distance([[0.0], [5.0]], [[2.0]], videos=(["a", "b"], ["a"]))
    MeanOverVideos(mean=4.0, videos=1)
    """
    return _mean(_by_pair(reference, candidate, videos, _squared_distance))


def pair_distance_influence(
    reference: Any, candidate: Any, *, videos: tuple[Sequence[Hashable], Sequence[Hashable]]
) -> Influence:
    """How much each pair moves `pair_distance`. Arguments, and what is raised, as there.

    A pair's effect is (its value less the mean) / pairs. It is put on the reference's rows, for the pairs of several
    candidates have these in common; the candidate's rows, and references that no candidate asks for, have 0.
    """
    return _of_pairs(_by_pair(reference, candidate, videos, _squared_distance), videos)


def mean_by_video(scores: Any, *, videos: Sequence[Hashable]) -> MeanOverVideos:
    """Mean over videos of the mean of each one's scores: every video counts once, however many frames it has.

    scores: (n, d), any real dtype; arithmetic is float64. videos: the key of each row's video, (n,).
    Raises ValueError with the shape seen and the shape wanted.

    >>> mean_by_video([[1.0], [3.0], [8.0]], videos=["a", "a", "b"])
    MeanOverVideos(mean=5.0, videos=2)
    """
    return _mean(scores_by_video(scores, videos=videos))


def mean_by_video_influence(scores: Any, *, videos: Sequence[Hashable]) -> Influence:
    """How much each row moves `mean_by_video`. Arguments, and what is raised, as there.

    A video's effect is (its mean less the mean of all) / videos, shared by its rows.
    """
    return Influence(None, _effects(scores_by_video(scores, videos=videos), videos))


def scores_by_video(scores: Any, *, videos: Sequence[Hashable]) -> dict[Hashable, float]:
    """The mean score of each video, of (n, d) scores and the key of each row's video."""
    x = as_matrix(scores, "scores")
    found = rows_by_video(videos, x, "scores")
    return {key: math.fsum(x[rows].astype(np.float64).ravel()) / x[rows].size for key, rows in found.items()}


def pair_frechet(
    reference: Any, candidate: Any, *, videos: tuple[Sequence[Hashable], Sequence[Hashable]]
) -> MeanOverVideos:
    """Mean over pairs of the Fréchet distance between the frames of two videos, ddof 1; lower is better.

    reference: (n, d), candidate: (m, d), any real dtype, at least two rows (frames) per video; arithmetic is float64.
    videos: as for `pair_distance`. AIGVE calls it FID. With fewer frames than features both fits are singular, and the
    number says more of two samples than of two laws.
    Raises ValueError with the shapes seen and wanted, and with keys that have no reference, or less than two rows.

    >>> pair_frechet([[0.0], [2.0]], [[3.0], [5.0]], videos=(["a", "a"], ["a", "a"]))
    MeanOverVideos(mean=9.0, videos=1)
    """
    return _mean(_by_pair(reference, candidate, videos, _frechet_distance))


def pair_frechet_influence(
    reference: Any, candidate: Any, *, videos: tuple[Sequence[Hashable], Sequence[Hashable]]
) -> Influence:
    """How much each pair moves `pair_frechet`: as `pair_distance_influence`, a pair's effect shared by its rows."""
    return _of_pairs(_by_pair(reference, candidate, videos, _frechet_distance), videos)


def video_inception_score(probabilities: Any, *, videos: Sequence[Hashable], epsilon: float = 1e-10) -> MeanOverVideos:
    """Mean over videos of the Inception score of a video's frames by themselves; AIGVE calls it IS.

    probabilities: (n, classes), rows >= 0 that sum to 1, any real dtype; arithmetic is float64. videos: the key of each
    row's video, (n,). One split, no shuffle; epsilon is added inside the logarithms. A video of one frame, or of equal
    frames, scores 1: it tells how much the frames of a video differ, not the videos.
    Raises ValueError with the shape seen and the shape wanted.

    >>> video_inception_score([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], videos=["a", "a", "b"], epsilon=0.0)
    MeanOverVideos(mean=1.5, videos=2)
    """
    return _mean(_scores(probabilities, videos, epsilon))


def video_inception_influence(probabilities: Any, *, videos: Sequence[Hashable], epsilon: float = 1e-10) -> Influence:
    """How much each video moves `video_inception_score`. Arguments, and what is raised, as there.

    A video's effect is (its score less the mean) / videos, shared by its rows.
    """
    return Influence(None, _effects(_scores(probabilities, videos, epsilon), videos))


def _squared_distance(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) != 1 or len(y) != 1:
        raise ValueError(f"expected one row (1, d) of either side, got {x.shape} and {y.shape}")
    difference = x[0].astype(np.float64) - y[0]
    return float(difference @ difference)


def _frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    return frechet_distance(x, y, ddof=1)


def _by_pair(
    reference: Any,
    candidate: Any,
    videos: tuple[Sequence[Hashable], Sequence[Hashable]],
    measure: Callable[[np.ndarray, np.ndarray], float],
) -> dict[Hashable, float]:
    x, y = as_pair(reference, candidate)
    of_reference = rows_by_video(videos[0], x, "reference")
    of_candidate = rows_by_video(videos[1], y, "candidate")
    alone = [key for key in of_candidate if key not in of_reference]
    if alone:
        named = ", ".join(map(repr, alone[:NAMED])) + (", ..." if len(alone) > NAMED else "")
        raise ValueError(
            f"expected a reference video for every candidate, got none for {len(alone)} of {len(of_candidate)}: {named}"
        )
    values = {}
    for key, rows in of_candidate.items():
        try:
            values[key] = measure(x[of_reference[key]], y[rows])
        except ValueError as error:
            raise ValueError(f"the pair of {key!r}: {error}") from error
    return values


def _scores(probabilities: Any, videos: Sequence[Hashable], epsilon: float) -> dict[Hashable, float]:
    p = as_matrix(probabilities, "probabilities")
    return {
        key: inception_score(p[rows], splits=1, shuffle_seed=None, epsilon=epsilon).mean
        for key, rows in rows_by_video(videos, p, "probabilities").items()
    }


def _mean(values: Mapping[Hashable, float]) -> MeanOverVideos:
    """Of a sum that is exact, so that the order of the videos does not matter."""
    return MeanOverVideos(math.fsum(values.values()) / len(values), len(values))


def _of_pairs(values: Mapping[Hashable, float], videos: tuple[Sequence[Hashable], Sequence[Hashable]]) -> Influence:
    return Influence(_effects(values, videos[0]), np.zeros(len(videos[1])))


def _effects(values: Mapping[Hashable, float], keys: Sequence[Hashable]) -> np.ndarray:
    """(n,) effects on the mean over videos of rows of these videos, 0 where a video has no value."""
    mean, count = _mean(values)
    effects: np.ndarray = video_weights(keys) * [(values.get(key, mean) - mean) / count for key in keys]
    return effects
