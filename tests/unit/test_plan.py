"""What an evaluation needs: draws, shards, features files, and the names that lead back to clip specs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge import layout, networks, plan, scratch
from vidgauge.config import Config, load
from vidgauge.knobs import knobs
from vidgauge.metric import MAX_DRAWS, Metric, Sampling, metrics, need_name, seeds
from vidgauge.networks import metric_of
from vidgauge.specs import ClipSpec

GRID = {"extractor": "pixel_grid"}
FRAMES = GRID | {"reduce": "frechet", "array": "frame"}
CLIPS = GRID | {"reduce": "kernel_exact", "array": "clip"}
ALONE = GRID | {"reduce": "inception_score", "array": "frame"}


def configured(reference: str | None = "real", /, **changes: Any) -> Config:
    """An evaluation of a and b whose metrics are the definitions given as keywords; other keys are the Config's own."""
    own = {key: changes.pop(key) for key in list(changes) if key in Config.model_fields}
    return load(
        {
            "evaluation": "test",
            "reference": reference,
            "datasets": {name: {"source": name} for name in ("a", "real", "b")},
            "metrics": list(changes),
            "define": changes,
        }
        | own
    )


def metric(**definition: Any) -> Metric:
    return metrics(configured(m=CLIPS | definition))["m"]


def candidates(**definition: Any) -> Sampling:
    return metric(**definition).sampling(reference=False)


def counts(config: Config, usable: list[int], clips: list[list[int]] | None = None) -> plan.Counts:
    def each(found: Any) -> dict[str, dict[str, Any]]:
        return {name: dict.fromkeys(plan.needs(config), found) for name in config.datasets}

    return plan.Counts(each(usable), each(clips) if clips else {}, each([24, 32]))


@pytest.mark.parametrize(
    ("array", "frames", "samples", "wanted"),
    [
        ("clip", 16, None, None),
        ("clip", 16, 100, 100),
        ("frame", 16, None, None),
        ("frame", 16, 160, 10),
        ("frame", 16, 161, 11),
        ("frame", 1, 7, 7),
    ],
)
def test_clips_wanted(array: str, frames: int, samples: int | None, wanted: int | None) -> None:
    assert candidates(array=array, samples=samples, clips={"frames": frames}).clips_wanted() == wanted


def test_the_default_array_is_the_extractors_first() -> None:
    default = metric(array=None, samples=32)
    assert (default.array, default.sampling(reference=False).clips_wanted()) == ("frame", 2)


@pytest.mark.parametrize(
    ("samples", "videos", "draws"),
    [(None, 5, 1), (10, 10, 1), (10, 11, 1), (10, 9, 2), (10, 5, 2), (10, 4, 4), (10, 1, 16), (10, 0, 1)],
)
def test_draws_double_until_samples_are_met(samples: int | None, videos: int, draws: int) -> None:
    assert candidates(samples=samples).draws(videos) == draws


@settings(deadline=None, derandomize=True)
@given(st.integers(2, 10**6), st.integers(1, 10**5))
def test_draws_are_the_least_power_of_two_that_is_enough(samples: int, videos: int) -> None:
    draws = candidates(samples=samples).draws(videos)
    assert draws.bit_count() == 1
    assert draws * videos >= samples or draws == MAX_DRAWS
    assert draws == 1 or draws // 2 * videos < samples


def test_draws_are_bounded_and_stay_as_they_are_asked_for() -> None:
    assert candidates(samples=10**9).draws(1) == MAX_DRAWS
    assert candidates(samples=10**9, clips={"clips_per_video": 3}).draws(1) == 3
    assert candidates(samples=10**9, clips={"start": "first"}).draws(1) == 1  # a second draw would be the same clip
    assert candidates(array="frame", samples=320).draws(20) == 1  # 16 frames of a clip are 16 samples


@pytest.mark.parametrize(
    ("usable", "clips", "shards"),
    [
        ([10, 10, 10], 10, 1),
        ([10, 10, 10], 11, 2),
        ([10, 10, 10], 99, 3),
        ([10, 10, 10], None, 3),
        ([0, 10, 0, 10, 0], 10, 2),
        ([0, 10, 0, 10, 0], 11, 4),
        ([0, 10, 0, 10, 0], None, 4),
        ([0, 0], None, 0),
        ([], 5, 0),
    ],
)
def test_first_shards(usable: list[int], clips: int | None, shards: int) -> None:
    assert plan.first_shards(usable, clips) == shards


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 80) | st.none())
def test_first_shards_are_enough_and_no_more(usable: list[int], clips: int | None) -> None:
    number = plan.first_shards(usable, clips)
    have = sum(usable[:number])
    assert have == sum(usable) or (clips is not None and have >= clips)
    assert number == 0 or usable[number - 1] > 0
    if number and clips is not None:
        assert sum(usable[: number - 1]) < clips


