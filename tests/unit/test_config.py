"""The configuration: defaults, and one line that names the key and the fix for each mistake, all of them at once."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from vidgauge import extractors, weights
from vidgauge.config import Config, load
from vidgauge.definition import MetricDefinition
from vidgauge.errors import UsageError
from vidgauge.hints import of_column
from vidgauge.layout import RESERVED
from vidgauge.metric import metrics
from vidgauge.metrics.registry import check_options, reductions
from vidgauge.presets import presets, protocols
from vidgauge.specs import ClipSpec

ROOT = Path(__file__).parents[2]
RAW: dict[str, Any] = {
    "evaluation": "test",
    "reference": "real",
    "datasets": {"real": {"source": "videos/real"}, "mine": {"source": "videos/mine"}},
    "metrics": ["looks"],
    "define": {"looks": {"reduce": "frechet", "extractor": "pixel_grid"}},
}
OWN: dict[str, Any] = {"torchscript": "net.pt", "input": {"layout": "BCTHW"}, "trust": True}


def raw(**changes: Any) -> dict[str, Any]:
    """A valid configuration with changes; the keys of `looks` and `clips` go where they belong."""
    found = copy.deepcopy(RAW)
    looks = found["define"]["looks"]
    looks |= changes.pop("looks", {})
    if "clips" in changes:
        looks["clips"] = changes.pop("clips")
    return found | changes


def problems(**changes: Any) -> list[str]:
    """The lines of the message, without the file's name in front."""
    with pytest.raises(UsageError) as caught:
        load(raw(**changes), "mine.yaml")
    lines = str(caught.value).split("\n")
    assert all(line.startswith("mine.yaml: ") for line in lines), lines
    return [line.removeprefix("mine.yaml: ") for line in lines]


def problem(**changes: Any) -> str:
    (line,) = problems(**changes)
    return line


def test_defaults() -> None:
    config = load(raw())
    assert config.model_dump(exclude=set(RAW)) == {
        "extractors": {},
        "shard_size": 1024,
        "seed": 42,
        "runs": 1,
        "uncertainty": True,
        "report": True,
        "map": "pca",
        "device": "auto",
        "precision": "float32",
        "bad_videos": {"action": "fail", "max_fraction": 1.0},
        "keep_clips": False,
        "weights": None,
        "results": "results",
    }
    looks = config.define["looks"]
    assert (looks.array, looks.samples, looks.options, looks.protocol) == (None, None, {}, "user")
    assert looks.clips == ClipSpec(frames=16, stride=1, size=(224, 224), start="random", clips_per_video="auto")
    assert config.datasets["mine"].root is None


def test_only_three_keys_are_needed() -> None:
    config = load({"evaluation": "t", "datasets": {"a": {"source": "x"}}, "metrics": ["inception_score_lite0"]})
    assert (config.reference, config.candidates) == (None, ["a"])
    with pytest.raises(UsageError) as caught:
        load({})
    assert str(caught.value).split("\n") == [
        f"config.yaml: {key}: this key is missing; add it" for key in ("evaluation", "datasets", "metrics")
    ]


def test_candidates_are_all_but_the_reference_in_the_order_of_the_file() -> None:
    datasets = {name: {"source": name} for name in ("z", "real", "a")}
    assert load(raw(datasets=datasets)).candidates == ["z", "a"]


def test_a_checked_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(raw()).seed = 1  # type: ignore[misc]


def test_the_dump_is_a_configuration_again() -> None:
    config = load(raw(clips={"size": 96, "crop": "center", "clips_per_video": 2}))
    assert load(config.model_dump(mode="json")) == config


def test_the_shipped_configuration_is_valid() -> None:
    config = load(yaml.safe_load((ROOT / "config.yaml").read_text()))
    assert config.metrics == list(protocols()["vidgauge"].metrics)


def trusted(extractor: str) -> dict[str, Any]:
    """What `extractors` must say of it, where of some weights nobody has published a digest."""
    unknown = [file for file in extractors.spec(extractor).weights if not weights.entry(file).has_digest]
    return {extractor: {"trust": True}} if unknown else {}


