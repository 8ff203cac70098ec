"""VGG16, trained on ImageNet, up to its second fully connected layer: the network of precision and recall of images.

Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015; Kynkäänniemi et
al., Improved Precision and Recall Metric for Assessing Generative Models, NeurIPS 2019. With torchvision's weights,
resize and range are those of torch-fidelity; NVIDIA's archive has its own inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

    from vidgauge.extractors._torch import Forward

SIZE = 224
FC2 = 3  # the place of the second fully connected layer in torchvision's classifier


def build(setup: Setup) -> Network:
    """The network as a function of clips, from torchvision's state dict or an archive with NVIDIA's call signature."""
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    forward = _archive if setup.file.format == "torchscript" else _layers
    return TorchNetwork(forward(setup, device), EXTRACTOR, setup, device)


def _layers(setup: Setup, device: torch.device) -> Forward:
    import torch

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._pixels import IMAGENET
    from vidgauge.extractors._tf1_resize import tf1_bilinear
    from vidgauge.extractors._vgg import VGG16

    model = fill(empty(VGG16), tensors_of(setup.file), setup.file.path)
    model.classifier = model.classifier[: FC2 + 1]  # the file is whole, and its classes are not needed
    model = model.to(device).to(memory_format=torch.channels_last)
    mean, std = (torch.tensor([255 * value for value in values], device=device) for values in IMAGENET)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = tf1_bilinear(frames.float(), SIZE)  # (B, 224, 224, 3) 0..255
        x = x.sub(mean).div(std).permute(0, 3, 1, 2)  # (B, 3, 224, 224), channels last in memory
        fc2 = model(x)  # (B, 4096)
        return {"fc2_relu": fc2.relu(), "fc2": fc2}

    return forward


def _archive(setup: Setup, device: torch.device) -> Forward:
    from vidgauge.extractors._torchscript import open_torchscript

    network = open_torchscript(setup.file, device)

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = frames.permute(0, 3, 1, 2).float().contiguous()  # (B, 3, H, W) 0..255: it resizes and scales by itself
        return {"fc2_relu": network(x, return_features=True)}

    return forward


EXTRACTOR = ExtractorSpec(
    name="vgg16_fc2",
    build=build,
    input=InputSpec(
        "frame",
        (SIZE, SIZE),
        "inside the network, bilinear as in TensorFlow 1, no antialias",
        "ImageNet's mean and standard deviation taken out",
    ),
    arrays={
        "fc2_relu": ArraySpec(4096, "frame", "second fully connected layer, after the ReLU"),
        "fc2": ArraySpec(4096, "frame", "second fully connected layer, before the ReLU"),
    },
    version=1,
    source="Kynkäänniemi et al. 2019; the TorchScript archive of NVIDIA's StyleGAN2-ADA, or torchvision's vgg16",
    known_as="precision and recall of images",
    weights={
        "vgg16_nvidia": Takes(("fc2_relu",), torchscript=True),
        "vgg16_torchvision": Takes(("fc2_relu", "fc2")),
    },
    batch=4,  # 240 x 320 frames per CPU second, two threads calling: 2.1 in batches of 4, 1.9 of 8, 2.0 of 16
    gpu_batch=64,
    libraries=("torch",),
)
