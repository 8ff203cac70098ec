"""The settings that a number depends on, in one flat list."""

from __future__ import annotations

import pytest

from vidgauge.clipspec import ClipSpec
from vidgauge.knobs import RESIZING, differing, knobs
from vidgauge.presets import presets, protocols
from vidgauge.presets.commands import resolved


@pytest.mark.parametrize("name", presets())
def test_every_setting_of_a_preset_is_there(name: str) -> None:
    metric = resolved(name)
    found = knobs(metric, "float32")
    native = metric.definition.clips.size == "native"
    assert set(ClipSpec.model_fields) - set(found) == (set(RESIZING) if native else set())
    assert {f"options.{key}" for key in metric.reduce.options} == {key for key in found if key.startswith("options.")}
    assert found["extractor"] == metric.extractor.name
    assert all(type(value) is str for value in found.values())


def test_only_what_the_reference_has_otherwise_is_named_for_it() -> None:
    found = knobs(resolved("cd-fvd.i3d"), "float32")
    assert {key: value for key, value in found.items() if key.startswith("reference.")} == {
        "reference.clips_per_video": "1",
        "reference.samples": "null",
    }
    assert not [key for key in knobs(resolved("fvd2048_16f"), "float32") if key.startswith("reference.")]


def test_precision_is_one_of_them() -> None:
    one, two = (knobs(resolved("fvd2048_16f"), precision) for precision in ("float32", "bfloat16"))  # type: ignore[arg-type]
    assert differing([one, two]) == {"precision": ["float32", "bfloat16"]}


def test_data_juicers_ten_and_their_originals() -> None:
    ten = "fvd2048_16f fvd2048_128f fvd2048_128f_subsample8f kvd2048_16f isv2048_ucf prv2048_3n_16f fid50k kid50k is50k"
    wanted = [*ten.split(), "pr50k_3n"]
    assert sorted(protocols()["data-juicer"].metrics) == sorted(wanted)
    assert sorted(protocols()["data-juicer-compat"].metrics) == sorted(f"{name}_compat" for name in wanted)
    for name in wanted:
        assert differing([knobs(resolved(found), "float32") for found in (name, f"{name}_compat")]), name


def test_differing_names_what_one_of_them_lacks() -> None:
    assert differing([{"a": "1", "b": "2"}, {"a": "1"}]) == {"b": ["2", "-"]}