def test_shards_are_those_of_the_metric_that_wants_most() -> None:
    few, many = CLIPS | {"samples": 10}, CLIPS | {"samples": 25}
    other = CLIPS | {"samples": 40, "clips": {"frames": 8}}
    config = configured(few=few, many=many, other=other)
    usable = counts(config, [10, 10, 10, 10, 10])

    def shards(name: str, only: Config = config) -> int:
        (file,) = plan.features(config, metrics(config)[name], "a", usable)
        return plan.shards_of(only, file, usable)

    assert plan.features(config, metrics(config)["few"], "a", usable) == plan.features(
        config, metrics(config)["many"], "a", usable
    )
    assert (shards("few"), shards("many"), shards("other")) == (3, 3, 4)
    assert shards("few", configured(few=few)) == 1
    assert shards("few", configured(few=few, all=CLIPS)) == 5


def test_shards_of_a_reference_do_not_grow_with_what_looks_at_candidates_alone() -> None:
    config = configured(pair=FRAMES | {"samples": 160}, alone=ALONE)
    usable = counts(config, [10, 10])
    for dataset, wanted in (("real", 1), ("a", 2)):
        (file,) = plan.features(config, metrics(config)["pair"], dataset, usable)
        assert plan.shards_of(config, file, usable) == wanted


def test_shards_of_what_no_metric_reads_are_none() -> None:
    config = configured(m=CLIPS)
    assert plan.shards_of(config, plan.Features("a", "other", "net"), counts(config, [1])) == 0


def test_needs_name_each_length_once_with_the_datasets_that_use_it() -> None:
    short = {"frames": 4, "size": [32, 32]}
    config = configured(
        x=CLIPS | {"clips": short},
        y=CLIPS | {"clips": short | {"start": "center", "resize": "area"}},  # other pixels, the same length
        alone=ALONE | {"clips": {"frames": 8, "stride": 2, "fps": 12.5, "max_seconds": 3, "short": "loop"}},
    )
    needs = plan.needs(config)
    assert list(needs) == ["4f-s1-reject", "8f-s2-12.5fps-3s-loop"]
    assert [need["datasets"] for need in needs.values()] == [["a", "real", "b"], ["a", "b"]]
    spec = ClipSpec.model_validate(needs["8f-s2-12.5fps-3s-loop"]["spec"])
    assert spec == ClipSpec(frames=8, stride=2, fps=12.5, max_seconds=3, short="loop")


def test_a_need_used_by_both_kinds_of_metric_holds_the_reference() -> None:
    needs = plan.needs(configured(alone=ALONE, pair=FRAMES))
    assert [need["datasets"] for need in needs.values()] == [["a", "real", "b"]]


@pytest.mark.parametrize(
    ("reference", "definition", "datasets"),
    [("real", FRAMES, ["real", "a", "b"]), ("real", ALONE, ["a", "b"]), (None, ALONE, ["a", "real", "b"])],
)
def test_datasets_of_a_metric(reference: str | None, definition: dict[str, Any], datasets: list[str]) -> None:
    config = configured(reference, m=definition)
    assert plan.datasets(config, metrics(config)["m"]) == datasets


def test_videos_wanted() -> None:
    config = configured(
        one=CLIPS | {"samples": 30}, more=FRAMES | {"samples": 800}, alone=ALONE | {"clips": {"frames": 4}}
    )
    assert plan.videos_wanted(config, "a") is None  # `alone` takes all
    assert plan.videos_wanted(config, "real") == 50
    fixed = configured(m=CLIPS | {"samples": 30, "clips": {"clips_per_video": 4}})
    assert plan.videos_wanted(fixed, "a") == 30  # every video gives a first clip before one gives a second
    rejecting = configured(m=CLIPS | {"samples": 30}, bad_videos={"action": "reject"})
    assert plan.videos_wanted(rejecting, "a") is None


