"""Results, surveys, maps and contact sheets of an evaluation that never was, in the formats that the report reads."""

from __future__ import annotations

import base64
import io
import math
import random
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from PIL import Image

from vidgauge.report.sheets import pictured

CANDIDATES = ("mild", "strong", "scrambled", "frozen")
QUALITY = {"mild": 0.25, "strong": 1.0, "scrambled": 0.8, "frozen": 0.3}
METRICS = (
    ("frechet_frames_lite0", "lower", 60.0, 140.0),
    ("frechet_motion_lite0", "lower", 4.0, 9.0),
    ("kernel_frames_lite0", "lower", 0.08, None),
    ("kernel_motion_lite0", "lower", 0.004, None),
    ("inception_score_lite0", "higher", 12.0, None),
    ("precision_recall_motion_lite0", "higher", 0.6, None),
    ("density_coverage_motion_lite0", "higher", 0.7, None),
    ("fvd2048_16f", "lower", 800.0, 300.0),
    ("kvd2048_16f", "lower", 40.0, None),
    ("fid50k", "lower", 20.0, 3.0),
)
"""Name, better, its size, and its bias at all videos; None where it has none."""

Data = dict[str, Any]


def lucky(seed: str) -> random.Random:
    """Random numbers that are the same every time."""
    return random.Random(seed)  # noqa: S311


def results(candidates: Sequence[str] = CANDIDATES, metrics: int = len(METRICS), videos: int = 2048) -> Data:
    """What metrics.json holds."""
    rows, differences, curves = [], [], []
    for name, better, size, bias in METRICS[:metrics]:
        numbers = {}
        for at, candidate in enumerate(candidates):
            luck = lucky(f"{name} {candidate}").gauss(0, 0.1)
            worth = QUALITY.get(candidate, 0.4 + 0.1 * at) + luck
            if "motion" in name and candidate == "scrambled":
                worth += 0.4
            numbers[candidate] = size * (worth if better == "lower" else 1.3 - 0.7 * worth)
            rows.append(row(name, better, candidate, numbers[candidate], size * 0.04, bias, videos))
            if bias is not None:
                curves.append(curve(rows[-1], bias, videos))
        differences += [difference(name, better, a, b, numbers, size * 0.05) for a, b in combinations(candidates, 2)]
    config = {
        "evaluation": "fabricated",
        "reference": "real",
        "datasets": {name: {"source": f"videos/{name}"} for name in ("real", *candidates)},
        "seed": 42,
    }
    provenance = {
        "vidgauge": "0.1.0",
        "git_revision": "c322cae0c322cae0c322cae0c322cae0c322cae0",
        "python": "3.11.7",
        "packages": {"numpy": "2.4.6", "torch": "2.15.0"},
        "config": config,
        "made": {"at": "2026-01-02T03:04:05+00:00", "host": "host", "command": ["snakemake", "--cores", "2"]},
    }
    return {
        "evaluation": "fabricated",
        "results": rows,
        "differences": differences,
        "curves": curves,
        "rejected": {"strong": {"damaged": 2}},
        "provenance": provenance,
    }


def row(name: str, better: str, candidate: str, number: float, error: float, bias: float | None, videos: int) -> Data:
    """One result; biased where the metric is."""
    samples = ["fewer than 256 videos: the interval is wide"] if videos < 256 else []
    return {
        "metric": name,
        "protocol": "vidgauge",
        "candidate": candidate,
        "reference": None if name.startswith("inception") else "real",
        "value": number + (bias or 0),
        "std": None,
        "ci95": [number - 1.96 * error, number + 1.96 * error],
        "ci95_method": "delete-a-group jackknife over videos" + (", of the number at infinity" if bias else ""),
        "standard_error": error,
        "infinity": number if bias is not None else None,
        "infinity_error": error * 0.4 if bias is not None else None,
        "n_candidate": videos,
        "n_reference": videos,
        "videos_candidate": videos,
        "videos_reference": videos,
        "candidate_digest": f"digest of {candidate}",
        "reference_digest": "digest of real",
        "better": better,
        "scale": 1.0,
        "extractor": "efficientnet_lite0",
        "array": "motion" if "motion" in name else "features",
        "weights": "efficientnet_lite0",
        "weights_sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "weights_verified": True,
        "licence": "Apache-2.0",
        "clips": "16f-s1-160x160-random-seed42-a0aaaf53",
        "clip_spec": None,
        "clip_spec_reference": None,
        "precision": "float32",
        "options": {},
        "seed": 42,
        "runs": 1,
        "runs_values": [number],
        "warnings": [*samples, f"{candidate}: frame rates differ from the reference's"]
        if candidate != "mild"
        else samples,
        "knobs": {
            "reduce": f"of {name}",
            "samples": "null",
            "samples_by": "hash",
            "clips_per_video": "auto",
            "extractor.resize": "none",
            "extractor.range": "-1..1",
            "weights": "efficientnet_lite0",
            "precision": "float32",
        },
        "undecodable": [],
        "note": "vidgauge's own choice: no paper's numbers compare with these" if "lite0" in name else None,
        "values": {},
    }


