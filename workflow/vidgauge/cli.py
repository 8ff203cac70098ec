"""The command line: one command per rule, each a few lines over a function of the package."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from vidgauge import __version__
from vidgauge.arguments import NamedFile, clips_asked, json_file, network_asked
from vidgauge.compare import compare as compare_command
from vidgauge.errors import VidgaugeError
from vidgauge.presets.commands import command as presets_command
from vidgauge.report.commands import collect_command, explain_command, table_command
from vidgauge.report.commands import command as show_command
from vidgauge.report.maps_command import map_command
from vidgauge.report.page.command import report_command
from vidgauge.selftest.command import command as selftest_command
from vidgauge.single.command import videos_command
from vidgauge.specs import Precision
from vidgauge.store.commands import export as export_command
from vidgauge.weights.commands import weights as weights_commands

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Out = click.Path(dir_okay=False, path_type=Path)

# The last bits of a matrix product depend on the number of threads. One each; the stages run several workers instead.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


class Commands(click.Group):
    """Commands whose errors are one readable paragraph, and a traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VidgaugeError as error:
            self._explain(ctx, str(error), error.exit_code)
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            self._explain(ctx, f"{name}{error.strerror or error}", 1)

    @staticmethod
    def _explain(ctx: click.Context, text: str, code: int) -> None:
        if ctx.params.get("debug"):
            raise
        try:
            click.echo(f"vidgauge: {text}", err=True)
        except OSError:  # of a job that is its log, and may lie on the very disk that is full
            click.echo(f"vidgauge: {text}")
        ctx.exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def main(debug: bool) -> None:
    """Evaluate generated videos.

    The workflow calls these commands, one for each of its rules; `snakemake --cores 8` runs them all. Each can be run
    by hand as well, to look into a single stage.
    """


