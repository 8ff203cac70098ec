"""The registry: light to import, complete, and clear about what it does not know."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vidgauge import extractors
from vidgauge.errors import UsageError
from vidgauge.extractors import _spec_of, arrays_of, load, spec
from vidgauge.specs import ArraySpec
from vidgauge.weights import entry


def test_registry_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, vidgauge.extractors as e; e.extractors(); e.spec('pixel_grid')\n"
        "sys.exit(', '.join({'torch', 'numpy', 'h5py', 'timm'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["block_motion", "pixel_grid"])
def test_what_needs_no_weights_runs_without_torch(name: str) -> None:
    code = (
        "import sys, numpy as np, vidgauge.extractors as e, vidgauge.extractors.run\n"
        f"e.load('{name}', device='auto')(np.zeros((1, 3, 4, 4, 3), np.uint8))\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", extractors.names())
def test_specs_are_complete(name: str) -> None:
    found = spec(name)
    assert found.name == name
    assert found.source
    assert found.weights or found.licence != "not stated"
    assert found.input.resize
    assert found.input.range
    assert all(array.width != 0 and array.meaning for array in found.arrays.values())
    for array in found.arrays.values():
        assert len(array.columns) in (0, array.width)
        assert len({column.name for column in array.columns}) == len(array.columns)
    if found.of is not None:  # it is built from the weights of what it reads
        assert set(found.weights) == set(spec(found.of).weights)
        assert all(array.per == "video" for array in found.arrays.values())
    assert all(entry(name).has_digest for name in found.also)
    assert not next(iter(found.arrays.values())).on_demand
    for weights, takes in found.weights.items():
        assert entry(weights).name == weights
        assert set(takes.arrays) <= set(found.arrays)


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="did you mean 'efficientnet_lite0'"):
        spec("efficientnet_lite")
    with pytest.raises(UsageError, match=r"known are: .*efficientnet_lite0, .*pixel_grid"):
        load("zzz")
    with pytest.raises(ValueError, match="precision: unknown 'fp8'"):
        load("pixel_grid", precision="fp8")  # type: ignore[arg-type]


def test_module_without_the_constant_is_named() -> None:
    with pytest.raises(TypeError, match="broken must define EXTRACTOR = ExtractorSpec"):
        _spec_of(ModuleType("vidgauge.extractors.broken"), "broken")


def test_arrays_need_their_frames() -> None:
    lite = spec("efficientnet_lite0")
    assert list(arrays_of(lite, 1)) == ["features", "logits"]
    assert list(arrays_of(lite, 2)) == ["features", "logits", "motion"]
    assert isinstance(arrays_of(lite, 2)["motion"], ArraySpec)


@pytest.mark.parametrize("name", ["block_motion", "pixel_grid"])  # those with weights: where each is loaded once
@pytest.mark.parametrize(
    ("shape", "kind"),
    [((2, 3, 4, 4, 3), np.float32), ((3, 4, 4, 3), np.uint8), ((2, 3, 4, 4, 1), np.uint8), ((1, 0, 4, 4, 3), np.uint8)],
)
def test_what_are_no_clips_is_refused(name: str, shape: tuple[int, ...], kind: type) -> None:
    with pytest.raises(ValueError, match=r"expected clips \(b, t, h, w, 3\) uint8 .* got \("):
        load(name)(np.zeros(shape, kind))


PLUGIN = """
from vidgauge.specs import ArraySpec, ExtractorSpec, InputSpec

def build(setup):
    import numpy as np
    return lambda clips: {"features": np.full((len(clips), 2), clips.mean(), np.float32)}

NETWORK = ExtractorSpec(
    name="theirs", build=build, input=InputSpec("clip", None, "none", "0..255"),
    arrays={"features": ArraySpec(2, "clip", "mean")}, version=1, source="a test", licence="MIT",
)
"""


def test_other_packages_add_networks_by_an_entry_point(tmp_path: Path) -> None:
    """In a process of its own, with a package as pip would leave it."""
    (tmp_path / "plugin.py").write_text(PLUGIN)
    info = tmp_path / "plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    points = "theirs = plugin:NETWORK\nbroken = plugin:GONE\nmisnamed = plugin:NETWORK\n"
    (info / "entry_points.txt").write_text(f"[vidgauge.extractors]\n{points}")
    code = (
        "import numpy as np, vidgauge.extractors as e\n"
        "print(e.names()[-3:], 'plugin' in __import__('sys').modules)\n"
        "print(e.load('theirs')(np.full((1, 2, 3, 3, 3), 7, np.uint8))['features'].tolist())\n"
        "for name in ('broken', 'misnamed'):\n"
        "    try: e.spec(name)\n"
        "    except e.UsageError as error: print(error)\n"
    )
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed, rows, broken, misnamed = done.stdout.splitlines()
    assert listed == "['theirs', 'broken', 'misnamed'] False"
    assert rows == "[[7.0, 7.0]]"
    assert broken.startswith("extractor 'broken' of plugin 1.0 (plugin:GONE) cannot be used: ")
    assert "misnamed' of plugin 1.0 (plugin:NETWORK) cannot be used" in misnamed