@pytest.mark.parametrize(("start", "files"), [("random", 3), ("first", 1)])
def test_features_of_each_run(start: str, files: int) -> None:
    config = configured(m=CLIPS | {"clips": {"start": start}}, seed=5, runs=3)
    found = plan.features(config, metrics(config)["m"], "a", counts(config, [4]))
    assert len(found) == 3
    assert len(set(found)) == files
    assert {file.dataset for file in found} == {"a"}
    assert [file.clips for file in found] == [
        layout.clips_name(ClipSpec(start=start), seed=seed, draws=1)  # type: ignore[arg-type]
        for seed in (5, 6, 7)
    ]
    assert seeds(config) == [5, 6, 7]


def test_all_features_are_named_once() -> None:
    config = configured(x=FRAMES, y=CLIPS, alone=ALONE, other=CLIPS | {"clips": {"frames": 4}}, runs=2)
    found = plan.all_features(config, counts(config, [4]))
    assert len(found) == len(set(found)) == 2 * 3 * 2  # clip specs, datasets, seeds; the three metrics share


def test_features_hold_the_precision() -> None:
    names = {
        plan.all_features(config, counts(config, [4]))[0].extractor
        for config in (configured(m=CLIPS), configured(m=CLIPS, precision="bfloat16"))
    }
    assert len(names) == 2


def test_names_lead_back_to_specs_and_extractors() -> None:
    definitions: dict[str, dict[str, Any]] = {
        "doubled": CLIPS | {"samples": 100},
        "fixed": CLIPS | {"clips": {"clips_per_video": 3}},
        "first": CLIPS | {"clips": {"start": "first", "size": 32, "crop": "center"}},
        "resampled": FRAMES | {"clips": {"fps": 29.97, "max_seconds": 2, "frames": 4}},
        "most": CLIPS | {"samples": 10**9, "clips": {"frames": 2}},
        "native": CLIPS | {"clips": {"start": "each", "clips_per_video": "all", "size": "native"}},
        "lite0": {"reduce": "frechet", "extractor": "efficientnet_lite0"},
    }
    config = configured(**definitions, seed=9, runs=2)
    usable = counts(config, [3, 4])
    for found in metrics(config).values():
        for seed, file in zip(seeds(config), plan.features(config, found, "a", usable), strict=True):
            asked = plan.clips_asked(config, "a", file.clips, usable)
            spec, named_seed, draws = asked.spec, asked.seed, asked.draws
            wanted = found.of("a").clips
            if wanted.clips_per_video != "all":
                wanted = wanted.model_copy(update={"clips_per_video": draws})
            assert (spec, draws) == (wanted, found.of("a").draws(7))
            assert named_seed == seed or not spec.seeded
            assert asked.native == ((24, 32) if spec.size == "native" else None)
            assert metric_of(config, file.extractor)[0].extractor == found.extractor


def test_each_draws_as_often_as_videos_have_clips_to_give() -> None:
    clips = {"frames": 1, "start": "each"}
    levels = [4, 8, 13, 20, 20]  # clips of the set at 1, 2, 4, 8 and 16 draws: some videos have few
    found = {wanted: candidates(samples=wanted, clips=clips).draws(4, levels) for wanted in (4, 5, 13, 14, 20, 99)}
    assert found == {4: 1, 5: 2, 13: 4, 14: 8, 20: 8, 99: 16}
    assert candidates(clips=clips).draws(4, levels) == 1  # nothing is asked for beyond one of each video
    assert candidates(samples=9, clips=clips | {"clips_per_video": 3}).draws(4, levels) == 3


def test_a_longer_video_does_not_rename_the_clips_of_all() -> None:
    """Every clip of a video is asked for by a number that no length changes, and readable names and rows say `all`."""
    config = configured(m=CLIPS | {"clips": {"frames": 2, "start": "each", "clips_per_video": "all"}})
    names = set()
    for levels in ([[3, 3], [5, 6]], [[3, 3], [5, 6], [9, 11], [15, 16]]):
        usable = counts(config, [3, 3], levels)
        (file,) = {found.clips for found in plan.all_features(config, usable)}
        asked = plan.clips_asked(config, "a", file, usable)
        pieces = [piece for piece in scratch.pieces(config, usable) if piece.dataset == "a"]
        clip = 3 * 2 * 224 * 224
        assert [piece.bytes for piece in pieces] == [number * clip for number in levels[-1]]
        assert [piece.least for piece in pieces] == [3 * clip, 3 * clip]
        assert layout.resolved(asked.spec, seed=asked.seed, draws=asked.draws)["clips_per_video"] == "all"
        assert layout.asked(layout.resolved(asked.spec, seed=0, draws=asked.draws)) == asked
        names.add(file)
    (name,) = names
    assert "-eachall-" in name


