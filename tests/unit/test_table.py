"""The files that people and programs read: metrics.json, metrics.csv, and the table."""

from __future__ import annotations

import csv
import io
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import vidgauge
from vidgauge.evaluate import ROW
from vidgauge.report import collect as module
from vidgauge.report.collect import collect, provenance
from vidgauge.report.table import csv_text, table_text

PLAN = {"evaluation": "test", "config": {"seed": 42}, "metrics": {"looks": {"metric": "looks"}}}


def row(metric: str = "looks", candidate: str = "a", value: float | None = 1.0, **changes: Any) -> dict[str, Any]:
    """A row with every key of the contract."""
    found = dict.fromkeys(ROW) | {
        "metric": metric,
        "protocol": "user",
        "candidate": candidate,
        "reference": "real",
        "value": value,
        "n_candidate": 40,
        "n_reference": 50,
        "videos_candidate": 20,
        "videos_reference": 25,
        "better": "lower",
        "clip_spec": {"frames": 16, "size": [24, 32]},
        "options": {},
        "knobs": {"reduce": metric},
        "runs_values": [value],
        "warnings": [],
        "values": {},
    }
    return found | changes


def read_csv(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(rows))))


def lines(*rows: dict[str, Any]) -> list[str]:
    return table_text("test", rows).splitlines()


def line_of(metric: str, *rows: dict[str, Any]) -> list[str]:
    """The cells of a metric's line; a number's spread and mark are cells too."""
    (found,) = (line for line in lines(*rows) if line.startswith(f"{metric} "))
    return found.split()


def notes(*rows: dict[str, Any]) -> list[str]:
    return [line for line in lines(*rows) if line.startswith("- ")]


def test_csv_columns() -> None:
    text = csv_text([row(values={"precision": 0.5, "recall": 0.25}), row(values={"density": 2})])
    columns = [name for key in ROW if key != "values" for name in ({"ci95": ["ci95_lo", "ci95_hi"]}.get(key, [key]))]
    assert text.splitlines()[0].split(",") == [*columns, "values.precision", "values.recall", "values.density"]
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


@pytest.mark.parametrize(("better", "arrow", "best"), [("lower", "↓", "a"), ("higher", "↑", "b")])
def test_the_best_is_marked_in_its_direction(better: str, arrow: str, best: str) -> None:
    cells = line_of("looks", row(value=1.5, better=better), row(candidate="b", value=2.5, better=better))
    marked = {"a": ["1.5", "*", "2.5"], "b": ["1.5", "2.5", "*"]}[best]
    assert cells[: 2 + len(marked)] == ["looks", arrow, *marked]


def test_each_metric_has_its_own_best() -> None:
    rows = [
        row("looks", "a", 1.0),
        row("looks", "b", 2.0),
        row("motion", "a", 1.0, better="higher"),
        row("motion", "b", 2.0, better="higher"),
    ]
    assert line_of("looks", *rows)[2:5] == ["1", "*", "2"]
    assert line_of("motion", *rows)[2:5] == ["1", "2", "*"]


def test_nothing_is_best_of_one() -> None:
    assert "*" not in line_of("looks", row())
    assert "*" not in line_of("looks", row(), row(candidate="b", value=None))


def test_undefined_is_never_best() -> None:
    rows = row(value=None), row(candidate="b", value=3.0), row(candidate="c", value=2.0)
    assert line_of("looks", *rows)[2:6] == ["undefined", "3", "2", "*"]


def test_ties_have_one_mark_at_most() -> None:
    assert line_of("looks", row(), row(candidate="b")).count("*") <= 1


def test_spread_and_digits() -> None:
    assert line_of("looks", row(value=123.456789, std=0.0123))[2:5] == ["123.46", "±", "0.012"]
    assert line_of("looks", row(value=-1.25e-7))[2] == "-1.25e-07"


def test_title_and_columns() -> None:
    found = lines(row(candidate="z"), row(candidate="a", value=2.0))
    assert found[0] == "test: z, a against real"  # in the order of the rows
    assert found[2].split() == ["metric", "z", "a", "samples", "videos"]
    assert lines(row(reference=None, n_reference=None, videos_reference=None))[0] == "test: a"


def test_counts() -> None:
    same = line_of("looks", row(), row(candidate="b", value=2.0))
    assert same[-6:] == ["40", "/", "50", "20", "/", "25"]
    different = line_of("looks", row(), row(candidate="b", n_candidate=30, videos_candidate=10))
    assert different[-6:] == ["30-40", "/", "50", "10-20", "/", "25"]
    assert line_of("looks", row(reference=None, n_reference=None, videos_reference=None))[-2:] == ["40", "20"]


def test_columns_are_aligned() -> None:
    rows = [
        row(name, candidate, value)
        for name in ("looks", "a_much_longer_name")
        for candidate, value in (("a", 1.0), ("b", 22222.0))
    ]
    head, one, two = lines(*rows)[2:5]
    assert len(head) == len(one) == len(two)
    assert one.index("↓") == two.index("↓")
    assert one.index(" *") == two.index(" *")


def test_notes_are_given_once_with_what_they_speak_of() -> None:
    rows = [
        row("looks", "a", warnings=["few"], note="ours"),
        row("looks", "b", warnings=["few"], note="ours"),
        row("motion", "a", note="ours", warnings=["drawn"]),
        row("motion", "b", note="ours"),
        row("third", "a", note="ours", warnings=["few", "drawn"]),
        row("third", "b", note="ours"),
    ]
    assert notes(*rows) == [
        "- looks, third of a: few",
        "- all: ours",
        "- motion of a, third of a: drawn",
    ]


