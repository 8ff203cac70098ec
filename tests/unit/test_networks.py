"""Which networks an evaluation runs: arrays on demand, digests in names, weights to fetch."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from vidgauge import networks
from vidgauge.config import Config, load
from vidgauge.errors import UsageError
from vidgauge.metric import Metric, metrics
from vidgauge.networks import (
    clips_names,
    extractors_of,
    network_asked,
    weights_folder,
    weights_place,
    weights_wanted,
)
from vidgauge.prepare import remove_old_tickets
from vidgauge.vouched import with_digests
from vidgauge.weights import entry

FID = {"reduce": "frechet", "extractor": "inception_2015", "clips": {"frames": 1}}
FVD = {"reduce": "frechet", "extractor": "i3d_kinetics400"}
OWN = {"torchscript": "net.pt", "input": {"layout": "BCTHW"}, "trust": True, "licence": "MIT"}
KNOWN = {key: value for key, value in OWN.items() if key != "trust"} | {"sha256": "1" * 64}
MINE = {"reduce": "frechet", "extractor": "mine"}


def configured(
    extractors: dict[str, Any] | None = None, /, *, keys: dict[str, Any] | None = None, **define: Any
) -> Config:
    return load(
        {
            "evaluation": "test",
            "reference": "real",
            "datasets": {"real": {"source": "x"}, "mine": {"source": "y"}},
            "metrics": list(define),
            "define": define,
            "extractors": extractors or {},
        }
        | (keys or {})
    )


def extractor_name(config: Config, metric: Metric) -> str:
    return networks.extractor_name(config, metric, metric.definition.clips)


def arrays_together(config: Config, metric: Metric) -> tuple[str, ...]:
    return networks.arrays_together(config, metric, metric.definition.clips)


def together(**define: Any) -> tuple[str, ...]:
    config = configured(**define)
    found = {arrays_together(config, metric) for metric in metrics(config).values()}
    assert len(found) == 1  # one pass
    return found.pop()


def test_arrays_on_demand_come_only_where_they_are_asked_for() -> None:
    usual = ("2048", "logits_unbiased", "logits")
    assert together(a=FID) == usual
    assert together(a=FID | {"array": "64"}) == ("64",)
    assert set(together(a=FID | {"array": "64"}, b=FID, c=FID | {"array": "768"})) == {*usual, "64", "768"}


def test_other_clips_or_weights_are_another_pass() -> None:
    config = configured(
        a=FID | {"array": "64"}, b=FID | {"clips": {"frames": 2}}, c=FID | {"weights": "inception_nvidia"}
    )
    found = [arrays_together(config, metric) for metric in metrics(config).values()]
    assert found == [("64",), ("2048", "logits_unbiased", "logits"), ("2048", "logits_unbiased")]
    assert len({extractor_name(config, metric) for metric in metrics(config).values()}) == 3


def test_features_are_named_after_the_digest_of_their_weights() -> None:
    config = configured(a=FVD, b=FVD | {"weights": "i3d_videogpt"})
    first, second = (extractor_name(config, metric) for metric in metrics(config).values())
    assert f"-{str(entry('i3d_styleganv').sha256)[:8]}-" in first
    assert f"-{str(entry('i3d_videogpt').git_blob)[:8]}-" in second  # no sha256 of it is published


def test_what_is_asked_of_a_network_names_neither_its_place_nor_its_licence() -> None:
    one = configured({"mine": KNOWN}, a=MINE)
    two = configured({"mine": KNOWN | {"torchscript": "b/other.pt", "licence": "x"}}, a=MINE)
    name = extractor_name(one, metrics(one)["a"])
    assert name == extractor_name(two, metrics(two)["a"])
    assert network_asked(one, name) == network_asked(two, name)
    assert network_asked(one, name).trusted
    assert (weights_place(one, name), weights_place(two, name)) == ("net.pt", "b/other.pt")


@pytest.mark.parametrize(
    "change",
    [{"sha256": "2" * 64}, {"keywords": {"a": 1}}, {"batch": 4}, {"input": {"layout": "BCTHW", "range": [0, 255]}}],
)
def test_features_of_ones_own_network_are_named_after_all_that_they_depend_on(change: dict[str, Any]) -> None:
    one = configured({"mine": KNOWN}, a=MINE)
    two = configured({"mine": KNOWN | change}, a=MINE)
    assert extractor_name(one, metrics(one)["a"]) != extractor_name(two, metrics(two)["a"])


def test_weights_are_wanted_for_the_clips_that_are_read() -> None:
    config = configured(
        a=FVD, b=FID, c={"reduce": "frechet", "extractor": "efficientnet_lite0"}, keys={"weights": "here"}
    )
    names = {metric.name: extractor_name(config, metric) for metric in metrics(config).values()}
    clips = {
        metric.name: next(iter(clips_names(config, metric.definition.clips))) for metric in metrics(config).values()
    }
    assert clips["a"] == clips["c"]
    assert extractors_of(config, clips["a"]) == [names["a"], names["c"]]
    assert extractors_of(config, clips["b"]) == [names["b"]]
    assert weights_wanted(config, names["a"]) == ["i3d_styleganv"]
    assert weights_wanted(config, names["b"]) == ["inception_pytorch_fid"]
    assert weights_wanted(config, names["c"]) == []  # these come with a package
    assert weights_folder(config) == Path("here")


def test_weights_of_unknown_digest_are_never_fetched_by_a_run() -> None:
    c3d = {"reduce": "inception_score", "extractor": "c3d_ucf101", "options": {"input": "probabilities"}}
    config = configured({"c3d_ucf101": {"trust": True, "sha256": "2" * 64}}, a=c3d)
    name = extractor_name(config, metrics(config)["a"])
    assert weights_wanted(config, name) == []
    assert "-22222222-" in name


def archive(content: bytes) -> bytes:
    """What is told to be TorchScript."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("net/constants.pkl", content)
    return out.getvalue()