@pytest.mark.parametrize("name", presets())
def test_presets_are_valid(name: str) -> None:
    definition = presets()[name]
    spec, said = extractors.spec(definition.extractor), trusted(definition.extractor)
    config = load(raw(metrics=[name], define={}, extractors=said))
    assert config.definition(name) == definition
    copy = definition.model_dump(mode="json")
    load(raw(metrics=["copy"], define={"copy": copy}, extractors=said))  # `define` is checked more
    (array,) = [metric.array for metric in metrics(config).values()]
    assert array in extractors.arrays_of(spec, definition.clips.frames)
    assert check_options(reductions()[definition.reduce], definition.options) == []
    assert definition.about
    assert definition.protocol != "user"


def test_a_definition_of_ones_own_goes_before_the_preset_of_that_name() -> None:
    mine = {"reduce": "kernel", "extractor": "pixel_grid"}
    config = load(raw(metrics=["frechet_frames_lite0"], define={"frechet_frames_lite0": mine}))
    assert config.definition("frechet_frames_lite0") == MetricDefinition(**mine)


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"metrcs": ["looks"]}, "metrcs", "unknown key; did you mean 'metrics'?"),
        ({"datasets": {"mine": {"source": "x", "rot": "y"}, "real": {"source": "x"}}}, "datasets.mine.rot", "'root'"),
        ({"looks": {"protocl": "x"}}, "define.looks.protocl", "did you mean 'protocol'?"),
        ({"clips": {"strde": 2}}, "define.looks.clips.strde", "did you mean 'stride'?"),
        ({"bad_videos": {"max_fracton": 0.1}}, "bad_videos.max_fracton", "did you mean 'max_fraction'?"),
        ({"clips": {"zzz": 2}}, "define.looks.clips.zzz", "known are: antialias, backend, clips_per_video, crop, fps"),
    ],
)
def test_unknown_keys_name_the_nearest(changes: dict[str, Any], key: str, text: str) -> None:
    line = problem(**changes)
    assert line.startswith(f"{key}: unknown key; ")
    assert text in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sharpness", "'sharpness' is a column of frame_statistics; take screening.sharpness"),
        ("lpips", "'lpips' is a column of lpips_alex and lpips_vgg; take lpips_alex or lpips_vgg"),
        (
            "screening.banding",
            "paste what `vidgauge presets --define screening.temporal_flickering` prints, with a name ",
        ),
        ("brightness", "neither more nor less of it is better, so it only stands in videos.csv, with screening."),
        ("brightnes", "known are: "),
    ],
)
def test_a_column_is_no_metric_and_the_message_says_how_to_get_it(name: str, text: str) -> None:
    line = problem(metrics=[name])
    assert line.startswith(f"metrics[0]: unknown metric '{name}'; ")
    assert text in line


@pytest.mark.parametrize("name", extractors.extractors())
def test_every_column_that_judges_can_be_got_as_its_hint_says(name: str) -> None:
    for array in extractors.spec(name).arrays.values():
        for column in array.columns:
            hint = of_column(column.name)
            assert hint is not None
            assert name in hint
            (pasted,) = re.findall(r"--define (\S+)`", hint) or re.findall(r"(?:take|with) (\S+)", hint)[:1]
            mine = presets()[pasted].model_dump(mode="json") | {"column": column.name}
            asked = raw(metrics=["mine"], define={"mine": mine}, extractors=trusted(mine["extractor"]))
            assert ("neither" in hint) == (column.better is None)
            if column.better is None:
                with pytest.raises(UsageError, match="neither more nor less"):
                    load(asked)
            else:
                load(asked)


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        ({"like": "screening.sharpness"}, "screening.sharpness"),
        ({"made_of": "screening.sharpness"}, "screening.sharpness"),
        ({"base": "no preset"}, "NAME"),
        ({"extends": ["psnr"]}, "NAME"),
    ],
)
def test_a_definition_that_would_build_on_a_preset_is_told_how(keys: dict[str, Any], asked: str) -> None:
    line = problem(looks=keys)
    assert line.startswith(f"define.looks.{next(iter(keys))}: unknown key; a definition says everything itself")
    assert f"`vidgauge presets --define {asked}` prints" in line