def curve(of: Data, bias: float, videos: int) -> Data:
    """How a result falls with the number of videos."""
    shares = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0]
    points = []
    for share in shares:
        n = round(videos * share)
        points.append(
            {
                "share": share,
                "videos": n,
                "samples": n,
                "value": of["infinity"] + bias * videos / n,
                "subsets": 8 if share < 1 else 1,
                "std": of["standard_error"] * (1 - share) ** 0.5 if share < 1 else None,
            }
        )
    sentence = f"At {videos} videos the bias of {of['metric']} for {of['candidate']} is about {bias:.3g}."
    return {
        "metric": of["metric"],
        "candidate": of["candidate"],
        "reference": of["reference"],
        "points": points,
        "infinity": of["infinity"],
        "infinity_error": of["infinity_error"],
        "bias": "vanishing",
        "slope": bias,
        "sentence": sentence,
    }


def difference(name: str, better: str, a: str, b: str, numbers: dict[str, float], error: float) -> Data:
    """Two candidates compared."""
    gap = numbers[a] - numbers[b]
    ends = [gap - 1.96 * error, gap + 1.96 * error]
    told = ends[0] > 0 or ends[1] < 0
    winner = (a if (gap < 0) == (better == "lower") else b) if told else None
    sentence = (
        f"{winner} is better than {b if winner == a else a} by {name}."
        if told
        else f"{a} and {b} are a tie by {name}: the interval of their difference holds 0."
    )
    return {
        "metric": name,
        "a": a,
        "b": b,
        "reference": None if name.startswith("inception") else "real",
        "difference": gap,
        "ci95": ends,
        "standard_error": error,
        "distinguishable": told,
        "better": winner,
        "sentence": sentence,
    }


def survey(name: str, videos: int = 2048) -> Data:
    """What a dataset is made of."""
    luck = lucky(f"survey {name}")
    counts = [round(videos * math.exp(-(((at - 8) / 3) ** 2)) / 6) + luck.randint(0, 9) for at in range(24)]
    counts[8] += videos - sum(counts)
    mixed = name == "strong"
    return {
        "version": 1,
        "videos": videos,
        "unknown_fps": 3 if name == "frozen" else 0,
        "fps": [[24.0, 40], [25.0, videos - 40]] if mixed else [[25.0, videos]],
        "sizes": [[320, 240, videos - 100], [640, 480, 100]] if mixed else [[320, 240, videos]],
        "other_sizes": 0,
        "frames": {"edges": [16 + 4 * at for at in range(25)], "counts": counts},
        "seconds": {"edges": [0.64 + 0.16 * at for at in range(25)], "counts": counts},
        "codecs": {"h264": videos},
        "pixel_formats": {"yuv420p": videos},
        "bits_per_pixel": {"p05": 0.05, "median": 0.11, "p95": 0.3},
        "bytes": 123456789,
        "fingerprints": "",
    }


