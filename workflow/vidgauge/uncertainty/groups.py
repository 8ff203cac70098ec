"""Groups of videos, the units that are resampled: frames and clips of one video are not independent, videos are."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from vidgauge.draws import choose

GROUPS = 64
"""More would make intervals hardly better."""

LEAST = 8
"""Of fewer videos no interval is made."""

FOR_A_LIMIT = 64
"""Of fewer videos no limit is told: its fit would rest on parts of a handful."""

BLOCKS = 6
"""Parts of the sets whose numbers are compared where a number does not change smoothly with its videos."""

IN_A_BLOCK = 14
"""Videos for each neighbour that counts, `k`, that such a part must have: with fewer, neighbours are other ones."""

DRAW = -1  # of `choose`: none that a clip uses


def groups_of(keys: Sequence[Hashable], seed: int) -> np.ndarray:
    """(n,) group numbers, 0 .. GROUPS - 1, of rows whose videos are `keys`: random, from the seed and the key alone.

    So a key that several sets share, as videos made from one prompt do, is of one group in all of them.

    >>> a, b, again = groups_of(["a", "b", "a"], 0)
    >>> bool(a == again), bool(a == groups_of(["a"], 0)[0])
    (True, True)
    """
    number = {key: choose(seed, str(key), DRAW, GROUPS) for key in dict.fromkeys(keys)}
    return np.array([number[key] for key in keys], dtype=np.intp)