def test_the_reference_may_be_taken_otherwise() -> None:
    clips = {"frames": 4, "start": "first"}
    other = {"samples": None, "clips": {"start": "random", "clips_per_video": 2, "min_frames": 9}}
    config = configured(m=CLIPS | {"clips": clips, "samples": 10, "reference": other})
    found = metrics(config)["m"]
    assert found.of("a").clips == ClipSpec(frames=4, start="first")
    assert found.of("real").clips == ClipSpec(frames=4, clips_per_video=2, min_frames=9)
    assert (found.of("a").samples, found.of("real").samples) == (10, None)
    assert {name: need["datasets"] for name, need in plan.needs(config).items()} == {
        "4f-s1-reject": ["a", "b"],
        "4f-s1-from9f-reject": ["real"],
    }
    assert plan.videos_wanted(config, "a") == 10
    assert plan.videos_wanted(config, "real") is None
    (one,), (two,) = (plan.features(config, found, name, counts(config, [20])) for name in ("a", "real"))
    assert ("first" in one.clips, "random2-seed42" in two.clips) == (True, True)
    assert one.extractor == two.extractor
    assert plan.clips_asked(config, "real", two.clips, counts(config, [20])).draws == 2


def test_what_comes_first_by_name_is_found_among_all() -> None:
    config = configured(m=CLIPS | {"samples": 10, "samples_by": "name"})
    usable = counts(config, [10, 10, 10])
    (file,) = plan.features(config, metrics(config)["m"], "a", usable)
    assert plan.shards_of(config, file, usable) == 3
    assert plan.videos_wanted(config, "a") is None


def test_saved_statistics_are_neither_listed_nor_decoded() -> None:
    sources = {"a": {"source": "a"}, "real": {"source": "real.npz", "n": 2048}}
    config = configured(m=CLIPS | {"reduce": "frechet"}, datasets=sources)
    assert config.listed == ["a"]
    assert plan.needs(config)["16f-s1-reject"]["datasets"] == ["a"]
    assert {file.dataset for file in plan.all_features(config, counts(config, [4]))} == {"a"}
    assert plan.metric_plan(config, metrics(config)["m"])["statistics"] == {"real": {"array": None, "n": 2048}}


def test_names_of_another_evaluation_are_refused() -> None:
    config = configured(m=CLIPS)
    with pytest.raises(KeyError):
        plan.clips_asked(config, "a", layout.clips_name(ClipSpec(), seed=43, draws=1), counts(config, [4]))
    with pytest.raises(KeyError):
        metric_of(config, "pixel_grid-float16-noweights-v1.1")


def as_dict(reference: str | None = "real", /, **changes: Any) -> dict[str, Any]:
    config = configured(reference, **({"m": FRAMES} | changes))
    return plan.metric_plan(config, metrics(config)["m"])


@pytest.mark.parametrize(
    "changes",
    [
        {"m": CLIPS},
        {"m": FRAMES | {"samples": 10}},
        {"m": FRAMES | {"clips": {"frames": 8}}},
        {"m": FRAMES | {"options": {"ddof": 1}}},
        {"m": FRAMES | {"protocol": "mine"}},
        {"seed": 1},
        {"runs": 2},
        {"precision": "tf32"},
        {"reference": "b"},
        {"bad_videos": {"action": "reject"}},
        {"bad_videos": {"action": "fail", "max_fraction": 0.5}},
    ],
)
def test_what_the_number_depends_on_is_in_the_plan(changes: dict[str, Any]) -> None:
    assert as_dict(**changes) != as_dict()


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluation": "other"},
        {"shard_size": 3},
        {"device": "cpu"},
        {"keep_clips": True},
        {"results": "elsewhere"},
        {"datasets": {name: {"source": "x"} for name in ("real", "a", "new")}},
        {"m": FRAMES, "another": CLIPS},
    ],
)
def test_what_it_does_not_depend_on_is_not(changes: dict[str, Any]) -> None:
    assert as_dict(**changes) == as_dict()


