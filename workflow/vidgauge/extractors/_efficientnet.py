"""EfficientNet-Lite0 (Tan and Le, EfficientNet, ICML 2019, without its squeezing and with ReLU6).

Its layers stand in the order of the published tensors. They are timm's `tf_efficientnet_lite0` to the bit, whose import
takes longer than torch's own. Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import nn

from vidgauge.extractors._padding import padded

EPS = 1e-3  # of every BatchNorm
STEM, WIDTH, CLASSES = 32, 1280, 1000  # channels
BLOCKS = (  # how many, kernel, stride of the first, widening, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class EfficientNetLite0(nn.Module):
    """(B, 3, H, W) float32 -1..1 -> activations (B, 1280, H / 32, W / 32), each rounded up."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, STEM, 3, stride=2)
        blocks, inputs = [], STEM
        for number, kernel, stride, widening, channels in BLOCKS:
            for place in range(number):
                blocks.append(Block(inputs, channels, kernel, 1 if place else stride, widening))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = Unit(inputs, WIDTH, 1)
        self.classifier = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(x)))


class Unit(nn.Module):
    """Convolution with TensorFlow's padding, BatchNorm, and ReLU6 if `active`."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        within = kernel // 2 if stride == 1 else 0  # else the sides get different padding, which no convolution does
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, within, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)
        self.active = active

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.conv.stride != (1, 1):
            x = padded(x, self.conv.kernel_size, self.conv.stride)
        x = self.bn(self.conv(x))
        return F.relu6(x, inplace=True) if self.active else x


class Block(nn.Module):
    """Widen, filter each channel by itself, narrow; added to what came in where that has the same shape."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = widening * inputs
        self.widen = Unit(inputs, wide, 1) if widening > 1 else nn.Identity()
        self.filter = Unit(wide, wide, kernel, stride=stride, groups=wide)
        self.narrow = Unit(wide, outputs, 1, active=False)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.narrow(self.filter(self.widen(x)))
        return y + x if self.adds else y
