"""What the evaluation makes of bad videos: all of them listed, then one decision in words that say how to go on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.single.test_table import VIDEO
from vidgauge.errors import BadVideo, VidgaugeError
from vidgauge.files import read_jsonl
from vidgauge.manifest.gate import pass_gate
from vidgauge.manifest.joining import join
from vidgauge.manifest.judging import judge
from vidgauge.manifest.listing import write_listing
from vidgauge.manifest.pairs import check_pair
from vidgauge.manifest.probing import probe_shard
from vidgauge.manifest.screening import Files, Need, read_screened, screen, write_screened
from vidgauge.specs import ClipSpec, Video

SHORT, LONG, NATIVE = ClipSpec(frames=4), ClipSpec(frames=16), ClipSpec(frames=4, size="native")


@pytest.fixture
def dataset(tmp_path, make_video, probe, write_lines):
    """dataset(name, frames of each video, more lines): a listed, probed and joined dataset."""

    def make(name, frames, *more, probed=None):
        root, folder = tmp_path / name, tmp_path / "results" / "manifests" / name
        root.mkdir()
        for number, count in enumerate(frames):
            make_video(root / f"{number}.mp4", frames=count)
        rows = [{"videos": [f"{number}.mp4"]} for number in range(len(frames))]
        source = write_lines(tmp_path / f"{name}.jsonl", *rows, *more)
        listed = write_listing(folder, source, root, 4, probe_version=1)
        shards = [folder / "shards" / f"{shard}.jsonl" for shard in range(probed or listed.shards)]
        for shard, out in enumerate(shards):
            probe_shard(folder / "listing" / f"{shard}.jsonl", out, contained=False)
        lines = folder / "listing" / "lines.jsonl"
        join(shards, folder / "listing" / "rejected.jsonl", folder / "v.jsonl", folder / "rejected.jsonl", lines=lines)
        return Files(folder / "v.jsonl", folder / "rejected.jsonl", lines, listed.counts)

    return make


def decide(screened, action="fail", max_fraction=1.0):
    with pytest.raises(VidgaugeError) as error:
        judge(screened, action=action, max_fraction=max_fraction, rejected_path="r/rejected.jsonl")
    return str(error.value)


def test_every_bad_video_of_every_dataset_is_listed(dataset, tmp_path):
    manifests = {"real": dataset("real", [16, 8, 20, 16, 16], "no json"), "a": dataset("a", [16, 3, 16])}
    screened = screen(manifests, {"short": Need(SHORT), "long": Need(LONG)})
    assert [(bad["dataset"], bad["line"], bad["reason"], bad["clips"], bad["stage"]) for bad in screened.rejected] == [
        ("real", 2, "too-short", "long", "gate"),
        ("real", 6, "not-json", None, "listing"),
        ("a", 2, "too-short", "long", "gate"),
        ("a", 2, "too-short", "short", "gate"),
    ]
    assert screened.rejected[0]["detail"] == "has 8 frames, clips long need 16"
    assert list(screened.rejected[0])[:6] == ["dataset", "line", "path", "reason", "detail", "clips"]
    sums = {name: {clips: sum(n) for clips, n in counts.items()} for name, counts in screened.counts.items()}
    assert sums == {"real": {"short": 5, "long": 4}, "a": {"short": 2, "long": 2}}
    assert len(screened.counts["real"]["long"]) == 2
    assert screened.longest == {"real": {"short": 20, "long": 20}, "a": {"short": 16, "long": 16}}
    write_screened(screened, tmp_path / "e" / "rejected.jsonl", tmp_path / "e" / "counts.json")
    assert read_screened(tmp_path / "e" / "rejected.jsonl", tmp_path / "e" / "counts.json") == screened
    assert list(read_jsonl(tmp_path / "e" / "rejected.jsonl")) == screened.rejected


def test_a_clip_spec_is_held_against_its_own_datasets_only(dataset):
    manifests = {"real": dataset("real", [16]), "a": dataset("a", [4])}
    screened = screen(manifests, {"long": Need(LONG, ["real"])})
    assert screened.rejected == []
    assert screened.counts == {"real": {"long": [1]}, "a": {}}


@pytest.mark.parametrize(
    ("spec", "usable"),
    [
        (ClipSpec(frames=16, short="loop"), 2),
        (ClipSpec(frames=16, short="pad"), 2),
        (ClipSpec(frames=8, stride=2), 1),
        (ClipSpec(frames=5, stride=2), 1),
        (ClipSpec(frames=4, stride=2), 2),
        (ClipSpec(frames=16, fps=16.0), 2),
    ],
)
def test_needs(dataset, spec, usable):
    screened = screen({"real": dataset("real", [16, 8])}, {"clips": Need(spec)})
    assert sum(screened.counts["real"]["clips"]) == usable


def test_resampled_and_trimmed_lengths_are_named(dataset):
    screened = screen({"real": dataset("real", [64, 16])}, {"clips": Need(ClipSpec(frames=16, fps=4.0))})
    assert screened.rejected[0]["detail"] == "has 16 frames (8 after resampling and trimming), clips clips need 16"


def test_fail_names_the_bad_videos_and_the_way_on(dataset):
    screened = screen(
        {"real": dataset("real", [16] * 3, "x", {"videos": ["gone.mp4"]}), "a": dataset("a", [16, 3])},
        {"long": Need(LONG)},
    )
    said = decide(screened)
    for part in (
        "2 in real, 1 in a",
        "real, line 4: (no path): not-json",
        "real, line 5: ",
        "a, line 2",
        "too-short",
        "r/rejected.jsonl",
        "bad_videos: {action: reject, max_fraction: 0.",
    ):
        assert part in said


def test_only_the_first_twenty_are_shown(dataset):
    said = decide(screen({"real": dataset("real", [16], *["x"] * 50)}, {"long": Need(LONG)}))
    assert said.count("not-json:") == 20
    assert "and 30 more" in said


def test_reject_goes_on_up_to_max_fraction(dataset):
    screened = screen({"real": dataset("real", [16, 16, 3], "x")}, {"long": Need(LONG)})
    judge(screened, action="reject", max_fraction=0.5, rejected_path="r")
    assert "50.0% of real" in decide(screened, "reject", 0.49)
    assert screened.totals["real"].fraction == pytest.approx(0.5)


def test_nothing_bad_passes_both(dataset):
    screened = screen({"real": dataset("real", [16, 16])}, {"long": Need(LONG)})
    for action in ("fail", "reject"):
        judge(screened, action=action, max_fraction=0.0, rejected_path="r")


def test_the_fraction_of_a_dataset_that_was_probed_in_part(dataset):
    files = dataset("real", [16] * 40, *["x"] * 10, probed=1)
    totals = screen({"real": files}, {"long": Need(LONG)}).totals["real"]
    assert totals.probed < 10
    assert totals.fraction == pytest.approx(10 / 50)


def test_a_clip_spec_that_no_video_meets(dataset):
    manifests = {"real": dataset("real", [16, 12]), "a": dataset("a", [14])}
    for action in ("fail", "reject"):
        said = decide(screen(manifests, {"short": Need(SHORT), "128f": Need(ClipSpec(frames=128))}), action)
        assert "clips 128f need 128 frames" in said
        assert "the longest of the 3 usable videos of real, a has 16" in said
        assert "{short: loop}" in said


def test_a_dataset_of_which_nothing_is_left(dataset):
    manifests = {"real": dataset("real", [16, 12]), "a": dataset("a", [14]), "b": dataset("b", [], "x")}
    said = decide(screen(manifests, {"long": Need(LONG)}), "reject")
    assert "dataset a has no video that clips long can use" in said
    assert "dataset b has no usable video (1 were named)" in said


def test_clips_that_each_start_gives_are_counted(dataset, tmp_path):
    files = dataset("real", [16, 12, 9, 30, 3])
    screened = screen({"real": files}, {"each": Need(ClipSpec(frames=4, start="each")), "short": Need(SHORT)})
    levels = screened.clips["real"]["each"]
    assert list(screened.clips["real"]) == ["each"]
    assert [sum(shards) for shards in levels] == [4, 8, 16, 30, 44, 55]  # of videos with 13, 9, 6 and 27 starts
    assert levels[0] == screened.counts["real"]["each"]
    assert {len(shards) for shards in levels} == {len(files.listed)}
    write_screened(screened, tmp_path / "rejected.jsonl", tmp_path / "counts.json")
    plan = {"bad_videos": {"action": "reject", "max_fraction": 1.0}}
    pass_gate(plan, {"metrics": {}}, tmp_path / "counts.json", tmp_path / "rejected.jsonl", tmp_path / "gate.json")
    gate = json.loads((tmp_path / "gate.json").read_text())
    assert gate == {"usable": screened.counts, "clips": screened.clips, "sizes": {"real": {}}, "rejected": 2}


def test_videos_of_another_size(dataset, tmp_path, probe):
    plain = probe.probe
    probe.probe = lambda path, kind, row=None: replace(
        plain(path, kind=kind, row=row), height=8 + (Path(path).stem == "3")
    )
    screened = screen({"real": dataset("real", [16, 16, 16, 16])}, {"native": Need(NATIVE), "long": Need(LONG)})
    assert [(bad["line"], bad["reason"], bad["clips"], bad["stage"]) for bad in screened.rejected] == [
        (4, "other-size", "native", "gate")
    ]
    assert screened.sizes == {"real": {"native": (8, 8)}}
    assert [sum(screened.counts["real"][name]) for name in ("native", "long")] == [3, 4]
    assert screened.totals["real"].unfit == 1
    write_screened(screened, tmp_path / "rejected.jsonl", tmp_path / "counts.json")
    assert read_screened(tmp_path / "rejected.jsonl", tmp_path / "counts.json") == screened
    said = decide(screened)
    assert "is 9 pixels high and 8 wide, most videos of the dataset are 8 high and 8 wide" in said
    assert "clips: {size: [height, width]}" in said
    judge(screened, action="reject", max_fraction=0.25, rejected_path="r")


def test_other_sizes_are_no_matter_where_none_was_found(dataset):
    assert "{size:" not in decide(screen({"real": dataset("real", [16, 3])}, {"long": Need(LONG)}))


def test_frames_without_times(dataset, tmp_path, probe):
    files = dataset("real", [16, 16])
    probe.probe = lambda path, kind, row=None, real=probe.probe: _without_times(real(path, kind=kind, row=row))
    folder = files.videos.parent
    probe_shard(folder / "listing" / "0.jsonl", folder / "shards" / "0.jsonl", contained=False)
    join([folder / "shards" / "0.jsonl"], folder / "listing" / "rejected.jsonl", files.videos, files.rejected)
    screened = screen({"real": files}, {"clips": Need(ClipSpec(fps=8.0))})
    assert {bad["reason"] for bad in screened.rejected} == {"no-timing"}
    assert "no video that clips clips can use" in decide(screened, "reject")


def _without_times(probed):
    return type(probed)(probed.fingerprint, probed.bytes, probed.frames, None, None)


def test_pairs_that_do_not_fit_are_bad_videos(dataset, tmp_path):
    """Video n of one dataset belongs to video n of the other: 0 fits, 1 is longer, 2 has a short one, 3 has none."""
    manifests = {"real": dataset("real", [8, 8, 2]), "a": dataset("a", [8, 12, 8, 8])}
    needs = {
        "alone": Need(SHORT),
        "equal": Need(SHORT, ["a"], "alone", "real"),
        "trimmed": Need(SHORT, ["a"], "alone", "real", trim=True),
    }
    screened = screen(manifests, needs)
    bad = {(bad["dataset"], bad["id"], bad["clips"]): bad["reason"] for bad in screened.rejected}
    assert bad == {
        ("real", "2.mp4", "alone"): "too-short",
        ("a", "1.mp4", "equal"): "unequal-length",
        ("a", "2.mp4", "equal"): "unequal-length",
        ("a", "3.mp4", "equal"): "unpaired",
        ("a", "2.mp4", "trimmed"): "short-partner",
        ("a", "3.mp4", "trimmed"): "unpaired",
    }
    sums = {name: sum(counts) for name, counts in screened.counts["a"].items()}
    assert sums == {"alone": 4, "equal": 1, "trimmed": 2}
    said = decide(screened)
    assert "has 12 frames, its partner" in said
    assert "unequal: trim in the metric's definition compares what both have" in said
    assert "Partners share `pair`" in said
    assert "Or repair or remove them" in said  # some are too short
    assert said.startswith("Bad videos: 1 in real, 3 in a. By reason: ")  # none twice
    assert "unpaired 1" in said
    assert said.count("3.mp4: unpaired") == 1
    judge(screened, action="reject", max_fraction=1.0, rejected_path=tmp_path)


def test_what_clips_find_bad_is_not_said_of_pairs_again(dataset):
    manifests = {"real": dataset("real", [8, 8]), "a": dataset("a", [8, 2])}
    needs = {"alone": Need(SHORT), "equal": Need(SHORT, ["a"], "alone", "real")}
    screened = screen(manifests, needs)
    assert [(bad["reason"], bad["clips"]) for bad in screened.rejected] == [("too-short", "alone")]
    assert {name: sum(counts) for name, counts in screened.counts["a"].items()} == {"alone": 1, "equal": 1}
    assert screened.needs == {"alone": 4}


@pytest.mark.parametrize("action", ["fail", "reject"])
def test_without_any_partner_all_bad_videos_are_listed_all_the_same(dataset, action):
    manifests = {"real": dataset("real", [8], "no json"), "a": dataset("a", [8])}
    manifests["a"].videos.write_text(manifests["a"].videos.read_text().replace('"0.mp4"', '"other.mp4"'))
    screened = screen(manifests, {"alone": Need(SHORT), "equal": Need(SHORT, ["a"], "alone", "real")})
    assert [bad["reason"] for bad in screened.rejected] == ["not-json", "unpaired"]
    said = decide(screened, action)
    assert "dataset a has no video that clips equal can use" in said
    assert "Partners share `pair`" in said


def test_what_helps_with_pairs_is_not_said_of_a_paired_source(dataset):
    """Whose listing has the same word for a video without a real one."""
    screened = screen({"real": dataset("real", [8, 8])}, {"alone": Need(SHORT)})
    bad = {"dataset": "real", "line": 7, "path": "v", "reason": "unpaired", "detail": "d", "clips": None, "id": "v"}
    screened.rejected.append({**bad, "stage": "listing"})
    said = decide(screened)
    assert "Repair or remove them" in said
    assert "Partners share" not in said


def test_of_pairs_of_unequal_length_the_first_clip_must_be_there():
    own = Video("own.mp4", "own.mp4", **VIDEO)
    padded = ClipSpec(frames=16, start="first", short="pad")
    for ours, theirs, fits in ((20, 16, True), (20, 15, False), (7, 7, True), (7, 20, True), (8, 7, False)):
        pair = replace(own, frames=ours), replace(own, frames=theirs)
        if fits:
            check_pair(*pair, padded, trim=True)
        else:
            with pytest.raises(BadVideo, match="short-partner"):
                check_pair(*pair, padded, trim=True)


@pytest.mark.parametrize(
    ("size", "fps", "spec", "reason"),
    [
        ((40, 64), 8, NATIVE, "unequal-size"),
        ((40, 64), 8, SHORT, None),  # both are resized
        ((48, 64), 16, ClipSpec(frames=4, fps=4.0), "unequal-rate"),
        ((48, 64), 16, SHORT, None),  # frame by frame
        ((48, 64), None, ClipSpec(frames=4, fps=4.0), "unequal-rate"),
        ((48, 64), None, SHORT, None),
    ],
)
def test_size_and_rate_of_pairs_count_where_clips_keep_them(size, fps, spec, reason):
    own = Video("own.mp4", "own.mp4", **VIDEO)
    own = replace(own, height=48, width=64, fps=8.0)
    other = replace(own, path="other.mp4", height=size[0], width=size[1], fps=fps and float(fps))
    for trim in (False, True):
        if reason is None:
            check_pair(own, other, spec, trim=trim)
            continue
        with pytest.raises(BadVideo) as bad:
            check_pair(own, other, spec, trim=trim)
        assert bad.value.reason == reason
        assert str(other.path) in bad.value.detail