def test_the_plan_of_a_metric() -> None:
    found = as_dict(m=GRID | {"reduce": "kernel", "options": {"subsets": 7}}, seed=3, runs=2)
    assert (found["metric"], found["array"], found["needs"]) == ("m", "frame", ["16f-s1-reject"] * 2)
    assert found["options"]["subsets"] == 7
    assert found["options"]["subset_size"] == 1000  # defaults are written out
    assert (found["seeds"], found["reference"], found["versions"]["reduce"]) == ([3, 4], "real", 1)
    assert found["extractors"] == [layout.extractor_name(metric().extractor, "float32", None)] * 2
    assert as_dict(m=ALONE)["reference"] is None


def test_needs_of_nearby_rates_have_names_of_their_own() -> None:
    assert need_name(ClipSpec(fps=29.97)) != need_name(ClipSpec(fps=30000 / 1001))
    assert need_name(ClipSpec(max_seconds=1000000)) != need_name(ClipSpec(max_seconds=1000001))


SCORED: dict[str, Any] = {"reduce": "mean", "clips": {"frames": 4, "size": [8, 8]}}
STATISTICS = SCORED | {"extractor": "frame_statistics"}
PAIRS = SCORED | {"extractor": "psnr_ssim"}
PAIRS |= {"clips": PAIRS["clips"] | {"start": "first"}}


def test_columns_have_their_own_names_unless_two_arrays_share_one() -> None:
    long = SCORED | {"clips": {"frames": 8, "size": [8, 8]}, "extractor": "frame_statistics", "column": "banding"}
    one = plan.scores(configured(m=STATISTICS, n=STATISTICS | {"column": "sharpness"}, p=PAIRS))
    assert one["candidates"] == ["a", "b"]
    assert [array["metric"] for array in one["scores"]] == ["m", "p"]  # m and n rest on one array
    assert all(name == label for array in one["scores"] for name, label in array["labels"].items())
    assert [(asked["label"], asked["metric"], asked["better"]) for asked in one["asked"]] == [
        ("temporal_flickering", "m", "higher"),
        ("sharpness", "n", "higher"),
        ("psnr", "p", "higher"),
    ]
    two = plan.scores(configured(m=STATISTICS, long=long))
    assert two["scores"][1]["labels"]["banding"] == "long.banding"
    assert [(asked["label"], asked["better"]) for asked in two["asked"]] == [
        ("m.temporal_flickering", "higher"),
        ("long.banding", "lower"),
    ]
    assert plan.scores(configured(m=CLIPS)) == {"candidates": ["a", "b"], "seed": 42, "scores": [], "asked": []}


def test_features_of_features_are_made_of_those_below_them() -> None:
    config = configured(
        m=SCORED | {"extractor": "clip_agreement", "clips": {"frames": 1, "size": 224, "crop": "center"}}
    )
    found = plan.all_features(config, counts(config, [3]))
    below, above = (file.extractor for file in found if file.dataset == "a")
    assert (below.split("-")[0], above.split("-")[0]) == ("clip_vit_base_patch32", "clip_agreement")
    assert networks.features_below(config, above) == below
    assert networks.features_below(config, below) is None
    assert networks.extractors_of(config, found[0].clips) == [below]  # what reads the clips
    assert {tuple(piece.features) for piece in scratch.pieces(config, counts(config, [3]))} == {
        ((found[0].clips, below),)
    }
    assert networks.network_asked(config, below).name == "clip_vit_base_patch32"
    assert {plan.shards_of(config, file, counts(config, [3])) for file in found} == {1}


def test_scores_of_pairs_are_named_after_the_partners() -> None:
    c = configured(m=PAIRS)
    (equal,) = {file.extractor for file in plan.all_features(c, counts(c, [3]))}
    assert equal.startswith("psnr_ssim-vs-real-float32-")
    trimmed = configured(m=PAIRS | {"unequal": "trim"})
    (other,) = {file.extractor for file in plan.all_features(trimmed, counts(trimmed, [3]))}
    assert other.startswith("psnr_ssim-vs-real+trimmed-")
    assert networks.network_asked(trimmed, other).trim
    assert not networks.network_asked(c, equal).trim