def test_other_unknown_keys_are_not_taken_for_that() -> None:
    assert "known are" in problem(clips={"like": "screening.sharpness"})
    assert "known are" in problem(looks={"zzz": "screening"})


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"seed": -1}, "seed", "greater than or equal to 0, got -1"),
        ({"seed": 2**32 - 1024}, "seed", "less than 4294966272"),  # the last run's seed must be one of NumPy's
        ({"seed": "x"}, "seed", "valid integer"),
        ({"runs": 0}, "runs", "greater than or equal to 1, got 0"),
        ({"runs": 1025}, "runs", "less than or equal to 1024, got 1025"),
        ({"shard_size": 0}, "shard_size", "greater than or equal to 1"),
        ({"device": "tpu"}, "device", "'auto', 'cpu' or 'cuda', got 'tpu'"),
        ({"precision": "fp16"}, "precision", "'float32', 'tf32', 'bfloat16' or 'float16', got 'fp16'"),
        ({"keep_clips": "maybe"}, "keep_clips", "valid boolean"),
        ({"results": ""}, "results", "at least 1 character"),
        ({"bad_videos": {"action": "warn"}}, "bad_videos.action", "'fail' or 'reject', got 'warn'"),
        ({"bad_videos": {"action": "reject", "max_fraction": 2}}, "bad_videos.max_fraction", "equal to 1, got 2"),
        ({"bad_videos": "reject"}, "bad_videos", "dictionary"),
        ({"metrics": []}, "metrics", "at least 1 item"),
        ({"metrics": "looks"}, "metrics", "valid list, got 'looks'"),
        ({"metrics": [1]}, "metrics[0]", "valid string, got 1"),
        ({"datasets": {}}, "datasets", "at least 1 item"),
        ({"datasets": {"real": "x", "mine": {"source": "x"}}}, "datasets.real", "dictionary"),
        ({"datasets": {"real": {"source": ""}, "mine": {"source": "x"}}}, "datasets.real.source", "1 character"),
        ({"define": {"looks": {"reduce": "frechet"}}}, "define.looks.extractor", "this key is missing; add it"),
        ({"looks": {"samples": 1}}, "define.looks.samples", "greater than or equal to 2, got 1"),
        ({"clips": {"frames": "16f"}}, "define.looks.clips.frames", "valid integer"),
        ({"clips": {"frames": 0}}, "define.looks.clips.frames", "greater than or equal to 1, got 0"),
        ({"clips": {"fps": 0}}, "define.looks.clips.fps", "greater than 0, got 0"),
        (
            {"clips": {"start": "end"}},
            "define.looks.clips.start",
            "'random', 'each', 'first', 'center', 'spread' or 'spread_ends', got 'end'",
        ),
        ({"clips": "16f"}, "define.looks.clips", "dictionary"),
        ({"reference": "reel"}, "reference", "'reel' is not among the datasets; did you mean 'real'?"),
        ({"reference": None}, "metrics[0]", "compares with a reference, but reference is null; set reference to one"),
        ({"metrics": ["look"]}, "metrics[0]", "unknown metric 'look'; did you mean 'looks'?"),
        ({"metrics": ["looks", "looks"]}, "metrics", "'looks' is listed twice; keep one"),
        ({"datasets": {"real": {"source": "x"}}}, "datasets", "only the reference 'real' is there; add a dataset"),
        (
            {"extractors": {"i3d": {"trust": True}}},
            "extractors.i3d",
            "a network of your own needs torchscript: its file",
        ),
        (
            {"extractors": {"pixel_grid": OWN}},
            "extractors.pixel_grid",
            "the name of a network that comes with vidgauge",
        ),
        ({"extractors": {"pixel_grid": {"trust": True}}}, "extractors.pixel_grid", "nothing there needs trust"),
        ({"extractors": {"r3d_18": {"trust": True}}}, "extractors.r3d_18", "nothing there needs trust"),
        ({"extractors": {"n": {"input": OWN["input"]}}}, "extractors.n.torchscript", "this key is missing; add it"),
        ({"extractors": {"n": OWN | {"inptu": 1}}}, "extractors.n.inptu", "unknown key; did you mean 'input'?"),
        ({"extractors": {"n": OWN | {"trust": False}}}, "extractors.n", "give its sha256, or say that you trust it"),
        ({"extractors": {"n": OWN | {"sha256": "abc"}}}, "extractors.n.sha256", "should be 64 hexadecimal digits"),
        ({"extractors": {"n": OWN | {"sha256": "0" * 64}}}, "extractors.n", "sha256 and trust say two things"),
        ({"extractors": {"n": OWN | {"input": {"layout": "NCHW", "frames": 2}}}}, "extractors.n", "sees single frames"),
        (
            {"extractors": {"n": OWN | {"input": {"layout": "BCTHW", "range": [1, 1]}}}},
            "extractors.n.input.range",
            "black",
        ),
        (
            {"extractors": {"n": OWN | {"input": {"layout": "BCTHW", "std": [0, 1, 1]}}}},
            "extractors.n.input.std",
            "above 0",
        ),
        ({"extractors": {"n": OWN | {"input": {"layout": "BTHWC"}}}}, "extractors.n.input.layout", "'BCTHW'"),
        (
            {"extractors": {"n": OWN | {"input": {"layout": "NCHW", "frame": 2}}}},
            "extractors.n.input.frame",
            "did you mean 'frames'?",
        ),
        (
            {"looks": {"weights": "i3d"}},
            "define.looks.weights",
            "pixel_grid does not take 'i3d'; it takes none by name",
        ),
        ({"looks": {"reduce": "freche"}}, "define.looks.reduce", "did you mean 'frechet'?"),
        ({"looks": {"options": {"dof": 1}}}, "define.looks.options", "dof: unknown option of frechet"),
        ({"looks": {"options": {"ddof": 5}}}, "define.looks.options", "ddof: should be less than or equal to 1"),
        ({"looks": {"extractor": "pixelgrid"}}, "define.looks.extractor", "did you mean 'pixel_grid'?"),
        ({"looks": {"array": "frames"}}, "define.looks.array", "no array 'frames'; did you mean 'frame'?"),
        (
            {"looks": {"extractor": "efficientnet_lite0", "array": "motion"}, "clips": {"frames": 1}},
            "define.looks.clips.frames",
            "at least 2 frames, got 1",
        ),
    ],
)
def test_each_mistake_is_one_line_that_names_the_key(changes: dict[str, Any], key: str, text: str) -> None:
    line = problem(**changes)
    assert line.startswith(f"{key}: "), line
    assert text in line
    assert "pydantic" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("clips", "key"),
    [
        ({"size": "big"}, "size"),
        ({"size": 0}, "size"),
        ({"size": [1, 2, 3]}, "size"),
        ({"size": 2.5}, "size"),
        ({"size": None}, "size"),
        ({"clips_per_video": "many"}, "clips_per_video"),
        ({"clips_per_video": 0}, "clips_per_video"),
        ({"clips_per_video": 1.5}, "clips_per_video"),
    ],
)
def test_the_branches_of_a_union_are_one_line(clips: dict[str, Any], key: str) -> None:
    line = problem(clips=clips)
    assert line.startswith(f"define.looks.clips.{key}: ")
    assert f"got {clips[key]!r}" in line
    assert not any(branch in line for branch in ("constrained", "tuple[", "literal["))


