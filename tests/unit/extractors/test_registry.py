"""The registry: light to import, complete, and clear about what it does not know."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from vidgauge import extractors
from vidgauge.errors import UsageError
from vidgauge.extractors import _spec_of, arrays_of, load, spec
from vidgauge.specs import ArraySpec


def test_registry_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, vidgauge.extractors as e; e.extractors(); e.spec('pixel_grid')\n"
        "sys.exit(', '.join({'torch', 'numpy', 'h5py', 'timm'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pixel_grid_runs_without_torch() -> None:
    code = (
        "import sys, numpy as np, vidgauge.extractors as e, vidgauge.extractors.run\n"
        "e.load('pixel_grid', device='auto')(np.zeros((1, 2, 4, 4, 3), np.uint8))\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", extractors.names())
def test_specs_are_complete(name: str) -> None:
    found = spec(name)
    assert found.name == name
    assert found.source
    assert found.licence
    assert (found.weights is None) == (found.weights_sha256 is None)
    assert all(array.width > 0 and array.meaning for array in found.arrays.values())


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="did you mean 'efficientnet_lite0'"):
        spec("efficientnet_lite")
    with pytest.raises(UsageError, match="known are: efficientnet_lite0, pixel_grid"):
        load("zzz")
    with pytest.raises(ValueError, match="precision: unknown 'fp8'"):
        load("pixel_grid", precision="fp8")  # type: ignore[arg-type]


def test_module_without_the_constant_is_named() -> None:
    with pytest.raises(TypeError, match="broken must define EXTRACTOR = ExtractorSpec"):
        _spec_of(ModuleType("vidgauge.extractors.broken"))


def test_arrays_need_their_frames() -> None:
    lite = spec("efficientnet_lite0")
    assert list(arrays_of(lite, 1)) == ["features", "logits"]
    assert list(arrays_of(lite, 2)) == ["features", "logits", "motion"]
    assert isinstance(arrays_of(lite, 2)["motion"], ArraySpec)


@pytest.mark.parametrize("name", ["pixel_grid"])  # the other network's are in its own file, where it is loaded once
@pytest.mark.parametrize(
    ("shape", "kind"),
    [((2, 3, 4, 4, 3), np.float32), ((3, 4, 4, 3), np.uint8), ((2, 3, 4, 4, 1), np.uint8), ((1, 0, 4, 4, 3), np.uint8)],
)
def test_what_are_no_clips_is_refused(name: str, shape: tuple[int, ...], kind: type) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .* got \("):
        load(name)(np.zeros(shape, kind))
