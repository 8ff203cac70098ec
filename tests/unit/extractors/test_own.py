"""Networks that users bring: the tensor they are called with, what they may return, and that they are trusted first."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.clips_files import clips_file
from tests.unit.extractors import pseudo
from vidgauge.errors import VidgaugeError
from vidgauge.extractors import load, loading
from vidgauge.extractors._torchscript import _as_written
from vidgauge.extractors.own import NetworkAsked, OwnInput, OwnNetwork, prepared, spec_of
from vidgauge.extractors.run import extract
from vidgauge.store.features import array_widths, read_array, read_attrs
from vidgauge.weights import digests


class Moments(torch.nn.Module):
    """Mean and mean square of each item's values, times a factor: what a user's network might be."""

    def forward(self, x: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
        flat = x.flatten(1)
        return torch.stack([flat.mean(1), (flat * flat).mean(1), flat[:, 0]], dim=1) * factor


class Raises(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] != 5:
            raise ValueError("needs five channels")
        return x


class Wrong(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pseudo.scripted(Moments(), tmp_path_factory.mktemp("own") / "moments.pt")


def own(path: Path, **keys: Any) -> OwnNetwork:
    return OwnNetwork.model_validate({"torchscript": str(path), "input": {"layout": "BCTHW"}, "trust": True} | keys)


def clips(b: int = 3, t: int = 2, h: int = 4, w: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (b, t, h, w, 3), np.uint8)


@pytest.mark.parametrize(
    ("keys", "shape", "value"),
    [
        ({"layout": "BCTHW"}, (3, 3, 2, 4, 5), 1.0),
        ({"layout": "BTCHW", "range": [0, 255]}, (3, 2, 3, 4, 5), 255.0),
        ({"layout": "BCTHW", "range": [-1, 1]}, (3, 3, 2, 4, 5), 1.0),
        ({"layout": "BCTHW", "mean": [0.5, 0, 0], "std": [0.25, 1, 1]}, (3, 3, 2, 4, 5), 2.0),
    ],
)
def test_layout_and_range(keys: dict[str, Any], shape: tuple[int, ...], value: float) -> None:
    items = torch.full((3, 2, 4, 5, 3), 255, dtype=torch.uint8)
    found = prepared(items, OwnInput.model_validate(keys))
    assert tuple(found.shape) == shape
    assert found.dtype == torch.float32
    assert float(found.flatten()[0]) == value
    assert (
        float(prepared(torch.zeros_like(items), OwnInput.model_validate({"layout": "BCTHW", "range": [-1, 1]})).max())
        == -1
    )


def test_channels_and_frames_keep_their_order() -> None:
    items = torch.from_numpy(clips())
    found = prepared(items, OwnInput.model_validate({"layout": "BCTHW", "range": [0, 255]}))
    np.testing.assert_array_equal(found.numpy(), clips().astype(np.float32).transpose(0, 4, 1, 2, 3))
    frames = prepared(items[:, 0], OwnInput.model_validate({"layout": "NCHW", "range": [0, 255]}))
    np.testing.assert_array_equal(frames.numpy(), clips()[:, 0].astype(np.float32).transpose(0, 3, 1, 2))


@pytest.mark.parametrize(("layout", "rows"), [("BCTHW", 3), ("NCHW", 6)])
def test_rows_per_clip_or_frame(archive: Path, layout: str, rows: int) -> None:
    spec = spec_of("mine", own(archive, input={"layout": layout}, keywords={"factor": 2.0}, batch=4))
    found = load(spec, archive, trust=True)(clips())["features"]
    items = clips().reshape(rows, -1).astype(np.float64) / 255
    np.testing.assert_allclose(found[:, 0], 2 * items.mean(1), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], 2 * (items**2).mean(1), rtol=1e-6)


def test_a_program_is_run_only_where_it_is_trusted(archive: Path, tmp_path: Path) -> None:
    spec = spec_of("mine", own(archive))
    with pytest.raises(VidgaugeError, match=r"moments\.pt: is a TorchScript archive, which is a program.*trust: true"):
        load(spec, archive)
    digest = digests(archive).sha256
    for keys in ({"trust": False, "sha256": digest}, {"trust": True}):
        asked = NetworkAsked(name="mine", own=own(archive, **keys))
        file = loading.weights_asked(asked, archive)
        assert file is not None
        assert (file.sha256, file.verified, asked.trusted) == (digest, False, True)
    other = NetworkAsked(name="mine", own=own(archive, trust=False, sha256="0" * 64))
    with pytest.raises(VidgaugeError, match=f"its sha256 is {digest}, and 0{{64}} is wanted for mine"):
        loading.weights_asked(other, archive)


def test_what_it_returns_must_be_rows(tmp_path: Path) -> None:
    path = pseudo.scripted(Wrong(), tmp_path / "wrong.pt")
    wanted = r"extractors\.mine: the network gave a tensor \(\) for 8 items, wanted was one tensor \(8, d\)"
    with pytest.raises(VidgaugeError, match=wanted):
        load(spec_of("mine", own(path)), path, trust=True)(clips())


def test_a_network_that_raises_is_named(tmp_path: Path) -> None:
    path = pseudo.scripted(Raises(), tmp_path / "raises.pt")
    with pytest.raises(VidgaugeError, match=r"extractors\.mine: the network failed .*needs five channels"):
        load(spec_of("mine", own(path)), path, trust=True)(clips())


def test_a_file_that_changes_after_it_was_hashed_is_refused(archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(archive.read_bytes())
    spec = spec_of("mine", own(path))
    file = loading.weights_file(spec, path)
    assert loading.built(spec, file, trust=True)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(VidgaugeError, match=r"net\.pt: was changed while it was read"):
        loading.built(spec, file, trust=True)


def test_graphs_run_as_they_are_in_every_thread(archive: Path) -> None:
    """The switch is the thread's: one that comes while another is inside must not find it on."""
    inside, leave = threading.Barrier(3), threading.Event()

    def optimised() -> bool:
        with _as_written():
            inside.wait(10)
            leave.wait(10)
            return bool(torch._C._get_graph_executor_optimize())

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(optimised) for _ in range(2)]
        inside.wait(10)
        leave.set()
        assert [future.result() for future in found] == [False, False]
        assert list(pool.map(lambda _: torch._C._get_graph_executor_optimize(), range(2))) == [True, True]