@pytest.mark.parametrize(
    ("clips", "texts"),
    [
        ({"size": 224}, ["size: 224 (a shorter side)", "add crop: center, or give size: [height, width]"]),
        ({"clips_per_video": 3, "start": "first"}, ["clips_per_video: 3 with start: first", "use start: random"]),
        ({"antialias": False}, ["antialias: false is not possible with backend: swscale", "use backend: torch"]),
        ({"antialias": False, "backend": "cv2", "resize": "area"}, ["antialias: false", "resize: area"]),
        ({"backend": "torch", "resize": "lanczos"}, ["torch has no lanczos", "use backend: swscale or pil"]),
        ({"backend": "cv2"}, ["cv2 does not antialias with resize: bilinear", "use antialias: false"]),
    ],
)
def test_keys_of_a_clip_spec_that_contradict_each_other(clips: dict[str, Any], texts: list[str]) -> None:
    line = problem(clips=clips)
    assert line.startswith("define.looks.clips: ")
    assert all(text in line for text in texts), line


@pytest.mark.parametrize(
    "clips",
    [
        {"size": 224, "crop": "center"},
        {"size": [96, 128]},
        {"clips_per_video": "auto", "start": "first"},
        {"clips_per_video": 1, "start": "center"},
        {"clips_per_video": 4},
        {"backend": "torch", "antialias": False},
        {"backend": "cv2", "resize": "area"},
        {"backend": "cv2", "antialias": False, "resize": "lanczos"},
        {"backend": "pil", "resize": "lanczos"},
    ],
)
def test_clip_specs_that_can_be_meant(clips: dict[str, Any]) -> None:
    spec = load(raw(clips=clips)).define["looks"].clips
    assert {key: spec.model_dump(mode="json")[key] for key in clips} == clips