def test_room_for_the_clips_of_partners() -> None:
    """They lie beside the candidates' own, once for all networks that see pairs in one way."""
    both = configured(
        m=PAIRS, l=PAIRS | {"extractor": "lpips_alex", "column": "lpips"}, d=CLIPS | {"clips": PAIRS["clips"]}
    )
    trimmed = configured(m=PAIRS, t=PAIRS | {"unequal": "trim"})
    sizes = {}
    for name, config in {"one": configured(m=PAIRS), "both": both, "trimmed": trimmed}.items():
        found = counts(config, [3])
        sizes[name] = [(piece.least, piece.bytes) for piece in scratch.pieces(config, found) if piece.dataset == "a"]
    ((least, most),) = sizes["one"]
    assert sizes["both"] == [(least, most)]
    assert sizes["trimmed"] == [(least * 3 // 2, most * 3 // 2)]
    alone = configured(d=CLIPS | {"clips": PAIRS["clips"]})
    (piece,) = (piece for piece in scratch.pieces(alone, counts(alone, [3])) if piece.dataset == "a")
    assert piece.bytes == most // 2


@pytest.mark.parametrize("order", [("pairs", "looks"), ("looks", "pairs")])
def test_pairs_and_a_distance_on_the_same_clips(order: tuple[str, str]) -> None:
    """Of the reference no partners are asked, whichever of the metrics comes first."""
    clips = {"frames": 1, "start": "each", "clips_per_video": "all", "size": "native"}
    both = {"pairs": PAIRS | {"clips": clips}, "looks": FRAMES | {"clips": clips}}
    config = configured(**{name: both[name] for name in order})
    needs = plan.needs(config)
    (of_pairs,) = (name for name in needs if name.endswith("-vs-real"))
    of_clips = needs[of_pairs]["clips"]
    asked_of = {name: [of_clips] if name == "real" else [of_clips, of_pairs] for name in config.datasets}
    usable = {name: {need: [2] if need == of_pairs else [3] for need in of} for name, of in asked_of.items()}
    sizes = {name: {need: [24, 32] for need in of} for name, of in asked_of.items()}
    clips_of = {name: {need: [[3], [5]] for need in of} for name, of in asked_of.items()}
    found = plan.Counts(usable, clips_of, sizes)
    assert {file.dataset for file in plan.all_features(config, found)} == set(config.datasets)
    for file in plan.all_features(config, found):
        assert plan.clips_asked(config, file.dataset, file.clips, found).native == (24, 32)
    clip = 3 * 24 * 32
    assert {piece.dataset: (piece.least, piece.bytes) for piece in scratch.pieces(config, found)} == {
        "real": (3 * clip, 5 * clip),
        "a": (2 * 3 * clip, 2 * 5 * clip),
        "b": (2 * 3 * clip, 2 * 5 * clip),
    }


def test_every_partner_is_probed() -> None:
    few = CLIPS | {"samples": 100}
    alone = configured(m=PAIRS | {"samples": 100})
    assert (plan.videos_wanted(alone, "real"), plan.videos_wanted(alone, "a")) == (None, 25)  # of 4 frames each
    assert plan.videos_wanted(configured(m=PAIRS, few=few), "real") is None
    assert plan.videos_wanted(configured(few=few), "real") == 100


@pytest.mark.parametrize("samples", [20, 2048])
def test_features_and_what_reads_them_are_of_the_same_clips(samples: int) -> None:
    clips = {"frames": 8, "size": 224, "crop": "center"}
    config = configured(m=SCORED | {"extractor": "clip_agreement", "clips": clips, "samples": samples})
    found = counts(config, [50, 50])
    files = [file for file in plan.all_features(config, found) if file.dataset == "a"]
    assert len(files) == 2
    assert len({file.clips for file in files}) == 1
    assert len({plan.shards_of(config, file, found) for file in files}) == 1
    assert len(scratch.pieces(config, found)) == 2 * plan.shards_of(config, files[0], found)


def test_knobs_tell_what_pairs_are_compared_with() -> None:
    equal, trimmed = (metrics(configured(m=PAIRS | more))["m"] for more in ({}, {"unequal": "trim"}))
    assert (knobs(equal, "float32")["partners"], knobs(equal, "float32")["unequal"]) == ("real", "error")
    assert knobs(trimmed, "float32")["unequal"] == "trim"
    assert "partners" not in knobs(metric(), "float32")
