"""The files that people and programs read: metrics.json and the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgauge.evaluate import ROW
from vidgauge.report.collect import collect
from vidgauge.report.formats import csv_text
from vidgauge.report.notes import intervals
from vidgauge.report.numbers import digits, number
from vidgauge.report.results import joined
from vidgauge.report.table import WIDTH, table_text

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


def difference(metric: str, a: str, b: str, better: str | None = None, *, known: bool = True) -> dict[str, Any]:
    """An entry of `differences`: better is the better one of a and b, or None for a tie."""
    return {
        "metric": metric,
        "a": a,
        "b": b,
        "reference": "real",
        "difference": 1.0 if known else None,
        "ci95": [0.5, 1.5] if known else None,
        "standard_error": 0.25 if known else None,
        "distinguishable": better is not None if known else None,
        "better": better,
        "sentence": f"{a} and {b}: said of {metric}",
    }


def curve(metric: str, candidate: str, sentence: str, bias: str = "vanishing") -> dict[str, Any]:
    """An entry of `curves`, without its points."""
    return {"metric": metric, "candidate": candidate, "bias": bias, "sentence": sentence}


def evaluation(rows: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The content of a metrics.json."""
    return {"evaluation": "test", "results": list(rows), **more}


def lines(*rows: dict[str, Any], **more: Any) -> list[str]:
    return table_text(joined([evaluation(rows, **more)])).splitlines()


def line_of(metric: str, *rows: dict[str, Any], **more: Any) -> list[str]:
    """The cells of a metric's line; a number's spread and mark are cells too."""
    (found,) = (line for line in lines(*rows, **more) if line.startswith(f"{metric} "))
    return found.split()


def notes(*rows: dict[str, Any], **more: Any) -> list[str]:
    return [line for line in lines(*rows, **more) if line.startswith("- ")]


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
        "- motion of a, third of a: drawn",
        "- all: ours",
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
        differences=[difference("looks", "b", "a")],
        curves=[curve("looks", "a", "few")],
        json_out=out["json"],
        csv_out=out["csv"],
        text_out=out["text"],
    )
    found = json.loads(out["json"].read_text())
    assert list(found) == ["evaluation", "results", "differences", "curves", "rejected", "provenance"]
    assert found["evaluation"] == "test"
    assert found["results"] == rows  # in the order of the files
    assert [list(result) for result in found["results"]] == [list(ROW)] * 2
    assert found["differences"] == [difference("looks", "b", "a")]
    assert found["curves"] == [curve("looks", "a", "few")]
    assert out["csv"].read_text() == csv_text(rows)
    assert out["text"].read_text() == table_text(joined([found]))
    assert "2 =" in out["text"].read_text()


def test_a_candidate_without_a_metrics_row_leaves_its_cell_empty() -> None:
    assert line_of("m", row("m", "a"), row("k", "b"))[2:4] == ["1", "40"]


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


def test_intervals_stand_beside_their_numbers() -> None:
    rows = [row(value=84.123, ci95=[79.21, 88.97]), row(candidate="b", value=101.26, ci95=[60.0, 140.0])]
    assert line_of("looks", *rows)[2:9] == ["84.1", "*", "[79.2,", "89.0]", "101", "[60,", "140]"]
    assert any("[ ] 95 % interval" in line for line in lines(*rows))
    assert not any("95 %" in line for line in lines(row()))


def test_an_interval_of_the_limit_stands_beside_the_limit() -> None:
    """The number is biased: an interval that is not its own would look as if it were."""
    rows = [
        row(value=84.1, infinity=43.0, ci95=[40.2, 45.8], infinity_error=1.0),
        row(candidate="b", value=91.0, infinity=52.0, infinity_error=1.0, ci95=None),
    ]
    text = lines(*rows)
    at = next(number for number, line in enumerate(text) if line.startswith("looks"))
    assert text[at].split()[2:5] == ["84.1", "91.0", "40"]
    assert "[" not in text[at]
    assert text[at + 1].split() == ["at", "infinity", "43.0", "*", "[40.2,", "45.8]", "52.0"]
    assert any(line.startswith("at infinity: what infinitely many videos would give") for line in text)


def test_long_lines_have_their_intervals_below() -> None:
    names = [f"generator_of_somebody_{number}" for number in range(5)]
    rows = [row(candidate=name, value=number + 10.0, ci95=[9.0, 20.0]) for number, name in enumerate(names)]
    text = lines(*rows)
    at = next(number for number, line in enumerate(text) if line.startswith("looks"))
    assert max(map(len, text[: at + 2])) <= WIDTH
    assert text[at].split()[2:8] == ["10.0", "*", "11.0", "12.0", "13.0", "14.0"]
    assert text[at + 1].split() == ["[9.0,", "20.0]"] * 5


