"""Options and fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("project", deadline=None, derandomize=True)  # a busy machine is no fault, a failure repeats
settings.load_profile("project")

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
# beside the project, where its makers keep the full sets: of networks and metrics, and of scores of single videos
SHARED_GOLDEN = [HERE.parents[1] / "shared" / name for name in ("golden", "golden_scores")]


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "run the golden tests on the files of this folder instead of tests/golden (may be repeated)"
    parser.addoption("--golden", action="append", type=Path, metavar="DIR", help=text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "golden(pattern): once for each golden file of that name, as `golden_file`")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("golden")
    if marker is None:
        return
    params = [param for folder in golden_folders(metafunc.config) for param in _golden_files(folder, *marker.args)]
    metafunc.parametrize("golden_file", params)


def golden_folders(config: pytest.Config) -> list[Path]:
    """The folders of --golden; by default the project's own, then the full sets where these are at hand."""
    return config.getoption("--golden") or [GOLDEN, *SHARED_GOLDEN]


def _golden_files(folder: Path, pattern: str) -> list:
    found = sorted(folder.glob(pattern))
    if folder in SHARED_GOLDEN:  # those that tests/golden has are run from there
        found = [path for path in found if not _same(path, GOLDEN / path.name)]
    if found or (folder in SHARED_GOLDEN and folder.is_dir()):
        return [pytest.param(path, id=f"{path.parent.name}-{path.stem}") for path in found]
    reason = f"no {pattern} in {folder}"
    return [pytest.param(None, id=f"{folder.name}-missing", marks=pytest.mark.skip(reason=reason))]


def _same(path: Path, other: Path) -> bool:
    return other.is_file() and other.read_bytes() == path.read_bytes()
