"""A result in words: every named metric's settings, and nothing that the row does not say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.pipeline import evaluated
from tests.unit.preset_rows import known, preset_row
from tests.unit.test_table import evaluation
from vidgauge.cli import main
from vidgauge.files import write_json
from vidgauge.metrics import registry
from vidgauge.report.explain import again, paragraph
from vidgauge.report.formulas import WORDS, formula
from vidgauge.report.provenance import provenance

MADE = {
    "vidgauge": "1.2.3",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.6"},
    "git_revision": "c" * 40,
    "config_digest": "d" * 64,
    "made": {"command": ["snakemake", "--configfile", "my file.yaml"], "started": "2026-01-01T00:00:00+00:00"},
}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


@pytest.mark.parametrize("name", sorted(known()))
def test_every_named_metric_is_a_paragraph(name: str) -> None:
    row = preset_row(name, ci95=[80.0, 88.0], ci95_method="jackknife over 20 groups of videos", device="cpu")
    text = paragraph(row, MADE)
    assert not re.search(r"None|null|True|False|[{}\[\]]", text.replace("[80.0, 88.0]", ""))
    assert not re.search(r"  |\.\.(?!\d)|,,|\( |\( ?\)| [,.;]", text)
    assert text.startswith(f"{name} (protocol {row['protocol']}, vidgauge 1.2.3) ")
    assert "It is 84.1 (" in text
    assert "95 % interval [80.0, 88.0] (jackknife over 20 groups of videos)" in text
    assert "float32 on cpu" in text


def test_every_setting_that_differs_is_told() -> None:
    """Named metrics read alike, from the samples on, only where all knobs are the same: none is left out."""
    alike: dict[str, dict[str, list[str]]] = {}
    for name in known():
        row = preset_row(name)
        body = paragraph(row, {}).partition(" The samples ")[2]
        alike.setdefault(body, {}).setdefault(repr(row["knobs"]), []).append(name)
    assert [list(names.values()) for names in alike.values() if len(names) > 1] == []
    assert any(len(names) > 1 for several in alike.values() for names in several.values())  # two names of one metric


@pytest.mark.parametrize("name", registry.reductions())
def test_every_option_of_a_reduction_is_told(name: str) -> None:
    """Another value of an option is another text."""
    spec = registry.reductions()[name]
    assert name in WORDS
    usual = formula(name, spec.options)
    others: dict[str, Any] = {
        **{"ddof": 1, "weighting": "videos", "fold": "data-juicer", "k": 77, "radius": "float16", "order": 7.5},
        **{"subsets": 77, "subset_size": 77, "subset_seed": 77, "short": "refuse", "scale": 77.0, "sigma": 77.0},
        **{"normalize": False, "estimator": "unbiased", "degree": 77, "gamma": 77.0, "coef0": 77.0, "splits": 77},
        **{"projections": 77, "alpha": 77.0, "shuffle_seed": None, "epsilon": 0.77, "input": "probabilities"},
        "shuffle_by": "torch",
    }
    for option in spec.options:
        assert formula(name, {**spec.options, option: others[option]}) != usual, option


def test_an_unknown_reduction_is_told_by_its_options() -> None:
    assert formula("mine", {"k": 3}) == "reduction mine with k: 3"


def test_the_settings_of_clips_in_words() -> None:
    text = paragraph(preset_row("fvd2048_128f_subsample8f"), {})
    assert "clips of 16 frames, each 8 after the one before" in text
    assert (
        "stretched to 240 x 320 (height x width; bilinear, not antialiased, cv2), colours by the BT.601 matrix" in text
    )
    assert "at most 2048 are taken" in text
    assert "population covariance" in text


def test_a_reference_with_other_clips_is_told_apart() -> None:
    text = paragraph(preset_row("stylegan-v.fvd2048_16f"), {})
    ours, theirs = re.findall(r"The samples of (?:mild|real) are (.*?;.*?)\. (?=The|They)", text)
    assert "at its beginning" in ours
    assert "at a random start (seed 42)" in theirs


def test_one_that_looks_at_candidates_alone() -> None:
    text = paragraph(preset_row("recommended.vendi"), {})
    assert "describes 90 clips of 90 videos of mild by themselves" in text
    assert "real" not in text


def test_frames_of_clips_and_single_frames() -> None:
    assert "are frames of clips of 16 consecutive frames" in paragraph(preset_row("frechet_frames_lite0"), {})
    assert "are single frames" in paragraph(preset_row("fid50k"), {})


def test_several_runs() -> None:
    text = paragraph(preset_row("recommended.fvd", runs=3, std=0.25), {})
    assert "It is 84.123 ± 0.25 (lower is better), mean ± standard deviation over 3 runs with seeds 42 to 44." in text
    assert "at a random start (seeds 42 to 44)" in text


def test_the_limit_of_many_videos_and_its_interval() -> None:
    changes = {"ci95": [40.2, 45.8], "ci95_method": "jackknife", "infinity": 43.0, "infinity_error": 1.25}
    text = paragraph(preset_row("recommended.fvd", **changes), {})
    assert "It is 84.1 (lower is better). What infinitely many videos would give is 43.0 by a fit in 1/n" in text
    assert "with an error of 1.2, 95 % interval [40.2, 45.8] (jackknife); the number itself is biased" in text


def test_a_limit_that_needs_no_fit_and_subsets_of_all_samples() -> None:
    text = paragraph(preset_row("recommended.kvd", infinity=43.0, infinity_error=0.0), {})
    assert (
        "would give is 43 (leaving out pairs of samples of one video, and of videos with one id in both sets); " in text
    )
    assert "a fit" not in text
    assert "unbiased for independent samples" in text
    small, large = (paragraph(preset_row("kvd2048_16f", videos=n), {}) for n in (90, 5000))
    assert ", here subsets of 90, which are all samples" in small
    assert "which are all" not in large


def test_saved_statistics_say_little() -> None:
    unknown = {"clip_spec_reference": None, "n_reference": None, "videos_reference": None}
    text = paragraph(preset_row("recommended.fvd", **unknown), {})
    assert "with saved statistics of real, of an unknown number of clips." in text
    assert "The samples of real are clips of a file that does not say how they were made" in text
    counted = paragraph(preset_row("recommended.fvd", clip_spec_reference=None, videos_reference=None), {})
    assert "with 90 saved clips of real, of an unknown number of videos." in counted
    none = dict.fromkeys(("weights", "weights_sha256", "weights_verified", "precision", "licence", "clips"))
    text = paragraph(preset_row("recommended.fvd", **none), {})
    assert "weights i3d_styleganv (digest not known)" in text
    assert "float32" in text


def test_a_network_of_the_users_own_and_its_definition() -> None:
    text = paragraph(preset_row("recommended.fvd", extractor="mine", array="features", protocol="user"), {})
    assert "(a definition of the user's own) compares 90 samples of 90 videos of mild" in text
    assert "the array features of mine, a network of the user's own" in text
    assert "not verified" in paragraph(preset_row("recommended.fvd", weights_verified=False), {})


def test_undefined_and_notes() -> None:
    text = paragraph(preset_row("recommended.fvd", value=None, warnings=["undefined: too few"], note="ours."), {})
    assert text.endswith("It has no value. Note: undefined: too few. Note: ours.")


def test_parts_and_several_devices() -> None:
    text = paragraph(
        preset_row("prv2048_3n_16f", values={"precision": 0.91, "recall": None}, device=["cpu", "cuda"]), {}
    )
    assert "Its parts: precision 0.91." in text
    assert "float32 on cpu and cuda" in text


def test_what_makes_it_again() -> None:
    found = again(preset_row("recommended.fvd"), MADE)
    assert found["configuration"] == f"sha256 {'d' * 64}"
    assert (found["videos of mild"], found["videos of real"]) == (f"digest {'c' * 64}", f"digest {'r' * 64}")
    assert found["weights"] == f"i3d_styleganv, sha256 {'0123abcd' * 8}"
    assert found["features of mild made with"] == "device cpu, numpy 2.4.6"
    assert found["table made with"] == "vidgauge 1.2.3, python 3.11.7, numpy 2.4.6"
    assert found["git revision"] == "c" * 40
    assert found["command"] == "snakemake --configfile 'my file.yaml'"
    assert "host" not in found


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results with two rows, and the table that was made of them."""
    folder = tmp_path / "test"
    rows = [preset_row("recommended.fvd", name) for name in ("mild", "strong")]
    for row in rows:
        write_json(folder / "metrics" / row["candidate"] / "recommended.fvd.json", {**row, "resampled": {"why": "few"}})
    write_json(folder / "metrics.json", evaluation(rows, provenance=MADE))
    return folder


