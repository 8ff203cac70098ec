"""The page as a whole: what is said and drawn of an evaluation, put into the template."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import yaml
from markupsafe import Markup

from vidgauge.report.notes import intervals, notes, warnings
from vidgauge.report.page import figures_curves, figures_datasets, figures_map, figures_stages, svg
from vidgauge.report.page.figures_leaderboard import differences, leaderboard
from vidgauge.report.page.leaders import pairs, score, table
from vidgauge.report.page.looks import Look, looks, names
from vidgauge.report.page.verdict import verdict
from vidgauge.report.results import Results, joined
from vidgauge.report.standing import Line
from vidgauge.report.standing import lines as lines_of
from vidgauge.report.words import listed
from vidgauge.wording import counted

MARKS = 20_000
"""Points of all maps together: so many make about two megabytes, of which half is for the script."""
LEAST_MARKS = 100
"""Points of a dataset in a map, however many maps there are."""
FEW_PAIRS = 6
"""So many pairs of candidates are drawn at once; of more, those with the best candidate, and the others on demand."""


def make_report(
    results: Mapping[str, Any],
    *,
    surveys: Mapping[str, Mapping[str, Any]],
    maps: Sequence[Mapping[str, Any]],
    sheets: Mapping[str, Mapping[str, Any]],
    stages: Sequence[Mapping[str, Any]],
    stages_summary: str,
    single: Mapping[str, Any] | None = None,
    methods: Mapping[str, str] | None = None,
) -> str:
    """The report of an evaluation, one HTML page that needs nothing else. The same arguments give the same page.

    results: what metrics.json holds. surveys: of each dataset. maps: of each set of features. sheets: for each map's
    name and each candidate its worst and best clips with their pictures. stages: how long each took, and
    stages_summary the same in a sentence. single: of single videos, as `single_videos` gives it. methods: a paragraph
    for a paper, by what it speaks of. What is empty has no section in the page.
    """
    references, candidates = names(results)
    datasets = [*references, *surveys, *(name for one in maps for name in one["datasets"])]
    look = looks(references, [*candidates, *dict.fromkeys(name for name in datasets if name not in candidates)])
    found = joined([results])
    lines = lines_of(found)
    maps = figures_map.thinned(maps, MARKS, LEAST_MARKS)
    maps = [{**drawn, "title": title} for drawn, title in zip(maps, figures_map.titles(maps), strict=True)]
    scored = score(lines, candidates)
    unsure = [_unsure(line, found) for line in lines]
    with svg.style():
        page = {
            "title": results["evaluation"],
            "references": references,
            "candidates": candidates,
            "videos": _videos(results["results"]),
            "lines": len(lines),
            "verdict": verdict(lines),
            "score": scored,
            "leaderboard": [
                leaderboard(line, look, f"l{at}", unsure[at]) for at, line in enumerate(lines) if line.judged
            ],
            "unsure": any(unsure),
            "labels": [line.label for line in lines],
            "at_infinity": any(row["infinity"] is not None for row in results["results"]),
            "intervals": any(row["ci95"] is not None for row in results["results"]),
            "table": table(lines),
            "pairs": [
                {**pair, "figure": differences(pair["a"], pair["b"], pair["found"], look, f"d{at}")}
                for at, pair in enumerate(pairs(lines, [one["name"] for one in scored] or candidates))
            ],
            "few": max(FEW_PAIRS, len(candidates) - 1),
            "curves": _curves(lines, found, look),
            "maps": [_map(at, drawn, look, sheets) for at, drawn in enumerate(maps)],
            "histograms": figures_datasets.histograms(surveys, look, "h") if surveys else [],
            "stages": figures_stages.stages(stages, "s") if stages else None,
        }
    videos: dict[str, int] = {}
    points = [figures_map.points(drawn, videos) for drawn in maps]
    live = {
        "videos": list(videos),
        "maps": [
            {"spec": figures_map.alive(drawn, look), "datasets": list(drawn["datasets"]), "points": points[at]}
            for at, drawn in enumerate(maps)
        ],
    }
    script = _asset("page.js")
    bundle = _bundle() if maps else ""
    return _template().render(
        **page,
        look=look,
        surveys=surveys,
        stages_summary=stages_summary,
        single=single,
        warnings=warnings(found),
        notes=[*notes(found), *intervals(found)],
        methods=methods or {},
        config=_yaml(results["provenance"].get("config", {})),
        provenance={key: _yaml(value) for key, value in results["provenance"].items() if key != "config"},
        rejected=results.get("rejected") or {},
        css=Markup(_asset("page.css")),  # noqa: S704 - the package's own
        script=Markup(script),  # noqa: S704
        bundle=Markup(bundle),  # noqa: S704
        scripts=" ".join(f"'{_digest(code)}'" for code in (script, bundle) if code),
        live=_json(live),
    )


def _videos(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many videos each dataset has; a range where metrics take different ones."""
    found: dict[str, set[int]] = {}
    for row in rows:
        for side in ("reference", "candidate"):
            name, count = row[side], row[f"videos_{side}"]
            if name is not None and count is not None:
                found.setdefault(name, set()).add(count)
    said = {name: "–".join(map(str, dict.fromkeys((min(of), max(of))))) for name, of in found.items()}
    if len(said) > 1 and len(set(said.values())) == 1:
        return f"{next(iter(said.values()))} of each of the {len(said)} datasets"
    return ", ".join(f"{name} {count}" for name, count in said.items()) or "not known"


