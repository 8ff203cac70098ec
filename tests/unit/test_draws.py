"""Random choices that follow from the seed and the video's id alone: uniform, independent, and cut in hash order."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.draws import choose, permuted, position, shard_of

IDS = [f"folder/video_{i:05d}.mp4" for i in range(4000)]


def chi_square(counts: Counter[int], cells: int) -> float:
    expected = counts.total() / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


def test_the_hash_is_sha256_and_stays_it() -> None:
    digest = hashlib.sha256(b"a.mp4").digest()
    assert position("a.mp4") == int.from_bytes(digest[:8], "big")
    # numbers of finished evaluations rest on these
    assert [choose(42, "a.mp4", draw, 1000) for draw in range(4)] == [595, 812, 782, 459]
    assert [shard_of(name, 7) for name in ("a.mp4", "b/ü.mp4", "x.npy[3]")] == [6, 2, 2]


def test_ids_that_are_not_utf8_have_a_place() -> None:
    assert 0 <= position("a\udcff.mp4") < 2**64
    assert position("a\udcff.mp4") != position("a.mp4")


@settings(deadline=None, derandomize=True)
@given(
    st.integers(0, 2**32),
    st.text(st.characters(exclude_categories=[]), max_size=20).filter(
        encodable := lambda s: not any(0xD800 <= ord(c) < 0xDC80 or 0xDD00 <= ord(c) < 0xE000 for c in s)
    ),
    st.integers(0, 99),
    st.integers(1, 10**9),
)
def test_a_choice_is_one_of_the_choices(seed: int, name: str, draw: int, choices: int) -> None:
    found = choose(seed, name, draw, choices)
    assert type(found) is int
    assert 0 <= found < choices
    assert found == choose(seed, name, draw, choices)


def test_a_permutation_stays_what_it_is() -> None:
    """Numbers of finished evaluations rest on it; draw 0 is that of a single choice."""
    assert permuted(42, "a.mp4", 12, 12) == [7, 9, 1, 0, 8, 6, 5, 4, 11, 3, 2, 10]
    assert all(permuted(42, name, 1, 1000) == [choose(42, name, 0, 1000)] for name in IDS[:100])


@given(st.integers(0, 2**32), st.sampled_from(IDS), st.integers(0, 60), st.integers(1, 40))
def test_a_permutation_holds_each_choice_once_and_begins_as_a_shorter_one(
    seed: int, name: str, draws: int, choices: int
) -> None:
    taken = permuted(seed, name, draws, choices)
    assert len(taken) == len(set(taken)) == min(draws, choices)
    assert set(taken) <= set(range(choices))
    assert permuted(seed, name, 2 * draws, choices)[:draws] == taken
    assert sorted(permuted(seed, name, choices, choices)) == list(range(choices))


def test_permutations_are_uniform() -> None:
    orders = list(permutations(range(4)))
    counts = Counter(orders.index(tuple(permuted(0, f"{i}", 4, 4))) for i in range(24000))
    assert chi_square(counts, 24) < 49.7  # 23 degrees of freedom, one in a thousand


def test_choices_are_uniform_over_videos_draws_and_seeds() -> None:
    cells = 10  # 9 degrees of freedom: 27.9 is passed once in a thousand, and nothing here is random
    assert chi_square(Counter(choose(0, name, 0, cells) for name in IDS), cells) < 27.9
    assert chi_square(Counter(choose(0, "a.mp4", draw, cells) for draw in range(4000)), cells) < 27.9
    assert chi_square(Counter(choose(seed, "a.mp4", 0, cells) for seed in range(4000)), cells) < 27.9


@pytest.mark.parametrize("other", ["draw", "seed", "position"])
def test_draws_are_independent_of_each_other(other: str) -> None:
    second = {
        "draw": lambda name: choose(0, name, 1, 4),
        "seed": lambda name: choose(1, name, 0, 4),
        "position": lambda name: shard_of(name, 4),  # what `samples` picks must not prefer early clips
    }[other]
    pairs = Counter(4 * choose(0, name, 0, 4) + second(name) for name in IDS)
    assert chi_square(pairs, 16) < 37.7  # 15 degrees of freedom, one in a thousand


def test_the_parts_of_a_choice_do_not_run_together() -> None:
    """Seed 1 of '2.mp4' is not seed 12 of '.mp4', and so on."""
    same = [(1, "1a", 1), (11, "a", 1), (1, "1a1", 1), (1, "1a", 11), (1, "1a\0001", 1)]
    assert len({choose(*parts, 2**60) for parts in same}) == len(same)


def test_more_choices_keep_the_place_in_the_video() -> None:
    """A longer video moves a clip's start in proportion: choices are a fraction of the range."""
    for name in IDS[:200]:
        part = choose(42, name, 0, 10**6) / 10**6
        assert choose(42, name, 0, 100) == int(100 * part)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(IDS), min_size=1, max_size=50, unique=True), st.integers(1, 1000))
def test_shards_are_ranges_of_the_hash_order(names: list[str], shards: int) -> None:
    cut = [shard_of(name, shards) for name in sorted(names, key=position)]
    assert cut == sorted(cut)
    assert 0 <= cut[0] <= cut[-1] < shards


def test_shards_are_of_about_one_size() -> None:
    counts = Counter(shard_of(name, 8) for name in IDS)
    assert sorted(counts) == list(range(8))
    assert chi_square(counts, 8) < 24.3  # 7 degrees of freedom, one in a thousand


def test_more_shards_cut_each_shard() -> None:
    """With twice the shards, each is one half of what it was."""
    assert all(shard_of(name, 16) // 2 == shard_of(name, 8) for name in IDS)
