"""What metrics answer, on features made up for it."""

import numpy as np
import pytest

from vidgauge.definition import MetricDefinition
from vidgauge.extractors import spec
from vidgauge.metric import Metric
from vidgauge.selftest.damages import DAMAGES, MODES, SHUFFLE
from vidgauge.selftest.measure import EVEN, SPLITS, Point, measure, modes_of, plan
from vidgauge.selftest.passes import Seen
from vidgauge.selftest.words import notes, sentence, table, values, verdict

NAMES = [f"{number:03d}" for number in range(64)]
OURS, THEIRS = NAMES[::2], NAMES[1::2]


def metric(reduce="frechet", **options):
    definition = MetricDefinition(reduce=reduce, extractor="pixel_grid", array="frame", options=options)
    return Metric(f"{reduce} frame", definition, spec("pixel_grid"))


def made_up(shift, rows=3):
    """Features of 64 videos; those of the damaged half lie `shift` times the amount away, or 0 for shuffle."""
    rng = np.random.default_rng(0)
    clean = {video: {"frame": rng.normal(size=(rows, 4)).astype(np.float32)} for video in NAMES}
    damaged = {
        (damage.name, amount): {
            video: {"frame": clean[video]["frame"] + np.float32(shift * amount * (damage is not SHUFFLE))}
            for video in THEIRS
        }
        for damage in DAMAGES
        if damage is not MODES
        for amount in damage.amounts
    }
    return Seen(clean, damaged)


def answers(reduce="frechet", seen=None, workers=1, **options):
    seen = seen or made_up(0.5)
    parts = modes_of({video: seen.clean[video] for video in THEIRS}, "frame")
    return measure(
        metric(reduce, **options),
        seen,
        plan(seen, OURS, THEIRS, parts, 42),
        seed=42,
        workers=workers,
        progress=lambda: None,
    )


def points(found, name):
    return [point.answer for point in found.points[name]]


@pytest.mark.parametrize("reduce", ["frechet", "kernel_exact", "precision_recall", "density_coverage"])
def test_worse_is_above_0_whichever_way_the_metric_points(reduce):
    found = answers(reduce)
    assert points(found, "noise")[-1] > 4
    assert points(found, "noise") == sorted(points(found, "noise"))


def test_what_changes_nothing_is_answered_by_0():
    assert points(answers(), "shuffle") == [0.0] * 4


def test_an_answer_counts_spreads():
    found = answers()
    point = found.points["noise"][1]
    assert point.against == found.floor
    assert point.answer == pytest.approx((point.value - found.floor) / np.std(found.splits, ddof=1))
    assert found.spread == pytest.approx(np.std(found.splits, ddof=1))
    assert len(found.splits) == SPLITS


def test_the_spread_is_that_of_new_samples():
    """Against fresh draws of both halves, of which the splits know nothing."""
    spreads = []
    for start in range(6):
        rng = np.random.default_rng(start + 1)
        clean = {video: {"frame": rng.normal(size=(1, 4)).astype(np.float32)} for video in NAMES}
        spreads.append(answers(seen=Seen(clean)).spread)
    rng = np.random.default_rng(99)
    reduce = metric().reduce.reduce
    fresh = [reduce(*rng.normal(size=(2, 32, 4)), seed=0).value for _ in range(300)]
    assert np.mean(spreads) == pytest.approx(np.std(fresh), rel=0.3)


def test_nothing_depends_on_the_number_of_workers():
    assert answers(workers=1).points == answers(workers=3).points


def test_lost_modes_are_held_against_as_many_videos_of_all_modes():
    found = answers().points[MODES.name]
    assert [point.videos for point in found] == [28, 24, 20, 16]
    assert found[-1].against > answers().floor  # fewer videos, more bias
    assert found[-1].spread >= answers().spread
    assert found[-1].answer > 2


def test_videos_that_are_too_short_for_a_speed_are_left_out_on_both_sides():
    seen = made_up(0.0)
    for video in THEIRS[:8]:
        del seen.damaged["speed", 3.0][video]
    last = answers(seen=seen).points["speed"][-1]
    assert last.videos == 24
    assert last.answer == 0.0
    assert last.against != answers(seen=seen).floor


def test_a_metric_without_a_number_says_why():
    found = answers("density_coverage", k=200)
    assert found.floor is None
    assert {answer for damage in DAMAGES for answer in points(found, damage.name)} == {None}
    assert "expected" in found.problem
    assert verdict(found.points["noise"]).kind == "undefined"
    assert found.problem in sentence(found, SHUFFLE)


def test_a_metric_that_never_moves_says_so():
    seen = Seen({video: {"frame": np.ones((3, 4), np.float32)} for video in NAMES})
    found = answers(seen=seen)
    assert found.spread is None
    assert "same for all halves" in found.problem


def test_a_metric_without_reference():
    assert answers("vendi").floor > 1


def test_plans_compare_each_pair_once_and_split_at_random():
    seen = made_up(0.1)
    made = plan(seen, OURS, THEIRS, modes_of({video: seen.clean[video] for video in THEIRS}, "frame"), 42)
    assert len(made.pairs) == len(set(made.pairs)) == 1 + SPLITS + 6 * 4 + 4 * (1 + EVEN)
    assert len({pair.reference for pair in made.splits}) == SPLITS
    for pair in made.splits:
        assert sorted(pair.reference + pair.candidate) == NAMES


def point(answer, amount=1.0):
    return Point(amount, 32, None, None, None, answer)


@pytest.mark.parametrize(
    ("answered", "kind", "since"),
    [
        ([0.1, 0.5, 1.9], "blind", None),
        ([0.1, 2.0, 9.0], "sees", 2.0),
        ([3.0, 1.0, 9.0], "sees", 9.0),
        ([9.0, 9.0, 0.0], "blind", None),
        ([0.0, -3.0, -4.0], "better", -3.0),
        ([3.0, None, None], "sees", 3.0),
        ([None, None], "undefined", None),
        ([], "not tried", None),
    ],
)
def test_verdicts(answered, kind, since):
    found = verdict([point(answer) for answer in answered])
    assert found.kind == kind
    assert (found.since and found.since.answer) == since


def test_words():
    found = [answers()]
    head, line = table(found)
    assert head.split()[:3] == ["metric", "noise", "blur"]
    assert line.startswith("frechet frame")
    assert "from 4" in line
    assert "blind" in line
    assert sentence(found[0], SHUFFLE) == "frechet frame does not see shuffle, up to 100 % of the frames"
    assert sentence(found[0], DAMAGES[0]).startswith("frechet frame sees noise from 4 grey levels on (")
    assert "quality 90" in sentence(found[0], DAMAGES[2])
    said = "\n".join(notes(found, ["speed 4× was not tried: ..."], 64, [{"reason": "empty"}]))
    assert "these do not see motion: frechet frame; they look at single frames" in said
    assert "speed 4× was not tried" in said
    assert "64 videos are few" in said
    assert "1 video left out (empty 1)" in said
    assert not notes([], [], 256, [])
    numbers = values(found[0])
    assert f"{found[0].floor:.4g} undamaged" in numbers[0]
    assert len(numbers) == 1 + len(DAMAGES)