def test_ties_with_the_best_are_marked() -> None:
    rows = [row(candidate=name, value=value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0))]
    known = [
        difference("looks", "a", "b"),
        difference("looks", "a", "c", better="a"),
        difference("looks", "a", "d", known=False),
        difference("looks", "c", "d"),
    ]
    assert line_of("looks", *rows, differences=known)[2:8] == ["1", "*", "2", "=", "3", "4"]
    assert any("= not distinguishable from the best" in line for line in lines(*rows, differences=known))
    assert notes(*rows, differences=known) == ["- not distinguishable by looks: c and d"]


def test_ties_of_several_metrics_are_one_note() -> None:
    rows = [row(m, c, v) for m in ("looks", "motion") for c, v in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0))]
    known = [difference(m, *pair) for m in ("looks", "motion") for pair in (("b", "c"), ("c", "d"))]
    assert notes(*rows, differences=known) == ["- not distinguishable by any metric: b and c; c and d"]


def test_a_best_number_that_is_not_the_best_is_said() -> None:
    """Bias can turn the order round, and of a third candidate it is not known."""
    rows = [row(value=1.0, infinity=0.9), row(candidate="b", value=2.0, infinity=0.1)]
    known = [difference("looks", "a", "b", better="b")]
    assert notes(*rows, row(candidate="c", value=3.0), differences=known) == [
        "- looks: a has the best number, but a and b: said of looks"
    ]
    assert notes(*rows, differences=known) == []
    (line,) = (line.split() for line in lines(*rows, differences=known) if "at infinity  " in line)
    assert line == ["at", "infinity", "0.9", "0.1", "*"]


def test_the_bias_that_matters_most_speaks_for_its_metric() -> None:
    """c is the most biased one, but far from the others."""
    limits = {"a": (10.0, 4.0), "b": (9.0, 1.0), "c": (50.0, 40.0)}
    rows = [row(candidate=name, value=value, infinity=limit) for name, (value, limit) in limits.items()]
    said = [curve("looks", name, f"the bias is about {value - limit:g}") for name, (value, limit) in limits.items()]
    assert notes(*rows, curves=said) == ["- looks of b: the bias is about 8"]


def test_a_bias_that_cannot_be_told_is_said_once_and_none_goes_without_a_word() -> None:
    rows = [row(m, c) for m in ("looks", "motion", "kernel", "recall") for c in "ab"]
    unknown = [
        curve(m, c, f"at {n} videos it cannot be told") for m in ("looks", "motion") for c, n in (("a", 20), ("b", 21))
    ]
    others = [curve("kernel", "a", "no bias", bias="none"), curve("recall", "b", "depends", bias="size")]
    assert notes(*rows, curves=[*unknown, *others]) == ["- looks, motion: at 20-21 videos it cannot be told"]


def test_sentences_that_differ_in_datasets_and_numbers_are_one() -> None:
    rows = [
        row(m, c, warnings=[f"{c}: {n} samples come from 20 videos", f"real: {n} samples come from 20 videos"])
        for m, n in (("looks", 320), ("motion", 40))
        for c in ("a", "b")
    ]
    assert notes(*rows, row("third")) == ["- looks, motion: a, real, b: 40-320 samples come from 20 videos"]


def test_a_candidate_within_a_sentence_is_no_difference() -> None:
    rows = [row(m, c, warnings=[f"32 videos in {c}, 32 in real"]) for m in ("m", "k") for c in ("mild", "strong")]
    assert notes(*rows) == ["- all: 32 videos in mild/strong, 32 in real"]
    assert notes(*rows, row("third", "mild")) == ["- m, k: 32 videos in mild/strong, 32 in real"]


def test_a_candidate_named_as_a_word_of_a_sentence() -> None:
    rows = [row(candidate=name, warnings=["there is a reason"]) for name in ("a", "b", "c")]
    assert notes(*rows) == ["- a: there is a reason", "- looks of b and c: there is a reason"]


def test_numbers_within_names_are_no_numbers() -> None:
    one, two = row(warnings=["made by fvd2048_16f"]), row(candidate="b", warnings=["made by fvd1024_16f"])
    assert notes(one, two) == ["- looks of a: made by fvd2048_16f", "- looks of b: made by fvd1024_16f"]


def test_the_legend_says_once_what_intervals_are_and_a_note_why_there_are_none() -> None:
    one = row(ci95=[0.5, 1.5], ci95_method="jackknife over 20 groups of videos")
    two = row(candidate="b", ci95_method="none: fewer than 8 videos")
    found = lines(one, two, row(candidate="c", ci95_method="not asked for: uncertainty: false"))
    assert [line for line in found if line.startswith("- ")] == ["- looks of b: no interval: fewer than 8 videos"]
    assert sum("interval" in line for line in found) == 2
    assert any("[ ] 95 % interval by resampling videos (docs/uncertainty.md)" in line for line in found)
    assert intervals(joined([evaluation([one, two])])) == [
        "looks of a: 95 % interval: jackknife over 20 groups of videos"
    ]


def test_warnings_keep_the_order_of_their_importance() -> None:
    """A later row's most serious warning comes before what it comes before there."""
    rows = [row("looks", warnings=["few", "drawn"]), row("motion", warnings=["singular", "few"])]
    assert notes(*rows) == ["- motion: singular", "- all: few", "- looks: drawn"]


