"""A .jsonl manifest: one object per line, {"videos": [paths], ...} or {"video": path, ...}.

Every other key (`text`, `pair`, `human`, ...) is a column and travels with each video of its line. Blank lines
are skipped. A line that cannot be used is one reject; the others are read all the same.
"""

from __future__ import annotations

from pathlib import Path

from vidgauge.manifest.sources.bounded import MAX_LINE, lines_of
from vidgauge.manifest.sources.entries import Entries
from vidgauge.manifest.sources.rows import Listing, SourceSpec
from vidgauge.manifest.sources.selection import Selection, Where, equal_json
from vidgauge.manifest.sources.strict_json import JSON_ERRORS, decode, said


def listing(source: Path, root: Path, root_is_given: bool, selection: Selection) -> Listing:
    """List a .jsonl manifest."""
    entries = Entries(root, root_is_given, Where(source, selection.where, equal_json))
    with source.open("rb") as lines:  # bytes: a line that is not UTF-8 must not hide the others
        for number, raw in lines_of(lines):
            if raw is None:
                entries.reject(number, "too-large", f"has more than {MAX_LINE:,} bytes")
                continue
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                entries.reject(number, "bad-encoding", f"is not UTF-8 at byte {error.start + 1} of the line")
                continue
            if not text:
                continue
            try:
                value = decode(text)
            except JSON_ERRORS as error:
                entries.reject(number, "not-json", said(error))
                continue
            entries.record(number, value, is_escaped="\\u" in text)
    return entries.listing()


SOURCE = SourceSpec(
    says='a .jsonl manifest: one {"videos": [paths], "text": ...} per line',
    accepts=lambda path, form: form == "file" and path.suffix.lower() in (".jsonl", ".ndjson"),
    listing=listing,
    takes=frozenset({"where"}),
)
