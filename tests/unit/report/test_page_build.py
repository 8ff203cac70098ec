"""The page of a report: what it says, that it escapes everything, and that it bears whatever is missing."""

from __future__ import annotations

import copy
import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.unit.report import fabricate
from vidgauge.report.page import figures_curves, svg
from vidgauge.report.page.build import MARKS
from vidgauge.report.page.looks import looks

NASTY = ("<script>alert(1)</script>", "\"quoted\" & 'so' $x_1$ </script>", "🎬 フィルム", "n" * 79 + "m")


@pytest.fixture
def data() -> fabricate.Data:
    return fabricate.everything(("mild", "strong", "scrambled"), metrics=4, videos=60, maps=1)


class Page(HTMLParser):
    """The tags of a page, the text in them, the ids, and what is in its script elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the base class names it
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)
        elif self.inside != "style":
            self.words.append(data)

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.tags if "id" in attrs]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def test_the_first_screen_answers(data: fabricate.Data) -> None:
    page = Page(fabricate.report_of(data))
    assert "mild is clearly better than all others by all 4 metrics." in page.text
    assert "It is clearly better than strong and scrambled by all 4 metrics." in page.text


def test_the_same_data_give_the_same_page(data: fabricate.Data) -> None:
    assert fabricate.report_of(data) == fabricate.report_of(copy.deepcopy(data))


def test_nothing_is_fetched_and_every_name_is_there_once(data: fabricate.Data) -> None:
    page = Page(fabricate.report_of(data))
    assert len(page.ids()) == len(set(page.ids()))
    for tag, attrs in page.tags:
        for key in ("src", "href", "xlink:href", "action", "srcset"):
            if (link := attrs.get(key)) is not None:
                assert link.startswith(("#", "data:")), (tag, link)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_references_inside_of_figures_are_to_their_own_names(data: fabricate.Data) -> None:
    whole = fabricate.report_of(data)
    for figure in re.findall(r"<svg .*?</svg>", whole, re.DOTALL):
        names = set(re.findall(r' id="([^"]*)"', figure))
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', figure)) == names
        assert "#0a00" not in figure


@pytest.mark.parametrize("name", NASTY)
def test_names_are_text_and_nothing_else(name: str) -> None:
    plain = Page(fabricate.report_of(fabricate.everything(("mild", "plain"), metrics=4, videos=60, maps=1)))
    given = fabricate.everything(("mild", name), metrics=4, videos=60, maps=1)
    given["results"]["evaluation"] = name
    page = Page(fabricate.report_of(given))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"wbr"}
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert {key for _, attrs in page.tags for key in attrs} <= {key for _, attrs in plain.tags for key in attrs}
    assert name in page.text
    assert page.scripts[0] == plain.scripts[0]
    points = json.loads(page.scripts[1])["maps"][0]
    assert points["datasets"] == ["real", "mild", name]


def test_a_title_in_a_figure_is_not_read_as_mathematics() -> None:
    whole = fabricate.report_of(fabricate.everything(("a$x$", "b"), metrics=1, videos=60, maps=0))
    assert re.search(r"<text[^>]*>a\$x\$</text>", whole)


def sections(whole: str) -> set[str]:
    return {str(attrs["id"]) for tag, attrs in Page(whole).tags if tag == "section"}


def test_what_is_not_there_has_no_section(data: fabricate.Data) -> None:
    everything = sections(fabricate.report_of(data))
    bare = {**data, "surveys": {}, "maps": [], "sheets": {}, "stages": [], "stages_summary": "", "methods": {}}
    bare["results"] = {**data["results"], "differences": [], "curves": []}
    whole = fabricate.report_of(bare)
    assert sections(whole) == {"leaderboard", "warnings", "provenance"}
    assert everything - sections(whole) == {
        "differences",
        "how-many",
        "map",
        "distances",
        "clips",
        "datasets",
        "stages",
    }
    assert "how sure this is cannot be said" in whole
    assert len(whole) < 100_000  # no bundle


def test_one_candidate() -> None:
    page = Page(fabricate.report_of(fabricate.everything(("mild",), metrics=4, videos=60, maps=1)))
    assert "mild is the only candidate, so there is nothing to rank." in page.text
    assert "best by" not in page.text


def test_no_reference() -> None:
    given = fabricate.everything(("mild", "strong"), metrics=5, videos=60, maps=0)
    given["results"]["results"] = [row for row in given["results"]["results"] if row["reference"] is None]
    given["maps"] = [fabricate.feature_map("features", ("mild", "strong"), reference=None, shown=20)]
    page = Page(fabricate.report_of(given))
    assert "against" not in page.text.split("Leaderboard")[1].split("Provenance")[0]
    assert "distances" not in page.ids()


def test_numbers_that_are_undefined(data: fabricate.Data) -> None:
    for row in data["results"]["results"]:
        if row["candidate"] == "mild" or row["metric"] == "kernel_frames_lite0":
            row |= dict.fromkeys(("value", "ci95", "standard_error", "infinity", "infinity_error"))
    for one in data["results"]["differences"]:
        one |= dict.fromkeys(("difference", "ci95", "standard_error", "distinguishable", "better"))
    page = Page(fabricate.report_of(data))
    assert "undefined" in page.text
    assert "Without a number for some candidate: frechet_frames_lite0, frechet_motion_lite0" in page.text


def test_a_value_outside_of_its_interval_is_said_to_be(data: fabricate.Data) -> None:
    page = Page(fabricate.report_of(data))
    assert "at infinity; value outside" in page.text
    assert "the measured value, the hollow circle, may lie outside of it" in page.text


def test_a_bias_that_is_not_known_is_marked(data: fabricate.Data) -> None:
    assert "measured value, bias not known" not in Page(fabricate.report_of(data)).text
    row, curve = data["results"]["results"][0], data["results"]["curves"][0]
    row["infinity"] = curve["infinity"] = None
    page = Page(fabricate.report_of(data))
    assert "measured value, bias not known" in page.text
    assert "Half full: the number holds at this number of videos" in page.text


def test_every_dot_of_the_first_screen_names_its_metric(data: fabricate.Data) -> None:
    page = Page(fabricate.report_of(data))
    names = [row["metric"] for row in data["results"]["results"] if row["candidate"] == "mild"]
    dots = [str(attrs["aria-label"]).partition(":")[0] for tag, attrs in page.tags if tag == "span" and "role" in attrs]
    assert dots == names * 3
    assert f"In order: {', '.join(names)}" in page.text


def test_maps_are_named_by_their_features(data: fabricate.Data) -> None:
    data["maps"] = [{**data["maps"][0], "name": name} for name in ("one", "two")]
    data["sheets"] = {}
    page = Page(fabricate.report_of(data))
    assert "efficientnet_lite0, features (one)" in page.text
    assert "efficientnet_lite0, features (two): used by frechet_frames_lite0 and kernel_frames_lite0." in page.text


def test_scales_far_apart_and_no_spread(data: fabricate.Data) -> None:
    for row, value in zip(data["results"]["results"], [3e-12, 4e15, 0.0] * 4, strict=True):
        row |= {"value": value, "infinity": None, "infinity_error": None, "ci95": [value, value]}
    assert "4e+15" in Page(fabricate.report_of(data)).text


def test_sets_of_several_sizes_have_no_best(data: fabricate.Data) -> None:
    for row in data["results"]["results"]:
        row |= {"infinity": None, "infinity_error": None, "n_candidate": 60 if row["candidate"] == "mild" else 61}
    page = Page(fabricate.report_of(data))
    assert "No candidate can be called best." in page.text
    assert "All 4 metrics rank nobody: sets have different numbers of samples (frechet_frames_lite0," in page.text


def test_many_warnings_are_said_once_each(data: fabricate.Data) -> None:
    rows = data["results"]["results"]
    for row in rows:
        row["warnings"] = [f"the reason {'abcdefghij'[number]} is <plain>" for number in range(10)]
    whole = fabricate.report_of(data)
    assert "10 warnings to read" in Page(whole).text
    assert whole.count(html.escape("the reason c is <plain>")) == 1


def test_of_many_pairs_those_with_the_best_candidate_are_drawn_at_once() -> None:
    names = tuple(f"run{number}" for number in range(8))
    page = Page(fabricate.report_of(fabricate.everything(names, metrics=1, videos=60, maps=0)))
    assert "The other 21 pairs" in page.text
    drawn = [str(attrs["aria-label"]) for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    compared = [label.partition(":")[0] for label in drawn if " and " in label.partition(":")[0]]
    best = re.search(r"(run\d)(?:, run\d)*(?: and run\d)? (?:is|are each) (?:best|clearly better)", page.text)
    assert best is not None
    assert len(compared) == 28
    assert all(label.startswith(f"{best[1]} and ") for label in compared[:7])


def test_provenance_and_methods_are_whole(data: fabricate.Data) -> None:
    made: dict[str, Any] = data["results"]["provenance"]
    page = Page(fabricate.report_of(data))
    for text in (made["git_revision"], made["packages"]["torch"], "--cores", "videos/strong"):
        assert text in page.text
    assert all(text in page.text for text in data["methods"].values())


def test_every_figure_says_what_it_shows(data: fabricate.Data) -> None:
    page = Page(fabricate.report_of(data))
    figures = [attrs for tag, attrs in page.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(figures) > 10
    assert all(len(str(attrs["aria-label"])) > 20 for attrs in figures)
    label = str(figures[0]["aria-label"])
    assert re.match(r"frechet_frames_lite0, lower is better: mild [\d.]+, [\d.]+ with infinitely many videos \[", label)
    assert all(attrs["alt"] for tag, attrs in page.tags if tag == "img")


@pytest.mark.stress
def test_many_maps_have_fewer_marks_each_and_clips_of_the_first_ones_alone() -> None:
    given = fabricate.everything(("mild", "strong"), metrics=2, maps=9)
    page = Page(fabricate.report_of(given))
    live = json.loads(page.scripts[1])
    shown = [sum(point[0] == at for point in drawn["points"]) for drawn in live["maps"] for at in range(3)]
    assert shown == [MARKS // 27] * 27
    assert f"Shown: real {MARKS // 27} of 1000" in page.text
    assert len({frozenset(point[1] for point in drawn["points"]) for drawn in live["maps"]}) == 1  # the same videos
    assert (
        "clips are shown for the first 4 maps only, and not for efficientnet_lite0, layer4, efficientnet" in page.text
    )
    few = Page(fabricate.report_of({**given, "maps": given["maps"][:4]}))
    assert "clips are shown for" not in few.text
    assert "Shown: real 1000, mild 1000" in few.text


def test_a_panel_shows_the_number_that_candidates_are_judged_by(data: fabricate.Data) -> None:
    """Where one has no infinity, the others' would not compare with its value."""
    rows = data["results"]["results"]
    assert rows[0]["metric"] == rows[1]["metric"] == "frechet_frames_lite0"
    rows[0]["infinity"], rows[0]["ci95"], rows[1]["ci95"] = None, [100.0, 101.0], [120.0, 121.0]
    figure = fabricate.report_of(data).partition('aria-label="frechet_frames_lite0, lower')[2].partition("</svg>")[0]
    assert f">{rows[0]['value']:.2f}<" in figure
    assert f">{rows[1]['value']:.2f}<" in figure
    assert f">{rows[1]['infinity']:.2f}<" not in figure


def test_a_fit_is_drawn_as_it_was_made(data: fabricate.Data) -> None:
    """With another slope the line is another one; without one there is none."""
    (curve,) = data["results"]["curves"][:1]

    def drawn(**changes: Any) -> str:
        with svg.style():
            return figures_curves.curves("m", [{**curve, **changes}], looks(["real"], ["mild"]), "p")

    assert len({drawn(), drawn(slope=2 * curve["slope"]), drawn(slope=None)}) == 3
    assert drawn(slope=None).count("<path") < drawn().count("<path")
