"""Why a number is not to be trusted, in sentences: the warnings of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vidgauge.cautions import features, files, making, samples
from vidgauge.sides import Side, samples_of


def cautions(
    plan: Mapping[str, Any],
    candidates: Sequence[Side],
    references: Sequence[Side | None],
    surveys: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> list[str]:
    """The warnings of a metric's runs, each once, the most serious first.

    plan: as `vidgauge.plan.metric_plan` gives it. candidates, references: the sides of each run. surveys: of datasets
    by name, as `vidgauge.manifest.survey` gives them; none of saved statistics, which are no videos.
    """
    there = [side for side in (*candidates, *references) if side]
    names = dict.fromkeys(side.name for side in there)
    surveyed = [files.Surveyed.of(plan, name, surveys[name]) for name in names if name in surveys]
    pair = surveyed if len(names) == 2 == len(surveyed) else []
    described = "column" not in plan  # a score may be the same of videos that are not
    found = [
        *making.unverified(plan, there[0]),
        *(text for side in there for text in making.saved(plan, side)),
        *(text for side in there if described for text in samples.constant(side)),
        *(files.shared(*pair) if pair else []),
        *samples.few(plan, there),
        *(text for side in there for text in samples.missing(side, samples_of(plan, side.name))),
        *(text for side in there for text in samples.undefined(plan, side)),
        *(text for one in surveyed for text in files.copies(one)),
        *(features.near_copies(candidates[0], references[0]) if described else []),
        *(text for one in surveyed for text in (*files.enlarged(one), *files.filled_up(one))),
        *(files.sizes(*pair) if pair else []),
        *files.rates(surveyed, moving=samples.of_clips(candidates[0])),
        *(files.compression(*pair) if pair else []),
        *making.precision(there),
        *(text for side in there if described for text in samples.dependent(side)),
        *making.mixed(there),
        *making.halved(there),
    ]
    return list(dict.fromkeys(found))
