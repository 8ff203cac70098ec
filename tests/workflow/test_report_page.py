"""The report in a browser without a network: it shows, sorts, changes its theme, saves, and fits a phone.

Its pictures are kept in the folder that VIDGAUGE_ARTEFACTS names, else in results/artefacts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report import fabricate
from tests.workflow.project import ROOT

pytestmark = pytest.mark.workflow

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARTEFACTS = Path(os.environ.get("VIDGAUGE_ARTEFACTS") or ROOT / "results" / "artefacts")
LONG = 'a candidate with <b>markup</b>, "quotes", 🎬 and a name that is eighty letters long.'


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    data = fabricate.everything(("mild", "strong", "scrambled", LONG), videos=300, maps=2)
    file.write_text(fabricate.report_of(data), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on PATH")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any, page_file: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page in a window without a network; whatever it asks for or complains of fails the test at its end."""
    how = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", **getattr(request, "param", {})}
    context = browser.new_context(offline=True, **how)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if allowed(asked.url, page_file) else wrong.append(asked.url))
    page.route("**/*", lambda route: route.continue_() if allowed(route.request.url, page_file) else route.abort())
    page.goto(page_file.as_uri())
    yield page
    context.close()
    assert wrong == []


def allowed(url: str, page_file: Path) -> bool:
    return url.startswith(("data:", "blob:")) or url.partition("#")[0] == page_file.as_uri()


def alive(page: Any) -> None:
    """Every map has been seen, and is drawn by the script."""
    for figure in page.query_selector_all("figure.map"):
        figure.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('figure.map canvas').length == 2")
    page.evaluate("scrollTo(0, 0)")


def column(page: Any, number: int) -> list[str]:
    cells = page.query_selector_all(f"table.numbers tbody tr > :nth-child({number})")
    return [cell.inner_text().strip() for cell in cells]


PHONE = {"viewport": {"width": 390, "height": 844}}
DARK = {"color_scheme": "dark"}


@pytest.mark.parametrize(
    "opened",
    [
        pytest.param({}, id="1280"),
        pytest.param(PHONE, id="390"),
        pytest.param(DARK, id="dark", marks=pytest.mark.stress),
        pytest.param(PHONE | DARK, id="390-dark", marks=pytest.mark.stress),
    ],
    indirect=True,
)
def test_it_shows_and_fits(opened: Any, request: pytest.FixtureRequest) -> None:
    alive(opened)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = opened.evaluate(
        "[...document.querySelectorAll('figure')].filter(one => !one.closest('details:not([open])'))"
        ".map(one => [...one.querySelectorAll('svg[role=img], canvas, img')]"
        ".filter(seen => !seen.closest('[hidden]')).map(seen => seen.getBoundingClientRect())"
        ".map(box => Math.min(box.width, box.height)))"
    )
    assert len(sizes) > 8
    assert all(figure and min(figure) > 20 for figure in sizes)
    assert opened.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert opened.evaluate("document.images.length") > 40
    kept = ARTEFACTS / "report"
    kept.mkdir(parents=True, exist_ok=True)
    name = request.node.callspec.id
    opened.screenshot(path=kept / f"{name}-first-screen.png")
    opened.screenshot(path=kept / f"{name}.png", full_page=True)


def test_the_table_sorts_by_click_and_by_keyboard(opened: Any) -> None:
    metrics = column(opened, 1)
    values = column(opened, 4)
    opened.click("th[data-key=value] button")
    assert opened.get_attribute("th[data-key=value]", "aria-sort") == "ascending"
    rising = [float(value) for value in column(opened, 4)]
    assert column(opened, 1) == metrics
    assert all(rising[at : at + 4] == sorted(map(float, values[at : at + 4])) for at in range(0, 40, 4))
    opened.focus("th[data-key=value] button")
    opened.keyboard.press("Enter")
    assert opened.get_attribute("th[data-key=value]", "aria-sort") == "descending"
    falling = [float(value) for value in column(opened, 4)]
    assert all(falling[at : at + 4] == sorted(rising[at : at + 4], reverse=True) for at in range(0, 40, 4))
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Space")
    assert opened.get_attribute("th[data-key=rank]", "aria-sort") == "ascending"
    assert opened.get_attribute("th[data-key=value]", "aria-sort") is None
    ranks = [cell[0] for cell in column(opened, 3)]
    assert ranks == sorted(ranks)
    opened.click("th[data-key=candidate] button")
    assert column(opened, 2) == sorted(column(opened, 2), key=["mild", "strong", "scrambled", LONG].index)


def test_the_theme_changes_and_is_remembered(opened: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    before = opened.evaluate(paper)
    opened.click("#theme")
    dark = opened.evaluate(paper)
    assert dark != before
    opened.reload()
    assert opened.evaluate(paper) == dark
    opened.click("#theme")
    assert opened.evaluate(paper) == before


def test_the_map_hides_datasets_by_keyboard_and_tells_of_a_mark(opened: Any) -> None:
    alive(opened)
    figure = opened.query_selector("figure.map")
    figure.scroll_into_view_if_needed()
    before = figure.query_selector("canvas").screenshot()
    figure.query_selector("input[data-dataset='0']").focus()
    opened.keyboard.press("Space")
    opened.wait_for_timeout(200)
    assert figure.query_selector("canvas").screenshot() != before
    box = figure.query_selector("canvas").bounding_box()
    tip = "#vg-tooltip-element.visible"
    for step in range(200):
        opened.mouse.move(box["x"] + box["width"] * (0.3 + 0.002 * step), box["y"] + box["height"] / 2)
        if opened.query_selector(tip):
            break
    assert "distance" in opened.inner_text(tip)


@pytest.mark.parametrize("kind", ["svg", pytest.param("png", marks=pytest.mark.stress)])
def test_figures_are_saved(opened: Any, kind: str, tmp_path: Path) -> None:
    alive(opened)
    figures = opened.query_selector_all("figure:has([data-save])")
    shown = [figure for figure in figures if figure.is_visible()]
    assert len(shown) > 8
    for number, figure in enumerate(shown):
        with opened.expect_download() as download:
            figure.query_selector(f"[data-save={kind}]").click()
        saved = tmp_path / f"{number}.{kind}"
        download.value.save_as(saved)
        assert download.value.suggested_filename.endswith(f".{kind}")
        found = saved.read_bytes()
        if kind == "png":
            assert found.startswith(b"\x89PNG")
        else:
            assert b"var(--" not in found
            assert len(found) > 500


@pytest.mark.parametrize("opened", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_everything_is_there_but_hovering(opened: Any) -> None:
    assert "mild is clearly better than all others by" in opened.inner_text("h1")
    assert len(column(opened, 1)) == 40
    assert opened.query_selector("figure.map .still svg").is_visible()
    assert not any(button.is_visible() for button in opened.query_selector_all("[data-save], #theme"))


def test_every_control_is_reached_by_tab(opened: Any) -> None:
    wanted = opened.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary')].filter(one => one.checkVisibility()).length"
    )
    seen = set()
    for _ in range(wanted + 20):
        opened.keyboard.press("Tab")
        seen.add(opened.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(seen) >= wanted
