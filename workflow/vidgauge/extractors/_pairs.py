"""What networks that compare two clips ask of them. Nothing here imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from vidgauge.extractors._clips import check_clips
from vidgauge.specs import InputSpec


def check_pairs(clips: Any, partners: Any, seen: InputSpec) -> tuple[np.ndarray, np.ndarray]:
    """Clips and their references, both (b, t, h, w, 3) uint8; ValueError, with what was seen, where they are not."""
    ours, theirs = check_clips(clips, seen), check_clips(partners, seen)
    if ours.shape != theirs.shape:
        raise ValueError(f"expected partners of the clips' own shape {ours.shape}, got {theirs.shape}")
    return ours, theirs


def frame_pairs(clips: Any, partners: Any, seen: InputSpec) -> np.ndarray:
    """(b * t, 2, h, w, 3) uint8: each frame of the clips, and the one that it is compared with."""
    both = np.stack(check_pairs(clips, partners, seen), axis=2)  # (b, t, 2, h, w, 3)
    return both.reshape(-1, *both.shape[2:])