def test_all_mistakes_of_form_at_once() -> None:
    found = problems(metrcs=1, seed="x", device="tpu", clips={"strde": 2, "size": "big"}, bad_videos={"action": "no"})
    keys = {line.split(": ")[0] for line in found}
    assert keys == {
        "metrcs",
        "seed",
        "device",
        "bad_videos.action",
        "define.looks.clips.strde",
        "define.looks.clips.size",
    }
    assert len(found) == len(keys)


def test_all_contradictions_at_once() -> None:
    found = problems(
        evaluation="logs",
        reference="reel",
        metrics=["look", "inception_score_lite0"],
        looks={"reduce": "freche", "array": "frames"},
        extractors={"i3d": {"trust": True}},
    )
    assert [line.split(": ")[0] for line in found] == [
        "evaluation",
        "reference",
        "extractors.i3d",
        "define.looks.reduce",
        "define.looks.array",
        "metrics[0]",
    ]


def test_a_definition_that_no_metric_uses_is_checked_too() -> None:
    unused = {"reduce": "frechet", "extractor": "pixel_grid", "array": "no"}
    assert problem(define=RAW["define"] | {"unused": unused}).startswith("define.unused.array: ")


def test_a_metric_without_a_reference_needs_none() -> None:
    alone = {"reduce": "inception_score", "extractor": "pixel_grid"}
    assert load(raw(reference=None, define={"looks": alone})).candidates == ["real", "mine"]


@pytest.mark.parametrize("name", ["demo", "step-10k", "v1.5", "_x", "0", "A_b-c.d"])
def test_names_that_can_name_files(name: str) -> None:
    assert load(raw(evaluation=name)).evaluation == name


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "-n", "a/b", "a b", "../up", "ä", "a\n", "a,b", "{a}"])
def test_names_that_cannot(name: str) -> None:
    places: list[dict[str, Any]] = [
        {"evaluation": name},
        {"datasets": RAW["datasets"] | {name: {"source": "x"}}},
        {"define": RAW["define"] | {name: RAW["define"]["looks"]}},
        {"metrics": ["looks", name]},
    ]
    for change in places:
        with pytest.raises(UsageError, match="cannot name files; use letters, digits"):
            load(raw(**change))


@pytest.mark.parametrize("name", RESERVED)
def test_folders_of_results_are_no_names_of_evaluations(name: str) -> None:
    assert problem(evaluation=name) == f"evaluation: '{name}' is a folder that results need; choose another name"


@pytest.mark.parametrize("value", [None, [], "text"])
def test_a_file_that_is_no_mapping(value: Any) -> None:
    with pytest.raises(UsageError, match=r"^mine.yaml: input should be a valid dictionary"):
        load(value, "mine.yaml")


def test_every_key_has_a_default_but_three() -> None:
    assert {name for name, field in Config.model_fields.items() if field.is_required()} == {
        "evaluation",
        "datasets",
        "metrics",
    }
    assert not any(field.is_required() for field in ClipSpec.model_fields.values())


def test_names_of_the_users_choice_mislead_no_suggestion() -> None:
    raw = {"evaluation": "t", "datasets": {"define": {"sorce": "x"}}, "metrics": ["clips"]}
    with pytest.raises(UsageError, match=r"datasets\.define\.sorce: unknown key; did you mean 'source'"):
        load(raw | {"define": {"clips": {"reduce": "frechet", "extractor": "pixel_grid", "protocl": "x"}}})
    with pytest.raises(UsageError, match=r"define\.clips\.protocl: unknown key; did you mean 'protocol'"):
        load(raw | {"define": {"clips": {"reduce": "frechet", "extractor": "pixel_grid", "protocl": "x"}}})


def test_a_network_of_ones_own_is_an_extractor_like_others() -> None:
    mine = OWN | {"input": {"layout": "BCTHW", "range": [-1, 1], "size": [8, 9], "frames": 4}}
    clips = {"frames": 4, "size": [8, 9]}
    define = {"looks": {"reduce": "frechet", "extractor": "mine", "clips": clips}}
    config = load(raw(extractors={"mine": mine}, define=define))
    assert config.extractor("mine").input.max_frames == 4
    assert config.extractor("mine").arrays["features"].per == "clip"
    for wrong, message in (
        ({"frames": 5, "size": [8, 9]}, "needs clips of 4 frames, got 5"),
        ({"frames": 4, "size": [9, 8]}, r"needs clips of [8, 9] pixels, got [9, 8]"),
    ):
        define["looks"]["clips"] = wrong
        assert message in problem(extractors={"mine": mine}, define=define)
    assert "did you mean 'mine'?" in problem(
        extractors={"mine": mine}, define={"looks": {"reduce": "frechet", "extractor": "mien"}}
    )


