"""A .json manifest: a list of objects as in a .jsonl manifest, one such object, or AIGVE's annotation file.

A list is read item by item, so that rejects carry the line on which their item begins. A file that breaks off or
is no JSON is an error for the whole source: what follows the fault cannot be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources.annotations import add_side, list_key
from vidgauge.manifest.sources.bounded import check_size
from vidgauge.manifest.sources.entries import Entries
from vidgauge.manifest.sources.rows import Listing, SourceSpec
from vidgauge.manifest.sources.selection import Selection, Where, equal_json
from vidgauge.manifest.sources.strict_json import DECODER, JSON_ERRORS, decode_at, said

_SPACE = re.compile(r"[ \t\r\n]*")


def listing(source: Path, root: Path, root_is_given: bool, selection: Selection) -> Listing:
    """List a .json manifest. Raises UsageError where `side` is missing, or given for a manifest without sides."""
    entries = Entries(root, root_is_given, Where(source, selection.where, equal_json))
    check_size(source)
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise VidgaugeError(f"{source}: is not UTF-8 (byte {error.start + 1}); save it as UTF-8.") from None
    is_escaped = "\\u" in text
    key = None
    if not text.startswith("[", _skip(text, 0)):
        [(_, value)] = _items(source, text, 0)
        key = list_key(source, value)
    if (key is None) != (selection.side is None):
        raise UsageError(f"{source}: {_no_sides() if key is None else _which_side(key)}")
    if key is not None and selection.side is not None:
        pairs = _items(source, text, _value_of(text, key), is_whole=False)
        add_side(entries, pairs, selection.side, is_escaped=is_escaped)
    else:
        for line, value in _items(source, text, 0):
            entries.record(line, value, is_escaped=is_escaped)
    return entries.listing()


def _no_sides() -> str:
    return (
        "this manifest has no sides; `side` is for AIGVE's annotation file and for pairs by name. Remove `side`: "
        "rows with equal values in a column `pair` belong together, and `where` chooses among rows."
    )


def _which_side(key: str) -> str:
    return (
        f"`{key}` lists pairs of a real and a generated video, and a dataset is one side of them: "
        "add side: reference (video_path_gt) or side: candidate (video_path_pd)."
    )


def _value_of(text: str, wanted: str) -> int:
    """Where the value of a key of the top-level object begins, in a text that is known to be JSON."""
    here = _skip(text, 0)
    while True:
        key, here = DECODER.raw_decode(text, _skip(text, here + 1))
        here = _skip(text, _skip(text, here) + 1)  # past the colon
        if key == wanted:
            return here
        here = _skip(text, DECODER.raw_decode(text, here)[1])  # at the comma


def _items(source: Path, text: str, here: int, *, is_whole: bool = True) -> Iterator[tuple[int, object]]:
    """(line, value) of each item of the list at a place of the text, or of the one value there.

    is_whole: nothing but white space may follow.
    """
    here = _skip(text, here)
    is_list = text.startswith("[", here)
    line, counted = 1, 0
    here = _skip(text, here + 1) if is_list else here
    if is_list and text.startswith("]", here):
        return _end(source, text, here + 1) if is_whole else None
    while True:
        line, counted = line + text.count("\n", counted, here), here
        try:
            value, here = decode_at(text, here)
        except JSON_ERRORS as error:
            raise _broken(source, line, said(error)) from None
        yield line, value
        here = _skip(text, here)
        if not is_list or text.startswith("]", here):
            return _end(source, text, here + is_list) if is_whole else None
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
    says='a .json manifest: a list of {"videos": [paths], "text": ...}, or AIGVE\'s annotation file',
    accepts=lambda path, form: form == "file" and path.suffix.lower() == ".json",
    listing=listing,
    takes=frozenset({"where", "side"}),
)
