"""Named metrics with small networks in the place of their own: the same interface, no weights to fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.unit.extractors.pseudo import scripted
from vidgauge.config import load
from vidgauge.metric import Metric, metrics
from vidgauge.presets import presets

OWN = "efficientnet_lite0"  # a network that is run itself: it comes with a package


class StandIn(torch.nn.Module):
    """24 averages over a grid of a clip (b, 3, t, h, w) or frame (b, 3, h, w), as numbers or as probabilities."""

    def forward(self, x: torch.Tensor, scale: float = 1.0, classes: bool = False) -> torch.Tensor:
        if x.dim() == 5:
            x = torch.nn.functional.adaptive_avg_pool3d(x, [2, 2, 2])
        else:
            x = torch.nn.functional.adaptive_avg_pool2d(x, [2, 4])
        x = x.flatten(1) * scale
        return x.softmax(1) if classes else x


def networks(folder: Path) -> dict[str, Any]:
    """`extractors` of the configuration; their file is written to the folder."""
    network = {"torchscript": str(scripted(StandIn(), folder / "stand_in.pt")), "trust": True, "batch": 64}
    clip, frame = ({"input": {"layout": layout, "range": [0, 1]}} for layout in ("BCTHW", "NCHW"))
    return {
        "stand_in_clip": network | clip,
        "stand_in_classes": network | clip | {"keywords": {"scale": 8.0, "classes": True}},
        "stand_in_frame": network | frame,
        "stand_in_logits": network | frame | {"keywords": {"scale": 8.0}},
    }


def known() -> dict[str, Metric]:
    """Every named metric with all that its name stands for; of some weights nobody has published a digest."""
    datasets = {name: {"source": name} for name in ("real", "fake")}
    config = {"evaluation": "test", "reference": "real", "datasets": datasets, "metrics": list(presets())}
    trusted = ("c3d_ucf101", "pickscore", "videoscore", "videoscore_v1_1")
    return metrics(load(config | {"extractors": {name: {"trust": True} for name in trusted}}))


def definition(metric: Metric, smaller: int = 1) -> dict[str, Any]:
    """A named metric as `define` takes it, with a stand-in, and pictures divided in size by `smaller`."""
    found = metric.definition.model_dump(mode="json")
    found["clips"]["size"] = _divided(found["clips"]["size"], smaller)
    if metric.extractor.name == OWN:
        return found
    kind: str = metric.array_spec.per
    if metric.definition.reduce.endswith("inception_score"):
        kind = {"clip": "classes", "frame": "logits"}[kind]
    return found | {"extractor": f"stand_in_{kind}", "weights": None, "array": None}


def _divided(size: Any, by: int) -> Any:
    if size == "native":
        return size
    return size // by if isinstance(size, int) else [side // by for side in size]
