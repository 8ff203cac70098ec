"""What the tests of scores that read texts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.extractors import vits
from vidgauge.extractors import spec
from vidgauge.specs import Setup, WeightsFile

KINDS = {
    "plain": "a red dog runs in the rain",
    "long": "the blue cat walks on fire, " * 360,  # 10,080 characters
    "right to left": "كلب أحمر يجري תחת הגשם",
    "emoji": "a dog 🐕‍🦺 in the rain 🌧️",
    "other scripts": "雨の中を走る赤い犬",
    "control": "a\u0000dog\u200b\nruns",
    "markup": "<|endoftext|> [SEP] {text_prompt} %s",
}


def network(name: str, folder: Path, *, arrays: Sequence[str] | None = None, precision: Any = "float32") -> Any:
    """The extractor with the weights of a folder, on the CPU."""
    extractor = spec(name)
    file = WeightsFile(folder, sha256="", name=None, verified=False, format="folder")
    return extractor.build(Setup(file, "cpu", precision, tuple(arrays or extractor.arrays)))


def features(videos: int, width: int) -> list[np.ndarray]:
    """Of so many videos of 2, 3, ... frames."""
    draw = np.random.default_rng(0)
    return [draw.normal(size=(2 + n, width)).astype(np.float32) for n in range(videos)]


def assert_rows_repeat(network: Callable[..., dict[str, np.ndarray]], width: int) -> None:
    """Bit for bit: alone, in another order, beside texts of any length, and called by two threads at once."""
    said = [*KINDS.values(), "", "a dog", KINDS["plain"]]
    rows = features(len(said), width)
    whole = network(rows, said)
    with ThreadPoolExecutor(2) as pool:
        turned, *alone = pool.map(
            lambda at: network([rows[n] for n in at], [said[n] for n in at]),
            [range(len(said))[::-1], *([n] for n in range(len(said)))],
        )
    for name, found in whole.items():
        np.testing.assert_array_equal(turned[name][::-1], found)
        np.testing.assert_array_equal(np.concatenate([one[name] for one in alone]), found)
    text = whole["text"]
    np.testing.assert_array_equal(text[0], text[-1])  # one text, two videos
    assert len(np.unique(text, axis=0)) == len(said) - 1


def assert_frames_repeat(network: Callable[..., dict[str, np.ndarray]], size: tuple[int, int]) -> None:
    clips = vits.clips(3, 3, *size)
    vits.assert_rows_repeat(network, clips, network(clips)["features"])


def assert_every_text_is_read(network: Callable[..., dict[str, np.ndarray]], width: int) -> None:
    """Each has its own finite embedding and score; no text has an embedding and no score."""
    said = [*KINDS.values(), ""]
    found = network(features(1, width) * len(said), said)
    assert np.isfinite(found["text"]).all()
    assert len(np.unique(found["text"], axis=0)) == len(said)
    assert np.isfinite(found["scores"][:-1]).all()
    assert np.isnan(found["scores"][-1, 0])
    longer = network(features(1, width), [KINDS["long"] + "the end"])  # beyond what the network reads
    at = list(KINDS).index("long")
    np.testing.assert_array_equal(longer["text"][0], found["text"][at])


def assert_what_does_not_fit_is_refused(network: Callable[..., dict[str, np.ndarray]], width: int) -> None:
    with pytest.raises(ValueError, match="2 videos and 1 texts"):
        network(features(2, width), ["a"])
    with pytest.raises(ValueError, match=rf"\(frames >= 1, {width}\) of each video, got \(2, {width - 1}\)"):
        network(features(1, width - 1), ["a"])
    with pytest.raises(ValueError, match=rf"got \(0, {width}\)"):
        network([np.empty((0, width), np.float32)], ["a"])
