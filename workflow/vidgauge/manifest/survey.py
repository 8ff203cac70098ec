"""What a dataset's videos are like, counted: rates, sizes, lengths, codecs. Reports and warnings rest on it.

survey.json, an object:

    version           1
    videos, bytes     how many videos, and their bytes together
    fps               [[frames per second, videos], ...] ascending; unknown_fps: videos without times
    sizes             [[width, height, videos], ...] most frequent first; other_sizes: videos of further ones
    frames, seconds   {"edges": [...], "counts": [...]}: counts[i] videos from edges[i] to below edges[i + 1]; null
                      where no video has that
    short_frames      [[frames, videos], ...] of videos of fewer frames than SHORT_FRAMES, exact, ascending
    short_seconds     [[seconds, videos], ...] of those of less than SHORT_SECONDS, to a hundredth, ascending
    codecs, pixel_formats   {name: videos} most frequent first
    bits_per_pixel    {"p05", "median", "p95"} of 8 * bytes / (frames * height * width), of files alone; null without
    fingerprints      the first HEAD hex digits of each video's sha256, sorted, joined
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import floor, log10
from pathlib import Path
from typing import Any

from vidgauge.files import to_json, write_lines
from vidgauge.manifest.joining import read_videos
from vidgauge.specs import Video

SURVEY_VERSION = 1
BINS = 32
LISTED = 64
"""Frame rates and sizes that are counted one by one."""
HEAD = 16
"""Hex digits of a fingerprint that are kept: among 1e6 videos two share them by chance once in 4e7 surveys."""
SHORT_FRAMES, SHORT_SECONDS = 256, 60
"""Below these, lengths are counted one by one: whether a video is too short for a clip is asked of few frames."""


def survey(videos: Iterable[Video]) -> dict[str, Any]:
    """The counts of a dataset's videos, as the module says; they do not depend on the videos' order.

    In memory are 8 bytes of each video's bits per pixel, and its fingerprint's head.
    """
    import numpy as np  # here, for the module is imported where commands start

    rates: Counter[float] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    frames: Counter[int] = Counter()
    seconds: Counter[float] = Counter()
    codecs: Counter[str] = Counter()
    pixel_formats: Counter[str] = Counter()
    bits, heads = array("d"), bytearray()
    size = unknown = 0
    for video in videos:
        if video.fps is None:
            unknown += 1
        else:
            rates[round(video.fps, 3)] += 1
        if video.duration is not None:
            seconds[round(video.duration, 2)] += 1
        if video.kind == "file":
            bits.append(8 * video.bytes / (video.frames * video.height * video.width))
        sizes[video.width, video.height] += 1
        frames[video.frames] += 1
        codecs[video.codec] += 1
        pixel_formats[video.pixel_format] += 1
        heads += video.fingerprint[:HEAD].encode()
        size += video.bytes
    np.asarray(bits).sort()
    np.frombuffer(heads, f"S{HEAD}").sort()
    by_size = [[*pixels, count] for pixels, count in _ranked(sizes)]
    return {
        "version": SURVEY_VERSION,
        "videos": len(heads) // HEAD,
        "unknown_fps": unknown,
        "fps": _rates(rates),
        "sizes": by_size[:LISTED],
        "other_sizes": sum(count for *_, count in by_size[LISTED:]),
        "frames": histogram(frames, least=0),
        "seconds": histogram(seconds, least=-1),
        "short_frames": [[value, count] for value, count in sorted(frames.items()) if value < SHORT_FRAMES],
        "short_seconds": [[value, count] for value, count in sorted(seconds.items()) if value < SHORT_SECONDS],
        "codecs": dict(_ranked(codecs)),
        "pixel_formats": dict(_ranked(pixel_formats)),
        "bits_per_pixel": _quantiles(bits),
        "bytes": size,
        "fingerprints": heads.decode(),
    }


def write_survey(videos: Path, out: Path) -> None:
    """Write the survey of a videos.jsonl, one line of JSON."""
    write_lines(out, (to_json(survey(read_videos(videos))), "\n"))


def histogram(values: Counter[int] | Counter[float], *, least: int) -> dict[str, Any] | None:
    """{"edges", "counts"} of at most BINS bins, each from its edge to below the next; None where nothing was counted.

    Edges are multiples of 1, 2 or 5 times a power of ten, of 10**least at least. Where the largest value is beyond ten
    times the median the edges are those numbers themselves, so that one long video does not put all others in one bin.
    values: from 0 on.

    >>> histogram(Counter({24: 3, 30: 1}), least=0)
    {'edges': [24, 25, 26, 27, 28, 29, 30, 31], 'counts': [3, 0, 0, 0, 0, 0, 1]}
    >>> histogram(Counter({16: 3, 700: 1}), least=0)
    {'edges': [10, 20, 50, 100, 200, 500, 1000], 'counts': [3, 0, 0, 0, 0, 1]}
    """
    if not values:
        return None
    low, high = min(values), max(values)
    edges = _doubling(low, high, least) if high > 10 * _median(values) else _even(low, high, least)
    counts = [0] * (len(edges) - 1)
    at = 0
    for value, count in sorted(values.items()):
        while value >= edges[at + 1]:
            at += 1
        counts[at] += count
    return {"edges": edges, "counts": counts}


def _even(low: float, high: float, least: int) -> list[float]:
    """Multiples of the smallest readable step that leaves at most BINS bins."""
    for rung in range(3 * 330):
        step = _rung(rung, least)
        # 0.3 / 0.1 is 2.99...: what is a multiple but for rounding is one
        first, last = (floor(round(end / step, 6)) for end in (low, high))
        if last - first < BINS:
            return [_exact(number * step, least) for number in range(first, last + 2)]
    raise ValueError(f"expected finite values, got {low} to {high}")


def _doubling(low: float, high: float, least: int) -> list[float]:
    """1, 2, 5, 10, 20 ... around the values, and 0 where they begin below the least; the first ones joined if many."""
    edges: list[float] = [0]
    rung = 0
    while edges[-1] <= high:
        edges.append(_exact(_rung(rung, least), least))
        rung += 1
    first = max(number for number, edge in enumerate(edges) if edge <= low)
    return edges[max(first, len(edges) - 1 - BINS) :]


def _rung(rung: int, least: int) -> float:
    """1, 2, 5, 10, 20 ... times 10**least.

    >>> [_rung(rung, 0) for rung in range(5)]
    [1.0, 2.0, 5.0, 10.0, 20.0]
    """
    power, place = divmod(rung, 3)
    return float(f"{(1, 2, 5)[place]}e{power + least}")


def _exact(value: float, least: int) -> float:
    """A multiple of 10**least without what rounding left; whole where it can be."""
    return round(value) if least >= 0 else round(value, -least)


def _median(values: Counter[int] | Counter[float]) -> float:
    half, seen = sum(values.values()) / 2, 0
    for value, count in sorted(values.items()):
        seen += count
        if seen >= half:
            return value
    raise ValueError("expected a value, got none")


def _rates(rates: Counter[float]) -> list[list[float]]:
    """Those of most videos one by one; beyond LISTED distinct ones, the others to whole numbers."""
    if len(rates) > LISTED:
        ranked = _ranked(rates)
        rates = Counter(dict(ranked[:LISTED]))
        for value, count in ranked[LISTED:]:
            rates[float(round(value))] += count
    return [[value, count] for value, count in sorted(rates.items())]


def _ranked(counts: Counter[Any]) -> list[tuple[Any, int]]:
    """Most frequent first, equally frequent ones in their own order."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _quantiles(values: Sequence[float]) -> dict[str, float] | None:
    """Of ascending values, between neighbours in proportion, to six digits."""
    if not values:
        return None
    found = {}
    for name, share in (("p05", 0.05), ("median", 0.5), ("p95", 0.95)):
        whole, part = divmod(share * (len(values) - 1), 1)
        low, high = values[int(whole)], values[min(int(whole) + 1, len(values) - 1)]
        value = low + part * (high - low)
        found[name] = round(value, 5 - floor(log10(value))) if value else 0.0
    return found