def test_a_row_finds_its_provenance(results: Path) -> None:
    done = call(results / "metrics" / "mild" / "recommended.fvd.json")
    assert done.exit_code == 0
    assert done.output.startswith("recommended.fvd (protocol recommended, vidgauge 1.2.3) compares 90 clips")
    assert f"\n\nTo make it again:\n  configuration: sha256 {'d' * 64}\n" in done.output
    assert f"  git revision: {'c' * 40}\n" in done.output


def test_a_row_that_the_table_does_not_hold_has_no_provenance(results: Path) -> None:
    """The table may be of an earlier run."""
    file = results / "metrics" / "mild" / "recommended.fvd.json"
    write_json(file, json.loads(file.read_text()) | {"value": 1.0})
    done = call(file)
    assert done.output.startswith("recommended.fvd (protocol recommended) compares")
    assert "git revision" not in done.output
    (results / "metrics.json").unlink()
    assert call(file).output == done.output


def test_results_are_chosen(results: Path) -> None:
    assert call(results).output.count("To make it again:") == 2
    done = call(results / "metrics.json", "--candidate", "strong", "--metric", "recommended.fvd", "--format", "json")
    (found,) = json.loads(done.output)
    assert list(found) == ["metric", "candidate", "paragraph", "again"]
    assert found["candidate"] == "strong"
    assert call(results, "--format", "markdown").output.startswith("## recommended.fvd of mild\n\nrecommended.fvd (")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--candidate", "mid"], "--candidate mid: {file} has no such result; did you mean 'mild'?"),
        (["--metric", "fvd"], "--metric fvd: {file} has no such result; did you mean 'recommended.fvd'?"),
    ],
)
def test_what_is_not_there(results: Path, arguments: list[str], said: str) -> None:
    done = call(results, *arguments)
    assert done.exit_code == 2
    assert done.output == f"vidgauge: {said.format(file=results / 'metrics.json')}\n"