SIZES = st.sampled_from([(240, 320), (480, 640), (720, 1280), None])


def sized(metric: str, candidate: str, native: tuple[int, int] | None, **more: Any) -> dict[str, Any]:
    """A score of videos at their own size; at that of the clip spec for None."""
    spec = {"frames": 16, "size": "native", "native": list(native)} if native else {"frames": 16, "size": [24, 32]}
    return row(metric, candidate, **{"column": "sharpness", "clip_spec": spec} | more)


def test_scores_of_several_sizes_are_told_with_the_sizes() -> None:
    rows = [
        sized(metric, name, size)
        for metric in ("sharp", "flat")
        for name, size in (("a", (240, 320)), ("b", (480, 640)))
    ]
    (found,) = notes(*rows, sized("fixed", "a", None), sized("fixed", "b", None))
    assert found.startswith("- sharp, flat: sizes of frames differ: a has 320x240, b has 640x480; such a score may")
    assert notes(*(one | {"column": None} for one in rows)) == []
    assert notes(*(one | {"clip_spec": None} for one in rows)) == []


@given(st.lists(SIZES, min_size=1, max_size=4))
def test_scores_of_one_size_need_no_word(sizes: list[tuple[int, int] | None]) -> None:
    rows = [sized("sharp", f"c{at}", size) for at, size in enumerate(sizes)]
    found = [text for text in notes(*rows) if "sizes of frames differ" in text]
    known = {size for size in sizes if size}
    assert len(found) == (len(known) > 1)
    assert all(f"{width}x{height}" in found[0] for height, width in known if found)


def test_counts_of_datasets_are_listed_once() -> None:
    rows = [row(m, c, warnings=[f"few videos: 32 in {c}, 40 in real; why"]) for m in ("m", "k") for c in ("a", "a-b")]
    alone = row("alone", "a", reference=None, warnings=["few videos: 32 in a; why"])
    assert notes(*rows, alone) == ["- all: few videos: a 32, real 40, a-b 32; why"]
    alike = [row(candidate=c, warnings=[f"few videos: 40 in {c}, 40 in real; why"]) for c in ("a", "b")]
    assert notes(*alike) == ["- all: few videos: 40 in each set; why"]


def test_counts_of_several_datasets_stay_apart() -> None:
    rows = [
        row(m, c, warnings=[f"{c} and real share files: {n} of the 30 videos of {c} are in real", f"{c}: {n} copies"])
        for m in ("m", "k")
        for c, n in (("a", 5), ("b", 15), ("c", 5))
    ]
    assert notes(*rows) == [
        "- a/c and real share files: 5 of the 30 videos of a/c are in real",
        "- b and real share files: 15 of the 30 videos of b are in real",
        "- a, c: 5 copies",
        "- b: 15 copies",
    ]
    assert notes(*rows, row("third", "b"))[-1] == "- m, k: b: 15 copies"


def test_the_legend_has_only_what_is_there() -> None:
    alone = "\n".join(lines(row(reference=None)))
    assert "* best" not in alone
    assert "candidate / reference" not in alone
    assert "±" not in alone
    both = "\n".join(lines(row(runs=2, std=0.5), row(candidate="b", value=2.0, runs=2, std=0.5)))
    assert "* best, ± standard deviation over runs; samples and videos: candidate / reference" in both


def test_rows_of_earlier_versions_have_a_table() -> None:
    later = ("ci95_method", "standard_error", "infinity", "infinity_error", "device", "made_with")
    old = [{key: value for key, value in found.items() if key not in later} for found in (row(), row(candidate="b"))]
    assert lines(*old) == lines(row(), row(candidate="b"))


finite = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9)


@given(finite, st.floats(1e-9, 1e6))
def test_digits_keep_what_an_interval_says(value: float, half: float) -> None:
    """What is shown is off by less than a tenth of half the width, and zeros are not made of what is no zero."""
    half = max(half, 1e-9 * abs(value))
    shown = number({"value": value, "std": None, "ci95": [value - half, value + half]})
    assert abs(float(shown.value) - value) <= 0.06 * half + 1e-12 * abs(value)
    assert (float(shown.value) == 0) == (value == 0)


@pytest.mark.parametrize(
    ("values", "error", "shown"),
    [
        ([84.123], 4.9, "84.1"),
        ([84.123], 49, "84"),
        ([32468.2], 4900, "32500"),
        ([0.061599], 0.0042, "0.0616"),
        ([0.4], 12, "0.4"),
        ([1.25e-7, 0.0], 3e-8, "1.25e-07 0e+00"),
        ([2.5e7], 1e5, "2.500e+07"),
        ([-0.04, -0.0], 0.3, "-0.04 0.00"),
        ([123.456789], 0, "123.46"),
    ],
)
def test_digits(values: list[float], error: float, shown: str) -> None:
    assert " ".join(digits(values, error)) == shown
