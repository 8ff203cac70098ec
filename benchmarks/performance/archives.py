"""TorchScript archives with the call signatures of the published ones, and random weights in their place.

`full` has the layers of the real networks, so that a pass costs what theirs costs; otherwise a few averages and a
matrix give rows of the same width for next to nothing, as a GPU would to the processors. Importing this imports torch.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
import yaml
from torch import nn

from benchmarks.plain import plain

NAMES = ("i3d_styleganv", "c3d_ucf101", "inception_nvidia", "vgg16_nvidia")
ROOT = Path(__file__).parents[2]


class I3D(nn.Module):
    """(b, 3, t, h, w) -> (b, 400)."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(
        self, x: torch.Tensor, rescale: bool = False, resize: bool = False, return_features: bool = False
    ) -> torch.Tensor:
        x = x.float()
        if rescale:
            x = 2 * x / 255 - 1
        if resize:
            b, c, t, h, w = x.shape
            x = F.interpolate(x.transpose(1, 2).reshape(b * t, c, h, w), (224, 224), mode="bilinear")
            x = x.reshape(b, t, c, 224, 224).transpose(1, 2).contiguous()
        scores = self.trunk(x)
        return scores if return_features else scores.softmax(1)


class C3D(nn.Module):
    """(b, 3, 16, h, w) 0..255 -> (b, 101) probabilities."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, c, t, h, w = x.shape
        x = F.interpolate(x.float().transpose(1, 2).reshape(b * t, c, h, w), (112, 112), mode="bilinear")
        x = x.reshape(b, t, c, 112, 112).transpose(1, 2).contiguous() / 127.5 - 1
        return self.trunk(x).softmax(1)


class Image(nn.Module):
    """(b, 3, h, w) 0..255 -> the trunk's features, or the probabilities of the classes."""

    def __init__(self, trunk: nn.Module, width: int, classes: int, size: int) -> None:
        super().__init__()
        self.trunk, self.head, self.size = trunk, nn.Linear(width, classes), size

    def forward(
        self,
        x: torch.Tensor,
        return_features: bool = False,
        use_fp16: bool = False,  # noqa: ARG002 - as callers of the published ones may say
        no_output_bias: bool = False,
    ) -> torch.Tensor:
        x = F.interpolate(x.float(), (self.size, self.size), mode="bilinear") / 127.5 - 1
        features = self.trunk(x)
        if return_features:
            return features
        scores = features @ self.head.weight.t()
        return (scores if no_output_bias else scores + self.head.bias).softmax(1)


class LightClip(nn.Module):
    """(b, 3, t, h, w) -> (b, width) from 8 x 8 pixels of one frame; all else is left alone."""

    def __init__(self, width: int, *, probabilities: bool) -> None:
        super().__init__()
        self.head, self.probabilities = nn.Linear(192, width), probabilities

    def forward(
        self,
        x: torch.Tensor,
        rescale: bool = False,  # noqa: ARG002
        resize: bool = False,  # noqa: ARG002
        return_features: bool = False,  # noqa: ARG002
    ) -> torch.Tensor:
        scores = self.head(F.interpolate(x[:, :, 0].float(), (8, 8)).flatten(1) / 255)
        return scores.softmax(1) if self.probabilities else scores


class LightImage(nn.Module):
    """(b, 3, h, w) -> (b, width), or probabilities of the classes, from 8 x 8 pixels."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.trunk, self.head = nn.Linear(192, width), nn.Linear(192, classes)

    def forward(
        self,
        x: torch.Tensor,
        return_features: bool = False,
        use_fp16: bool = False,  # noqa: ARG002 - as callers of the published ones may say
        no_output_bias: bool = False,  # noqa: ARG002
    ) -> torch.Tensor:
        x = F.interpolate(x.float(), (8, 8)).flatten(1) / 255
        return self.trunk(x) if return_features else self.head(x).softmax(1)


def write_archives(folder: Path, *, full: bool) -> None:
    """Each archive where the workflow looks for it below a folder of weights."""
    for name, file in files(folder).items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with torch.random.fork_rng(), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is a dead end, says torch: published files are of that kind
            torch.manual_seed(0)
            network = (_full if full else _light)(name).eval().requires_grad_(False)
            torch.jit.script(network).save(str(file))


def files(folder: Path) -> dict[str, Path]:
    """The file of each archive, by its name in the registry of weights."""
    entries = yaml.safe_load((ROOT / "workflow/vidgauge/weights/registry.yaml").read_text(encoding="utf-8"))
    return {entry["name"]: folder / entry["name"] / entry["file"] for entry in entries if entry["name"] in NAMES}


def copy_workflow(to: Path, weights: Path) -> Path:
    """A copy of the workflow that knows the archives by their digests. Its Snakefile."""
    shutil.rmtree(to, ignore_errors=True)
    for name in ("workflow", "envs", "profiles"):
        shutil.copytree(ROOT / name, to / name)
    snakefile = Path(shutil.copy2(ROOT / "Snakefile", to))
    registry = to / "workflow/vidgauge/weights/registry.yaml"
    entries = yaml.safe_load(registry.read_text(encoding="utf-8"))
    made = files(weights)
    for entry in entries:
        if (file := made.get(entry["name"])) is not None:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            entry |= {"bytes": file.stat().st_size, "sha256": digest, "git_blob": None}
    registry.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return snakefile


def _full(name: str) -> nn.Module:
    from torchvision.models import inception_v3, vgg16

    if name == "i3d_styleganv":
        # the padding that a trace fixes is the same for 16 frames and for 128
        return I3D(
            torch.jit.trace(_Scores(plain("i3d_kinetics400", 16)[0]), torch.rand(1, 3, 16, 224, 224), check_trace=False)
        )
    if name == "c3d_ucf101":
        return C3D(_c3d())
    if name == "inception_nvidia":
        trunk = inception_v3(weights=None, aux_logits=False, init_weights=False)
        trunk.fc = nn.Identity()
        # a script of it returns a pair, of which a trace knows that the second is not there
        return Image(torch.jit.trace(trunk.eval(), torch.rand(1, 3, 299, 299), check_trace=False), 2048, 1008, 299)
    trunk = vgg16(weights=None, init_weights=False)
    trunk.classifier = trunk.classifier[:5]  # up to the ReLU behind the second fully connected layer
    return Image(trunk, 4096, 1000, 224)


def _light(name: str) -> nn.Module:
    width = {"i3d_styleganv": 400, "c3d_ucf101": 101, "inception_nvidia": 2048, "vgg16_nvidia": 4096}[name]
    if name in ("inception_nvidia", "vgg16_nvidia"):
        return LightImage(width, 1008)
    return LightClip(width, probabilities=name == "c3d_ucf101")


class _Scores(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)[1]


def _c3d() -> nn.Module:
    """Tran et al.: eight convolutions of 3 x 3 x 3 and three fully connected layers, for 16 frames of 112 x 112."""
    widths = ((3, 64), (64, 128), (128, 256, 256), (256, 512, 512), (512, 512, 512))
    layers: list[nn.Module] = []
    for block, channels in enumerate(widths):
        for inputs, outputs in pairwise(channels):
            layers += [nn.Conv3d(inputs, outputs, 3, padding=1), nn.ReLU()]
        last = block == len(widths) - 1
        layers.append(nn.MaxPool3d((1 if block == 0 else 2, 2, 2), padding=(0, 1, 1) if last else 0))
    sizes = (512 * 4 * 4, 4096, 4096, 101)
    layers.append(nn.Flatten())
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
