"""Who is best and how sure that is, in sentences; names that fit; figures as SVG."""

from __future__ import annotations

from typing import Any

from tests.unit.report import fabricate
from vidgauge.report.page import svg
from vidgauge.report.page.leaders import pairs, score, table
from vidgauge.report.page.text import short
from vidgauge.report.page.verdict import verdict
from vidgauge.report.results import joined
from vidgauge.report.standing import Line, lines


def lines_of(*numbers: dict[str, float], told: float = 0.5, bias: float | None = None) -> list[Line]:
    """A line for each metric, lower is better; candidates are told apart if they differ by more than `told`."""
    rows, found = [], []
    for at, of in enumerate(numbers):
        name = f"metric{at}"
        rows += [fabricate.row(name, "lower", who, number, 0.1, bias, 60) for who, number in of.items()]
        names = list(of)
        for a, b in ((a, b) for i, a in enumerate(names) for b in names[i + 1 :]):
            found.append(fabricate.difference(name, "lower", a, b, of, told / 1.96))
    return standings(rows, found)


def standings(rows: list[dict[str, Any]], differences: list[dict[str, Any]]) -> list[Line]:
    return lines(joined([{"evaluation": "test", "results": rows, "differences": differences}]))


def test_best_tie_and_behind() -> None:
    (line,) = lines_of({"a": 2.0, "b": 1.8, "c": 9.0})
    assert [line.standing(name) for name in "abc"] == ["tie", "best", "behind"]
    assert [line.rank(name) for name in "abc"] == [2, 1, 3]


def test_equal_numbers_share_their_rank_and_none_is_best() -> None:
    (line,) = lines_of({"a": 2.0, "b": 2.0})
    assert (line.best, line.rank("a"), line.rank("b")) == ((), 1, 1)


def test_candidates_are_judged_by_the_infinity_where_all_have_it() -> None:
    (line,) = lines_of({"a": 2.0, "b": 1.0}, bias=50.0)
    assert line.judged == {"a": 2.0, "b": 1.0}
    rows = dict(line.rows)
    rows["b"] = {**rows["b"], "infinity": None}
    (other,) = standings(list(rows.values()), [])
    assert other.judged == {"a": 52.0, "b": 51.0}


def test_sets_of_several_sizes_are_judged_at_infinity_alone() -> None:
    for bias, best in ((None, ()), (50.0, ("b",))):
        (line,) = lines_of({"a": 2.0, "b": 1.0}, bias=bias)
        rows = [{**line.rows["a"], "n_candidate": 40}, line.rows["b"]]
        assert standings(rows, [])[0].best == best


def test_the_verdict_names_the_best_how_sure_and_who_disagrees() -> None:
    said = verdict(
        lines_of(
            {"a": 1.0, "b": 2.0, "c": 8.0},
            {"a": 1.0, "b": 1.1, "c": 8.0},
            {"a": 5.0, "b": 1.0, "c": 8.0},
            {"a": 1.0, "b": 2.0, "c": 8.0},
        )
    )
    assert said.headline == "a is best or tied for best by 3 of 4 metrics, clearly better than all others by 2."
    assert said.sentences == (
        "Against b it is clearly better by 2, clearly worse by 1 and tied by 1 of 4.",
        "It is clearly better than c by all 4 metrics.",
        "The metrics disagree: metric2 puts b first.",
    )


def test_a_lead_that_is_a_tie_is_no_lead() -> None:
    said = verdict(lines_of({"a": 1.0, "b": 1.1}, {"a": 1.0, "b": 1.2}))
    assert said.headline == "a and b are tied by all 2 metrics."
    assert said.sentences == ()


def test_a_leader_is_one_by_wins_and_by_ties() -> None:
    """One is alone in front once, the other tied for best more often: neither leads."""
    tied = {"a": 9.0, "b": 1.0, "c": 1.1}
    said = verdict(lines_of({"a": 1.0, "b": 3.0, "c": 3.0}, tied, tied))
    assert said.headline == (
        "No candidate leads: b is best or tied for best by 2 of 3 metrics, clearly better than all others by none; "
        "a is clearly better than all others by 1 of 3 metrics."
    )


def test_the_differences_decide_and_not_the_numbers() -> None:
    (line,) = lines_of({"a": 1.0, "b": 1.1, "c": 1.6})
    assert [line.place(name) for name in "abc"] == ["tie", "tie", "behind"]
    rows = [*line.rows.values()]
    told = [{**pair.said, "distinguishable": True, "better": "b"} for pair in line.pairs if pair.said["b"] == "b"]
    (other,) = standings(rows, told)
    assert [other.place(name) for name in "abc"] == ["behind", "best", "behind"]
    assert not other.clear("b")  # nothing is known of b and c


def test_metrics_that_cannot_rank_are_named() -> None:
    even, uneven = lines_of({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}, bias=50.0)
    few = {**uneven.rows["a"], "videos_candidate": 10}
    pair = [one.said for one in even.pairs]
    said = verdict(standings([*even.rows.values(), few, uneven.rows["b"]], pair))
    assert said.headline == "a is clearly better than all others by 1 of 2 metrics."
    assert said.sentences[-1] == "1 of 2 metrics ranks nobody: sets have different numbers of videos (metric1)."


def test_few_videos_are_not_ranked_among_many() -> None:
    (line,) = lines_of({"a": 1.0, "b": 2.0}, bias=50.0)
    (other,) = standings([{**line.rows["a"], "videos_candidate": 10}, line.rows["b"]], [])
    assert (other.at_infinity, other.best, other.rank("a"), other.rank("b")) == (True, (), None, None)


def test_two_leaders() -> None:
    said = verdict(lines_of({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0}))
    assert said.headline == "a and b are each clearly better than all others by 1 of 2 metrics."
    assert said.sentences == ("The metrics disagree: metric0 puts a first; metric1 puts b first.",)


def test_without_differences_nothing_is_said_to_be_sure() -> None:
    rows = [row for line in lines_of({"a": 1.0, "b": 2.0}) for row in line.rows.values()]
    said = verdict(standings(rows, []))
    assert said.headline == "a has the best number by the only metric."
    assert "No intervals of the differences are known" in said.sentences[0]


def test_score_and_pairs_count() -> None:
    lines = lines_of({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 1.1})
    assert [(one["name"], one["best"], one["ties"]) for one in score(lines, ["b", "a"])] == [("a", 1, 1), ("b", 0, 1)]
    assert pairs(lines, ["a", "b"])[0]["text"] == "Of 2 metrics, a is better in 1 and 1 is a tie."


def test_rows_of_the_table_stand_in_order_of_rank() -> None:
    rows = table(lines_of({"a": 3.0, "b": 1.0, "c": 2.0}))
    assert [row["candidate"] for row in rows] == ["b", "c", "a"]


def test_long_names_keep_both_ends() -> None:
    assert short("run-0001-of-the-long-name-17", 12) == "run-00…me-17"
    assert short("フィルムフィルム", 8) == "フィ…ム"
    assert short("a\nb", 9) == "a b"


def test_numbers_in_the_text_of_a_figure_stay_as_they_are() -> None:
    with svg.style():
        figure, _ = svg.panel(100, 50)
        svg.write(figure, 1, 20, "0.123456789 #0a0001 url(#x) <b>")
        drawn = svg.inline(figure, "p", 'a "label" <b>')
    assert ">0.123456789 #0a0001 url(#x) &lt;b&gt;</text>" in drawn
    assert 'aria-label="a &#34;label&#34; &lt;b&gt;"' in drawn