def test_no_notes_where_there_are_none() -> None:
    assert notes(row()) == []


def test_collect_writes_all_three(tmp_path: Path) -> None:
    rows = [row("looks", "b", 2.0, warnings=["ü"]), row("looks", "a", 1.0)]
    files = [tmp_path / f"{number}.json" for number in range(2)]
    for file, content in zip(files, rows, strict=True):
        file.write_text(json.dumps(content))
    out = {kind: tmp_path / "out" / kind for kind in ("json", "csv", "text")}
    collect(
        PLAN,
        [json.loads(file.read_text()) for file in files],
        [],
        json_out=out["json"],
        csv_out=out["csv"],
        text_out=out["text"],
    )
    found = json.loads(out["json"].read_text())
    assert list(found) == ["evaluation", "results", "rejected", "provenance"]
    assert found["evaluation"] == "test"
    assert found["results"] == rows  # in the order of the files
    assert [list(result) for result in found["results"]] == [list(ROW)] * 2
    assert out["csv"].read_text() == csv_text(rows)
    assert out["text"].read_text() == table_text("test", rows)


def test_provenance_says_what_made_the_numbers() -> None:
    found = provenance(PLAN)
    assert found["vidgauge"] == vidgauge.__version__
    assert found["config"] == PLAN["config"]
    assert found["metrics"] == PLAN["metrics"]
    assert found["packages"]["numpy"] == metadata.version("numpy")
    assert {"torch", "av", "scipy", "timm", "h5py"} <= set(found["packages"])


def test_two_runs_differ_under_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = provenance(PLAN)
    monkeypatch.setattr(module.socket, "gethostname", lambda: "elsewhere")
    second = provenance(PLAN)
    assert second["made"]["host"] == "elsewhere"
    assert second["made"]["at"] >= first["made"]["at"]
    assert {key for key in first if first[key] != second[key]} == {"made"}
    assert set(first["made"]) == {"at", "host"}


def test_a_candidate_without_a_metrics_row_leaves_its_cell_empty() -> None:
    assert len(table_text("t", [row("m", "a"), row("k", "b")]).splitlines()) >= 5


def test_two_equal_best_ones_are_both_marked() -> None:
    assert line_of("looks", row(), row(candidate="b"), row(candidate="c", value=9.0)).count("*") == 2


def test_other_settings_are_other_lines_and_a_note_says_which() -> None:
    """Two numbers of one metric that do not compare never stand side by side."""
    one = row(candidate="a", value=2.0, knobs={"reduce": "frechet", "stride": "1"})
    two = row(candidate="b", value=1.0, knobs={"reduce": "frechet", "stride": "8"})
    text = lines(one, two)
    assert [line.split()[:2] for line in text if line.startswith("looks")] == [["looks", "[1]"], ["looks", "[2]"]]
    assert not any("*" in line for line in text if line.startswith("looks"))  # neither is the better one
    assert notes(one, two) == ["- looks [1], looks [2] do not compare with one another: stride 1 | 8"]


def test_protocols_are_named_where_there_are_several() -> None:
    known = {"reduce": "frechet", "size": "256"}
    one = row("fvd", protocol="data-juicer", knobs=known | {"size": "[240, 320]"})
    two = row("cd-fvd.i3d", protocol="cd-fvd", knobs=known)
    three = row("kvd", protocol="data-juicer", knobs=known | {"reduce": "kernel"})
    assert "protocol" in lines(one, two, three)[2]
    assert "protocol" not in lines(row("a"), row("b"))[2]
    assert "protocol" in lines(row("fvd2048_16f"))[2]  # the name of a preset, and yet one's own definition
    (said,) = notes(one, two, three)
    assert said.startswith("- fvd (data-juicer), cd-fvd.i3d (cd-fvd) do not compare with one another")
    assert said.endswith("they differ in: size [240, 320] | 256")


def test_another_reference_is_another_line() -> None:
    found = notes(row(reference="real"), row(reference="held-out", candidate="b"))
    assert any("with one another: reference real | held-out" in note for note in found)
    one, two = row(reference_digest="1" * 64), row(reference_digest="2" * 64, candidate="b")
    assert any("with one another: reference real (11111111) | real (22222222)" in note for note in notes(one, two))
    assert not notes(one, row(reference_digest="1" * 64, reference="the same", candidate="b"))


def test_counts_that_are_not_known() -> None:
    assert line_of("looks", row(n_reference=None, videos_reference=None))[-6:] == ["40", "/", "?", "20", "/", "?"]


def test_two_names_of_one_number() -> None:
    """clean-fid's legacy_tensorflow is torch-fidelity's FID."""
    known = {"reduce": "frechet"}
    one = row("clean-fid.x", protocol="clean-fid", knobs=known)
    assert notes(one, row("torch-fidelity.x", protocol="torch-fidelity", knobs=known)) == [
        "- clean-fid.x (clean-fid), torch-fidelity.x (torch-fidelity) have the same settings: names of one number"
    ]


def test_sets_of_several_sizes_have_no_best() -> None:
    one, two = row(candidate="a", value=2.0), row(candidate="b", value=1.0, n_candidate=8)
    assert "*" not in line_of("looks", one, two)
    assert notes(one, two) == ["- looks: different numbers of samples, so no best one is marked"]
