"""Names as the page writes them."""

from __future__ import annotations

import unicodedata


def short(text: str, width: int) -> str:
    """A name that fits into so many columns of text: the middle goes, for names often differ at their ends.

    >>> short("a-very-long-name-of-run-17", 12)
    'a-very…un-17'
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if sum(map(_columns, text)) <= width:
        return text
    head, tail = width // 2, width - width // 2 - 1
    return f"{_fitting(text, head)}…{_fitting(text[::-1], tail)[::-1]}"


def _fitting(text: str, width: int) -> str:
    taken = 0
    for at, letter in enumerate(text):
        taken += _columns(letter)
        if taken > width:
            return text[:at]
    return text


def _columns(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
