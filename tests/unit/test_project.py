"""The project's own files agree with each other."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(python: str) -> dict[str, str]:
    """Pinned versions for a Python version on Linux."""
    lines = (ROOT / "envs/constraints.txt").read_text().splitlines()
    required = [Requirement(line) for line in lines if line and not line.startswith("#")]
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return {r.name: str(r.specifier) for r in required if r.marker is None or r.marker.evaluate(there)}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_dependency_is_pinned_within_its_range(python: str) -> None:
    pinned = pins(python)
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    for text in PROJECT["dependencies"] + extras:
        wanted = Requirement(text)
        version = pinned[wanted.name.lower()].removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} is pinned at {version}"


def test_the_conda_environment_has_the_pinned_versions() -> None:
    listed = yaml.safe_load((ROOT / "envs/vidgauge.yaml").read_text())["dependencies"][-1]["pip"]
    pinned = pins("3.12")
    names = [Requirement(text).name for text in PROJECT["dependencies"]]
    assert listed == [f"{name}{pinned[name]}" for name in names]


def test_slurm_is_told_what_jobs_of_several_threads_need() -> None:
    """Defaults are those of one thread; docs/cluster.md has a line for each."""
    rules = "".join(path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))
    with_threads = re.findall(r"^rule (\w+):\n(?:(?!^rule ).*\n)*?    threads: ", rules, re.MULTILINE)
    assert {"probe", "clips", "partners", "features"} <= set(with_threads)
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text("utf-8"))
    table = (ROOT / "docs/cluster.md").read_text("utf-8")
    for rule in with_threads:
        assert {"mem_mb", "runtime"} <= profile["set-resources"][rule].keys(), rule
        assert f"\n| `{rule}` | " in table, rule


def test_no_address_is_recorded() -> None:
    for path in (ROOT / "envs").iterdir():
        assert "://" not in path.read_text(), path


def test_documentation_tables_are_those_of_the_code() -> None:
    tables = runpy.run_path(str(ROOT / "docs/tables.py"))
    assert tables["stale"]() == [], "run: make docs"


EXAMPLES = {"my_metric", "my_network", "name", "c3d_ucf101"}


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page}: {link}"


def test_the_documented_configuration_keys_exist() -> None:
    from vidgauge.config import Config
    from vidgauge.definition import MetricDefinition
    from vidgauge.extractors.own import OwnInput, OwnNetwork
    from vidgauge.manifest.dataset import Dataset
    from vidgauge.specs import ClipSpec

    text = (ROOT / "config.yaml").read_text()
    known = {
        *Config.model_fields,
        *MetricDefinition.model_fields,
        *ClipSpec.model_fields,
        *Dataset.model_fields,
        *OwnNetwork.model_fields,
        *OwnInput.model_fields,
        *("real", "mild", "strong", "scrambled"),
    }
    named = set(re.findall(r"^#?\s*([a-z_0-9]+):(?: |$)", text, re.MULTILINE)) - EXAMPLES
    assert named <= known
    assert set(Config.model_fields) <= named
    for model in (MetricDefinition, Dataset, ClipSpec, OwnNetwork, OwnInput):
        assert set(model.model_fields) - {"source", "root", "protocol", "about"} <= named


LIGHT = (
    "import sys, vidgauge.cli, vidgauge.config, vidgauge.presets, vidgauge.plan, vidgauge.prepare, vidgauge.extractors"
)


@pytest.mark.parametrize("heavy", ["torch", "numpy", "scipy", "h5py", "av", "timm"])
def test_what_the_snakefile_imports_stays_light(heavy: str) -> None:
    code = f"{LIGHT}; vidgauge.presets.presets(); vidgauge.extractors.extractors(); assert '{heavy}' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "part",
    [
        *("manifest.probing", "manifest.screening", "media", "media.clips", "metrics", "evaluate"),
        *("store", "store.merge", "store.statistics", "store.export", "accumulator", "comparing"),
    ],
)
def test_stages_without_a_network_never_import_torch(part: str) -> None:
    code = f"import sys, vidgauge.{part}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
