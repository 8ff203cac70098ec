"""Scores of a text against the features of a video's frames. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vidgauge.extractors._torch import check_precision, device_name, repeatable
from vidgauge.specs import Setup

Formula = Callable[[np.ndarray, np.ndarray | None], Sequence[float]]
"""Features of a video's frames (t, d) and the embedding of its text (d,), None if it has none -> its columns."""


@dataclass(frozen=True)
class TextTower:
    """The half of a dual encoder that reads texts."""

    ids: Callable[[str], list[int]]  # tokens of a text
    embed: Callable[[torch.Tensor], torch.Tensor]  # (1, tokens) int64 on the device -> (1, width)
    width: int


class TextAgreement:
    """(features of each video's frames, texts) -> scores (videos, columns) and text (videos, width), float32.

    Each text goes through the network alone and without padding, so that its bits depend on no other. A text that is
    empty says nothing: no score is made up for it, while its embedding is that of no words.
    """

    def __init__(self, tower: TextTower, formula: Formula, columns: int, setup: Setup, device: torch.device) -> None:
        check_precision(setup.precision, device)
        self.tower, self.formula, self.columns = tower, formula, columns
        self.setup, self.device = setup, device

    def __call__(self, rows: Sequence[np.ndarray], texts: Sequence[str]) -> dict[str, np.ndarray]:
        """ValueError unless there is one text for each video, with frames of the width that the texts have."""
        wanted = f"features (frames >= 1, {self.tower.width}) of each video"
        if len(rows) != len(texts):
            raise ValueError(f"expected {wanted} and one text each, got {len(rows)} videos and {len(texts)} texts")
        for features in rows:
            if features.ndim != 2 or not len(features) or features.shape[1] != self.tower.width:
                raise ValueError(f"expected {wanted}, got {features.shape}")
        known = {text: self.embedding(self.tower.ids(text)) for text in dict.fromkeys(texts)}
        scores = [
            self.formula(features, known[text] if text else None) for features, text in zip(rows, texts, strict=True)
        ]
        found = {
            "scores": np.array(scores, np.float32).reshape(len(rows), self.columns),
            "text": np.array([known[text] for text in texts], np.float32).reshape(len(rows), self.tower.width),
        }
        return {name: found[name] for name in self.setup.arrays}

    def embedding(self, ids: Sequence[int]) -> np.ndarray:
        """(width,) float32 of a text's tokens."""
        with repeatable(self.device, self.setup.precision):
            return self.tower.embed(torch.tensor([list(ids)], device=self.device))[0].float().cpu().numpy()

    def ran_on(self, _: object) -> dict[str, str]:
        """What the last bits depend on besides versions."""
        return {"device": device_name(self.device), "batch_shape": "one text"}
