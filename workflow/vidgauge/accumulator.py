"""Features of clips gathered piece by piece, inside a training loop say: no manifest, no Snakemake.

The rows are the workflow's: the same network in the same batches. `vidgauge.comparing` reduces them to metrics.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from platform import python_version
from typing import Any, get_args

import numpy as np

from vidgauge import __version__, extractors
from vidgauge.errors import UsageError, VidgaugeError, did_you_mean
from vidgauge.extractors import PrecisionError, loading, run
from vidgauge.extractors._clips import check_clips
from vidgauge.extractors.own import NetworkAsked
from vidgauge.metrics._arrays import as_matrix
from vidgauge.metrics.stats import Stats, stats_from_features
from vidgauge.specs import Network, Precision, WeightsFile
from vidgauge.store import statistics as saved
from vidgauge.store.features import FeatureArray, FeaturesWriter, read_array
from vidgauge.store.gathered import Gathered, Keep, Piece
from vidgauge.store.seal import sealed

_WEIGHTS = ("weights", "weights_sha256", "weights_verified", "licence")
_RAN_ON = ("device", "batch_shape")


class Accumulator:
    """Rows of one array of an extractor, and what metrics need of them.

    array: None for the extractor's first. weights: a file, a folder of published ones, the name of one, or None for
    the default one in the user's cache folder; nothing is downloaded. device: as in config.yaml, also "cuda:1"; the
    network is built at the first `update`. trust: run a TorchScript file that nobody vouches for.
    keep: "features" keeps every row (4 bytes a value), so that every metric can be asked for. "statistics" keeps mean
    and covariance alone, in constant memory, for the Fréchet distance: over blocks of 1024 rows in order of arrival,
    however updates cut them. Against kept features the covariance differs by rounding: by 1e-14 of its largest entry,
    or less, where the mean is up to 1000 times the spread.
    Raises UsageError for names that do not exist. Not for several threads at once.
    """

    def __init__(
        self,
        extractor: str,
        *,
        array: str | None = None,
        weights: str | PathLike[str] | None = None,
        device: str = "auto",
        precision: Precision = "float32",
        keep: Keep = "features",
        trust: bool = False,
    ) -> None:
        self.extractor = extractors.spec(extractor)
        if self.extractor.judges:
            raise UsageError(
                f"{extractor} judges single videos, by scores or with more than their clips, and an Accumulator "
                "collects features of sets; ask the workflow for its scores"
            )
        self.array = array or next(iter(self.extractor.arrays))
        if self.array not in self.extractor.arrays:
            known = did_you_mean(self.array, self.extractor.arrays)
            raise UsageError(f"array: {extractor} has no array {self.array!r}; {known}")
        if precision not in get_args(Precision):
            raise PrecisionError(f"precision: unknown {precision!r}; known: {', '.join(get_args(Precision))}")
        if keep not in get_args(Keep):
            raise UsageError(f"keep: unknown {keep!r}; known: {', '.join(get_args(Keep))}")
        self.device, self.precision, self.keep = device, precision, keep
        self._weights, self._trust = weights, trust
        self._file: WeightsFile | None = None
        self._network: Network | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all rows; the network stays."""
        self._gathered = Gathered(self.keep)
        self._clip_shape: tuple[int, ...] | None = None  # (t, h, w)
        self._width = self.extractor.arrays[self.array].width
        self._made_with: Mapping[str, Any] = {}  # the weights of the rows; none yet, or not known
        self._ran_on: dict[str, list[Any]] = {key: [] for key in _RAN_ON}

    def __len__(self) -> int:
        """Rows so far."""
        return len(self._gathered)

    def __repr__(self) -> str:
        return f"Accumulator({self.extractor.name!r}, array={self.array!r}, keep={self.keep!r}): {len(self)} rows"

    def update(self, clips: Any, ids: Sequence[str] | None = None) -> None:
        """Add the rows of clips (b, t, h, w, 3) uint8, a NumPy array or a torch tensor on any device.

        ids: of the videos, one per clip; one that comes again is another draw of its video. None: clips are counted.
        Raises ValueError, with what was seen and wanted, for other shapes and types, for clips of another shape than
        before, and where ids are given for some clips only; VidgaugeError for NaN and for what `load` raises.
        """
        array = check_clips(_on_cpu(clips), self.extractor.input)
        shape = array.shape[1:4]
        if self._clip_shape not in (None, shape):
            raise ValueError(f"expected clips (b, t, h, w, 3) with (t, h, w) {self._clip_shape}, got {array.shape}")
        given = self._gathered.checked(ids, len(array))
        if not len(array):
            return
        network = self._built()
        rows = network(array).get(self.array)
        if rows is None:
            least = self.extractor.arrays[self.array].min_frames
            raise ValueError(f"expected clips of {least} frames or more for {self.array}, got {array.shape}")
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            clip = bad[0] * len(array) // len(rows)
            raise VidgaugeError(
                f"{given[clip] if given else f'clip {clip} of the update'}: NaN or infinity in {self.array} of "
                f"{self.extractor.name}; float16 overflows sooner than float32, else look at the network or the clip"
            )
        self._clip_shape, self._width = shape, rows.shape[1]
        self._note_run(run.ran_on(network, shape))
        self._gathered.add(Piece(rows, len(array), given))

    def update_features(self, rows: Any, ids: Sequence[str] | None = None) -> None:
        """Add rows (n, d) that were computed elsewhere, each a clip of its own; kept as float32. ids: as in `update`.

        Raises ValueError for another width than the array's, and for NaN and infinity.
        """
        found = as_matrix(as_matrix(rows, "rows").astype(np.float32), "rows as float32")
        if self._width not in (None, found.shape[1]):
            raise ValueError(f"rows: expected shape (n, {self._width}), got {found.shape}")
        self._gathered.add(Piece(found, len(found), self._gathered.checked(ids, len(found))))
        self._width = found.shape[1]

    def merge(self, other: Accumulator) -> None:
        """Add all rows of another one, that of another process say, after one's own; the other stays as it is.

        VidgaugeError, naming the difference, where the two do not belong together.
        """
        for key, (mine, theirs) in self._differences(other).items():
            raise VidgaugeError(f"cannot be merged: {key} is {mine!r} in the first and {theirs!r} in the other")
        self._clip_shape, self._width = self._clip_shape or other._clip_shape, self._width or other._width
        self._made_with = self._made_with or other._made_with
        self._note_run(other._ran_on)
        self._gathered.merge(other._gathered)

    def features(self) -> np.ndarray:
        """(n, d) float32 in the order of ids, then of arrival, as features files have them.

        VidgaugeError where keep is "statistics", ValueError where nothing was added.
        """
        return self.rows().values

    def rows(self) -> FeatureArray:
        """The features with their origin: `draw` counts the clips of a video, `start` the rows of its draws."""
        if self.keep == "statistics":
            raise VidgaugeError("features: only statistics are kept; make the Accumulator with keep='features'")
        return self._gathered.rows()

    def statistics(self) -> saved.Statistics:
        """Mean and population covariance of all rows. ValueError where nothing was added."""
        return saved.Statistics(*self._gathered.stats(), 0, self.about)

    @property
    def about(self) -> dict[str, Any]:
        """What features files say of themselves; None for what is not known here, as the clip spec."""
        return {
            "extractor": self.extractor.name,
            "version": self.extractor.version,
            **(self._made_with or run.weights_attrs(self.extractor, None)),
            **dict.fromkeys(("clips", "clip_spec", "manifest_digest", "seed")),
            "array": self.array,
            "precision": self.precision,
            **{key: found[0] if len(found) == 1 else found or None for key, found in self._ran_on.items()},
            "mixed": [key for key, found in self._ran_on.items() if len(found) > 1],
            "clip_shape": list(self._clip_shape) if self._clip_shape else None,
            "counted": bool(self._gathered.counted),
            "versions": {
                "vidgauge": __version__,
                "python": python_version(),
                **{name: run.version_of(name) for name in ("numpy", *self.extractor.libraries)},
            },
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write a file that `load`, `read_statistics` and a dataset's `source` read, whole or not at all.

        It holds features as the workflow writes them, or statistics alone. ValueError where nothing was added.
        """
        if self.keep == "statistics":
            saved.write_statistics(path, self.array, self.statistics(), self.about)
            return
        rows = self.rows()
        with sealed(path) as temporary, FeaturesWriter(temporary, attrs=self.about) as writer:
            writer.create(self.array, rows.origin, rows.values.shape[1])
            writer.append(self.array, rows.values)
            writer.add_stats(self.array, stats_from_features(rows.values))

    @classmethod
    def load(cls, path: str | PathLike[str], array: str | None = None, **how: Any) -> Accumulator:
        """The rows of a file of `save`, or of an array of the workflow's features, to go on with or to compare with.

        how: weights, device and trust as for a new one; needed only to add clips, which the same weights must see.
        Raises VidgaugeError for other files, and for features of another version of the network.
        """
        found = saved.read_statistics(path, array)
        about = found.about
        if about["format"] != "hdf5" or not {*saved.MADE_WITH, *_WEIGHTS, *_RAN_ON} <= about.keys():
            raise UsageError(f"{path}: is another tool's file; compare with it as it is, by its path")
        keep: Keep = "statistics" if about["kind"] == saved.KIND else "features"
        new = cls(about["extractor"], array=about["array"], precision=about["precision"], keep=keep, **how)
        if (theirs := about["version"]) != (ours := new.extractor.version):
            raise VidgaugeError(f"{path}: is of version {theirs} of {new.extractor.name}, this is {ours}; make it anew")
        new._width, new._clip_shape = len(found.mean), _clip_shape(about)
        new._made_with = {key: about[key] for key in _WEIGHTS}
        new._note_run(about)
        if keep == "statistics":
            new._gathered = Gathered(keep, Stats(found.n or 0, found.mean, found.cov))
            return new
        rows = read_array(path, new.array)
        for (video, _), first, end in rows.origin.groups():
            new._gathered.add(Piece(rows.values[first:end], 1, None if about.get("counted") else (video,)))
        return new

    def offload(self) -> None:
        """Give the network's memory back, a GPU's included. The next `update` reads the weights and builds it again."""
        self._network = None
        gc.collect()
        if "torch" in sys.modules:
            sys.modules["torch"].cuda.empty_cache()

    def to(self, device: str) -> None:
        """Run the network on another device from now on. The last digits of rows differ between devices."""
        if device != self.device:
            self.offload()
            self.device = device

    def _built(self) -> Network:
        if self._network is None:
            given = self._weights
            name = given if isinstance(given, str) and given in self.extractor.weights else None
            place = Path(given) if given is not None and name is None else None
            asked = NetworkAsked(name=self.extractor.name, weights=name)
            self._file = self._file or loading.weights_asked(asked, place)
            self._network = loading.built(
                self.extractor,
                self._file,
                device=self.device,
                precision=self.precision,
                arrays=[self.array],
                trust=self._trust,
            )
        made_with = run.weights_attrs(self.extractor, self._file)
        before, now = self._made_with.get("weights_sha256"), made_with["weights_sha256"]
        if before not in (None, now):
            raise VidgaugeError(
                f"the rows so far were made with weights of sha256 {before}, and these are {now}; give the same "
                "weights, or reset"
            )
        self._made_with = made_with
        return self._network

    def _differences(self, other: Accumulator) -> dict[str, tuple[Any, Any]]:
        """What two have that cannot be one set, by name; what one of them does not know yet is no difference."""
        mine, theirs = (
            {
                "extractor": one.extractor.name,
                "array": one.array,
                "precision": one.precision,
                "keep": one.keep,
                "weights_sha256": one._made_with.get("weights_sha256"),
                "clip_shape": one._clip_shape,
                "width": one._width,
                "counting of clips (no ids)": one._gathered.counted,
            }
            for one in (self, other)
        )
        pairs = {key: (value, theirs[key]) for key, value in mine.items()}
        return {key: pair for key, pair in pairs.items() if None not in pair and pair[0] != pair[1]}

    def _note_run(self, ran_on: Mapping[str, Any]) -> None:
        """Devices and batch shapes, one or a list of each, of which rows were made."""
        for key, known in self._ran_on.items():
            found = ran_on[key] if isinstance(ran_on[key], list) else [ran_on[key]]
            known += [one for one in found if one is not None and one not in known]


def _on_cpu(clips: Any) -> Any:
    """A tensor as an array; other things as they are."""
    if not hasattr(clips, "detach"):
        return clips
    if str(clips.dtype) != "torch.uint8":
        raise ValueError(f"expected clips (b, t, h, w, 3) uint8, got {tuple(clips.shape)} {clips.dtype}")
    return clips.detach().cpu().numpy()


def _clip_shape(about: Mapping[str, Any]) -> tuple[int, ...] | None:
    """(t, h, w) of the clips that a file's rows were made of, where it says so."""
    if spec := about.get("clip_spec"):
        size = spec.get("native") if spec["size"] == "native" else spec["size"]
        return size and (spec["frames"], *(size if isinstance(size, list) else (size, size)))
    return tuple(about.get("clip_shape") or ()) or None
