"""Which reference video belongs to a video: by `pair`, by id, or by the name of the file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.single.test_table import manifest
from vidgauge.draws import shard_of
from vidgauge.files import to_json, write_text
from vidgauge.manifest.pairs import partners, read_pairs, write_pairs

Columns = dict[str, dict[str, str]]
ONE = {"pair": "1"}


def both(tmp_path: Path, ours: Columns, theirs: Columns) -> dict[str, str]:
    found = partners(manifest(tmp_path / "a.jsonl", ours), manifest(tmp_path / "b.jsonl", theirs))
    return {video: partner.id for video, partner in found.items()}


def test_by_column_then_id_then_name(tmp_path: Path) -> None:
    assert both(tmp_path, {"x.mp4": {"pair": "1"}, "y.mp4": {"pair": "2"}}, {"u.mp4": {"pair": "2"}}) == {
        "y.mp4": "u.mp4"
    }
    assert both(tmp_path, {"x.mp4": {}, "y.mp4": {}}, {"x.mov": {}, "z.mp4": {}}) == {"x.mp4": "x.mov"}
    assert both(tmp_path, {"a/x.mp4": {}, "a/y.mp4": {}}, {"b/x.mov": {}}) == {"a/x.mp4": "b/x.mov"}
    assert both(tmp_path, {"a/x.mp4": {}}, {"a/x.mp4": {}, "b/x.mp4": {}}) == {"a/x.mp4": "a/x.mp4"}


@pytest.mark.parametrize(
    ("ours", "theirs", "paired"),
    [
        ({"x.mp4": {}}, {"y.mp4": {}}, {}),
        ({"a/x.mp4": {}}, {"b/x.mp4": {}, "c/x.mp4": {}}, {}),  # which of the two?
        ({"a/x.mp4": {"pair": "1"}}, {"b/x.mp4": {"pair": "2"}}, {}),
        # what two share pairs neither, and the others all the same
        ({"x.mp4": ONE, "y.mp4": ONE, "z.mp4": {}}, {"u.mp4": ONE, "z.mov": {}}, {"z.mp4": "z.mov"}),
        ({"x.mp4": ONE, "z.mp4": {}}, {"u.mp4": ONE, "v.mp4": ONE, "z.mp4": {}}, {"z.mp4": "z.mp4"}),
    ],
)
def test_what_has_no_partner_of_its_own(tmp_path: Path, ours: Columns, theirs: Columns, paired: dict[str, str]) -> None:
    assert both(tmp_path, ours, theirs) == paired


def two_datasets(folder: Path, ours: Columns, theirs: Columns, shards: int) -> tuple[Path, Path]:
    """Folders of two datasets as the manifest stage leaves them, the first one in shards."""
    found = folder / "a", folder / "real"
    for dataset, videos in zip(found, (ours, theirs), strict=True):
        manifest(dataset / "videos.jsonl", videos)
        cut = {"source": "s", "root": "r", "shard_size": 1, "shards": shards, "counts": [0] * shards}
        write_text(dataset / "dataset.json", to_json(cut))
    return found


def of_shards(folder: Path) -> dict[str, tuple[str, int]]:
    """{file: (text, time)}."""
    files = sorted((folder / "pairs" / "real").glob("[0-9]*.jsonl"))
    return {file.name: (file.read_text(), file.stat().st_mtime_ns) for file in files}


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 5))
def test_partners_by_shard(tmp_path_factory: pytest.TempPathFactory, numbers: set[int], shards: int) -> None:
    """Together the shards hold each pair once, wherever the partner's own shard is."""
    ours: Columns = {f"{n}.mp4": {"pair": str(n), "text": "never here"} for n in numbers}
    theirs: Columns = {f"real{n}.mp4": {"pair": str(n), "text": "nor here"} for n in numbers if n % 3} | {"x.mp4": {}}
    if all(n % 3 == 0 for n in numbers):
        theirs["one.mp4"] = {"pair": str(min(numbers))}
    own, other = two_datasets(tmp_path_factory.mktemp("pairs"), ours, theirs, shards)
    write_pairs(own, other)
    of_shard = [read_pairs(own / "pairs" / "real" / f"{shard}.jsonl") for shard in range(shards)]
    for shard, pairs in enumerate(of_shard):
        assert {shard_of(video, shards) for video in pairs} <= {shard}
        assert list(pairs) == sorted(pairs)
        assert all(partner.columns == {} for partner in pairs.values())
    together = {video: partner.id for pairs in of_shard for video, partner in pairs.items()}
    found = partners(own / "videos.jsonl", other / "videos.jsonl")
    assert together == {video: partner.id for video, partner in found.items()}


def test_only_the_shard_of_a_changed_partner_is_written_again(tmp_path: Path) -> None:
    ours: Columns = {f"{n}.mp4": {"text": "x"} for n in range(12)}
    theirs: Columns = {f"{n}.mp4": {"text": "x"} for n in range(11)}
    own, other = two_datasets(tmp_path, ours, theirs, shards=4)
    write_pairs(own, other)
    before = of_shards(own)
    assert len({shard_of(video, 4) for video in ours}) == 4
    # another prompt, another rating: the files stay as they are
    time.sleep(0.01)
    manifest(other / "videos.jsonl", {video: {"text": "y"} for video in theirs})
    manifest(own / "videos.jsonl", {video: {"text": "z"} for video in ours})
    write_pairs(own, other)
    assert of_shards(own) == before
    # one more reference video, the partner of one that had none
    manifest(other / "videos.jsonl", {**theirs, "11.mp4": {}})
    write_pairs(own, other)
    after = of_shards(own)
    assert [name for name in before if after[name] != before[name]] == [f"{shard_of('11.mp4', 4)}.jsonl"]
    assert set(read_pairs(own / "pairs" / "real" / f"{shard_of('11.mp4', 4)}.jsonl")) >= {"11.mp4"}


def test_what_was_deleted_or_left_over_is_put_right(tmp_path: Path) -> None:
    ours: Columns = {f"{n}.mp4": {} for n in range(6)}
    own, other = two_datasets(tmp_path, ours, ours, shards=3)
    write_pairs(own, other)
    before = {name: text for name, (text, _) in of_shards(own).items()}
    damages: list[Callable[[Path], object]] = [Path.unlink, lambda file: file.write_text("")]
    for damage in damages:  # as a power cut may leave a file
        damage(own / "pairs" / "real" / "1.jsonl")
        write_pairs(own, other)
        assert {name: text for name, (text, _) in of_shards(own).items()} == before
    said = json.loads((own / "dataset.json").read_text()) | {"shards": 2, "counts": [0, 0]}
    write_text(own / "dataset.json", to_json(said))
    write_pairs(own, other)
    assert list(of_shards(own)) == ["0.jsonl", "1.jsonl"]
