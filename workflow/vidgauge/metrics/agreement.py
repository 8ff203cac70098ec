"""How far a video's frames agree with a text and with one another, from the embeddings of a dual encoder.

Networks such as CLIP and BLIP put images and texts into one space. All values here are cosines of float64 arithmetic;
embeddings need not be normalised. Sources: AIGVE_Tool (CLIPSim, CLIPTemp, BLIPSim, PickScore), whose formulas these
are, and Kirstain et al., Pick-a-Pic, NeurIPS 2023, for the preferences. An embedding of zeros has no direction: what
it enters is NaN.
"""

from __future__ import annotations

import numpy as np


def text_agreement(frames: np.ndarray, text: np.ndarray) -> float:
    """Mean cosine of each frame with the text: higher where a video shows what the text says.

    frames: (t >= 1, d), text: (d,). ValueError for other shapes.
    """
    if text.shape != frames.shape[1:]:
        raise ValueError(f"expected frames (t, d) and a text (d,), got {frames.shape} and {text.shape}")
    return float((_directions(frames) @ _directions(text[None])[0]).mean())


def temporal_agreement(frames: np.ndarray) -> float:
    """Mean cosine of each frame with the next, 1 where nothing moves; NaN for one frame, which has no next.

    frames: (t >= 1, d), in the order of time. ValueError for other shapes.
    """
    u = _directions(frames)
    return float((u[:-1] * u[1:]).sum(axis=1).mean()) if len(u) > 1 else float("nan")


def preferences(scores: np.ndarray) -> np.ndarray:
    """For each prompt, how likely each candidate is the one that people prefer: the softmax of their scores.

    scores: (prompts, candidates) on the scale of exp(logit_scale) times the cosine. A prompt with a candidate without
    a score, NaN, gives NaN for all. (prompts, candidates) float64, rows of sum 1. ValueError for other shapes.
    """
    if scores.ndim != 2 or scores.shape[1] < 1:
        raise ValueError(f"expected scores (prompts, candidates >= 1), got {scores.shape}")
    x = scores.astype(np.float64)
    odds = np.exp(x - x.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _directions(x: np.ndarray) -> np.ndarray:
    """(n >= 1, d) -> rows of length 1, float64."""
    if x.ndim != 2 or not len(x):
        raise ValueError(f"expected embeddings (n >= 1, d), got {x.shape}")
    x = x.astype(np.float64)
    with np.errstate(invalid="ignore"):  # 0 / 0
        return x / np.sqrt(np.square(x).sum(axis=1, keepdims=True))