def test_weights_without_a_known_digest_must_be_vouched_for() -> None:
    define = {"looks": {"reduce": "inception_score", "extractor": "c3d_ucf101", "options": {"input": "probabilities"}}}
    text = problem(define=define)
    assert text.startswith("metrics[0]: c3d_ucf101 rests on c3d_ucf101.pt, of which nobody has published a digest")
    assert "extractors: {c3d_ucf101: {trust: true}}" in text
    assert load(raw(define=define, extractors={"c3d_ucf101": {"trust": True}})).extractors["c3d_ucf101"].trust


def test_arrays_are_those_of_the_weights() -> None:
    i3d = {"reduce": "frechet", "extractor": "i3d_kinetics400"}
    both = i3d | {"weights": "i3d_videogpt", "array": "features"}
    assert load(raw(define={"looks": both})).definition("looks").weights == "i3d_videogpt"
    text = problem(define={"looks": both | {"weights": "i3d_styleganv"}})
    assert text.startswith("define.looks.array: i3d_kinetics400 with weights: i3d_styleganv has no array 'features'")
    assert "did you mean 'i3d_videogpt'?" in problem(define={"looks": i3d | {"weights": "i3d_videogtp"}})


SCORE: dict[str, Any] = {"reduce": "mean", "extractor": "frame_statistics", "clips": {"frames": 8}}
PAIR: dict[str, Any] = {"reduce": "mean", "extractor": "psnr_ssim"}


@pytest.mark.parametrize(
    ("definition", "config", "said"),
    [
        (
            SCORE | {"column": "sharpnes"},
            {},
            "column: array 'scores' has no column 'sharpnes'; did you mean 'sharpness'?",
        ),
        (SCORE | {"column": "brightness"}, {}, "column: of 'brightness' neither more nor less is better"),
        (
            SCORE | {"reduce": "frechet"},
            {},
            "reduce: 'frechet' compares features, and 'scores' holds scores; use reduce",
        ),
        ({"reduce": "mean", "extractor": "pixel_grid"}, {}, "reduce: 'mean' is of scores, and array 'frame' holds"),
        ({"reduce": "frechet", "extractor": "pixel_grid", "column": "x"}, {}, "column: array 'frame' has no columns"),
        (PAIR, {"reference": None}, "compares each video with its own reference video; set reference to a dataset"),
        (
            SCORE | {"unequal": "trim"},
            {},
            "unequal: trim is of pairs of videos, and frame_statistics sees none; remove it",
        ),
        (
            PAIR | {"unequal": "trim", "clips": {"start": "spread", "size": "native"}},
            {},
            "with clips.start: spread clips are taken from all of the longer one; use clips: {start: first}, or",
        ),
        (
            PAIR | {"unequal": "trim", "clips": {"start": "each", "clips_per_video": 4, "size": "native"}},
            {},
            "unequal: trim compares the frames that both videos of a pair have, and with clips.start: each",
        ),
        (
            SCORE,
            {"datasets": {"real": {"source": "x"}, "mine": {"source": "y.npz"}}},
            "mine is saved statistics; give its",
        ),
    ],
)
def test_what_does_not_fit_together_in_a_metric_of_scores(
    definition: dict[str, Any], config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    (tmp_path / "y.npz").touch()
    datasets = config.get("datasets", {"real": {"source": "x"}, "mine": {"source": "y"}})
    for dataset in datasets.values():
        dataset["source"] = str(tmp_path / dataset["source"])
    given = {"evaluation": "e", "reference": "real", "metrics": ["m"], "define": {"m": definition}}
    with pytest.raises(UsageError) as caught:
        load(given | config | {"datasets": datasets})
    assert said in str(caught.value)


def test_scores_need_no_reference() -> None:
    given = {"evaluation": "e", "reference": None, "datasets": {"a": {"source": "x"}}, "metrics": ["m"]}
    (metric,) = metrics(load(given | {"define": {"m": SCORE | {"column": "banding"}}})).values()
    assert (metric.reference, metric.better, metric.column and metric.column.name) == (None, "lower", "banding")