def test_a_network_that_fails_is_named(archive: Path) -> None:
    wrong = own(archive, keywords={"factr": 1.0})
    with pytest.raises(
        VidgaugeError, match=r"extractors\.mine: the network failed on a tensor \(8, 3, 2, 4, 5\) and factr"
    ):
        load(spec_of("mine", wrong), archive, trust=True)(clips())


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "state.pt")
    with pytest.raises(VidgaugeError, match=r"state\.pt: is no TorchScript archive"):
        load(spec_of("mine", own(tmp_path / "state.pt")), tmp_path / "state.pt", trust=True)


@pytest.mark.parametrize("videos", [0, 3])
def test_features_file(archive: Path, tmp_path: Path, videos: int) -> None:
    """The width is the network's; the file says that nobody vouches for the weights."""
    with clips_file(tmp_path / "c.h5", spec={"frames": 2, "seed": None}, shape=(2, 4, 5), attrs={"clips": "x"}) as out:
        for number, clip in enumerate(clips(videos)):
            out.append(f"v{number}", 0, 0, np.arange(2), clip)
    asked = NetworkAsked(name="mine", trust=True, own=own(archive, licence="MIT"))
    extract([tmp_path / "c.h5"], tmp_path / "f.h5", network=asked, weights=archive, device="cpu")
    assert array_widths(tmp_path / "f.h5") == {"features": 3}
    assert len(read_array(tmp_path / "f.h5", "features")) == videos
    attrs = read_attrs(tmp_path / "f.h5")
    assert (attrs["weights"], attrs["weights_verified"], attrs["licence"]) == ("moments.pt", False, "MIT")
    assert attrs["weights_sha256"] == digests(archive).sha256
