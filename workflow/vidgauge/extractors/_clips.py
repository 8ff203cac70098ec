"""What every network asks of the clips that it is called with. Nothing here imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_clips(clips: Any, min_frames: int = 1) -> np.ndarray:
    """The clips as an array (b, t, h, w, 3) uint8; ValueError, with what was seen and what is wanted, otherwise."""
    array = np.asarray(clips)
    wanted = f"clips (b, t, h, w, 3) uint8 with t >= {min_frames}, h >= 1 and w >= 1"
    if array.dtype != np.uint8 or array.ndim != 5 or array.shape[-1] != 3:
        raise ValueError(f"expected {wanted}, got {array.shape} {array.dtype}")
    if array.shape[1] < min_frames or 0 in array.shape[1:]:
        raise ValueError(f"expected {wanted}, got {array.shape}")
    return array
