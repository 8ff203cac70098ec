"""The evaluation's gate: all bad videos listed in one step, the decision about them in the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgauge.errors import UsageError
from vidgauge.files import write_json
from vidgauge.manifest.judging import judge
from vidgauge.manifest.screening import Files, Need, read_screened, screen, write_screened
from vidgauge.specs import ClipSpec


def screen_files(plan: Mapping[str, Any], manifests: Sequence[Path], out: Path, rejected: Path) -> None:
    """Screen every dataset and write what was found. plan: {"listed": {dataset: videos of each shard}, "needs"}.

    manifests: videos.jsonl, rejected.jsonl and lines.jsonl of each dataset, in the plan's order.
    """
    if len(manifests) != 3 * len(plan["listed"]):
        raise UsageError(
            f"{len(manifests)} files were given for the datasets {', '.join(plan['listed'])}; of each, in this order, "
            "videos.jsonl, rejected.jsonl and listing/lines.jsonl are wanted"
        )
    threes = zip(manifests[::3], manifests[1::3], manifests[2::3], strict=True)
    files = {
        dataset: Files(videos, bad, lines, counts)
        for (dataset, counts), (videos, bad, lines) in zip(plan["listed"].items(), threes, strict=True)
    }
    needs = {
        name: Need(**{**need, "spec": ClipSpec.model_validate(need["spec"])}) for name, need in plan["needs"].items()
    }
    write_screened(screen(files, needs), rejected, out)


def pass_gate(
    plan: Mapping[str, Any], evaluation: Mapping[str, Any], screened: Path, rejected: Path, out: Path
) -> None:
    """Write what the usable videos are and give, or raise VidgaugeError.

    plan: {"bad_videos": {"action", "max_fraction"}}. usable, clips, sizes: those of `Screened`.
    """
    found = read_screened(rejected, screened)
    users: dict[str, list[str]] = {}
    for name, metric in evaluation["metrics"].items():
        for need in dict.fromkeys(metric["needs"]):
            users.setdefault(need, []).append(name)
    judge(found, **plan["bad_videos"], rejected_path=rejected, metrics=users)
    counts = {"usable": found.counts, "clips": found.clips, "sizes": found.sizes}
    write_json(out, {**counts, "rejected": len(found.rejected)})
