"""Pairs by name: `a.mp4` is a real video, `a_synthetic.mp4` beside it was generated in its place.

Each side is a dataset of its own. Its rows carry a column `pair`, the real video's id without the suffix of a video,
which is how the two sides find each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from vidgauge.errors import UsageError
from vidgauge.manifest.sources.rows import VIDEO_SUFFIXES, Listing, Reject, suffix
from vidgauge.manifest.sources.selection import Selection, Side


def one_side(source: Path, listing: Listing, selection: Selection) -> Listing:
    """The videos of one side, those without a partner rejected; with `side: null` the listing as it is.

    Several generated videos may stand beside one real video, which is then listed once; in a candidate they would
    share its column, so each dataset needs a suffix of its own there. Raises UsageError for that, for two real videos
    of one name, and where a side has no video at all.
    """
    side = selection.side
    if side is None:
        return listing
    # a broken video is a partner all the same: what is wrong with it is said once, where it belongs
    broken = [bad.id for bad in listing.rejected if bad.id is not None and suffix(bad.id) in VIDEO_SUFFIXES]
    split = _parts(selection.suffixes).fullmatch
    names: dict[str, tuple[str, Side]] = {}
    pairs: dict[Side, set[str]] = {"reference": set(), "candidate": set()}
    for name in [*(row.id for row in listing.rows), *broken]:
        pair, end, _ = split(name).groups()  # type: ignore[union-attr] # it fits whatever is not empty
        names[name] = pair, "candidate" if end else "reference"
        pairs[names[name][1]].add(pair)
    if names:
        _refuse_one_sided(source, pairs, min(names), selection)
    partners = pairs["candidate" if side == "reference" else "reference"]
    rows, rejected = [], [bad for bad in listing.rejected if bad.id not in names or names[bad.id][1] == side]
    of_pair: dict[str, str] = {}
    for row in listing.rows:
        pair, its_side = names[row.id]
        if its_side != side:
            continue
        if pair not in partners:
            rejected.append(Reject(None, row.path, "unpaired", _unpaired(pair, selection), row.id))
            continue
        if (first := of_pair.setdefault(pair, row.id)) != row.id:
            raise UsageError(_ambiguous(source, side, pair, first, row.id))
        rows.append(row._replace(columns={"pair": pair}))
    return Listing(rows, sorted(rejected, key=lambda bad: (bad.path or "", bad.reason)))


def _parts(suffixes: Iterable[str]) -> re.Pattern[str]:
    """An id in three parts: its pair, the longest suffix that fits in any case or None, the extension or None."""
    ends, extensions = ("|".join(map(re.escape, group)) for group in (suffixes, VIDEO_SUFFIXES))
    return re.compile(f"(.+?)({ends})?({extensions})?", re.IGNORECASE | re.DOTALL)


def _refuse_one_sided(source: Path, pairs: dict[Side, set[str]], first: str, selection: Selection) -> None:
    ends = ", ".join(selection.suffixes)
    if not pairs["candidate"]:
        raise UsageError(
            f"{source}: side: {selection.side} asks for pairs by name, and no name ends in one of {ends} (the first "
            f"is {first}). Set `suffixes` to what generated videos' names end in, or remove `side`."
        )
    if not pairs["reference"]:
        raise UsageError(
            f"{source}: side: {selection.side} asks for pairs by name, and every name ends in one of {ends} (the "
            f"first is {first}): there is no real video beside them. Remove `side` to take them without pairs."
        )


def _unpaired(pair: str, selection: Selection) -> str:
    if selection.side == "candidate":
        return f"has no real video {pair}.* that it stands for"
    return f"has no generated video {pair} with one of the suffixes {', '.join(selection.suffixes)}"


def _ambiguous(source: Path, side: Side, pair: str, first: str, second: str) -> str:
    if side == "reference":
        return (
            f"{source}: {first} and {second} are both the real video of the pair {pair}; rename one with its partners."
        )
    return (
        f"{source}: {first} and {second} were both generated for {pair}. A candidate has one video of each pair: "
        "give each its own suffix, such as suffixes: [_synthetic], and make them two datasets."
    )