@pytest.mark.parametrize("content", ["{}", "[]", '{"metric": "a"}', "no JSON"])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "any.json").write_text(content)
    done = call(tmp_path / "any.json")
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1


def test_rows_of_a_real_evaluation(tmp_path: Path) -> None:
    """What the stages write, of a network of clips and frames, is explained without a gap."""
    from tests.make_videos import encode, frames

    for number in range(4):
        for side, name in enumerate(("real", "a")):
            (tmp_path / name).mkdir(exist_ok=True)
            encode(tmp_path / name / f"{number}.mp4", frames(8, 32, 32, seed=10 * side + number))
    define = {
        array: {
            "reduce": "frechet",
            "extractor": "pixel_grid",
            "array": array,
            "clips": {"frames": 4, "size": [32, 32]},
        }
        for array in ("clip", "frame")
    }
    datasets = {name: {"source": str(tmp_path / name)} for name in ("real", "a")}
    config = {
        "evaluation": "test",
        "reference": "real",
        "datasets": datasets,
        "define": define,
        "metrics": list(define),
    }
    found = evaluated(config, tmp_path)
    made = provenance({"config": found.config.model_dump(mode="json"), "metrics": {}}, found.rows)
    for row, kind in zip(found.rows, ("4 clips", "16 frames"), strict=True):
        text = paragraph(row, made)
        assert f"compares {kind} of 4 videos of a with {kind} of 4 videos of real." in text
        assert not re.search(r"None|null|[{}]", text)
        assert "features of a made with" in again(row, made)
