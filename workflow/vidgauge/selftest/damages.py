"""Damages of known amount. Amount 0 is none, a larger one is worse, and one amount contains the smaller ones.

Most are done to decoded clips. Two are not: a higher speed takes other frames of the video (`faster`), and lost modes
leave out videos (`modes`).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidgauge.draws import choose

if TYPE_CHECKING:
    import numpy as np

PARTS = 8
"""Modes that a set is cut into."""


@dataclass(frozen=True)
class Damage:
    """A kind of damage and the amounts of it that are tried, growing."""

    name: str
    unit: str  # of the labels, under an axis
    said: str  # a label in a sentence
    amounts: tuple[float, ...]
    what: str
    label: Callable[[float], str]
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray] | None = None  # of a clip; None: see above
    temporal: bool = False  # a clip of one frame has nothing of it


def damaged(damage: Damage, clip: np.ndarray, amount: float, *, seed: int, video: str) -> np.ndarray:
    """A clip (t, h, w, 3) uint8 of a video with some damage, of the same shape and type; itself for amount 0.

    The draw follows from seed, video and kind alone, so that a larger amount is more of the same.
    """
    import numpy as np

    if damage.apply is None:
        raise ValueError(f"{damage.name} is no damage of a clip")
    if not amount:
        return clip
    rng = np.random.default_rng(choose(seed, f"{video}\0{damage.name}", 0, 1 << 64))
    return damage.apply(clip, amount, rng)


def noise(clip: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of so many grey levels, new in every frame."""
    from vidgauge.demo.degrade import blur_and_noise

    return blur_and_noise(clip, rng, sigma=0.0, noise=amount)


def blur(clip: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian blur of so many pixels of the clip."""
    from vidgauge.demo.degrade import blur_and_noise

    return blur_and_noise(clip, rng, sigma=amount, noise=0.0)


def jpeg(clip: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - called alike
    """Each frame through JPEG at quality 100 - amount, colours at half the size."""
    import numpy as np
    from PIL import Image

    def once(frame: np.ndarray) -> np.ndarray:
        memory = io.BytesIO()
        Image.fromarray(frame).save(memory, "JPEG", quality=round(100 - amount), subsampling="4:2:0")
        return np.asarray(Image.open(memory))

    return np.stack([once(frame) for frame in clip])


def shuffle(clip: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """A share of the frames, at least two, take each other's places, and none of them stays in its own."""
    order = rng.permutation(len(clip))[: max(2, round(amount * len(clip)))]
    found = clip.copy()
    found[order] = clip[order[[*range(1, len(order)), 0]]]
    return found


def freeze(clip: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - called alike
    """The first frame stands still for a share of the clip's steps; then the clip goes on where it would be."""
    found = clip.copy()
    found[1 : 1 + math.ceil(amount * (len(clip) - 1))] = clip[0]
    return found


def faster(frames: int, stride: int, amount: float) -> list[int]:
    """Places on the timeline, counted from the first, of the frames of a clip at 1 + amount times the speed.

    >>> faster(4, 1, 0.5), faster(4, 2, 0.0)
    ([0, 1, 3, 4], [0, 2, 4, 6])
    """
    return [math.floor(number * stride * (1 + amount)) for number in range(frames)]


def modes(features: np.ndarray) -> list[np.ndarray]:
    """Rows (n, d) cut into PARTS modes of one size: each half is halved again, along its direction of most spread.

    Row numbers of each mode. Neighbours in the list are neighbours in the features, so that the first few of them are
    one region, and the others another.
    """
    import numpy as np

    parts = [np.arange(len(features))]
    while len(parts) < PARTS:
        parts = [half for part in parts for half in _halves(features, part)]
    return parts


def _halves(features: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    import numpy as np

    if len(rows) < 2:
        return [rows, rows[:0]]
    x = features[rows].astype(np.float64)
    axis = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][0]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])  # a direction has no sign of its own
    return np.array_split(rows[np.argsort(x @ axis, kind="stable")], 2)


def kept(parts: Sequence[tuple[str, ...]], amount: float) -> tuple[str, ...]:
    """The videos, in ascending order, that are left when a share of the modes is lost."""
    left = parts[: len(parts) - round(amount * len(parts))]
    return tuple(sorted(video for part in left for video in part))


def _percent(amount: float) -> str:
    return f"{100 * amount:g} %"


SHUFFLE = Damage(
    "shuffle",
    "share of the frames",
    "{} of the frames",
    (0.125, 0.25, 0.5, 1.0),
    "frames of a clip take each other's places",
    _percent,
    shuffle,
    temporal=True,
)
SPEED = Damage(
    "speed",
    "times the original",
    "{} the original",
    (0.25, 0.5, 1.0, 3.0),
    "the video runs faster: frames are taken farther apart",
    lambda amount: f"{1 + amount:g}×",
    temporal=True,
)
MODES = Damage(
    "lost modes",
    "share of the videos",
    "{} of the videos",
    (0.125, 0.25, 0.375, 0.5),
    "videos of one region of the features are missing, compared with as many videos from all of it",
    _percent,
)
DAMAGES = (
    Damage(
        "noise",
        "grey levels",
        "{} grey levels",
        (4, 8, 16, 32),
        "Gaussian noise of that standard deviation of 256, new in every frame",
        "{:g}".format,
        noise,
    ),
    Damage("blur", "pixels", "{} pixels", (0.5, 1, 2, 4), "a Gaussian blur of the clip's frames", "{:g}".format, blur),
    Damage(
        "JPEG",
        "quality",
        "quality {}",
        (10, 30, 60, 90),
        "every frame is compressed, at quality 100 - amount",
        lambda amount: f"{100 - amount:g}",
        jpeg,
    ),
    SHUFFLE,
    Damage(
        "freeze",
        "share of the steps",
        "{} of the steps",
        (0.25, 0.5, 0.75, 1.0),
        "the first frame of a clip stands still",
        _percent,
        freeze,
        temporal=True,
    ),
    SPEED,
    MODES,
)
"""All damages, in the order in which they are shown."""
