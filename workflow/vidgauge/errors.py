"""The exceptions that a user may see. Each message is one readable paragraph: what, found, wanted, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class VidgaugeError(Exception):
    """Bad data: a file, a video or a stored result that cannot be used."""

    exit_code = 1


class UsageError(VidgaugeError):
    """Bad usage: a configuration or a command line that cannot be meant."""

    exit_code = 2


class BadVideo(VidgaugeError):  # noqa: N818 - it names a thing, not a fault of ours
    """One video that cannot be used. `reason` is a fixed word for programs, `detail` a sentence for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type[BadVideo], tuple[str, str]]:
        return type(self), (self.reason, self.detail)  # from worker processes


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, those that contain it, or all of them.

    >>> did_you_mean("metrcs", ["metrics", "seed"])
    "did you mean 'metrics'?"
    >>> did_you_mean("fvd", ["cd-fvd.i3d", "fvd2048_128f", "kid50k"])
    "did you mean 'cd-fvd.i3d' or 'fvd2048_128f'?"
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    near = near or [one for one in known if len(name) > 2 and name.lower() in one.lower()]
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    return f"known are: {', '.join(known) or 'none'}"
