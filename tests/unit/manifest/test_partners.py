"""Which reference video belongs to a video: by `pair`, by id, or by the name of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.single.test_table import manifest
from vidgauge.errors import VidgaugeError
from vidgauge.manifest.pairs import partners

Columns = dict[str, dict[str, str]]


def both(tmp_path: Path, ours: Columns, theirs: Columns) -> dict[str, str]:
    return partners(manifest(tmp_path / "a.jsonl", ours), manifest(tmp_path / "b.jsonl", theirs))


def test_by_column_then_id_then_name(tmp_path: Path) -> None:
    assert both(tmp_path, {"x.mp4": {"pair": "1"}, "y.mp4": {"pair": "2"}}, {"u.mp4": {"pair": "2"}}) == {
        "y.mp4": "u.mp4"
    }
    assert both(tmp_path, {"x.mp4": {}, "y.mp4": {}}, {"x.mov": {}, "z.mp4": {}}) == {"x.mp4": "x.mov"}
    assert both(tmp_path, {"a/x.mp4": {}, "a/y.mp4": {}}, {"b/x.mov": {}}) == {"a/x.mp4": "b/x.mov"}
    assert both(tmp_path, {"a/x.mp4": {}}, {"a/x.mp4": {}, "b/x.mp4": {}}) == {"a/x.mp4": "a/x.mp4"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"x.mp4": {}}, {"y.mp4": {}}),
        ({"a/x.mp4": {}}, {"b/x.mp4": {}, "c/x.mp4": {}}),  # which of the two?
        ({"a/x.mp4": {"pair": "1"}}, {"b/x.mp4": {"pair": "2"}}),
    ],
)
def test_no_partner_at_all_is_refused(
    tmp_path: Path, ours: dict[str, dict[str, str]], theirs: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(VidgaugeError, match=r"a\.jsonl: not one of its videos \(.*x.mp4, for instance\) has a partner"):
        both(tmp_path, ours, theirs)
