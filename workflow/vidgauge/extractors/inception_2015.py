"""Inception v3 of December 2015, trained on ImageNet: the network of FID, KID and the inception score of images.

Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, NeurIPS 2017;
Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016. The layers are those of torch-fidelity, which are
made after the TensorFlow graph of these scores: 1008 classes, average pools that leave the padding out, and a maximum
pool in the last block. The resize and the range are that graph's too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec, Network, Setup, Takes

if TYPE_CHECKING:
    import torch

    from vidgauge.extractors._torch import Forward

    Resize = Callable[[torch.Tensor], torch.Tensor]

SIZE = 299
MIDDLE = 128.0  # the grey of the TensorFlow graph: pixels x enter the first layer as x / 128 - 1
BLOCKS = {  # layers in order; each block ends where an array is read: its mean over the image, or `spatial`
    "64": ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "MaxPool_1"),
    "192": ("Conv2d_3b_1x1", "Conv2d_4a_3x3", "MaxPool_2"),
    "spatial": tuple(f"Mixed_{name}" for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d")),
    "768": ("Mixed_6e",),
    "2048": ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
}
SPATIAL_SIDE, SPATIAL_CHANNELS = 17, 7


def build(setup: Setup, resize: Resize | None = None, middle: float = MIDDLE) -> Network:
    """The network as a function of clips, from a state dict or from an archive with NVIDIA's call signature.

    resize: frames (B, H, W, 3) uint8 -> (B, 3, 299, 299) float32 0..255; None: the TensorFlow graph's own, which an
    archive does by itself. middle: pixels x enter the first layer as x / middle - 1.
    """
    from vidgauge.extractors._torch import TorchNetwork, resolve_device

    device = resolve_device(setup.device)
    make = _archive if setup.file.format == "torchscript" else _layers
    return TorchNetwork(make(setup, device, resize, middle), EXTRACTOR, setup, device)


def _layers(setup: Setup, device: torch.device, resize: Resize | None, middle: float) -> Forward:
    import torch

    from vidgauge.extractors._checkpoints import empty, fill, tensors_of
    from vidgauge.extractors._inception import InceptionV3

    model = empty(lambda: InceptionV3(classes=1008, of_2015=True))
    model = fill(model, tensors_of(setup.file), setup.file.path)
    model = model.to(device).to(memory_format=torch.channels_last)
    deepest = max(list(BLOCKS).index(name if name in BLOCKS else "2048") for name in setup.arrays)
    blocks = dict(list(BLOCKS.items())[: deepest + 1])
    resized = resize or tf1_resized

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        x = resized(frames).sub(middle).div(middle)  # (B, 3, 299, 299) -1..1, channels last in memory
        rows = {}
        for name, layers in blocks.items():
            for layer in layers:
                x = getattr(model, layer)(x)
            rows[name] = spatial(x) if name == "spatial" else x.float().mean(dim=(2, 3))
        if "2048" in rows:
            with torch.autocast(x.device.type, enabled=False):
                rows["logits_unbiased"] = rows["2048"] @ model.fc.weight.T
                rows["logits"] = rows["logits_unbiased"] + model.fc.bias
        return rows

    return forward


def tf1_resized(frames: torch.Tensor) -> torch.Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, 299, 299) float32 0..255, the resize of the TensorFlow graph."""
    from vidgauge.extractors._tf1_resize import tf1_bilinear

    return tf1_bilinear(frames.float(), SIZE).permute(0, 3, 1, 2)


def spatial(x: torch.Tensor) -> torch.Tensor:
    """What `Mixed_6d` gives -> its first seven channels (B, 17 * 17 * 7), flattened from (h, w, channel).

    The block joins its branches along the channels, first the 1 x 1 branch, which is TensorFlow's `mixed_6/conv`.
    """
    return x[:, :SPATIAL_CHANNELS].permute(0, 2, 3, 1).flatten(1).float()


def _archive(setup: Setup, device: torch.device, resize: Resize | None, middle: float) -> Forward:
    import torch

    from vidgauge.extractors._torchscript import open_torchscript

    network = open_torchscript(setup.file, device)
    least = torch.finfo(torch.float32).tiny  # keeps the logarithm of a probability that underflowed finite

    def forward(frames: torch.Tensor) -> dict[str, torch.Tensor]:
        if resize is None:
            x = frames.permute(0, 3, 1, 2).contiguous()  # (B, 3, H, W) uint8: it resizes and scales by itself
        else:
            x = resize(frames).mul(MIDDLE / middle).contiguous()  # 299 x 299: it only scales, by x / 128 - 1
        rows = {}
        if "2048" in setup.arrays:
            rows["2048"] = network(x, return_features=True)
        if "logits_unbiased" in setup.arrays:
            rows["logits_unbiased"] = network(x, no_output_bias=True).float().clamp_min(least).log()
        return rows

    return forward


EXTRACTOR = ExtractorSpec(
    name="inception_2015",
    build=build,
    input=InputSpec("frame", (SIZE, SIZE), "inside the network, bilinear as in TensorFlow 1, no antialias", "-1..1"),
    arrays={
        "2048": ArraySpec(2048, "frame", "pooled activations of the last block (pool3)"),
        "logits_unbiased": ArraySpec(
            1008,
            "frame",
            "class scores before the softmax, without the last layer's bias; of NVIDIA's archive the logarithm of the "
            "probabilities, not below 1.2e-38, which has the same softmax",
        ),
        "logits": ArraySpec(1008, "frame", "class scores before the softmax"),
        "64": ArraySpec(64, "frame", "activations after the first maximum pool, mean over the image", on_demand=True),
        "192": ArraySpec(
            192, "frame", "activations after the second maximum pool, mean over the image", on_demand=True
        ),
        "768": ArraySpec(768, "frame", "activations before the auxiliary head, mean over the image", on_demand=True),
        "spatial": ArraySpec(
            SPATIAL_SIDE**2 * SPATIAL_CHANNELS,
            "frame",
            "first 7 channels of the 1 x 1 branch of Mixed_6d (TensorFlow's mixed_6/conv), after the ReLU, from "
            "(17, 17, 7)",
            on_demand=True,
        ),
    },
    version=1,
    source="Heusel et al. 2017; layers of torch-fidelity 0.4.0, or the TorchScript archive of NVIDIA's StyleGAN2-ADA",
    known_as="FID, KID, IS; spatial: sFID (Nash et al. 2021)",
    weights={
        "inception_pytorch_fid": Takes(),
        "inception_nvidia": Takes(("2048", "logits_unbiased"), torchscript=True),
    },
    batch=8,  # 240 x 320 frames per CPU second, two threads calling: 5.4 in batches of 4, 5.6 of 8, 4.8 of 16
    gpu_batch=64,
    libraries=("torch",),
)
