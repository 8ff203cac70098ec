"""Exports: other tools read back the mean and covariance that went in."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.metrics.stats import covariance, stats_from_features
from vidgauge.store.commands import export as command
from vidgauge.store.export import export
from vidgauge.store.features import FeatureArray, write_features
from vidgauge.store.merge import merge
from vidgauge.store.statistics import read_statistics, read_values

N, D = 40, 6
X = np.random.default_rng(0).normal(2, 3, (N, D)).astype(np.float32)


@pytest.fixture
def h5(tmp_path: Path) -> Path:
    video = np.array([f"v{row:02d}" for row in range(N)], object)
    rows = FeatureArray(X, video, np.zeros(N, int), np.zeros(N, int))
    write_features(tmp_path / "shard.h5", {"features": rows}, attrs={"extractor": "net"})
    merge([tmp_path / "shard.h5"], tmp_path / "all.h5")
    return tmp_path / "all.h5"


def same(path: Path, *, n: int | None = None) -> None:
    """The file's statistics, as population covariance, are those of X."""
    found, wanted = read_statistics(path, n=n), stats_from_features(X)
    np.testing.assert_allclose(found.mean, wanted.mean, rtol=1e-12)
    np.testing.assert_allclose(covariance(found, 0), wanted.cov, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["all.h5", "shard.h5"])
def test_round_trips(h5: Path, name: str) -> None:
    source, out = h5.with_name(name), h5.with_name("out")
    export(source, out, to="npz")
    same(out, n=N)
    export(source, out, to="cd-fvd")
    same(out)
    assert read_statistics(out).n == N
    export(source, out, to="npy")
    values = read_values(out)
    assert values is not None
    assert values.tobytes() == X.tobytes()


def test_npz_is_what_the_fid_tools_write(h5: Path) -> None:
    out = h5.with_name("out.npz")
    export(h5, out, to="npz")
    with np.load(out, allow_pickle=False) as found:
        assert sorted(found) == ["mu", "sigma"]
        np.testing.assert_allclose(found["mu"], np.mean(X.astype(np.float64), axis=0), rtol=1e-12)
        np.testing.assert_allclose(found["sigma"], np.cov(X.astype(np.float64), rowvar=False), rtol=1e-12)


def test_cd_fvd_reads_its_pickle(h5: Path) -> None:
    """As its FeatureStats.load and get_mean_cov do: all attributes are the dictionary's, sums over num_items."""
    out = h5.with_name("out.pkl")
    export(h5, out, to="cd-fvd")
    state = pickle.loads(out.read_bytes())  # noqa: S301 - written just now
    assert state.keys() == {
        *("capture_all", "capture_mean_cov", "max_items", "num_items"),
        *("num_features", "all_features", "raw_mean", "raw_cov"),
    }
    assert (state["capture_mean_cov"], state["capture_all"], state["num_features"]) == (True, False, D)
    assert (type(state["num_items"]), type(state["raw_mean"])) == (int, np.ndarray)
    mean = state["raw_mean"] / state["num_items"]
    cov = state["raw_cov"] / state["num_items"] - np.outer(mean, mean)
    np.testing.assert_allclose(mean, stats_from_features(X).mean, rtol=1e-12)
    np.testing.assert_allclose(cov, stats_from_features(X).cov, rtol=1e-12, atol=1e-12)


def test_formats_become_each_other(h5: Path) -> None:
    npz, pkl = h5.with_name("a.npz"), h5.with_name("a.pkl")
    export(h5, npz, to="npz")
    with pytest.raises(VidgaugeError, match=r"a\.npz: does not say how many rows"):
        export(npz, pkl, to="cd-fvd")
    export(npz, pkl, to="cd-fvd", n=N)
    same(pkl)
    export(pkl, npz, to="npz")
    same(npz, n=N)
    export(npz, h5.with_name("b.npz"), to="npz")  # nothing to convert, so n does not matter
    same(h5.with_name("b.npz"), n=N)
    for path in (npz, pkl):
        with pytest.raises(VidgaugeError, match="statistics only"):
            export(path, h5.with_name("c.npy"), to="npy")
    assert not h5.with_name("c.npy").exists()


def test_one_row_has_no_unbiased_covariance(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X[:1])
    with pytest.raises(VidgaugeError, match=r"x\.npy: .* ddof 1, got 1"):
        export(tmp_path / "x.npy", tmp_path / "o.npz", to="npz")


def test_the_source_is_never_overwritten(h5: Path) -> None:
    before = h5.read_bytes()
    with pytest.raises(UsageError, match="another name"):
        export(h5, h5, to="npz")
    assert h5.read_bytes() == before
    with pytest.raises(UsageError, match="known are: npz, cd-fvd, npy"):
        export(h5, h5.with_name("o"), to="mat")  # type: ignore[arg-type]


def test_a_failure_leaves_no_file(h5: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = h5.with_name("out.npz")
    out.write_bytes(b"old")

    def fail(*args: object, **arrays: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no"):
        export(h5, out, to="npz")
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in h5.parent.iterdir()) == ["all.h5", "out.npz", "shard.h5"]


def test_the_command(h5: Path) -> None:
    out = h5.with_name("o.npz")
    done = CliRunner().invoke(command, [str(h5), "--array", "features", "--to", "npz", "--out", str(out)])
    assert (done.exit_code, done.output) == (0, "")
    same(out, n=N)


@pytest.mark.parametrize("part", ["statistics", "export", "commands", "unpickle", "gathered"])
def test_no_part_imports_torch(part: str) -> None:
    code = f"import sys, vidgauge.store.{part}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
