"""CLIP ViT-L/14 at 336 pixels: against transformers' code, from an archive like OpenAI's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.extractors import pseudo, vits
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load
from vidgauge.extractors._checkpoints import empty
from vidgauge.extractors._clip import ImageTower

NAME, WIDTH, SHALLOW = "clip_vit_l14_336", 1024, 2
STATISTICS = (
    np.array([0.48145466, 0.4578275, 0.40821073], np.float32),
    np.array([0.26862954, 0.26130258, 0.27577711], np.float32),
)


def published(depth: int = 24) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the image tower's tensors in ViT-L-14-336px.pt, with that many blocks."""
    w = WIDTH
    block = {
        "attn.in_proj_weight": (3 * w, w),
        "attn.in_proj_bias": (3 * w,),
        "attn.out_proj.weight": (w, w),
        "attn.out_proj.bias": (w,),
        "ln_1.weight": (w,),
        "ln_1.bias": (w,),
        "mlp.c_fc.weight": (4 * w, w),
        "mlp.c_fc.bias": (4 * w,),
        "mlp.c_proj.weight": (w, 4 * w),
        "mlp.c_proj.bias": (w,),
        "ln_2.weight": (w,),
        "ln_2.bias": (w,),
    }
    return {
        "visual.class_embedding": (w,),
        "visual.positional_embedding": (1 + 24 * 24, w),
        "visual.proj": (w, 768),
        "visual.conv1.weight": (w, 3, 14, 14),
        "visual.ln_pre.weight": (w,),
        "visual.ln_pre.bias": (w,),
        **{f"visual.transformer.resblocks.{n}.{name}": shape for n in range(depth) for name, shape in block.items()},
        "visual.ln_post.weight": (w,),
        "visual.ln_post.bias": (w,),
    }


class Text(torch.nn.Module):
    """What an archive holds besides the image tower, in part; its program does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.positional_embedding = torch.nn.Parameter(torch.ones(77, 8))
        self.text_projection = torch.nn.Parameter(torch.ones(8, 768))
        self.logit_scale = torch.nn.Parameter(torch.ones(()))
        self.register_buffer("input_resolution", torch.tensor(336))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def archive(state: dict[str, torch.Tensor], out: Path) -> Path:
    """A TorchScript archive with these tensors under their names, beside a text tower."""
    root: torch.nn.Module = Text()
    for name, tensor in state.items():
        *parents, last = name.split(".")
        module = root
        for parent in parents:
            if parent not in dict(module.named_children()):
                module.add_module(parent, torch.nn.Module())
            module = module.get_submodule(parent)
        module.register_parameter(last, torch.nn.Parameter(tensor, requires_grad=False))
    return pseudo.scripted(root, out)


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Half precision, as OpenAI's tensors of matrices are."""
    return {name: tensor.half() for name, tensor in vits.tensors(published(SHALLOW)).items()}


@pytest.fixture(scope="module")
def checkpoint(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return archive(state, tmp_path_factory.mktemp("clip") / "shallow.pt")


def reference(state: dict[str, torch.Tensor], depth: int, x: torch.Tensor) -> np.ndarray:
    """transformers' CLIPVisionModelWithProjection on pixels (B, 3, 336, 336): image embeddings (B, 768)."""
    transformers = pytest.importorskip("transformers")
    config = transformers.CLIPVisionConfig(
        image_size=336,
        patch_size=14,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=depth,
        num_attention_heads=16,
        projection_dim=768,
        hidden_act="quick_gelu",
    )
    visual = {name.removeprefix("visual."): tensor.float() for name, tensor in state.items()}
    theirs = {
        "vision_model.embeddings.class_embedding": visual["class_embedding"],
        "vision_model.embeddings.position_embedding.weight": visual["positional_embedding"],
        "vision_model.embeddings.patch_embedding.weight": visual["conv1.weight"],
        "visual_projection.weight": visual["proj"].T.contiguous(),
    }
    parts = {
        "attn.out_proj": "self_attn.out_proj",
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
    }
    for end in ("weight", "bias"):
        theirs[f"vision_model.pre_layrnorm.{end}"] = visual[f"ln_pre.{end}"]
        theirs[f"vision_model.post_layernorm.{end}"] = visual[f"ln_post.{end}"]
        for n in range(depth):
            ours, block = f"transformer.resblocks.{n}.", f"vision_model.encoder.layers.{n}."
            qkv = visual[f"{ours}attn.in_proj_{end}"].chunk(3)
            theirs |= {f"{block}self_attn.{name}_proj.{end}": part for name, part in zip("qkv", qkv, strict=True)}
            theirs |= {f"{block}{their}.{end}": visual[f"{ours}{our}.{end}"] for our, their in parts.items()}
    model = vits.filled(transformers.CLIPVisionModelWithProjection, config, theirs)
    with torch.inference_mode():
        return model(x).image_embeds.numpy()


def test_features_are_the_references(state: dict[str, torch.Tensor], checkpoint: Path) -> None:
    network = vits.shallow(NAME, checkpoint, SHALLOW, trust=True)
    clips = vits.clips(2, 1, 400, 210)
    frames = [vits.pillow(clip[0], 336, Image.Resampling.BICUBIC) for clip in clips]
    rows = network(clips)["features"]
    pseudo.close(rows, reference(state, SHALLOW, vits.pixels(np.stack(frames), STATISTICS)))
    vits.assert_rows_repeat(network, clips, rows)


def test_tensors_that_do_not_fit_are_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    wrong = {name: tensor for name, tensor in state.items() if name != "visual.ln_post.bias"}
    wrong |= {"visual.attnpool.bias": torch.zeros(3), "visual.positional_embedding": torch.zeros(257, WIDTH)}
    with pytest.raises(VidgaugeError, match=r"wrong\.pt: these are not the weights") as error:
        vits.shallow(NAME, archive(wrong, tmp_path / "wrong.pt"), SHALLOW, trust=True)
    assert "missing: visual.ln_post.bias;" in str(error.value)
    assert "not of this network: visual.attnpool.bias;" in str(error.value)
    assert "of another shape: visual.positional_embedding (257, 1024) instead of (577, 1024)." in str(error.value)


def test_archive_is_refused_without_trust(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(VidgaugeError, match="If you trust where it comes from"):
        load(NAME, checkpoint)


def test_state_dict_is_refused(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({"visual.proj": state["visual.proj"]}, tmp_path / "clip.pt")
    with pytest.raises(VidgaugeError, match="TorchScript archive"):
        load(NAME, tmp_path / "clip.pt")


def test_names_and_shapes_are_the_published_ones() -> None:
    tower = empty(lambda: ImageTower(size=336, patch=14, width=1024, depth=24, heads=16, out=768))
    assert {name: tuple(tensor.shape) for name, tensor in tower.state_dict().items()} == published()
    assert len(published()) == 296


@pytest.mark.stress
def test_full_size(tmp_path: Path) -> None:
    full = {name: tensor.half() for name, tensor in vits.tensors(published()).items()}
    network = load(NAME, archive(full, tmp_path / "full.pt"), trust=True)
    clips = vits.clips(1, 1, 336, 336)
    pseudo.close(network(clips)["features"], reference(full, 24, vits.pixels(clips[0], STATISTICS)))
