"""What every network asks of the clips that it is called with. Nothing here imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidgauge.specs import InputSpec


def check_clips(clips: Any, seen: InputSpec) -> np.ndarray:
    """The clips as an array (b, t, h, w, 3) uint8; ValueError, with what was seen and what is wanted, otherwise."""
    array = np.asarray(clips)
    wanted = f"clips (b, t, h, w, 3) uint8 with h and w >= 1 and t frames, {seen.frames_text}"
    if array.dtype != np.uint8 or array.ndim != 5 or array.shape[-1] != 3:
        raise ValueError(f"expected {wanted}, got {array.shape} {array.dtype}")
    if not seen.takes(array.shape[1]) or 0 in array.shape[1:]:
        raise ValueError(f"expected {wanted}, got {array.shape}")
    return array
