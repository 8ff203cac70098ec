"""JSON as the standard has it: no NaN, no infinity, nothing that could not be written again."""

from __future__ import annotations

import json
import math

from vidgauge.manifest.sources.bounded import MAX_DEPTH, is_too_deep


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON; use null")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large for a number")
    return value


DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def decode(text: str) -> object:
    """The value of a stripped JSON text. Raises JSON_ERRORS."""
    value, end = decode_at(text, 0)
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def decode_at(text: str, start: int) -> tuple[object, int]:
    """(value, end) of the JSON that begins at a place of a text. Raises JSON_ERRORS."""
    value, end = DECODER.raw_decode(text, start)
    # few brackets cannot nest deeply, and counting them is fast
    if text.count("[", start, end) + text.count("{", start, end) > MAX_DEPTH and is_too_deep(value):
        raise RecursionError
    return value, end


JSON_ERRORS = (ValueError, RecursionError)  # JSONDecodeError and integers of thousands of digits are ValueErrors


def said(error: Exception) -> str:
    """One line about why a text is not JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return f"nested more than {MAX_DEPTH} deep" if isinstance(error, RecursionError) else str(error)
