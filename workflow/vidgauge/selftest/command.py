"""`vidgauge selftest`: what metrics see of damages to one's own videos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from vidgauge.errors import UsageError


@click.command("selftest")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--extractor", help="A network's name: a distance by moments, one by a kernel, one by neighbours on it.")
@click.option("--metric", "metrics", multiple=True, help="A named metric, instead of an extractor; may be repeated.")
@click.option("--clips", help="With --extractor: the clip spec, frames=16,size=[224,224] or JSON.")
@click.option(
    "--array", help="With --extractor: one of its arrays. Default: its first of frames and its first of clips."
)
@click.option(
    "--videos", type=click.IntRange(min=16), default=256, show_default=True, help="At most so many, both halves."
)
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option(
    "--weights", type=click.Path(path_type=Path), help="A file, or the folder of them. Default: the user's cache."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Results do not depend on it."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("selftest"),
    show_default=True,
    help="Folder of selftest.json, .txt, .png and .svg.",
)
def command(
    source: Path,
    extractor: str | None,
    metrics: tuple[str, ...],
    clips: str | None,
    array: str | None,
    out: Path,
    **options: Any,
) -> None:
    """Damage the videos of SOURCE by known amounts, and say what each metric sees of it.

    SOURCE is a dataset's source as in the configuration: a folder, a manifest, an array. Half of the videos are the
    reference; the other half is damaged by noise, blur, JPEG, shuffled and frozen frames, a higher speed, lost modes.

    Example: vidgauge selftest demo-data/real --extractor efficientnet_lite0 --workers 2
    """
    from vidgauge.arguments import network_asked
    from vidgauge.extractors import loading
    from vidgauge.gpus import lease
    from vidgauge.selftest import asked
    from vidgauge.selftest.run import selftest

    if (extractor is None) == (not metrics):
        raise UsageError("give either --extractor NAME or --metric NAME, the latter as often as you like")
    if metrics and (clips or array):
        raise UsageError("--clips and --array go with --extractor; a named metric has its own")
    groups = (
        asked.of_presets(metrics)
        if extractor is None
        else [asked.of_extractor(network_asked(extractor), asked.clip_spec(clips), array)]
    )
    with lease(options["device"], any(loading.spec_of(group.network).uses_gpu for group in groups)):
        click.echo(selftest(source, groups, out=out, bar=_bar, **options), nl=False)


@contextmanager
def _bar(what: str, unit: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """A progress bar on a terminal, nothing elsewhere; it is told how many more are done."""
    from tqdm import tqdm

    with tqdm(desc=what, unit=unit, total=total, disable=None, leave=False) as bar:
        yield bar.update