def feature_map(
    name: str, candidates: Sequence[str] = CANDIDATES, reference: str | None = "real", shown: int = 1000
) -> Data:
    """Where the videos lie, and how far from the reference's."""
    found: Data = {
        "name": name,
        "metrics": [METRICS[0][0], METRICS[2][0]],
        "extractor": "efficientnet_lite0",
        "array": name,
        "clips": "16f-s1",
        "method": "PCA",
        "explained": [0.31, 0.12],
        "reference": reference,
        "points": [],
        "datasets": {},
        "worst": {},
        "best": {},
    }
    for at, dataset in enumerate([*([reference] if reference else []), *candidates]):
        luck = lucky(f"map {name} {dataset}")
        far = QUALITY.get(dataset, 0.0 if dataset == reference else 0.5)
        values = []
        for number in range(shown):
            turn, off = luck.gauss(0, 1), luck.gauss(0, 1)
            values.append(abs(1 + far * 2 + luck.gauss(0, 0.25 + far * 0.4)) + 0.05)
            place = {"x": turn * 3 + far * 6 * (1 if at % 2 else -1), "y": off * 2 + far * 3 + 0.3 * turn * turn}
            found["points"].append(
                {
                    "dataset": dataset,
                    "video": f"{dataset}/clip_{number:05}.mp4",
                    "start": number % 40,
                    **place,
                    "distance": values[-1] if reference else None,
                    "nearest": f"real/clip_{luck.randrange(shown):05}.mp4" if reference else None,
                }
            )
        values.sort()
        quantiles = {f"p{share:02}": values[min(shown - 1, share * shown // 100)] for share in (5, 25, 50, 75, 95)}
        found["datasets"][dataset] = {
            "videos": shown,
            "samples": shown,
            "shown": shown,
            "quantiles": quantiles if reference else None,
        }
        if reference and dataset != reference:
            found["worst"][dataset] = [entry(dataset, number, 9 - number / 2) for number in range(6)]
            found["best"][dataset] = [entry(dataset, 50 + number, 0.4 + number / 20) for number in range(6)]
    return found


def entry(dataset: str, number: int, distance: float) -> Data:
    """One of the best or worst clips."""
    return {
        "video": f"{dataset}/clip_{number:05}.mp4",
        "start": number,
        "distance": distance,
        "nearest": f"real/clip_{number * 7:05}.mp4",
        "nearest_start": 0,
    }


def sheet(found: Data) -> Data:
    """The contact sheets of a map; one of the pictures could not be made."""

    def entries(one: Data, worst: bool) -> Data:
        told = f"16 frames of {one['video']} from frame {one['start']}, {one['distance']:.1f} times as far as others"
        missing = worst and one["start"] == 5
        clip = {
            "image": None if missing else strip(one["video"]),
            "alt": told,
            "problem": "no picture: where its video lies is not known" if missing else None,
        }
        return {
            **one,
            "clip": clip,
            "reference": {
                "image": strip(one["nearest"]),
                "alt": f"16 frames of {one['nearest']} from frame 0 of real, the nearest clip of the reference",
                "problem": None,
            },
        }

    return {
        name: {
            "worst": [entries(one, True) for one in found["worst"][name]],
            "best": [entries(one, False) for one in found["best"][name]],
        }
        for name in found["worst"]
    }


def strip(seed: str) -> str:
    """Four frames side by side, about 8 kB as a WebP image in a data URI."""
    luck = lucky(seed)
    image = Image.new("RGB", (518, 96), "white")
    for frame in range(4):
        noise = Image.frombytes("RGB", (16, 12), luck.randbytes(16 * 12 * 3)).resize(
            (128, 96), Image.Resampling.BICUBIC
        )
        image.paste(noise, (frame * 130, 0))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"


def stages(candidates: Sequence[str] = CANDIDATES) -> list[Data]:
    """How long the stages took; those of the reference are from before."""
    found = []
    for stage, each in (("probe", 4.0), ("clips", 90.0), ("features", 400.0), ("merge", 2.0)):
        for dataset in ("real", *candidates):
            reused = 2 if dataset == "real" else 0
            found.append(
                {
                    "stage": stage,
                    "what": dataset,
                    "jobs": 2,
                    "seconds": each,
                    "made": "before" if reused else "now",
                    "reused": reused,
                    "saved": each if reused else 0.0,
                }
            )
    return found


def everything(
    candidates: Sequence[str] = CANDIDATES, metrics: int = len(METRICS), videos: int = 2048, maps: int = 4
) -> Data:
    """The arguments of make_report."""
    drawn = [
        feature_map(name, candidates, shown=min(1000, videos))
        for name in ("features", "motion", *(f"layer{number}" for number in range(2, maps)))[:maps]
    ]
    return {
        "results": results(candidates, metrics, videos),
        "surveys": {name: survey(name, videos) for name in ("real", *candidates)},
        "maps": drawn,
        "sheets": {one["name"]: sheet(one) for one in pictured(drawn)},
        "stages": stages(candidates),
        "stages_summary": "8 of 10 feature jobs ran now; 2 were there from before (6.7 min saved).",
        "methods": {name: f"We computed {name} with vidgauge 0.1.0." for name, *_ in METRICS[:metrics]},
    }


def report_of(data: Data) -> str:
    """The page of all that."""
    from vidgauge.report.page.build import make_report

    return make_report(data["results"], **{key: value for key, value in data.items() if key != "results"})
