"""Fetches that were interrupted go on, from any address, and never end at anything but the right bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.weights.serving import (
    CONTENT,
    HALF,
    PAGE,
    WRONG,
    Behaviour,
    Server,
    answers,
    begin,
    dead_address,
    gives,
    gives_all,
    made,
    names,
    part_of,
    ranges,
    refused,
    trickles,
    unknown,
)
from vidgauge.weights import download
from vidgauge.weights.fetch import fetch_entry


def test_broken_off_and_resumed(server: Server, folder: Path) -> None:
    entry = made(server.at("/a", gives(until=HALF), gives()))
    assert fetch_entry(entry, folder).path.read_bytes() == CONTENT
    assert ranges(server) == [("/a", None), ("/a", f"bytes={HALF}-")]
    assert server.asked[1].sent == len(CONTENT) - HALF


def test_an_address_that_keeps_breaking_off_is_given_up_and_its_part_kept(server: Server, folder: Path) -> None:
    steps = [gives(until=100_000 + 10_000 * i) for i in range(10)]
    text = refused(made(server.at("/a", *steps)), folder)
    assert "breaks off" in text
    assert len(server.asked) == 1 + download.RETRIES
    assert part_of(folder).read_bytes() == CONTENT[: 100_000 + 10_000 * download.RETRIES]


def test_an_address_that_breaks_off_without_a_byte_is_not_asked_again(server: Server, folder: Path) -> None:
    refused(made(server.at("/a", gives_all(until=0))), folder)
    assert len(server.asked) == 1


@pytest.mark.usefixtures("_impatient")
def test_the_next_address_goes_on_where_a_slow_one_was(server: Server, folder: Path) -> None:
    entry = made(server.at("/slow", trickles(start=HALF)), server.at("/fast", gives()))
    assert fetch_entry(entry, folder).path.read_bytes() == CONTENT
    fast = server.asked[-1]
    assert [asked.path for asked in server.asked] == ["/slow", "/fast"]
    assert fast.range
    assert HALF < int(fast.range.removeprefix("bytes=").removesuffix("-")) < len(CONTENT)
    assert fast.sent < HALF


def test_an_interrupted_fetch_goes_on(server: Server, folder: Path) -> None:
    begin(folder, CONTENT[:HALF])
    assert fetch_entry(made(server.at("/a", gives())), folder).path.read_bytes() == CONTENT
    assert ranges(server) == [("/a", f"bytes={HALF}-")]


def test_a_part_is_not_given_up_for_a_page(server: Server, folder: Path) -> None:
    begin(folder, CONTENT[:HALF])
    entry = made(server.at("/page", gives_all(PAGE, length=False)), server.at("/good", gives()))
    fetch_entry(entry, folder)
    assert ranges(server)[1] == ("/good", f"bytes={HALF}-")


@pytest.mark.parametrize("length", [True, False])
def test_a_server_that_knows_no_ranges_starts_over(server: Server, folder: Path, length: bool) -> None:
    begin(folder, CONTENT[:HALF])
    assert fetch_entry(made(server.at("/a", gives_all(length=length))), folder).path.read_bytes() == CONTENT
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "bad",
    [
        answers(416),
        answers(206, CONTENT[1:], Content_Range=f"bytes 1-{len(CONTENT) - 1}/{len(CONTENT)}"),
        answers(206, CONTENT[HALF:]),
    ],
    ids=["416", "another range", "no range"],
)
def test_an_answer_that_does_not_go_on_where_we_are_starts_over(server: Server, folder: Path, bad: Behaviour) -> None:
    begin(folder, CONTENT[:HALF])
    assert fetch_entry(made(server.at("/a", bad, gives())), folder).path.read_bytes() == CONTENT
    assert ranges(server) == [("/a", f"bytes={HALF}-"), ("/a", None)]


def test_a_rest_of_another_file_is_seen_at_once(server: Server, folder: Path) -> None:
    begin(folder, CONTENT[:HALF])
    assert "has a file of 300001 bytes" in refused(made(server.at("/a", gives(CONTENT + b"x"))), folder)
    assert part_of(folder).read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize("old", [WRONG[:HALF], WRONG, WRONG + b"x"], ids=["half", "whole", "too long"])
def test_a_wrong_part_is_fetched_anew(server: Server, folder: Path, old: bytes) -> None:
    begin(folder, old)
    assert fetch_entry(made(server.at("/a", gives())), folder).path.read_bytes() == CONTENT
    assert server.asked[-1].range is None
    assert server.asked[-1].sent == len(CONTENT)


def test_wrong_content_is_fetched_anew_once_and_its_part_deleted(server: Server, folder: Path) -> None:
    begin(folder, WRONG[:HALF])
    assert "sends another file" in refused(made(server.at("/a", gives(WRONG))), folder)
    assert ranges(server) == [("/a", f"bytes={HALF}-"), ("/a", None)]
    assert names(folder) == set()


def test_a_whole_part_only_has_to_be_checked(server: Server, folder: Path) -> None:
    begin(folder, CONTENT)
    assert fetch_entry(made(dead_address()), folder).verified
    assert names(folder) == {"net.pt"}


def test_a_whole_part_of_unknown_size_is_not_fetched_again(server: Server, folder: Path) -> None:
    begin(folder, CONTENT)
    assert fetch_entry(made(server.at("/a", gives()), bytes=None), folder).verified
    assert [asked.sent for asked in server.asked] == [0]


def test_without_a_digest_nothing_of_an_earlier_fetch_is_used(server: Server, folder: Path) -> None:
    begin(folder, WRONG[:HALF])
    fetch_entry(unknown(server.at("/a", gives())), folder)
    assert ranges(server) == [("/a", None)]
