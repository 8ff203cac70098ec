"""I3D (Carreira and Zisserman, CVPR 2017) with the tensor names and the arithmetic of its conversion from TensorFlow.

`I3D` is the network as it is written down: what loads a checkpoint, and what the fast form is measured against
(`make bench`). `fast` makes the form that is run: the same sums with fewer passes over memory.
Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import nn

from vidgauge.extractors._padding import padded, same

Three = tuple[int, int, int]

ONE: Three = (1, 1, 1)
EPS = 1e-5  # of BatchNorm in the conversions that FVD rests on; piergiaj/pytorch-i3d and hassony2 use 1e-3
MIXED = {  # input channels, then those of the branches: 1x1 | 1x1, 3x3 | 1x1, 3x3 | pool, 1x1
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Three, stride: Three = ONE) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=EPS)
        self.kernel, self.stride = kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv3d(padded(x, self.kernel, self.stride))))


class Pool(nn.Module):
    """Maximum; what is padded counts as zero, which after a ReLU is as good as nothing."""

    def __init__(self, kernel: Three, stride: Three) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool3d(padded(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side, joined along the channels."""

    def __init__(self, inputs: int, *widths: int) -> None:
        super().__init__()
        three = (3, 3, 3)
        self.b0 = Unit(inputs, widths[0], ONE)
        self.b1a = Unit(inputs, widths[1], ONE)
        self.b1b = Unit(widths[1], widths[2], three)
        self.b2a = Unit(inputs, widths[3], ONE)
        self.b2b = Unit(widths[3], widths[4], three)
        self.b3a = Pool(three, ONE)
        self.b3b = Unit(inputs, widths[5], ONE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class Logits(nn.Module):
    """The classifier, a convolution of one pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(1024, 400, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv3d(x)


class I3D(nn.Module):
    """(B, 3, T, 224, 224) float32 -1..1, T >= 9 -> the pooled features (B, 1024) and the class scores (B, 400).

    Both are means over the time that is left, one step for 9 to 16 frames and one more for every 8 beyond.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.MaxPool3d_2a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64, ONE)
        self.Conv3d_2c_3x3 = Unit(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = Pool((1, 3, 3), (1, 2, 2))
        self.Mixed_3b = Mixed(*MIXED["Mixed_3b"])
        self.Mixed_3c = Mixed(*MIXED["Mixed_3c"])
        self.MaxPool3d_4a_3x3 = Pool((3, 3, 3), (2, 2, 2))
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            self.add_module(name, Mixed(*MIXED[name]))
        self.MaxPool3d_5a_2x2 = Pool((2, 2, 2), (2, 2, 2))
        self.Mixed_5b = Mixed(*MIXED["Mixed_5b"])
        self.Mixed_5c = Mixed(*MIXED["Mixed_5c"])
        self.logits = Logits()

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for name, layer in self.named_children():
            if name != "logits":
                x = layer(x)
        x = F.avg_pool3d(x, (2, 7, 7), 1)  # (B, 1024, T', 1, 1)
        return x.mean((2, 3, 4)), self.logits(x).mean((2, 3, 4))


def fast(network: I3D) -> nn.Module:
    """The same function in the form that is run: float32 outputs agree to about 1e-6. On the device of `network`.

    Measured on one thread of an AVX-512 CPU, half of the plain form's time goes into maximum pooling, which torch has
    vectorised only for channels-last tensors, and most of the rest into convolutions, which are at the CPU's limit
    once their weights lie as oneDNN wants them. The first 1x1x1 convolutions of a block stay apart: as one, they gained
    nothing, because their outputs must then be copied to be used.
    """
    return Fast(network).requires_grad_(False).eval()


class Fast(nn.Module):
    """`I3D` with BatchNorm folded in, ReLU in place, and tensors in channels-last layout on a CPU."""

    def __init__(self, network: I3D) -> None:
        super().__init__()
        layers = [_fast_layer(layer) for name, layer in network.named_children() if name != "logits"]
        self.layers = nn.Sequential(*layers)
        self.logits = network.logits

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if x.device.type == "cpu":
            x = x.contiguous(memory_format=torch.channels_last_3d)
        x = self.layers(x).float()
        with torch.autocast(x.device.type, enabled=False):
            x = F.avg_pool3d(x, (2, 7, 7), 1).mean((2, 3, 4), keepdim=True)  # (B, 1024, 1, 1, 1)
            return x.flatten(1), self.logits(x).flatten(1)


class FastUnit(nn.Module):
    """A `Unit` as one convolution with a bias. It holds copies of its own."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        norm = {name: tensor.double() for name, tensor in unit.bn.state_dict().items()}
        scale = norm["weight"] / (norm["running_var"] + unit.bn.eps).sqrt()
        weight = unit.conv3d.weight.double() * scale.reshape(-1, 1, 1, 1, 1)
        bias = norm["bias"] - norm["running_mean"] * scale
        self.weight, self.bias = nn.Buffer(weight.float()), nn.Buffer(bias.float())
        self.kernel, self.stride = unit.kernel, unit.stride
        # The same on both sides, so that the convolution does it, wherever the stride is 1; else `padded` does.
        t, h, w = unit.kernel
        self.padding = (t // 2, h // 2, w // 2) if unit.stride == ONE else (0, 0, 0)
        self.packed = _packed(self.weight, self.padding, self.stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.stride != ONE:
            x = padded(x, self.kernel, self.stride)
        if self.packed is None or x.dtype != torch.float32 or torch.is_autocast_enabled(x.device.type):
            return F.conv3d(x, self.weight, self.bias, self.stride, self.padding).relu_()
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.packed, self.bias, self.padding, self.stride, ONE, 1, "relu", [], ""
        )


def _packed(weight: torch.Tensor, padding: Three, stride: Three) -> torch.Tensor | None:
    """The weights in oneDNN's own layout, which F.conv3d would make anew in every call; None where that cannot be.

    torch has no public function for this; those used here are what torch.compile calls on a CPU.
    """
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    if weight.device.type != "cpu" or not there:
        return None
    return torch.ops.mkldnn._reorder_convolution_weight(weight, padding, stride, ONE, 1)


class FastPool(nn.Module):
    """A `Pool` without a padded copy: behind, windows that reach over the edge see only what is there.

    For the network's windows, which need no more padding behind than that.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.kernel, self.stride = pool.kernel, pool.stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = [same(*of)[0] for of in zip(x.shape[2:], self.kernel, self.stride, strict=True)]
        return F.max_pool3d(x, self.kernel, self.stride, before, ceil_mode=True)


class FastMixed(nn.Module):
    """A `Mixed` of fast layers."""

    def __init__(self, mixed: Mixed) -> None:
        super().__init__()
        self.b0 = _fast_layer(mixed.b0)
        self.b1 = nn.Sequential(_fast_layer(mixed.b1a), _fast_layer(mixed.b1b))
        self.b2 = nn.Sequential(_fast_layer(mixed.b2a), _fast_layer(mixed.b2b))
        self.b3 = nn.Sequential(_fast_layer(mixed.b3a), _fast_layer(mixed.b3b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.b0(x), self.b1(x), self.b2(x), self.b3(x)], 1)


def _fast_layer(layer: nn.Module) -> nn.Module:
    forms = {Unit: FastUnit, Pool: FastPool, Mixed: FastMixed}
    return forms[type(layer)](layer)
