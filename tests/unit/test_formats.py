"""Results as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.preset_rows import preset_row
from tests.unit.test_table import difference, evaluation, row
from vidgauge.cli import main
from vidgauge.evaluate import ROW
from vidgauge.presets import presets
from vidgauge.report.formats import FIRST, FORMATS, csv_text
from vidgauge.report.latex import escaped, latex_text
from vidgauge.report.markdown import markdown_text
from vidgauge.report.results import joined


def read_csv(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(rows))))


def compared(**changes: Any) -> list[dict[str, Any]]:
    """Two candidates by two metrics with intervals, one of them of a limit."""
    known = {"ci95_method": "jackknife over 20 groups of videos", "device": "cpu", **changes}
    return [
        preset_row("recommended.fvd", "a", value=84.1, infinity=43.0, infinity_error=1.0, ci95=[40.2, 45.8], **known),
        preset_row("recommended.fvd", "b", value=99.0, infinity=70.0, infinity_error=1.0, ci95=[66.0, 74.0], **known),
        preset_row("recommended.kvd", "a", value=0.0616, ci95=[0.0574, 0.0658], **known),
        preset_row("recommended.kvd", "b", value=0.0631, ci95=[0.0589, 0.0673], **known),
    ]


TIE = [difference("recommended.kvd", "a", "b"), difference("recommended.fvd", "a", "b", better="a")]


def written(form: str, rows: list[dict[str, Any]], **more: Any) -> str:
    return FORMATS[form](joined([evaluation(rows, provenance={"vidgauge": "1.2.3"}, **more)]))


def test_csv_columns() -> None:
    text = csv_text([row(values={"precision": 0.5, "recall": 0.25}), row(values={"density": 2})])
    columns = text.splitlines()[0].split(",")
    assert tuple(columns[: len(FIRST)]) == FIRST
    assert columns[:7] == ["metric", "candidate", "reference", "value", "std", "ci95_lo", "ci95_hi"]
    assert columns[-3:] == ["values.precision", "values.recall", "values.density"]
    assert {*columns[:-3]} == {*ROW, "ci95_lo", "ci95_hi"} - {"ci95", "values"}
    assert len(set(columns)) == len(columns)
    assert text.count("\n") == 3
    assert "\r" not in text


def test_csv_cells() -> None:
    first, second = read_csv(
        [
            row(value=0.1 + 0.2, ci95=[0.25, 0.5], values={"precision": 0.5}, warnings=['a, "b"', "ü\nü"], seed=42),
            row(candidate="b", value=None, reference=None, values={"density": 2.0}),
        ]
    )
    assert float(first["value"]) == 0.1 + 0.2  # every digit
    assert (first["ci95_lo"], first["ci95_hi"]) == ("0.25", "0.5")
    assert (first["values.precision"], first["values.density"]) == ("0.5", "")
    assert json.loads(first["warnings"]) == ['a, "b"', "ü\nü"]
    assert "ü" in first["warnings"]
    assert json.loads(first["clip_spec"]) == {"frames": 16, "size": [24, 32]}
    assert first["seed"] == "42"
    assert [second[key] for key in ("value", "reference", "ci95_lo", "ci95_hi", "values.precision")] == [""] * 5
    assert (second["candidate"], second["values.density"]) == ("b", "2.0")


def test_csv_of_nothing_is_a_line() -> None:
    assert read_csv([]) == []


def test_pandas_opens_the_csv() -> None:
    rows = [*compared(values={"precision": 0.5}), preset_row("recommended.vendi", "a", value=None)]
    rows[0]["warnings"] = ["a, b", 'c "d"']
    table = pd.read_csv(io.StringIO(csv_text(rows)))
    numbers = ("value", "std", "ci95_lo", "ci95_hi", "standard_error", "infinity", "infinity_error", "values.precision")
    assert {key: str(table[key].dtype) for key in numbers} == dict.fromkeys(numbers, "float64")
    whole = ("n_candidate", "videos_candidate", "seed", "runs")
    assert {key: str(table[key].dtype) for key in whole} == dict.fromkeys(whole, "int64")
    texts = ("metric", "candidate", "reference", "protocol", "better", "extractor", "weights_sha256", "ci95_method")
    assert all(pd.api.types.is_string_dtype(table[key]) for key in texts)
    assert table["value"].isna().tolist() == [False] * 4 + [True]
    assert table["reference"].isna().tolist() == [False] * 4 + [True]
    assert json.loads(table["warnings"][0]) == ["a, b", 'c "d"']
    for key in ("clip_spec", "options", "knobs", "runs_values", "made_with"):
        assert [json.loads(cell) for cell in table[key]] == [one[key] for one in rows]
    assert len(table) == 5


def test_latex_has_what_a_paper_needs() -> None:
    text = written("latex", compared(), differences=TIE)
    head, fvd, limit, kvd = (line.strip() for line in text.splitlines() if " & " in line)
    assert head == r"metric & protocol & a & b \\"
    assert fvd == r"recommended.fvd $\downarrow$\textsuperscript{1} & recommended & $84.1$ & $99.0$ \\"
    assert limit == (
        r"\quad at infinity &  & $\mathbf{43.0}$ {\scriptsize $[40.2, 45.8]$} & $70.0$ {\scriptsize $[66.0, 74.0]$} \\"
    )
    assert kvd.startswith(r"recommended.kvd $\downarrow$\textsuperscript{2} & recommended & $\mathbf{0.0616}$ {\script")
    assert r"$\mathbf{0.0631}$" in kvd  # a tie
    below = " ".join(text.partition(r"\footnotesize")[2].split())
    for said in (
        "Protocol recommended.",
        "90 / 90 clips of 90 / 90 videos (candidate / reference).",
        "Clips of 16 consecutive frames, one of each video, at a random start (seed 42)",
        r"weights i3d\_styleganv (sha256 0123abcd), float32 on cpu",
        "Intervals: jackknife over 20 groups of videos.",
        "Made with vidgauge 1.2.3.",
        "Seed 42.",
        r"\textsuperscript{1}\,Fréchet distance of Gaussian fits with sample covariance.",
        "Bold: the best candidate of a line, and all that are not distinguishable from it.",
        "biased by the number of videos (and by ids that both sets share), and may lie outside of that.",
    ):
        assert said in below, said
    assert r"\usepackage{booktabs}" in text
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}") == 1


def test_sets_of_several_sizes_are_counted_one_by_one() -> None:
    one, two = compared()[:2]
    text = written("markdown", [one, {**two, "n_candidate": 30, "videos_candidate": 30}])
    assert "90 clips of 90 videos of a; 30 clips of 30 videos of b; 90 clips of 90 videos of real." in text


def test_several_runs_are_said() -> None:
    text = written("latex", compared(runs=3, std=0.25, runs_values=[1.0, 2.0, 3.0]))
    assert r"$\mathbf{0.0616 \pm 0.25}$" in text
    assert r"Mean $\pm$ standard deviation over 3 runs, seeds 42 to 44." in text


def test_markdown_is_a_table_with_footnotes() -> None:
    text = written("markdown", compared(warnings=["few | far"]), differences=TIE)
    table = [line for line in text.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table]
    assert {len(line) for line in cells} == {4}
    assert [cell.strip() for cell in cells[2]] == ["recommended.fvd ↓[^1]", "recommended", "84.1", "99.0"]
    assert [cell.strip() for cell in cells[3]][2:] == [r"**43.0** \[40.2, 45.8\]", r"70.0 \[66.0, 74.0\]"]
    assert r"**0.0616** \[0.0574, 0.0658\]" in table[-1]
    assert r"- all: few \| far" in text
    used, given_ = (set(re.findall(pattern, text, re.M)) for pattern in (r"(?<=\w)?\[\^(\d+)\](?!:)", r"^\[\^(\d+)\]:"))
    assert used == given_ == {"1", "2"}


MEANT = {
    **{r"\textbackslash{}": "\\", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#", r"\_": "_", r"\%": "%"},
    **{r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<", r"\textgreater{}": ">"},
    **{r"\textbar{}": "|", r"\textquotedbl{}": '"', r"\textasciigrave{}": "`", "{[}": "[", "{]}": "]", "{}": ""},
}
"""What LaTeX shows for what stands in the text, written down once more."""


@given(st.text(st.sampled_from("\\{}$&#_%~^<>|\"`[]-',ab 1é"), max_size=30))
def test_latex_shows_the_text_as_it_is(text: str) -> None:
    """No sign is left that LaTeX takes for one of its own, and none is lost."""
    pattern = re.compile("|".join(map(re.escape, sorted(MEANT, key=len, reverse=True))))
    shown = escaped(text)
    assert pattern.sub(lambda found: MEANT[found[0]], shown) == " ".join(text.split())
    assert not re.search(r"[\\{}$&#_%~^<>|\"`]", pattern.sub("", shown))
    assert not re.search(r"--|''|,,", shown)


def test_names_are_escaped() -> None:
    rows = [preset_row("recommended.fvd", name, value=value) for name, value in (("a_b&c%", 1.0), ("{x}\\y", 2.0))]
    rows = [{**one, "reference": "real_#1", "note": "50 % of\n^it_"} for one in rows]
    text = written("latex", rows)
    assert r"a\_b\&c\% & \{x\}\textbackslash{}y \\" in text
    assert r"against real\_\#1}" in text
    assert r"50 \% of \textasciicircum{}it\_" in text
    assert r"\label{tab:test}" in text


def test_comments_end_with_their_line() -> None:
    """A warning with a line end would become a part of the paper."""
    text = latex_text(joined([evaluation([row_with("one\ntwo\u2028three")])]))
    assert "% all: one two three\n" in text


def row_with(warning: str) -> dict[str, Any]:
    return preset_row("recommended.fvd", "a", warnings=[warning])


def balanced(text: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}\\]", "", text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("form", ["latex", "markdown", "text"])
def test_every_named_metric_has_a_line(form: str) -> None:
    rows = [preset_row(name, "a", value=1.0, values={"part": 0.5}) for name in presets()]
    text = written(form, rows)
    for name in presets():
        shown = name if form == "text" else name.replace("_", r"\_")
        assert len(re.findall(rf"^[| ]*{re.escape(shown)} ", text, re.MULTILINE)) == 1
    assert not re.search(r"\b(None|null|nan)\b", text.replace("null |", "").replace("| null", ""))
    if form == "latex":
        table = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
        assert balanced(table)
        columns = [len(re.findall(r"(?<!\\)&", line)) for line in table.splitlines() if line.endswith(r"\\")]
        assert len(set(columns)) == 1
        assert table.count("$") % 2 == 0


def files(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(evaluation(rows)))
    return folder


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(main, ["table", *map(str, arguments)])


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    folder = files(tmp_path / "test", *compared())
    done = call(folder, "--format", "latex", "--out", tmp_path / "out" / "table.tex")
    assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "out" / "table.tex").read_text() == latex_text(joined([evaluation(compared())]))
    assert call(folder / "metrics.json", "--format", "markdown").output == markdown_text(
        joined([evaluation(compared())])
    )


def test_metrics_are_chosen(tmp_path: Path) -> None:
    folder = files(tmp_path / "test", *compared())
    table = pd.read_csv(io.StringIO(call(folder, "--format", "csv", "--metric", "recommended.kvd").output))
    assert table["metric"].tolist() == ["recommended.kvd"] * 2
    done = call(folder, "--metric", "recommended.kdv")
    assert done.exit_code == 2
    assert "--metric recommended.kdv: no file has such results; did you mean 'recommended.kvd'?" in done.output


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("[1]")
    done = call(tmp_path)
    assert done.exit_code == 2
    assert len(done.output.splitlines()) == 1