def _unsure(line: Line, results: Results) -> set[str]:
    """Candidates whose number has a bias that is not known."""
    rows = [*map(id, line.rows.values())]
    return {
        row["candidate"]
        for row, curve in results.curves
        if id(row) in rows and row["infinity"] is None and curve["bias"] in ("vanishing", "size")
    }


def _curves(lines: Sequence[Line], results: Results, look: Mapping[str, Look]) -> list[dict[str, Any]]:
    """The curves of each line, their sentences, each once, and the one that matters most."""
    found = []
    for at, line in enumerate(lines):
        rows = [*map(id, line.rows.values())]
        own = {row["candidate"]: curve for row, curve in results.curves if id(row) in rows and curve["points"]}
        if own:
            figure = figures_curves.curves(line.label, list(own.values()), look, f"n{at}")
            first = own.get(line.most_biased() or "", next(iter(own.values())))["sentence"]
            sentences = list(dict.fromkeys(curve["sentence"] for curve in own.values()))
            found.append({"label": line.label, "figure": figure, "first": first, "sentences": sentences})
    return found


def _map(
    at: int, drawn: Mapping[str, Any], look: Mapping[str, Look], sheets: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    known = any(of["quantiles"] for of in drawn["datasets"].values())
    return {
        **drawn,
        "number": at,
        "still": figures_map.still(drawn, look, f"m{at}"),
        "said": figures_map.said_of_map(drawn),
        "distances": figures_map.distances(drawn, look, f"q{at}") if known else None,
        "sheets": {name: of for name, of in sheets.get(drawn["name"], {}).items() if of["worst"] or of["best"]},
        "has_clips": any(drawn["worst"].values()),
    }


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_asset),
    )
    environment.filters |= {"listed": listed, "counted": counted, "breakable": _breakable}
    return environment.get_template("template.html.j2")


def _breakable(name: str) -> Markup:
    """A name that may be broken after its underscores, dots, slashes and hyphens."""
    escaped = str(Markup.escape(name))
    for mark in "_/.-":
        escaped = escaped.replace(mark, f"{mark}<wbr>")
    return Markup(escaped)  # noqa: S704 - escaped above


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    return (
        str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
        .replace("</script", "<\\/script")
        .replace("<!--", "<\\!--")
    )


def _digest(script: str) -> str:
    """What the page's security policy knows a script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(value: Any) -> Markup:
    """JSON that no text in it can end the script element of."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def _yaml(value: Any) -> str:
    """A part of the provenance as people read it."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return text.removesuffix("...\n").strip()
