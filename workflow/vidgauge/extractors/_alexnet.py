"""AlexNet's convolutions under torchvision's tensor names. Importing this module imports torch: only `build` does."""

from __future__ import annotations

from torch import nn


def alexnet_features() -> nn.Sequential:
    """Normalised pixels (B, 3, H, W), H and W at least 31 -> (B, 256, h, w), without the pool before the classifier.

    Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014; torchvision's alexnet. It
    counts layers that have no tensors, so these stand here as well.
    """
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True)),
    )
