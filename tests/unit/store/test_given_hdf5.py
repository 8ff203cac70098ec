"""HDF5 files given as statistics: what is not as vidgauge writes it is refused by name, with what is wanted instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.metrics.stats import stats_from_features
from vidgauge.store.seal import seal
from vidgauge.store.statistics import Statistics, read_statistics, read_values, write_statistics

N, D = 50, 4
X = np.random.default_rng(0).normal(2, 3, (N, D)).astype(np.float32)


def test_another_tools_hdf5_is_told_what_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "theirs.h5"
    for kind in (None, "clips", "x" * 500):
        with h5py.File(path, "w") as file:
            file["mu"] = X
            if kind:
                file.attrs["kind"] = kind
        for read in (read_statistics, read_values):
            with pytest.raises(VidgaugeError, match=r"theirs\.h5: .*wanted are features of vidgauge") as caught:
                read(path)
            assert "delete" not in str(caught.value)
            assert len(str(caught.value)) < 600


def unwritten(file: h5py.File) -> None:
    del file["a/stats/cov"]
    file.create_dataset("a/stats/cov", (10**6, 10**6), "f8", chunks=(1000, 1000), compression="gzip")


def elsewhere(file: h5py.File) -> None:
    del file["a/stats/mean"]
    place = Path(file.filename).with_name("raw")
    place.write_bytes(b"\0" * 8 * D)
    file.create_dataset("a/stats/mean", (D,), "f8", external=[(place, 0, 8 * D)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((D,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (D,))
    del file["a/stats/mean"]
    file.create_virtual_dataset("a/stats/mean", layout)


def numbers_as_attribute(file: h5py.File) -> None:
    row = np.empty((), object)
    row[()] = np.ones(3, np.uint8)
    file.attrs.create("x", row, dtype=h5py.vlen_dtype(np.uint8))


def put(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (unwritten, "cov was never written"),
        (elsewhere, "in other files"),
        (virtual, "in other files"),
        (put("a/stats/mean", h5py.ExternalLink("other.h5", "/x")), "link to elsewhere"),
        (put("a/stats/mean", h5py.SoftLink("/a/stats/cov")), "link to elsewhere"),
        (put("a", np.ones(3)), "/a is no group"),
        (put("a/stats", np.ones(3)), "no numbers"),
        (lambda file: file["a"].__delitem__("stats"), "a has no stats"),
        (put("a/stats/n", np.ones(3)), "n holds no numbers"),
        (put("a/stats/n", "many"), "n holds no numbers"),
        (put("a/stats/n", -5), "n is -5"),
        (put("a/stats/mean", ["a", "b"]), "mean holds no numbers"),
        (put("a/stats/mean", h5py.Empty("f8")), "mean has no values"),
        (put("a/stats/cov", np.eye(D + 1)), "cov of"),
        (lambda file: file.attrs.update(x="{broken"), "attribute x: Expecting"),
        (lambda file: file.attrs.update(x="[" * 100_000), "attribute x"),
        (lambda file: file.attrs.update(kind=np.ones(3)), "attribute kind is no text"),
        (numbers_as_attribute, "attribute x is no text"),
        (lambda file: file.attrs.update(schema=2), "schema 2; a statistics file of schema 1 was wanted"),
    ],
)
def test_hdf5_of_nonsense_is_refused(tmp_path: Path, change: Callable[[h5py.File], None], text: str) -> None:
    path = tmp_path / "s.h5"
    write_statistics(path, "a", Statistics(*stats_from_features(X), 0, {}), {"extractor": "net"})
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros(D)
    with h5py.File(path, "r+", libver="latest") as file:
        change(file)
    seal(path)
    with pytest.raises(VidgaugeError, match=text) as caught:
        read_statistics(path)
    assert "s.h5" in str(caught.value)
    assert "make it anew" in str(caught.value)
    assert "delete" not in str(caught.value)
