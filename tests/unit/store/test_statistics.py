"""Saved statistics of every origin: the same rows give the same mean and covariance, and nonsense is refused."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.metrics.stats import covariance, stats_from_features
from vidgauge.store import claims
from vidgauge.store.features import FeatureArray, write_features
from vidgauge.store.merge import merge
from vidgauge.store.statistics import Statistics, read_statistics, read_values, write_statistics

N, D = 50, 4
X = np.random.default_rng(0).normal(2, 3, (N, D)).astype(np.float32)
ATTRS: dict[str, Any] = {"extractor": "net", "precision": "float32", "weights": None, "clip_spec": {"frames": 4}}


class FeatureStats:
    """What StyleGAN-V, data-juicer and cd-fvd keep, and how they add to it: facts of their accumulators."""

    def __init__(self, *, capture_all: bool = False, capture_mean_cov: bool = True, weighted: bool = False) -> None:
        self.capture_all, self.capture_mean_cov = capture_all, capture_mean_cov
        self.max_items: int | None = None
        self.num_items, self.num_features = 0, D
        self.all_features: list[np.ndarray] = []
        self.raw_mean, self.raw_cov = np.zeros(D), np.zeros((D, D))
        if weighted:
            self.weight = np.float64(0)

    def append(self, x: np.ndarray, weight: np.ndarray | None = None) -> FeatureStats:
        self.num_items += len(x)
        if self.capture_all:
            self.all_features.append(x)
        if self.capture_mean_cov:
            x64 = x.astype(np.float64)
            w = np.ones(len(x)) if weight is None else weight
            self.raw_mean += (x64 * w[:, None]).sum(axis=0)
            self.raw_cov += (x64 * w[:, None]).T @ x64
            if weight is not None:
                self.weight += w.sum()
        return self

    def save(self, path: Path, protocol: int = 4, **changes: Any) -> Path:
        path.write_bytes(pickle.dumps({**self.__dict__, **changes}, protocol))
        return path


@pytest.fixture
def h5(tmp_path: Path) -> Path:
    """Features of two arrays, merged; and as a shard, beside it."""
    video = np.array([f"v{row:02d}" for row in range(N)], object)
    rows = FeatureArray(X, video, np.zeros(N, int), np.zeros(N, int))
    other = FeatureArray(X[:, :2].copy(), video, np.zeros(N, int), np.zeros(N, int))
    write_features(tmp_path / "shard.h5", {"features": rows, "logits": other}, attrs=ATTRS)
    merge([tmp_path / "shard.h5"], tmp_path / "all.h5")
    return tmp_path / "all.h5"


def close(found: Statistics, *, ddof: int = 0, rtol: float = 1e-12, x: np.ndarray = X) -> None:
    x64 = x.astype(np.float64)
    np.testing.assert_allclose(found.mean, x64.mean(axis=0), rtol=rtol)
    np.testing.assert_allclose(found.cov, np.cov(x64, rowvar=False, ddof=ddof), rtol=rtol, atol=rtol)
    assert found.ddof == ddof
    assert found.mean.dtype == found.cov.dtype == np.float64


def test_features_files(h5: Path) -> None:
    for path in (h5, h5.with_name("shard.h5")):
        found = read_statistics(path, "features")
        close(found)
        assert found.n == N
        assert {key: found.about[key] for key in ATTRS} == ATTRS
        assert found.about["array"] == "features"
        values = read_values(path, "features")
        assert values is not None
        assert values.tobytes() == X.tobytes()
        with pytest.raises(UsageError, match="features, logits"):
            read_statistics(path)
        with pytest.raises(UsageError, match="did you mean 'logits'"):
            read_values(path, "logit")
    merged, shard = read_statistics(h5, "logits"), read_statistics(h5.with_name("shard.h5"), "logits")
    assert merged.cov.tobytes() == shard.cov.tobytes()


def test_statistics_without_features(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    n, mean, cov = stats_from_features(X)
    write_statistics(path, "features", Statistics(n, mean, cov, 0, {}), ATTRS)
    found = read_statistics(path)
    assert (found.n, found.mean.tobytes(), found.cov.tobytes()) == (n, mean.tobytes(), cov.tobytes())
    assert found.about["extractor"] == "net"
    assert read_values(path) is None
    with pytest.raises(ValueError, match="ddof 0"):
        write_statistics(path, "features", Statistics(None, mean, cov, 1, {}), ATTRS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_fid_tools(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "named.anything"
    with path.open("wb") as file:
        save(file, mu=X.astype(np.float64).mean(axis=0), sigma=np.cov(X.astype(np.float64), rowvar=False))
    found = read_statistics(path)
    close(found, ddof=1)
    assert found.n is None
    assert read_statistics(path, n=N).n == N
    np.testing.assert_allclose(covariance(read_statistics(path, n=N), 0), stats_from_features(X).cov, rtol=1e-12)
    assert read_values(path) is None
    with pytest.raises(UsageError, match="array: x"):
        read_statistics(path, "x")


def test_features_of_clean_fid_and_npy(tmp_path: Path) -> None:
    np.savez(tmp_path / "k.npz", feats=X)
    np.save(tmp_path / "x.npy", X.astype(np.float64))
    for name in ("k.npz", "x.npy"):
        close(read_statistics(tmp_path / name))
        assert read_statistics(tmp_path / name).n == N
        values = read_values(tmp_path / name)
        assert values is not None
        assert (values.dtype, values.tobytes()) == (np.float32, X.tobytes())


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("capture_all", [False, True])
def test_pickles_of_sums(tmp_path: Path, protocol: int, capture_all: bool) -> None:
    stats = FeatureStats(capture_all=capture_all).append(X[:30]).append(X[30:])
    path = stats.save(tmp_path / "s.pkl", protocol)
    found = read_statistics(path)
    close(found)
    assert found.n == N
    values = read_values(path)
    assert (values is None) != capture_all
    if values is not None:
        assert values.tobytes() == X.tobytes()
        assert found.cov.tobytes() == stats_from_features(X).cov.tobytes()


def test_captured_features_save_the_digits_that_sums_lose(tmp_path: Path) -> None:
    far = X + np.float32(1e4)
    close(read_statistics(FeatureStats(capture_all=True).append(far).save(tmp_path / "a.pkl")), x=far)
    summed = read_statistics(FeatureStats().append(far).save(tmp_path / "b.pkl"))
    close(summed, rtol=1e-6, x=far)
    with pytest.raises(AssertionError):
        close(summed, x=far)


def test_features_alone_are_enough(tmp_path: Path) -> None:
    path = FeatureStats(capture_all=True, capture_mean_cov=False).append(X).save(tmp_path / "s.pkl")
    close(read_statistics(path))  # raw_mean and raw_cov are zeros there
    nothing = FeatureStats(capture_mean_cov=False).append(X).save(tmp_path / "n.pkl")
    with pytest.raises(VidgaugeError, match="neither"):
        read_statistics(nothing)


def test_weighted_sums_are_divided_by_the_weights(tmp_path: Path) -> None:
    w = np.random.default_rng(1).uniform(0.5, 2, N)
    for capture_all in (False, True):  # rows alone know nothing of the weights
        stats = FeatureStats(capture_all=capture_all, weighted=True).append(X, w)
        found = read_statistics(stats.save(tmp_path / "w.pkl"))
        np.testing.assert_allclose(found.mean, np.average(X, axis=0, weights=w), rtol=1e-6)
        np.testing.assert_allclose(found.cov, stats_from_features(X, weights=w).cov, rtol=1e-12)
        assert found.n == N
        assert found.about["weighted"] is True
    assert read_statistics(FeatureStats().append(X).save(tmp_path / "p.pkl")).about["weighted"] is False


@pytest.mark.golden("metric_feature_stats.npz")
def test_golden_sums(golden_file: Path, tmp_path: Path) -> None:
    golden = np.load(golden_file)
    x, weight = golden["x"].astype(np.float64), golden["weight"].astype(np.float64)
    for kind, w in (("plain", np.ones(len(x))), ("weighted", weight)):
        state = {"num_items": len(x), "capture_all": False, "capture_mean_cov": True, "all_features": []}
        state |= {"raw_mean": w @ x, "raw_cov": (x * w[:, None]).T @ x, "weight": np.float64(w.sum())}
        path = tmp_path / "g.pkl"
        path.write_bytes(pickle.dumps(state))
        found = read_statistics(path)
        np.testing.assert_allclose(found.mean, golden[f"all_{kind}__mean"], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.cov, golden[f"all_{kind}__cov"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"num_items": 0}, "num_items is 0"),
        ({"num_items": 2.5}, "num_items is 2.5"),
        ({"num_items": True}, "num_items is True"),
        ({"num_items": 10**400}, "512 bits"),
        ({"num_items": 2**63}, "num_items is 9223"),
        ({"num_items": "x" * 10**6}, "num_items is 'x{39};"),
        ({"weight": 10**400}, "512 bits"),
        ({"raw_mean": ["a" * 1000] * 1000}, "raw_mean holds list"),
        ({"raw_mean": np.full(D, 1e300)}, "infinity"),
        ({"capture_all": True, "all_features": [np.full((N, D), np.nan, np.float32)]}, "NaN"),
        ({"capture_all": True, "all_features": [np.full((N, D), 1e39)]}, "infinity"),
        ({"raw_mean": None}, "raw_mean holds NoneType"),
        ({"raw_cov": np.zeros((D, D + 1))}, "raw_cov"),
        ({"raw_mean": np.full(D, np.nan)}, "NaN"),
        ({"raw_cov": np.triu(np.ones((D, D)) * 1e6)}, "symmetric"),
        ({"raw_cov": -1e6 * np.eye(D)}, "negative variance"),
        ({"weight": 0.0}, "weight is 0.0"),
        ({"weight": "x"}, "weight holds str"),
        ({"capture_all": True, "all_features": [X]}, "not the 49 rows"),
        ({"capture_all": True, "all_features": [1]}, "all_features"),
        ({"capture_all": True, "all_features": [X[:, :2], X[:, 2:]]}, "all_features"),
    ],
)
def test_pickles_of_nonsense_are_refused(tmp_path: Path, changes: dict[str, Any], text: str) -> None:
    n = 49 if "not the 49" in text else N
    path = FeatureStats().append(X).save(tmp_path / "s.pkl", **({"num_items": n} | changes))
    with pytest.raises(VidgaugeError, match=text) as caught:
        read_statistics(path)
    assert "s.pkl" in str(caught.value)


def test_other_dictionaries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.pkl"
    path.write_bytes(pickle.dumps({"mu": X[0], "sigma": X}))
    with pytest.raises(VidgaugeError, match="'mu', 'sigma'; num_items, raw_mean, raw_cov are wanted"):
        read_statistics(path)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"mu": X[0]}, "holds mu"),
        ({"mu": X[0], "sigma": X}, "covariance"),
        ({"mu": X[0], "sigma": np.full((D, D), np.inf)}, "infinity"),
        ({"mu": X[0], "sigma": np.array([["a"] * D] * D)}, "sigma holds"),
        ({"mu": np.array([{}]), "sigma": X}, "pickle"),
        ({"feats": X[0]}, "features"),
        ({"feats": X.astype(complex)}, "features"),
    ],
)
def test_npz_of_nonsense_are_refused(tmp_path: Path, arrays: dict[str, Any], text: str) -> None:
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(VidgaugeError, match=text) as caught:
        read_statistics(tmp_path / "s.npz")
    assert "s.npz" in str(caught.value)


def test_files_that_unpack_to_more_than_they_should_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "s.npz", mu=np.zeros(1000), sigma=np.zeros((1000, 1000)))
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file.attrs.update({"kind": "statistics", "schema": 1})
        stats = file.create_group("a/stats")
        stats["n"], stats["mean"] = 5, np.zeros(1000)
        stats.create_dataset("cov", data=np.zeros((1000, 1000)), compression="gzip")
    for name in ("s.npz", "s.h5"):
        assert read_statistics(tmp_path / name).mean.shape == (1000,)
    monkeypatch.setattr(claims, "MOST_BYTES", 300_000)
    for name in ("s.npz", "s.h5"):
        with pytest.raises(VidgaugeError, match=rf"{name}.*claims to unpack to 80\d* bytes"):
            read_statistics(tmp_path / name)


def npy(array: np.ndarray, shape: str | None = None) -> bytes:
    """A .npy file, whose header may claim another shape."""
    file = BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0))
    old, new = str(array.shape).encode(), (shape or str(array.shape)).encode()
    return file.getvalue().replace(
        b"'shape': " + old + b", }" + b" " * (len(new) - len(old)), b"'shape': " + new + b", }"
    )


def test_members_of_npz_are_taken_by_their_exact_names(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mu", b"\0" * 1000)  # which NumPy takes for mu
        archive.writestr("mu.npy", npy(np.ones(2)))
        archive.writestr("sigma.npy", npy(np.eye(2)))
    assert read_statistics(path).mean.tolist() == [1, 1]
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mu.npy", npy(np.zeros(2)))
    with pytest.raises(VidgaugeError, match=r"s\.npz: .*mu\.npy comes twice"):
        read_statistics(path)


@pytest.mark.parametrize("shape", ["(1000000, 4)", "(99999999999999999999, 4)", "(4294967296, 4294967296)", "(-1, -1)"])
def test_npy_that_claims_more_than_it_has_is_refused(tmp_path: Path, shape: str) -> None:
    (tmp_path / "x.npy").write_bytes(npy(X, shape))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("feats.npy", npy(X, shape))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(VidgaugeError, match=rf"{name}: cannot be read .*claims an array of 2 axes"):
            read_values(tmp_path / name)


def test_features_must_be_finite(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.where(np.arange(5000)[:, None] == 4000, np.nan, np.ones((5000, 2))))
    with pytest.raises(VidgaugeError, match="NaN or infinity"):
        read_values(tmp_path / "x.npy")


def test_damaged_files_are_refused(tmp_path: Path, h5: Path) -> None:
    np.savez(tmp_path / "s.npz", mu=X[0], sigma=np.eye(D))
    np.save(tmp_path / "x.npy", X)
    for name in ("s.npz", "x.npy", h5.name):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        for read in (read_statistics, read_values):
            with pytest.raises(VidgaugeError, match=name):
                read(path, "features" if name == h5.name else None)
    with zipfile.ZipFile(tmp_path / "mu.npz", "w") as archive:
        archive.writestr("mu.npy", b"no array")
        archive.writestr("sigma.npy", b"no array")
    for path in (tmp_path / "mu.npz", tmp_path / "missing.npz", tmp_path):
        with pytest.raises(VidgaugeError, match=path.name):
            read_statistics(path)


def test_the_number_of_rows_must_be_the_files(h5: Path) -> None:
    assert read_statistics(h5, "features", n=N).n == N
    with pytest.raises(UsageError, match="50 rows, and n: 49"):
        read_statistics(h5, "features", n=49)
    with pytest.raises(UsageError, match="from 1 on"):
        read_statistics(h5, "features", n=0)


def test_no_rows_have_no_statistics(tmp_path: Path) -> None:
    none = FeatureArray(np.zeros((0, D), np.float32), np.array([], object), np.array([], int), np.array([], int))
    write_features(tmp_path / "shard.h5", {"features": none}, attrs=ATTRS)
    merge([tmp_path / "shard.h5"], tmp_path / "all.h5")
    for name in ("shard.h5", "all.h5"):
        with pytest.raises(VidgaugeError, match=f"{name}: has no rows"):
            read_statistics(tmp_path / name)
