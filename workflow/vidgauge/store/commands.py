"""`vidgauge export`: features and statistics as the files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vidgauge.store.export import To


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--array", help="Which array of a features file; not needed where there is one.")
@click.option(
    "--to",
    type=click.Choice(["npz", "cd-fvd", "npy"]),
    required=True,
    help="npz: mu and sigma; cd-fvd: its pickle of sums; npy: the features.",
)
@click.option("--n", type=click.IntRange(min=1), help="Rows behind the statistics, where the file does not say.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write.")
def export(file: Path, array: str | None, to: To, n: int | None, out: Path) -> None:
    """Write the features or statistics of a FILE as another tool reads them.

    FILE: features of vidgauge (HDF5), .npz of pytorch-fid or clean-fid, a pickle of StyleGAN-V, data-juicer or cd-fvd,
    or .npy.

    Example: vidgauge export features.h5 --array logits --to cd-fvd --out stats.pkl
    """
    from vidgauge.store.export import export as write

    write(file, out, to=to, array=array, n=n)
