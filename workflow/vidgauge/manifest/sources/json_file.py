"""A .json manifest: a list of objects as in a .jsonl manifest, or one such object.

Its list is read item by item, so that rejects carry the line on which their item begins. A file that breaks off or
is no JSON is an error for the whole source: what follows the fault cannot be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.manifest.sources.entries import Entries
from vidgauge.manifest.sources.rows import Listing, SourceSpec
from vidgauge.manifest.sources.strict_json import DECODER, JSON_ERRORS, said

_SPACE = re.compile(r"[ \t\r\n]*")


def listing(source: Path, root: Path, root_is_given: bool) -> Listing:
    """List a .json manifest."""
    entries = Entries(root, root_is_given)
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise VidgaugeError(f"{source}: is not UTF-8 (byte {error.start + 1}); save it as UTF-8.") from None
    is_escaped = "\\u" in text
    for line, value in _items(source, text):
        entries.record(line, value, is_escaped=is_escaped)
    return entries.listing()


def _items(source: Path, text: str) -> Iterator[tuple[int, object]]:
    """(line, value) of each item of the top-level list, or of the one top-level value."""
    here = _skip(text, 0)
    is_list = text.startswith("[", here)
    line, counted = 1, 0
    here = _skip(text, here + 1) if is_list else here
    if is_list and text.startswith("]", here):
        return _end(source, text, here + 1)
    while True:
        line, counted = line + text.count("\n", counted, here), here
        try:
            value, here = DECODER.raw_decode(text, here)
        except JSON_ERRORS as error:
            raise _broken(source, line, said(error)) from None
        yield line, value
        here = _skip(text, here)
        if not is_list or text.startswith("]", here):
            return _end(source, text, here + is_list)
        if not text.startswith(",", here):
            raise _broken(source, 1 + text.count("\n", 0, here), "expected a comma or the end of the list")
        here = _skip(text, here + 1)


def _skip(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _end(source: Path, text: str, here: int) -> None:
    here = _skip(text, here)
    if here < len(text):
        raise _broken(source, 1 + text.count("\n", 0, here), "there is more after the end of the JSON value")


def _broken(source: Path, line: int, why: str) -> VidgaugeError:
    return VidgaugeError(
        f"{source}: is not JSON: {why} (line {line}). Expected a list of objects such as "
        '[{"videos": ["a.mp4"], "text": "..."}]; one object per line belongs in a .jsonl file.'
    )


SOURCE = SourceSpec(
    says='a .json manifest: a list of {"videos": [paths], "text": ...}',
    accepts=lambda path, is_folder: not is_folder and path.suffix.lower() == ".json",
    listing=listing,
)