ONE, TWO = archive(b"one"), archive(b"two")


def with_own(tmp_path: Path, **keys: Any) -> Config:
    mine = OWN | {"torchscript": str(tmp_path / "net.pt")} | keys
    return configured({"mine": mine}, a=MINE, keys={"results": str(tmp_path / "results")})


def sha256(config: Config) -> str | None:
    return config.own_networks["mine"].sha256


def test_digests_of_files_that_users_vouch_for(tmp_path: Path) -> None:
    file, notes = tmp_path / "net.pt", tmp_path / "results/weights/.digests.json"
    file.write_bytes(ONE)
    config = with_own(tmp_path)
    first, other = (hashlib.sha256(content).hexdigest() for content in (ONE, TWO))
    assert (sha256(config), sha256(with_digests(config, "mine.yaml"))) == (None, first)
    before = notes.stat().st_mtime_ns
    assert sha256(with_digests(config, "mine.yaml")) == first
    assert notes.stat().st_mtime_ns == before
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    file.write_bytes(TWO)
    os.utime(file, ns=times)  # as a copy that keeps times leaves it
    assert sha256(with_digests(config, "mine.yaml", fresh=False)) == first  # a job of the run that began before
    assert sha256(with_digests(config, "mine.yaml")) == other
    file.unlink()
    assert sha256(with_digests(config, "mine.yaml")) == other  # what rests on it may be finished


def test_a_digest_that_is_given_is_compared_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(ONE)
    config = with_own(tmp_path, sha256="3" * 64, trust=False)
    with pytest.raises(UsageError, match=r"extractors\.mine: .*net\.pt: its sha256 is \w{64}, and sha256 says 3{64}"):
        with_digests(config, "mine.yaml")
    assert with_digests(config, "mine.yaml", fresh=False) == config


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_notes_that_cannot_be_read_are_made_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.pt").write_bytes(ONE)
    notes = tmp_path / "results/weights/.digests.json"
    notes.parent.mkdir(parents=True)
    notes.write_bytes(content)
    assert sha256(with_digests(with_own(tmp_path), "mine.yaml")) == hashlib.sha256(ONE).hexdigest()
    assert json.loads(notes.read_text())


def test_notes_that_cannot_be_written_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(ONE)
    (tmp_path / "results").write_text("a file where the folder should be")
    assert sha256(with_digests(with_own(tmp_path), "mine.yaml")) == hashlib.sha256(ONE).hexdigest()


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    c3d = {"reduce": "inception_score", "extractor": "c3d_ucf101", "options": {"input": "probabilities"}}
    keys = {"results": str(tmp_path), "weights": str(tmp_path / "weights")}
    with pytest.raises(UsageError) as caught:
        with_digests(configured({"mine": OWN, "c3d_ucf101": {"trust": True}}, a=MINE, b=c3d, keys=keys), "mine.yaml")
    first, second = str(caught.value).splitlines()
    assert first == "mine.yaml: extractors.mine: torchscript: net.pt: no such file"
    assert second.startswith("mine.yaml: extractors.c3d_ucf101: ")
    assert "vidgauge weights add c3d_ucf101 FILE" in second


def test_a_ticket_counts_as_long_as_its_file_is_the_same(tmp_path: Path) -> None:
    tickets, folder = tmp_path / "tickets", tmp_path / "weights"
    file = folder / "r3d_18" / entry("r3d_18").file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"w")
    tickets.mkdir()

    def write(**keys: Any) -> Path:
        said = {
            "name": "r3d_18",
            "path": str(file),
            "mtime_ns": file.stat().st_mtime_ns,
            "sha256": entry("r3d_18").sha256,
        }
        (tickets / "r3d_18.json").write_text(json.dumps(said | keys))
        return tickets / "r3d_18.json"

    (tickets / ".digests.json").write_text("{}")
    ticket = write()
    remove_old_tickets(tickets, folder)
    assert ticket.exists()
    for change in ({"mtime_ns": 1}, {"path": "/elsewhere"}, {"sha256": "0" * 64}, {"name": "gone"}, {"mtime_ns": None}):
        ticket = write(**change)
        remove_old_tickets(tickets, folder)
        assert not ticket.exists(), change
    ticket.write_bytes(b"")
    remove_old_tickets(tickets, folder)
    assert not ticket.exists()
    ticket = write()
    file.unlink()
    remove_old_tickets(tickets, folder)
    assert not ticket.exists()
    assert (tickets / ".digests.json").exists()


def test_what_is_no_archive_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"a state dict, say")
    with pytest.raises(UsageError, match=r"extractors\.mine: torchscript: .*net\.pt: is no TorchScript archive"):
        with_digests(with_own(tmp_path), "mine.yaml")