def _progress(what: str) -> Callable[[int, int], None]:
    """A progress bar on a terminal, nothing elsewhere."""
    from tqdm import tqdm

    bar = tqdm(desc=what, disable=None, unit="video", leave=False)

    def update(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return update


def _workers(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Results do not depend on it."
    )(command)


@main.command()
@click.argument("listing", type=File)
@click.option("--out", type=Out, required=True, help="Usable and rejected videos, one line each.")
@click.option("--journal", type=Out, help="Notes each video when it is done; what it has is not opened again.")
@_workers
def probe(listing: Path, out: Path, journal: Path | None, workers: int) -> None:
    """Open each video of a LISTING once: exact frame count, size, rate, content fingerprint, or why it is unusable.

    Example: vidgauge probe results/manifests/real/listing/0.jsonl --out 0.jsonl --workers 8
    """
    from vidgauge.manifest.probing import probe_shard

    probe_shard(listing, out, workers=workers, journal=journal, progress=_progress("probe"))


@main.command()
@click.argument("listed", type=File)
@click.argument("lines", type=File)
@click.argument("shards", type=File, nargs=-1, required=True)
@click.option("--videos", type=Out, required=True, help="Usable videos, one line each.")
@click.option("--rejected", type=Out, required=True, help="Unusable ones: line, path, reason, detail.")
@click.option("--columns", type=File, help="What the source says of each video besides its path.")
@click.option("--survey", type=Out, help="Frame rates, sizes, lengths and the like, counted.")
def manifest(
    listed: Path,
    lines: Path,
    shards: tuple[Path, ...],
    videos: Path,
    rejected: Path,
    columns: Path | None,
    survey: Path | None,
) -> None:
    """Join probed SHARDS to a dataset's manifest, with what was LISTED as unusable unopened and the source's LINES.

    Example: vidgauge manifest listing/rejected.jsonl listing/lines.jsonl shards/0.jsonl
    --videos videos.jsonl --rejected rejected.jsonl --survey survey.json
    """
    from vidgauge.manifest.joining import join
    from vidgauge.manifest.survey import write_survey

    join(shards, listed, videos, rejected, lines=lines, columns=columns)
    if survey:
        write_survey(videos, survey)


@main.command()
@click.argument("plan", type=File)
@click.argument("manifests", type=File, nargs=-1)
@click.option("--out", type=Out, required=True, help="Usable videos of each shard, counted.")
@click.option("--rejected", type=Out, required=True, help="Everything that this evaluation cannot use.")
def screen(plan: Path, manifests: tuple[Path, ...], out: Path, rejected: Path) -> None:
    """Find the videos that are fine but not for the clip specs of an evaluation.

    MANIFESTS: for each dataset, in the order of the PLAN, its videos.jsonl, rejected.jsonl and listing/lines.jsonl.

    Example: vidgauge screen results/demo/plan/screen.json
    results/manifests/{real,mild,strong,scrambled}/{videos.jsonl,rejected.jsonl,listing/lines.jsonl}
    --out screened.json --rejected rejected.jsonl
    """
    from vidgauge.manifest.gate import screen_files

    screen_files(json_file(plan, "listed", "needs"), manifests, out, rejected)


@main.command()
@click.argument("plan", type=File)
@click.argument("evaluation", type=File)
@click.argument("screened", type=File)
@click.argument("rejected", type=File)
@click.option("--out", type=Out, required=True, help="The counts, written only if the evaluation may go on.")
def gate(plan: Path, evaluation: Path, screened: Path, rejected: Path, out: Path) -> None:
    """Stop an evaluation over bad videos, or let it go on, as `bad_videos` says.

    Example: vidgauge gate results/demo/plan/gate.json results/demo/plan/evaluation.json
    results/demo/screened.json results/demo/rejected.jsonl --out gate.json
    """
    from vidgauge.manifest.gate import pass_gate

    pass_gate(json_file(plan, "bad_videos"), json_file(evaluation, "metrics"), screened, rejected, out)


@main.command()
@click.argument("videos", type=File)
@click.option(
    "--spec", "specs", multiple=True, required=True, help='JSON: {"spec": clip spec, "seed": 42, "draws": 1}.'
)
@click.option("--out", type=Out, required=True, help="Clips, uint8 HDF5.")
@_workers
def clips(videos: Path, specs: tuple[str, ...], out: Path, workers: int) -> None:
    """Decode, sample and resize the clips of a shard of VIDEOS, each video once for all of the specs.

    Example: vidgauge clips results/manifests/real/shards/0.jsonl
    --spec '{"spec": {"frames": 16}, "seed": 42, "draws": 1}' --out clips.h5 --workers 8
    """
    from vidgauge.stages import make_clips_file

    make_clips_file(videos, [clips_asked(spec) for spec in specs], out, workers=workers, progress=_progress("clips"))


@main.command()
@click.argument("clips", type=File, nargs=-1)
@click.option(
    "--videos", type=File, required=True, help="The shard that the clips are of, made here if none are given."
)
@click.option("--pairs", type=File, required=True, help="[id, partner] of each of its videos, a line each.")
@click.option("--spec", help="Which clips, JSON as in `vidgauge clips`; needed where CLIPS hold several, or are none.")
@click.option("--trim", is_flag=True, help="Also of partners of another length: the frames that both have.")
@click.option("--out", type=Out, required=True, help="Clips, uint8 HDF5.")
@_workers
def partners(
    clips: tuple[Path, ...], videos: Path, pairs: Path, spec: str | None, trim: bool, out: Path, workers: int
) -> None:
    """Decode the same frames as CLIPS of the reference video that belongs to each of them.

    Example: vidgauge partners clips.h5 --videos results/manifests/a/shards/0.jsonl
    --pairs results/manifests/a/pairs/real/0.jsonl --out partners.h5
    """
    from vidgauge.stages import make_partner_clips_file

    asked = clips_asked(spec) if spec else None
    make_partner_clips_file(clips, out, videos=videos, asked=asked, pairs=pairs, trim=trim, workers=workers)


@main.command()
@click.argument("clips", type=File, nargs=-1)
@click.option("--extractor", required=True, help="The network's name, or all that is asked of it as JSON.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Its weights: a file, or the folder where `vidgauge weights` keeps them. Default: the user's cache folder.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--precision", type=click.Choice(get_args(Precision)), default="float32", show_default=True)
@click.option("--features", "below", type=File, help="For a network that reads those of another one: these.")
@click.option("--texts", type=File, help="For a network that reads them: [id, text] of each video, a line each.")
@click.option("--pairs", type=File, help="For one that sees pairs: [id, partner] of each video, a line each.")
@click.option("--partners", type=File, help="For one that sees pairs: the partners' clips; made here if not given.")
@click.option("--videos", type=File, help="A shard whose clips are made here if none are given; needs --spec.")
@click.option("--spec", help="Which clips, JSON as in `vidgauge clips`; needed where CLIPS hold those of several.")
@click.option("--out", type=Out, required=True, help="Features, HDF5.")
@_workers
def features(
    clips: tuple[Path, ...],
    extractor: str,
    weights: Path | None,
    device: str,
    precision: Precision,
    below: Path | None,
    texts: Path | None,
    pairs: Path | None,
    partners: Path | None,
    videos: Path | None,
    spec: str | None,
    out: Path,
    workers: int,
) -> None:
    """Run CLIPS through a network, once for all of its arrays.

    Example: vidgauge features clips.h5 --extractor efficientnet_lite0 --out features.h5 --workers 2
    """
    from vidgauge.stages import make_features_file

    make_features_file(
        clips,
        out,
        videos=videos,
        asked=clips_asked(spec) if spec else None,
        network=network_asked(extractor),
        below=below,
        texts=texts,
        pairs=pairs,
        partners=partners,
        weights=weights,
        device=device,
        precision=precision,
        workers=workers,
        progress=_progress("features"),
    )


@main.command()
@click.argument("shards", type=File, nargs=-1, required=True)
@click.option("--out", type=Out, required=True, help="Features of the dataset, HDF5, with mean and covariance.")
def merge(shards: tuple[Path, ...], out: Path) -> None:
    """Merge features of SHARDS to those of a dataset, in an order that does not depend on the shards.

    Example: vidgauge merge features/0.h5 features/1.h5 --out features.h5
    """
    from vidgauge.store.merge import merge as merge_shards

    merge_shards(shards, out)


@main.command()
@click.argument("plan", type=File)
@click.argument("features", type=File, nargs=-1)
@click.option("--candidate", required=True, help="The candidate's name.")
@click.option("--manifest", "manifests", type=File, multiple=True, help="Where videos are paired: both videos.jsonl.")
@click.option(
    "--survey", "surveys", type=NamedFile(), multiple=True, help="NAME=FILE: a dataset's survey, for warnings."
)
@click.option("--out", type=Out, required=True, help="The result, JSON.")
def metric(
    plan: Path,
    features: tuple[Path, ...],
    candidate: str,
    manifests: tuple[Path, ...],
    surveys: tuple[tuple[str, Path], ...],
    out: Path,
) -> None:
    """Reduce FEATURES to one metric: the candidate's of each run, then the reference's of each run.

    Example: vidgauge metric results/demo/plan/metrics/frechet_frames_lite0.json mild.h5 real.h5
    --candidate mild --out result.json
    """
    from vidgauge.evaluate import evaluate
    from vidgauge.files import write_json

    known = {name: json_file(file, "videos", "sizes") for name, file in surveys}
    write_json(out, evaluate(json_file(plan, "metric", "seeds"), candidate, features, manifests, known))


@main.command("demo-data")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--videos", type=click.IntRange(min=2), default=40, show_default=True, help="Videos of each dataset.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Default: one per core.")
def demo_data(folder: Path, videos: int, seed: int, workers: int | None) -> None:
    """Make the demo's videos: real ones, mildly and strongly damaged ones, and ones that move wrongly.

    Example: vidgauge demo-data demo-data
    """
    from vidgauge.demo import make_demo

    made = make_demo(folder, videos=videos, seed=seed, workers=workers, progress=_progress("demo videos"))
    click.echo(f"{folder}: {', '.join(made)}, {videos} videos each")


main.add_command(compare_command)
main.add_command(presets_command)
main.add_command(collect_command)
main.add_command(show_command)
main.add_command(videos_command)
main.add_command(table_command)
main.add_command(explain_command)
main.add_command(map_command)
main.add_command(report_command)
main.add_command(selftest_command)
main.add_command(export_command)
main.add_command(weights_commands)
