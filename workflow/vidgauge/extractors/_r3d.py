"""ResNet3D-18 under torchvision's tensor names. Importing this module imports torch: only `build` functions do."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool3d

WIDTHS = (64, 128, 256, 512)  # of the four layers, of two blocks each; each but the first halves time and sides
CLASSES = 400


class R3D18(nn.Module):
    """(B, 3, T, H, W) float32 -> activations (B, 512, T / 8, H / 16, W / 16), each rounded up; `fc` is for their mean.

    Source: Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018; torchvision's
    r3d_18, whose bits these are.
    """

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Conv3d(3, WIDTHS[0], (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm3d(WIDTHS[0]), nn.ReLU(inplace=True))
        inputs = WIDTHS[0]
        for number, width in enumerate(WIDTHS, 1):
            first = Block(inputs, width, 1 if width == inputs else 2)
            self.add_module(f"layer{number}", nn.Sequential(first, Block(width, width, 1)))
            inputs = width
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name, layer in self.named_children():
            if name != "fc":
                x = layer(x)
        return x


class Block(nn.Module):
    """Two convolutions, added to what came in, or to a convolution of it where its shape differs."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(_conv(inputs, width, 3, stride), nn.BatchNorm3d(width), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(_conv(width, width, 3, 1), nn.BatchNorm3d(width))
        self.downsample = (
            nn.Sequential(_conv(inputs, width, 1, stride), nn.BatchNorm3d(width)) if stride > 1 else nn.Identity()
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.conv2(self.conv1(x)) + self.downsample(x)).relu_()


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


def pooled(x: torch.Tensor) -> torch.Tensor:
    """(B, C, T, H, W) -> its means (B, C)."""
    return adaptive_avg_pool3d(x, 1).flatten(1)
