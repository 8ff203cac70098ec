"""VGG16 under torchvision's tensor names. Importing this module imports torch: only `build` functions do."""

from __future__ import annotations

import torch
from torch import nn

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # a maximum pool after each group
LAST, HIDDEN, CLASSES = 512 * 7 * 7, 4096, 1000


class VGG16(nn.Module):
    """Normalised pixels (B, 3, 224, 224) -> (B, 1000), or what the classifier gives that is put in its place.

    Source: Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015;
    torchvision's vgg16, whose bits these are. It counts layers that have no tensors, so these stand here as well.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for widths in WIDTHS:
            for width in widths:
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Linear(LAST, HIDDEN), nn.ReLU(inplace=True), nn.Dropout()),
            *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(inplace=True), nn.Dropout()),
            nn.Linear(HIDDEN, CLASSES),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))
