"""What took how long and what was there from before, read from made-up benchmark files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vidgauge import layout
from vidgauge.report.timing import STAGES, reused_summary, stages
from vidgauge.specs import ClipSpec

STARTED = 1_000_000.0
SPEC = ClipSpec()
NETWORK = "net-float32-abcdef01-v1.2"


def clips(seed: int = 42, spec: ClipSpec = SPEC) -> str:
    return layout.clips_name(spec, seed=seed, draws=1)


def row(candidate: str = "mine", metric: str = "m", **keys: Any) -> dict[str, Any]:
    stored = {**SPEC.model_dump(mode="json"), **layout.resolved(SPEC, seed=42, draws=1)}
    return {
        **{"metric": metric, "candidate": candidate, "reference": "real", "seed": 42, "runs": 1},
        **{"extractor": "net", "precision": "float32", "weights_sha256": "abcdef01" * 8},
        **{"clips": clips(), "clip_spec": stored, "clip_spec_reference": stored, **keys},
    }


def took(folder: Path, file: str, seconds: float | str, *, now: bool = True) -> None:
    path = folder / f"{file}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t77.8\n")
    os.utime(path, (0, STARTED + (1 if now else -1)))


@pytest.fixture
def benchmarks(tmp_path: Path) -> Path:
    """Two datasets of two shards each; of `real` everything is from before, of `mine` a shard."""
    for dataset in ("real", "mine"):
        for shard in (0, 1):
            now = dataset == "mine" and shard == 1
            took(tmp_path, f"probe/{dataset}/{shard}", 1, now=now)
            took(tmp_path, f"clips/{dataset}/{clips()}/{shard}", 2, now=now)
            took(tmp_path, f"features/{dataset}/{clips()}/{NETWORK}/{shard}", 60, now=now)
        took(tmp_path, f"merge/{dataset}/{clips()}/{NETWORK}", 0.5, now=dataset == "mine")
    took(tmp_path, "metric/e/mine/m", 3)
    return tmp_path


def entries(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["stage"], entry["what"]): entry for entry in found}


def test_stages_are_added_up_in_the_order_of_the_pipeline(benchmarks: Path) -> None:
    found = stages(benchmarks, "e", [row()], {"started": STARTED})
    assert [(entry["stage"], entry["what"]) for entry in found] == [
        *[("probe", "real"), ("probe", "mine"), ("clips", "real"), ("clips", "mine")],
        *[("features", "real, net"), ("features", "mine, net"), ("merge", "real, net"), ("merge", "mine, net")],
        ("metric", "m"),
    ]
    of = entries(found)
    assert of["features", "real, net"] == {
        **{"stage": "features", "what": "real, net", "jobs": 2, "seconds": 120},
        **{"made": "before", "reused": 2, "saved": 120},
    }
    assert of["features", "mine, net"] == {
        **{"stage": "features", "what": "mine, net", "jobs": 2, "seconds": 120},
        **{"made": "mixed", "reused": 1, "saved": 60},
    }
    assert (of["metric", "m"]["made"], of["metric", "m"]["reused"], of["metric", "m"]["saved"]) == ("now", 0, 0)
    # probe 3 x 1, clips 3 x 2, features 3 x 60, merge 0.5
    assert reused_summary(found) == "1 of 4 feature jobs ran now; 3 were there from before (3.2 min saved)."


def test_files_of_others_do_not_count(benchmarks: Path) -> None:
    wanted = stages(benchmarks, "e", [row()], {"started": STARTED})
    other = clips(spec=ClipSpec(frames=8))
    for file in (
        "probe/other/0",
        f"clips/mine/{other}/0",
        f"features/mine/{other}/{NETWORK}/0",
        f"features/mine/{clips()}/net2-float32-abcdef01-v1.2/0",
        f"features/mine/{clips()}/net-bfloat16-abcdef01-v1.2/0",
        f"features/mine/{clips()}/net-float32-ffffffff-v1.2/0",
        f"merge/mine/{clips()}/net-float32-ffffffff-v1.2",
        "metric/e/mine/other",
        "metric/e2/mine/m",
    ):
        took(benchmarks, file, 1000)
    assert stages(benchmarks, "e", [row()], {"started": STARTED}) == wanted


def test_rows_that_share_jobs_count_them_once(benchmarks: Path) -> None:
    took(benchmarks, "metric/e/mine/n", 5)
    took(benchmarks, "metric/e/theirs/m", 4)
    rows = [row(), row(metric="n"), row("theirs")]
    of = entries(stages(benchmarks, "e", rows, {"started": STARTED}))
    assert of["features", "real, net"]["jobs"] == 2
    assert (of["metric", "m"]["jobs"], of["metric", "m"]["seconds"]) == (2, 7)
    assert of["metric", "n"]["seconds"] == 5


def test_each_run_and_the_references_own_clips_count(tmp_path: Path) -> None:
    first = ClipSpec(start="first")
    stored = {**first.model_dump(mode="json"), **layout.resolved(first, seed=42, draws=1)}
    for seed in (42, 43):
        took(tmp_path, f"clips/mine/{clips(seed)}/0", seed)
    took(tmp_path, f"clips/mine/{clips(44)}/0", 1000)  # of no run of this row
    took(tmp_path, f"clips/real/{clips(spec=first)}/0", 7)
    of = entries(stages(tmp_path, "e", [row(runs=2, clip_spec_reference=stored)], None))
    assert (of["clips", "mine"]["seconds"], of["clips", "real"]["seconds"]) == (85, 7)
    assert {entry["made"] for entry in of.values()} == {"before"}, "no run is known"


@pytest.mark.parametrize(
    ("digest", "networks"),
    [
        (None, ["net-float32-noweights-v1.2"]),
        ("0" * 64, ["net-float32-abcdef01-v1.2", "net+more-float32-11111111-v1.2"]),
    ],
)
def test_networks_whose_digest_no_name_has_are_all_counted(
    tmp_path: Path, digest: str | None, networks: list[str]
) -> None:
    for network in networks:
        took(tmp_path, f"features/mine/{clips()}/{network}/0", 10)
    of = entries(stages(tmp_path, "e", [row(weights_sha256=digest)], None))
    assert of["features", "mine, net"]["jobs"] == len(networks)


def test_saved_statistics_and_metrics_without_reference_rest_on_less(benchmarks: Path) -> None:
    alone = [row(reference=None, clip_spec_reference=None)]
    assert {entry["what"] for entry in stages(benchmarks, "e", alone, None)} == {"mine", "mine, net", "m"}
    saved = [row(clip_spec=None, clips=None, clip_spec_reference=None)]
    assert [entry["stage"] for entry in stages(benchmarks, "e", saved, None)] == ["metric"]


@pytest.mark.parametrize("text", ["", "s\th:m:s\n", "s\th:m:s\nNA\t-\n", "h:m:s\n0:00:01\n"])
def test_what_a_killed_job_left_counts_as_not_there(benchmarks: Path, text: str) -> None:
    (benchmarks / "metric/e/mine/m.tsv").write_text(text)
    assert "metric" not in {entry["stage"] for entry in stages(benchmarks, "e", [row()], None)}


def test_repeats_of_a_job_are_added_up(benchmarks: Path) -> None:
    (benchmarks / "metric/e/mine/m.tsv").write_text("s\th:m:s\n1.5\t-\n2.5\t-\n")
    assert entries(stages(benchmarks, "e", [row()], None))["metric", "m"]["seconds"] == 4


def test_nothing_gives_nothing(tmp_path: Path) -> None:
    assert stages(tmp_path, "e", [row()], None) == []
    assert reused_summary([]) == ""


def test_the_sentence_tells_all_from_none(benchmarks: Path) -> None:
    before = stages(benchmarks, "e", [row()], None)
    assert reused_summary(before) == "All 4 feature jobs were there from before (4.2 min saved)."
    now = stages(benchmarks, "e", [row()], {"started": 0})
    assert reused_summary(now) == "All 4 feature jobs ran now."
    assert {entry["stage"] for entry in now} == set(STAGES)


@pytest.mark.parametrize(
    ("jobs", "reused", "said"),
    [
        (1, 0, "The only feature job ran now."),
        (1, 1, "The only feature job was there from before (3 s saved)."),
        (2, 1, "1 of 2 feature jobs ran now; 1 was there from before (3 s saved)."),
    ],
)
def test_one_job_is_no_jobs(jobs: int, reused: int, said: str) -> None:
    entry = {"stage": "features", "what": "a", "jobs": jobs, "reused": reused, "saved": 3.0 * reused}
    assert reused_summary([entry]) == said
