"""One address: as much of its file as comes, onto the end of what is there already."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from vidgauge import __version__
from vidgauge.space import readable
from vidgauge.weights.content import Progress

if TYPE_CHECKING:
    from requests import Response

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0  # until a connection stands; until the next bytes come
MIN_SPEED, SLOW_SECONDS = 10_000, 30.0  # bytes per second, and for how long fewer may come
RETRIES, PAUSE_SECONDS = 3, 1.0  # of an address that breaks off, as long as each try brings something
PIECE = 1 << 18  # bytes
HEAD = 64  # bytes that tell a web page


class GaveUp(Exception):  # noqa: N818 - it names a decision
    """An address that does not give the file, and why. What came of it stays."""


class Absent(GaveUp):
    """An address that says that it has no such file."""


class _Broken(GaveUp):
    """A transfer that ended too early: the same address may give the rest."""


def download(address: str, part: Path, size: int | None, progress: Progress | None = None) -> bool:
    """Get a file into `part`, from where it ends; True if the file is not from one answer alone.

    size: the bytes of the whole file, None where they are not known; progress counts those of the whole file too.
    The content is not checked. Raises GaveUp with the reason, and OSError where `part` cannot be written.
    """
    for left in range(RETRIES, -1, -1):
        before = _length(part)
        if size is not None and before == size:  # ended before it could be checked
            return True
        try:
            return _request(address, part, size, progress)
        except _Broken:
            if not left or _length(part) <= before:
                raise
            time.sleep(PAUSE_SECONDS)
    raise AssertionError  # the last round returns or raises


def _request(address: str, part: Path, size: int | None, progress: Progress | None, fresh: bool = False) -> bool:
    """One request for what `part` lacks, or for all (fresh); True if what was there is used."""
    import requests
    import urllib3

    have = 0 if fresh else _length(part)
    headers = {"User-Agent": f"vidgauge/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with requests.get(address, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
            if not have or answer.status_code not in (206, 416):
                _whole(answer, address, part, size, progress)
                return False
            first, total = _range(answer)
            if answer.status_code == 416 and total == have:  # nothing was left to ask for
                return True
            if answer.status_code == 206 and first == have:
                _rest(answer, address, part, _total(total, size), progress)
                return True
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Broken(_why(error)) from None
    return _request(address, part, size, progress, fresh=True)


def _whole(answer: Response, address: str, part: Path, size: int | None, progress: Progress | None) -> None:
    """Write the file that an answer holds from its start. What `part` had is kept until the answer looks right."""
    _check_source(answer, address, 200)
    pieces = _pieces(answer)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html", b"<head")):
        raise GaveUp("sends an HTML page instead of the file")
    length = answer.headers.get("Content-Length", "")
    total = _total(int(length) if length.isdecimal() else None, size)
    _write(part, "wb", chain([head], pieces), total, progress)


def _rest(answer: Response, address: str, part: Path, total: int | None, progress: Progress | None) -> None:
    """Write what an answer holds onto the end of `part`."""
    _check_source(answer, address, 206)
    _write(part, "ab", _pieces(answer), total, progress)


def _write(part: Path, mode: str, pieces: Iterable[bytes], total: int | None, progress: Progress | None) -> None:
    with part.open(mode) as out:
        done = out.seek(0, 2)
        for piece in pieces:
            out.write(piece)
            done += len(piece)
            if total is not None and done > total:
                raise GaveUp(f"sends more than the file's {total} bytes")
            if progress is not None:
                progress(done, total)
            if done == total:
                return
    if total is not None:
        raise _Broken(f"breaks off after {readable(done)} of {readable(total)}")


def _pieces(answer: Response) -> Iterator[bytes]:
    """The content as it comes. Raises GaveUp where too little of it comes in SLOW_SECONDS."""
    began, got = time.monotonic(), 0
    while piece := answer.raw.read1(PIECE):  # read would wait until a slow server has filled the piece
        yield piece
        got += len(piece)
        elapsed = time.monotonic() - began
        if elapsed >= SLOW_SECONDS:
            if got < MIN_SPEED * elapsed:
                raise GaveUp(f"is too slow: {readable(round(got / elapsed))} in a second")
            began, got = time.monotonic(), 0


def _check_source(answer: Response, address: str, status: int) -> None:
    if answer.status_code != status:
        kind = Absent if answer.status_code in (404, 410) else GaveUp
        raise kind(f"answers HTTP {answer.status_code} {answer.reason}".rstrip())
    hops = [*(hop.url for hop in answer.history), answer.url]
    if address.startswith("https:") and not all(hop.startswith("https:") for hop in hops):
        raise GaveUp("leads to an address without encryption")
    coding = answer.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise GaveUp(f"sends the file packed ({coding}), which was not asked for")


def _total(told: int | None, size: int | None) -> int | None:
    """The bytes of the whole file, from what the answer tells and what is known; None where neither says."""
    if told is not None and size is not None and told != size:
        raise GaveUp(f"has a file of {told} bytes, {size} were wanted")
    return size if told is None else told


def _range(answer: Response) -> tuple[int | None, int | None]:
    """(first byte, bytes of the whole file) as Content-Range says; None for what it does not say."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", answer.headers.get("Content-Range", "").strip())
    first, total = found.groups() if found else (None, None)
    return None if first is None else int(first), None if total is None else int(total)


def _length(part: Path) -> int:
    """Bytes that are there, 0 where there is no file."""
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _why(error: Exception) -> str:
    """A network error in a few words: the libraries' own fill a screen."""
    import requests
    import urllib3

    if isinstance(error, requests.ConnectTimeout):
        return f"does not answer within {CONNECT_SECONDS:g} seconds"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"sends nothing for {READ_SECONDS:g} seconds"
    if isinstance(error, requests.exceptions.ProxyError):
        return "cannot be reached through the proxy"
    if isinstance(error, requests.TooManyRedirects):
        return "leads from one address to the next without end"
    told = [cause.strerror for cause in _causes(error) if isinstance(cause, OSError) and cause.strerror]
    if told:
        return f"cannot be reached: {told[-1]}"
    return "breaks off" if isinstance(error, urllib3.exceptions.HTTPError) else "closes the connection"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that led to it: the libraries wrap one in another, in three ways."""
    found = [error]
    for item in found:
        for cause in (item.__cause__, item.__context__, *item.args):
            if isinstance(cause, BaseException) and cause not in found:
                found.append(cause)
    return found
