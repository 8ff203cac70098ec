"""Inception v3 under the tensor names of torchvision, which all conversions of it share.

Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016. What differs between the graph of
2015 (torch-fidelity's layers) and torchvision's are three things about pools, and the classes; bits are theirs.
Importing this module imports torch: only `build` functions do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import nn

EPS = 1e-3  # of every BatchNorm
WIDTH = 2048
Kernel = tuple[int, int]
Layer = tuple[str, int, Kernel]  # name, outputs, kernel
Branch = tuple[tuple[Layer, ...], ...]  # layer after layer; in the last place there may be two side by side
Pool = Callable[[torch.Tensor], torch.Tensor]
ONE, THREE, FIVE, ROW, COLUMN = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


def _in_turn(*layers: Layer) -> Branch:
    return tuple((layer,) for layer in layers)


def _c(width: int) -> tuple[Branch, ...]:
    """The blocks in the middle, whose convolutions of seven pixels have that many channels until the last one."""
    long = [(f"branch7x7dbl_{n}", width, kernel) for n, kernel in enumerate((ONE, COLUMN, ROW, COLUMN), 1)]
    short = [("branch7x7_1", width, ONE), ("branch7x7_2", width, ROW), ("branch7x7_3", 192, COLUMN)]
    return _in_turn(("branch1x1", 192, ONE)), _in_turn(*short), _in_turn(*long, ("branch7x7dbl_5", 192, ROW))


A = (
    _in_turn(("branch1x1", 64, ONE)),
    _in_turn(("branch5x5_1", 48, ONE), ("branch5x5_2", 64, FIVE)),
    _in_turn(("branch3x3dbl_1", 64, ONE), ("branch3x3dbl_2", 96, THREE), ("branch3x3dbl_3", 96, THREE)),
)
B = (
    _in_turn(("branch3x3", 384, THREE)),
    _in_turn(("branch3x3dbl_1", 64, ONE), ("branch3x3dbl_2", 96, THREE), ("branch3x3dbl_3", 96, THREE)),
)
D = (
    _in_turn(("branch3x3_1", 192, ONE), ("branch3x3_2", 320, THREE)),
    _in_turn(
        *(("branch7x7x3_1", 192, ONE), ("branch7x7x3_2", 192, ROW)),
        *(("branch7x7x3_3", 192, COLUMN), ("branch7x7x3_4", 192, THREE)),
    ),
)
E = (
    _in_turn(("branch1x1", 320, ONE)),
    (*_in_turn(("branch3x3_1", 384, ONE)), (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1)))),
    (
        *_in_turn(("branch3x3dbl_1", 448, ONE), ("branch3x3dbl_2", 384, THREE)),
        (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))),
    ),
)


class Unit(nn.Module):
    """Convolution, BatchNorm, ReLU. Padded, with a stride of 1, outputs have the size of what comes in."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, *, stride: int = 1, padded: bool = True) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded and stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """Branches side by side, joined along the channels, the last of them a pool with a layer of `pooled` outputs.

    Without a pool the block halves the sides: the last layer of each branch does, and a maximum pool stands alone.
    """

    def __init__(self, inputs: int, branches: tuple[Branch, ...], pool: Pool | None = None, pooled: int = 192) -> None:
        super().__init__()
        self.names = [[[name for name, _, _ in place] for place in branch] for branch in branches]
        self.pool = pool
        for branch in branches:
            width = inputs
            for number, place in enumerate(branch, 1):
                stride = 2 if pool is None and number == len(branch) else 1
                for name, outputs, kernel in place:
                    self.add_module(name, Unit(width, outputs, kernel, stride=stride))
                width = place[0][1]
        if pool is not None:
            self.branch_pool = Unit(inputs, pooled, ONE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = []
        for *layers, last in self.names:
            y = x
            for (name,) in layers:
                y = getattr(self, name)(y)
            found += [getattr(self, name)(y) for name in last]
        found.append(F.max_pool2d(x, 3, 2) if self.pool is None else self.branch_pool(self.pool(x)))
        return torch.cat(found, 1)


class InceptionV3(nn.Module):
    """Layers in order; what runs them knows where to stop. Pixels (B, 3, 299, 299) -> (B, 2048, 8, 8), then `fc`.

    of_2015: average pools leave the padding out, and the last block has a maximum pool.
    """

    def __init__(self, *, classes: int, of_2015: bool) -> None:
        super().__init__()
        average: Pool = partial(F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=not of_2015)
        last: Pool = partial(F.max_pool2d, kernel_size=3, stride=1, padding=1) if of_2015 else average
        self.Conv2d_1a_3x3 = Unit(3, 32, THREE, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, THREE, padded=False)
        self.Conv2d_2b_3x3 = Unit(32, 64, THREE)
        self.MaxPool_1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = Unit(64, 80, ONE)
        self.Conv2d_4a_3x3 = Unit(80, 192, THREE, padded=False)
        self.MaxPool_2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = Mixed(192, A, average, 32)
        self.Mixed_5c = Mixed(256, A, average, 64)
        self.Mixed_5d = Mixed(288, A, average, 64)
        self.Mixed_6a = Mixed(288, B)
        self.Mixed_6b = Mixed(768, _c(128), average)
        self.Mixed_6c = Mixed(768, _c(160), average)
        self.Mixed_6d = Mixed(768, _c(160), average)
        self.Mixed_6e = Mixed(768, _c(192), average)
        self.Mixed_7a = Mixed(768, D)
        self.Mixed_7b = Mixed(1280, E, average)
        self.Mixed_7c = Mixed(2048, E, last)
        self.fc = nn.Linear(WIDTH, classes)
