"""Our layers have the bits of the libraries that published them, and start without these, which import for seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.plain import inception_2015
from vidgauge.extractors._dinov2 import VisionTransformer
from vidgauge.extractors._efficientnet import EfficientNetLite0
from vidgauge.extractors._inception import InceptionV3
from vidgauge.extractors._r3d import R3D18, pooled
from vidgauge.extractors._torch import repeatable
from vidgauge.extractors._vgg import VGG16
from vidgauge.extractors.inception_2015 import BLOCKS

Call = Callable[[torch.Tensor], torch.Tensor]


def alike(theirs: nn.Module, ours: nn.Module, renamed: Callable[[str], str] = str) -> None:
    """Give ours the tensors of theirs, of which vectors are no longer all ones or zeros."""
    draw = torch.Generator().manual_seed(0)
    state = theirs.state_dict()
    for tensor in state.values():
        if tensor.ndim == 1:
            tensor.uniform_(0.5, 1.5, generator=draw)
    ours.load_state_dict({renamed(name): tensor for name, tensor in state.items()})
    for module in (theirs, ours):
        module.eval().to(memory_format=layout(max(tensor.ndim for tensor in state.values())))


def layout(axes: int) -> torch.memory_format:
    """As the networks are run."""
    return torch.channels_last if axes == 4 else torch.channels_last_3d


def assert_same_bits(theirs: Call, ours: Call, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout(len(shape)))
    for precision in ("float32", "bfloat16"):
        with repeatable(torch.device("cpu"), precision):
            expected, found = theirs(x), ours(x)
        assert expected.float().std() > 0
        assert torch.equal(found, expected)


def in_order(module: Any, names: list[str]) -> Call:
    return nn.Sequential(*(getattr(module, name) for name in names))


def test_efficientnet_lite0() -> None:
    from timm import create_model

    theirs, ours = create_model("tf_efficientnet_lite0", pretrained=False), EfficientNetLite0()
    names = dict(zip(theirs.state_dict(), ours.state_dict(), strict=True))
    alike(theirs, ours, names.__getitem__)
    for size in ((64, 64), (50, 67)):
        assert_same_bits(theirs.forward_features, ours, (2, 3, *size))
        assert_same_bits(theirs, lambda x: ours.classifier(ours(x).mean((2, 3))), (2, 3, *size))


def test_dinov2() -> None:
    from timm import create_model

    theirs = create_model("vit_large_patch14_dinov2", pretrained=False, img_size=56, depth=2, num_classes=0)
    ours = VisionTransformer(width=1024, depth=2, heads=16, patch=14, positions=17)
    alike(theirs, ours)
    assert_same_bits(lambda x: theirs.forward_features(x)[:, 0], ours, (2, 3, 56, 56))


@pytest.mark.stress
def test_vgg16() -> None:
    from torchvision.models import vgg16

    theirs, ours = vgg16(init_weights=False), VGG16()
    alike(theirs, ours)
    assert_same_bits(theirs, ours, (1, 3, 224, 224))


@pytest.mark.stress
def test_r3d_18() -> None:
    from torchvision.models.video import r3d_18

    theirs, ours = r3d_18(), R3D18()
    alike(theirs, ours)
    assert_same_bits(theirs, lambda x: ours.fc(pooled(ours(x))), (1, 3, 9, 56, 56))


@pytest.mark.stress
def test_inception_v3_of_torchvision() -> None:
    from torchvision.models import inception_v3

    theirs, ours = inception_v3(init_weights=False, aux_logits=False), InceptionV3(classes=1000, of_2015=False)
    alike(theirs, ours)
    names = [name for name, _ in ours.named_children() if name != "fc"]
    their_names = [name.lower().replace("_", "") if name.startswith("MaxPool") else name for name in names]
    assert_same_bits(in_order(theirs, their_names), in_order(ours, names), (1, 3, 299, 299))


def test_inception_of_2015() -> None:
    theirs, ours = inception_2015(), InceptionV3(classes=1008, of_2015=True)
    alike(theirs, ours)
    names = [name for layers in BLOCKS.values() for name in layers]
    assert names == [name for name, _ in ours.named_children() if name != "fc"]
    assert_same_bits(in_order(theirs, names), in_order(ours, names), (1, 3, 299, 299))


BUILT = """
import sys
from pathlib import Path
from vidgauge.extractors import _checkpoints, spec
from vidgauge.specs import Setup, WeightsFile

class Read(Exception): ...

def read(_): raise Read

_checkpoints.tensors_of = read
for name in sys.argv[1:]:
    try:
        spec(name).build(Setup(WeightsFile(Path("none"), "", None, False, "pickle"), "cpu", "float32", ()))
    except Read:
        continue
    sys.exit(f"{name} did not read its weights")
sys.exit(", ".join({"timm", "torchvision", "torch_fidelity", "torch._dynamo", "scipy"} & set(sys.modules)) or 0)
"""


def test_starting_needs_no_library_besides_torch() -> None:
    names = ["efficientnet_lite0", "dinov2_vitl14", "vgg16_fc2", "r3d_18", "inception_2015", "inception_v3_torchvision"]
    subprocess.run([sys.executable, "-c", BUILT, *names, "i3d_kinetics400", "videomae_v2_ssv2"], check=True)
