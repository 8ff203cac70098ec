"""The command line: exit codes, errors of one paragraph, help with an example, one thread for each library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import vidgauge
from vidgauge.cli import main
from vidgauge.errors import UsageError, VidgaugeError

ROOT = Path(__file__).parents[2]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="vidgauge")


def paragraph(result: Result) -> str:
    """The message of an error: one paragraph on stderr and nothing else."""
    assert result.stdout == ""
    assert result.stderr.endswith("\n")
    assert "\n\n" not in result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.h5"
    path.write_text("no features")
    return path


@pytest.mark.parametrize("name", main.commands)
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    (example,) = re.findall(rf"^\s*Example: vidgauge {name} (.*?)\n\n", result.stdout, re.MULTILINE | re.DOTALL)
    command = main.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z]+", example)) <= known
    required = [p for p in command.params if p.required and isinstance(p, click.Option)]
    assert all(set(option.opts) & set(example.split()) for option in required)


@pytest.mark.parametrize("name", main.commands)
def test_every_command_and_option_says_what_it_is(name: str) -> None:
    command = main.commands[name]
    assert command.help
    options = [p for p in command.params if isinstance(p, click.Option) and p.required]
    assert all(option.help for option in options)


def test_help_lists_every_command() -> None:
    result = call("-h")
    assert result.exit_code == 0
    assert all(re.search(rf"^  {name} ", result.stdout, re.MULTILINE) for name in main.commands)


def test_version() -> None:
    result = call("--version")
    assert (result.exit_code, vidgauge.__version__ in result.stdout) == (0, True)


@pytest.fixture
def nothing_listed(tmp_path: Path) -> list[Path]:
    """What `manifest` joins for a dataset without videos: rejected.jsonl, lines.jsonl, a shard."""
    paths = [tmp_path / name for name in ("rejected.jsonl", "lines.jsonl", "0.jsonl")]
    for path, text in zip(paths, ("", "", '{"probed": 0}\n'), strict=True):
        path.write_text(text)
    return paths


def test_success_is_0_and_silent(tmp_path: Path, nothing_listed: list[Path]) -> None:
    out = tmp_path / "out"
    result = call("manifest", *nothing_listed, "--videos", out / "videos", "--rejected", out / "rejected")
    assert (result.exit_code, result.output) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == ["rejected", "videos"]


def test_bad_data_is_1(broken: Path, tmp_path: Path) -> None:
    result = call("merge", broken, "--out", tmp_path / "out.h5")
    assert result.exit_code == 1
    text = paragraph(result)
    assert text.startswith(f"vidgauge: {broken}: was cut short, or is no file of vidgauge")
    assert "run the same command again" in text
    assert not (tmp_path / "out.h5").exists()


def test_bad_usage_of_ours_is_2(broken: Path, tmp_path: Path) -> None:
    result = call("features", broken, "--extractor", "pixelgrid", "--out", tmp_path / "out.h5")
    assert result.exit_code == 2
    assert paragraph(result) == "vidgauge: unknown extractor 'pixelgrid'; did you mean 'pixel_grid'?\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nosuch"], "No such command 'nosuch'"),
        (["merge", "--out", "x"], "Missing argument 'SHARDS...'"),
        (["merge", "missing.h5", "--out", "x"], "'missing.h5' does not exist"),
        (["merge", "--workers", "3"], "No such option"),
        (["probe", __file__, "--out", "x", "--workers", "0"], "0 is not in the range x>=1"),
        (["features", __file__, "--extractor", "pixel_grid", "--out", "x", "--precision", "half"], "'half' is not one"),
        (["features", __file__, "--extractor", "pixel_grid", "--out", "x", "--device", "tpu"], "'tpu' is not one"),
        (["probe", __file__], "Missing option '--out'"),
    ],
)
def test_bad_usage_of_clicks_is_2(arguments: list[str], text: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("error", "code"), [(VidgaugeError, 1), (UsageError, 2)])
def test_debug_shows_where_an_error_comes_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Path, error: type[VidgaugeError], code: int
) -> None:
    def merge(*_: object) -> None:
        raise error("shards do not fit")

    monkeypatch.setattr("vidgauge.store.merge.merge", merge)
    arguments = ["merge", broken, "--out", tmp_path / "out.h5"]
    shown, hidden = call("--debug", *arguments), call(*arguments)
    assert type(shown.exception) is error
    assert shown.stderr == ""
    assert (hidden.exit_code, hidden.stderr) == (code, "vidgauge: shards do not fit\n")


def test_an_error_of_the_system_names_the_file(tmp_path: Path, nothing_listed: list[Path]) -> None:
    (tmp_path / "file").touch()  # where a folder is to be made
    out = ["--videos", tmp_path / "file" / "videos", "--rejected", tmp_path / "rejected"]
    result = call("manifest", *nothing_listed, *out)
    assert result.exit_code == 1
    assert paragraph(result).startswith(f"vidgauge: {tmp_path / 'file'}: ")
    assert type(call("--debug", "manifest", *nothing_listed, *out).exception) is FileExistsError


def test_defects_are_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: Path) -> None:
    def merge(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vidgauge.store.merge.merge", merge)
    result = call("merge", broken, "--out", tmp_path / "out.h5")
    assert (result.exit_code, type(result.exception)) == (1, ZeroDivisionError)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), **more}


@pytest.mark.parametrize(("flags", "traceback"), [([], False), (["--debug"], True)])
def test_a_real_process(broken: Path, flags: list[str], traceback: bool) -> None:
    command = [sys.executable, "-m", "vidgauge", *flags, "merge", str(broken), "--out", "out.h5"]
    done = subprocess.run(command, cwd=broken.parent, env=environment(), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert ("Traceback" in done.stderr) == traceback
    assert f"{broken}: was cut short, or is no file of vidgauge" in done.stderr
    assert done.stderr.startswith("vidgauge: ") != traceback
    assert [path.name for path in broken.parent.iterdir()] == [broken.name]


def test_matrix_products_have_one_thread_whatever_the_user_set() -> None:
    code = "import os, vidgauge.cli; print(*(os.environ[name] for name in " + repr(THREADS) + "))"
    many = dict.fromkeys(THREADS, "8")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(**many), text=True, capture_output=True, check=True
    )
    assert done.stdout.split() == ["1", "1", "1"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["clips", "{any}", "--spec", "{", "--out", "{out}"],
        ["clips", "{any}", "--spec", '{"spec": {"strde": 1}, "seed": 1, "draws": 1}', "--out", "{out}"],
        ["clips", "{any}", "--spec", "{}", "--out", "{out}"],
        ["metric", "{any}", "{any}", "--candidate", "a", "--out", "{out}"],
        ["collect", "{any}", "{any}", "--rejected", "{any}", "--json", "{out}", "--csv", "{out}", "--text", "{out}"],
    ],
)
def test_what_the_workflow_did_not_write_is_one_paragraph(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "any").write_text("{}")
    names = {"{any}": str(tmp_path / "any"), "{out}": str(tmp_path / "out")}
    done = CliRunner().invoke(main, [names.get(argument, argument) for argument in arguments])
    assert done.exit_code == 2
    assert done.output.startswith("vidgauge: ")
    assert len(done.output.splitlines()) == 1
