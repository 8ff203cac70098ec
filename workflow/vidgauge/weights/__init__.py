"""Network weights: which are known, where they are, how they get here, and whether they are the right ones."""

from vidgauge.weights.content import digests, format_of
from vidgauge.weights.fetch import add, fetch
from vidgauge.weights.folders import names as names_in
from vidgauge.weights.folders import paths as paths_of
from vidgauge.weights.missing import missing
from vidgauge.weights.registry import Entry, default_folder, entry, location, registry
from vidgauge.weights.verify import check, find, identify, is_there

__all__ = [
    "Entry",
    "add",
    "check",
    "default_folder",
    "digests",
    "entry",
    "fetch",
    "find",
    "format_of",
    "identify",
    "is_there",
    "location",
    "missing",
    "names_in",
    "paths_of",
    "registry",
]
