"""Small parts of sentences."""

from __future__ import annotations


def counted(count: int | str, one: str, many: str | None = None) -> str:
    """A count with what is counted; both may go on with a verb.

    >>> counted(1, "video"), counted(2048, "video")
    ('1 video', '2048 videos')
    >>> counted(1, "video is", "videos are"), counted("30-40", "frame")
    ('1 video is', '30-40 frames')
    """
    return f"{count} {one if str(count) == '1' else many or one + 's'}"
