"""The networks as one would run them without vidgauge: modules of their libraries, as these make them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from benchmarks.stand_ins import filled


def plain(name: str, frames: int) -> tuple[nn.Module, tuple[int, ...]]:
    """The module, with stand-in weights, and the shape of what it takes of one clip or frame (float32).

    frames: of a clip. LookupError for an extractor whose library is not known here.
    """
    make, shape = MODULES[name]
    with ExitStack() as stack:  # libraries draw weights for half a minute, which are then replaced
        for draws in ("normal_", "uniform_", "erfinv_"):
            stack.enter_context(patch.object(torch.Tensor, draws, lambda tensor, *_, **__: tensor))
        module = make()
    return filled(module), tuple(frames if size == T else size for size in shape)


def _i3d() -> nn.Module:
    from vidgauge.extractors._i3d import I3D

    return I3D()


def _r3d_18() -> nn.Module:
    from torchvision.models.video import r3d_18

    return r3d_18()


def _efficientnet_lite0() -> nn.Module:
    import timm

    return timm.create_model("tf_efficientnet_lite0", pretrained=False)


def _dinov2() -> nn.Module:
    import timm

    return timm.create_model("vit_large_patch14_dinov2", pretrained=False, img_size=224, num_classes=0)


def inception_2015() -> nn.Module:
    """torch-fidelity's network, whose constructor wants weights: a file of ours that holds no tensor."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unfilled(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
            return super().load_state_dict(state_dict, strict=strict and bool(state_dict), assign=assign)

    nothing = BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    return Unfilled("inception_2015", ["2048"], feature_extractor_weights_path=nothing)


def _vgg16() -> nn.Module:
    from torchvision.models import vgg16

    return vgg16(init_weights=False)


def _clip() -> nn.Module:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    shape: dict[str, Any] = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
    size = {"num_attention_heads": 16, "image_size": 336, "patch_size": 14, "projection_dim": 768}
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**shape, **size))


def _videomae_base() -> nn.Module:
    from transformers import VideoMAEConfig, VideoMAEModel

    return VideoMAEModel(VideoMAEConfig())


def _videomae_v2() -> nn.Module:
    from vidgauge.extractors._video_vit import VisionTransformer
    from vidgauge.extractors.videomae_v2_ssv2 import GIANT

    return VisionTransformer(**GIANT)


def _vjepa2() -> nn.Module:
    from vidgauge.extractors.vjepa2_vitl import DEPTH, encoder_of

    return encoder_of(DEPTH).encoder


T = 0  # stands for the number of frames
MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "clip_vit_l14_336": (_clip, (3, 336, 336)),
    "dinov2_vitl14": (_dinov2, (3, 224, 224)),
    "efficientnet_lite0": (_efficientnet_lite0, (3, 224, 224)),
    "i3d_kinetics400": (_i3d, (3, T, 224, 224)),
    "inception_2015": (inception_2015, (3, 299, 299)),
    "r3d_18": (_r3d_18, (3, T, 224, 224)),
    "vgg16_fc2": (_vgg16, (3, 224, 224)),
    "videomae_base": (_videomae_base, (T, 3, 224, 224)),
    "videomae_v2_ssv2": (_videomae_v2, (3, T, 224, 224)),
    "vjepa2_vitl": (_vjepa2, (T, 3, 256, 256)),
}
