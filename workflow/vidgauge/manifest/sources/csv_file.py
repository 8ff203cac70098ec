"""A .csv manifest: a header with a column `video`, `videos` or `path` (the first of these), one video per record.

The other columns travel with the video, as text, and `where` compares them as they are written. Commas and line
breaks inside a field need double quotes.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vidgauge.errors import UsageError, VidgaugeError
from vidgauge.manifest.sources.bounded import MAX_LINE, lines_of
from vidgauge.manifest.sources.entries import Entries
from vidgauge.manifest.sources.rows import NO_COLUMNS, Listing, SourceSpec, is_text
from vidgauge.manifest.sources.selection import Selection, Where, equal_text

_VIDEO_COLUMNS = ("video", "videos", "path")


def listing(source: Path, root: Path, root_is_given: bool, selection: Selection) -> Listing:
    """List a .csv manifest."""
    where = Where(source, selection.where, equal_text)
    entries = Entries(root, root_is_given, where)
    # surrogateescape: a record that is not UTF-8 is found in its fields, and hides no other
    with source.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        records = _records(source, _bounded(source, lines), entries)
        header = next(records, (1, []))[1]
        key = _video_column(source, header)
        for line, fields in records:
            if len(fields) != len(header):
                detail = f"has {len(fields)} fields, the header {len(header)}; a field that holds a comma needs quotes"
                entries.reject(line, "not-csv", detail)
            elif not is_text("".join(fields)):
                entries.reject(line, "bad-encoding", "is not UTF-8")
            else:
                columns = {name: field for name, field in zip(header, fields, strict=True) if name != key}
                if where.takes(columns):
                    entries.add(line, fields[header.index(key)], columns or NO_COLUMNS)
    return entries.listing()


def _records(source: Path, lines: Iterator[str], entries: Entries) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, fields) of each record that is not blank."""
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end of data" in str(error):  # it swallowed all that follows: no single record is to blame
                raise VidgaugeError(f"{source}: a quote opened in the record of line {line} is never closed.") from None
            entries.reject(line, "not-csv", str(error))
            continue
        if fields and fields != [""]:
            yield line, fields


def _bounded(source: Path, file: IO[str]) -> Iterator[str]:
    for line, text in lines_of(file):
        if text is None:
            raise VidgaugeError(
                f"{source}: line {line} has more than {MAX_LINE:,} characters: this is no .csv manifest."
            )
        yield text


def _video_column(source: Path, header: list[str]) -> str:
    repeated = sorted(name for name, count in Counter(header).items() if count > 1)
    if repeated:
        raise UsageError(f"{source}: the header names {', '.join(repeated)} more than once.")
    for name in _VIDEO_COLUMNS:
        if name in header:
            return name
    raise UsageError(
        f"{source}: the header has no column `video`, `videos` or `path`; found: {', '.join(header) or 'nothing'}. "
        "The first line must name the columns, separated by commas."
    )


SOURCE = SourceSpec(
    says="a .csv manifest with a column `video` or `path`",
    accepts=lambda path, form: form == "file" and path.suffix.lower() == ".csv",
    listing=listing,
    takes=frozenset({"where"}),
)
