"""Network weights: which are known, where they are, how they get here, and whether they are the right ones."""

from vidgauge.weights.fetch import add, fetch
from vidgauge.weights.missing import missing
from vidgauge.weights.registry import Entry, default_folder, entry, location, registry
from vidgauge.weights.verify import check, digests, find, format_of, identify

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
    "location",
    "missing",
    "registry",
]
