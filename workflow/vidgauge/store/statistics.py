"""Saved statistics, ours and those of other tools: mean and covariance of features, and the features where they are.

What a file is follows from how it begins, whatever it is called:

- HDF5: our features; or kind "statistics", schema 1, of `write_statistics`: a group per array with `stats` (n, mean,
  cov) as features files have them and no values, the same attributes. Population covariance
- `.npz` of pytorch-fid and clean-fid: `mu` (d,), `sigma` (d, d), divided by n - 1 as np.cov does, n unknown; or `feats`
  (n, d) of clean-fid
- pickles of StyleGAN-V, data-juicer and cd-fvd (`FeatureStats.save`): sums of x and of x x', and the features where
  they were captured. Population covariance. See `unpickle`: nothing in them is run. data-juicer's FVD caches hold sums
  of I3D logits as StyleGAN-V's do. Those of its fid50k hold weighted sums of Inception's 2048 features folded to 512:
  they can be compared with one another, and no metric here takes them for statistics of an FID
- `.npy`: features (n, d)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vidgauge.errors import UsageError, VidgaugeError, did_you_mean
from vidgauge.metrics._arrays import row_blocks
from vidgauge.metrics.frechet import NOT_ROUNDING
from vidgauge.metrics.stats import stats_from_features
from vidgauge.store import features, hdf5, seal
from vidgauge.store.npy import read_npy, read_npz
from vidgauge.store.unpickle import read_pickle
from vidgauge.wording import counted

KIND, SCHEMA = "statistics", 1
Format = Literal["hdf5", "npz", "npy", "pickle"]
_BEGINS: dict[bytes, Format] = {b"PK\x03\x04": "npz", b"\x93NUMPY": "npy"}
MADE_WITH = ("extractor", "version", "weights", "weights_sha256", "precision")
"""What our files say of the network that made them, and numbers depend on."""

_SCHEMAS = {KIND: SCHEMA, features.KIND: features.SCHEMA}
_WANTED = (
    "wanted are features of vidgauge, what Accumulator.save writes, or the .npz, .npy or pickle of another tool, as "
    "vidgauge export writes them; get the file again, or make it anew"
)
_SUMS = ("num_items", "raw_mean", "raw_cov")


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a Gaussian fit needs. mean: (d,), cov: (d, d) float64, divided by n - ddof.

    n, ddof: None where the file does not say. about: what the file says of itself (extractor, weights, precision, ...)
    and its `format`; other tools' files say nothing. Raises ValueError for what cannot be a mean and a covariance:
    shapes, NaN, not symmetric, negative variances. Negative eigenvalues are found by the distance that uses it.
    """

    n: int | None
    mean: np.ndarray
    cov: np.ndarray
    ddof: Literal[0, 1] | None
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("mean", "cov"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        mean, cov, d = self.mean, self.cov, self.mean.size
        if mean.shape != (d,) or cov.shape != (d, d) or d < 1:
            raise ValueError(f"expected mean (d,) and covariance (d, d), got {mean.shape} and {cov.shape}")
        if not (np.isfinite(mean).all() and np.isfinite(cov).all()):
            raise ValueError(f"expected finite mean (d,) and covariance (d, d), got NaN or infinity for d = {d}")
        # the covariance is a difference of two second moments where it comes from sums: they set what rounding is
        slack = NOT_ROUNDING * np.abs(cov).max() + 1e-12 * np.square(mean).max()
        if np.abs(cov - cov.T).max() > slack or cov.diagonal().min() < -slack:
            raise ValueError(f"expected a symmetric covariance with no negative variance, got another for d = {d}")

    def __repr__(self) -> str:
        return f"Statistics(n={self.n}, d={len(self.mean)}, ddof={self.ddof})"


def read_statistics(path: str | PathLike[str], array: str | None = None, *, n: int | None = None) -> Statistics:
    """Mean and covariance of a file of any of the formats above; from its features where it has no better.

    array: which one of an HDF5 file; None: the only one. n: the rows behind the statistics, for files that do not say.
    Raises VidgaugeError for files that cannot be read, hold other things or no rows; UsageError for an array that is
    not there or not named where there are several, and for an n that is not the file's.
    """
    path = Path(path)
    read = {"hdf5": _of_hdf5, "npz": _of_npz, "npy": _of_npy, "pickle": _of_pickle}[format_of(path)]
    try:
        found = read(path, array)
    except ValueError as error:
        raise VidgaugeError(f"{path}: {error}; get the file again, or make it anew") from error
    if n is not None and n < 1:
        raise UsageError(f"n: should be a whole number from 1 on, got {n}")
    if n is not None and found.n not in (None, n):
        raise UsageError(
            f"{path}: its statistics are those of {counted(found.n, 'row')}, and n: {n} was given; leave n out"
        )
    return found if n is None else Statistics(n, found.mean, found.cov, found.ddof, found.about)


def read_values(path: str | PathLike[str], array: str | None = None) -> np.ndarray | None:
    """Features (n, d) float32, where the file has them: ours in canonical order, mapped; None for statistics alone.

    Raises what `read_statistics` raises.
    """
    path = Path(path)
    match format_of(path):
        case "hdf5":
            name = _array_of(path, array)
            return features.map_values(path, name) if hdf5.kind_of(path) == features.KIND else None
        case "npz":
            found = _npz(path, array)
            return _rows(path, found["feats"]) if "feats" in found else None
        case "npy":
            return _rows(path, _npy(path, array))
        case "pickle":
            return _captured(path, _state(path, array))


def format_of(path: Path) -> Format:
    """What a file is by its first bytes; what begins like none of the others is taken for a pickle."""
    try:
        if seal.is_hdf5(path):
            return "hdf5"
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise VidgaugeError(f"{path}: cannot be read ({error.strerror}); saved statistics were wanted") from error
    return next((kind for begin, kind in _BEGINS.items() if head.startswith(begin)), "pickle")


def write_statistics(path: str | PathLike[str], array: str, statistics: Statistics, attrs: Mapping[str, Any]) -> None:
    """Write statistics without features, for `read_statistics`. n must be known, and ddof 0."""
    if statistics.n is None or statistics.ddof != 0:
        raise ValueError(f"expected statistics with n and ddof 0, got n {statistics.n} and ddof {statistics.ddof}")
    with seal.sealed(path) as temporary, hdf5.create(temporary) as file:
        hdf5.write_stats(file.create_group(array), (statistics.n, statistics.mean, statistics.cov))
        hdf5.write_attrs(file, {**attrs, "kind": KIND, "schema": SCHEMA})


def _of_hdf5(path: Path, array: str | None) -> Statistics:
    name = _array_of(path, array)
    with _opened(path) as file:
        stats = hdf5.read_stats(file[name])
        about = {"format": "hdf5", **hdf5.read_attrs(file), "array": name}
        if stats is None and about["kind"] == KIND:
            raise OSError(f"{name} has no stats")
    if stats is None:
        return _computed(path, features.map_values(path, name), about)
    n, mean, cov = stats
    return (
        _computed(path, np.empty((0, 1)), about) if mean is None or cov is None else Statistics(n, mean, cov, 0, about)
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    kind = hdf5.kind_of(path, _WANTED)
    if kind not in _SCHEMAS:
        raise VidgaugeError(
            f"{path}: is an HDF5 file with {f'{kind:.40}' if kind else 'nothing of vidgauge'}; {_WANTED}"
        )
    with hdf5.open_checked(path, kind, _SCHEMAS[kind], _WANTED) as file:
        try:
            yield file
        except hdf5.DAMAGE as error:
            raise hdf5.damaged(path, error, _WANTED) from error


def _array_of(path: Path, array: str | None) -> str:
    with _opened(path) as file:
        names = [name for name in file if name != hdf5.FAILED]
    if array is None and len(names) != 1:
        raise UsageError(f"{path}: has {len(names)} arrays: {', '.join(names) or 'none'}; say which: array")
    if array is not None and array not in names:
        raise UsageError(f"{path}: has no array {array!r}; {did_you_mean(array, names)}")
    return array or names[0]


def _of_npz(path: Path, array: str | None) -> Statistics:
    found = _npz(path, array)
    if "feats" in found:
        return _computed(path, _rows(path, found["feats"]), {"format": "npz"})
    return Statistics(
        None, _numbers(path, "mu", found["mu"]), _numbers(path, "sigma", found["sigma"]), 1, {"format": "npz"}
    )


def _npz(path: Path, array: str | None) -> dict[str, np.ndarray]:
    """`mu` and `sigma` as pytorch-fid and clean-fid write them, or `feats`."""
    _no_arrays(path, array)
    return read_npz(path, ("mu", "sigma"), ("feats",))


def _of_npy(path: Path, array: str | None) -> Statistics:
    return _computed(path, _rows(path, _npy(path, array)), {"format": "npy"})


def _npy(path: Path, array: str | None) -> np.ndarray:
    _no_arrays(path, array)
    return read_npy(path)


def _no_arrays(path: Path, array: str | None) -> None:
    if array is not None:
        raise UsageError(f"{path}: has no arrays by name, as our own files have them; leave array: {array} out")


def _rows(path: Path, found: np.ndarray) -> np.ndarray:
    """(n, d) float32, as features are everywhere, all of them finite."""
    if found.ndim != 2 or 0 in found.shape or found.dtype.kind not in "fiu":
        raise VidgaugeError(f"{path}: holds {found.shape} {found.dtype}; features (n, d) were wanted, real numbers")
    with np.errstate(over="ignore"):
        rows = found.astype(np.float32, copy=False)
    if not all(np.isfinite(rows[block]).all() for block in row_blocks(len(rows))):
        raise VidgaugeError(f"{path}: holds NaN or infinity as float32; finite features were wanted")
    return rows


def _numbers(path: Path, name: str, found: Any) -> np.ndarray:
    """float64."""
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        held = found.dtype if isinstance(found, np.ndarray) else type(found).__name__
        raise VidgaugeError(f"{path}: {name} holds {held}; an array of real numbers was wanted")
    return found.astype(np.float64)


def _computed(path: Path, rows: np.ndarray, about: Mapping[str, Any]) -> Statistics:
    if not len(rows):
        raise VidgaugeError(f"{path}: has no rows, and so no statistics")
    n, mean, cov = stats_from_features(rows)
    return Statistics(n, mean, cov, 0, about)


def _of_pickle(path: Path, array: str | None) -> Statistics:
    """From the sums; from the features where they were captured and are not weighted, which loses no digit."""
    state = _state(path, array)
    n, divisor = state["num_items"], state.get("weight")
    divisor = n if divisor is None else float(divisor)
    about = {"format": "pickle", "weighted": divisor != n}
    rows = _captured(path, state)
    if rows is not None and divisor == n:
        return _computed(path, rows, about)
    if not state.get("capture_mean_cov"):  # the sums are then zeros that were never added to
        raise VidgaugeError(
            f"{path}: has neither capture_mean_cov nor capture_all, so it holds neither sums nor features; "
            "save it with either of them true"
        )
    if not math.isfinite(divisor) or divisor <= 0:
        raise VidgaugeError(f"{path}: weight is {divisor}; a sum of weights above 0 was wanted")
    sums, products = (_numbers(path, name, state[name]) for name in ("raw_mean", "raw_cov"))
    if products.shape != (sums.size, sums.size):
        raise VidgaugeError(
            f"{path}: raw_mean has shape {sums.shape} and raw_cov {products.shape}; (d,), (d, d) wanted"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found below
        mean = sums / divisor
        cov = products / divisor - np.outer(mean, mean)
    return Statistics(n, mean, cov, 0, about)


def _state(path: Path, array: str | None) -> dict[str, Any]:
    """The dictionary of a FeatureStats; num_items is a whole number from 1 on that fits into 64 bits."""
    _no_arrays(path, array)
    state = read_pickle(path)
    if missing := [key for key in _SUMS if key not in state]:
        keys = ", ".join(f"{key!r:.40}" for key in list(state)[:12])
        raise VidgaugeError(
            f"{path}: its keys are {keys or 'none'}; {', '.join(missing)} are wanted, as FeatureStats of "
            "StyleGAN-V, data-juicer and cd-fvd saves them"
        )
    n = state["num_items"]
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n < 1 << 63:
        raise VidgaugeError(
            f"{path}: num_items is {n!r:.40}; a whole number from 1 on was wanted. It is 0 where nothing was added "
            "before it was saved"
        )
    weight = state.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float | np.number)):
        raise VidgaugeError(f"{path}: weight holds {type(weight).__name__}; a number was wanted")
    return state | {"num_items": int(n)}


def _captured(path: Path, state: Mapping[str, Any]) -> np.ndarray | None:
    """The features (n, d) float32 that a FeatureStats kept, None where it kept none."""
    pieces = state.get("all_features")
    if not state.get("capture_all") or not isinstance(pieces, list) or not pieces:
        return None
    if not all(isinstance(piece, np.ndarray) and piece.ndim == 2 for piece in pieces):
        raise VidgaugeError(f"{path}: all_features holds other things than arrays (b, d)")
    if len({piece.shape[1] for piece in pieces}) > 1 or sum(map(len, pieces)) != state["num_items"]:
        shapes = ", ".join(str(piece.shape) for piece in pieces[:4])
        raise VidgaugeError(f"{path}: all_features {shapes}, ... are not the {state['num_items']} rows of num_items")
    return _rows(path, np.concatenate(pieces))
