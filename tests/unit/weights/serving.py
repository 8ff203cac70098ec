"""Servers that give files well and badly, on this machine alone, entries that name them, and what became of them."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vidgauge.errors import VidgaugeError
from vidgauge.weights.fetch import fetch_entry
from vidgauge.weights.registry import Entry, Piece, kept_at
from vidgauge.weights.verify import is_there

PICKLE = b"\x80\x02"  # how old files of torch begin
CONTENT = PICKLE + random.Random(0).randbytes(299_998)  # noqa: S311 - only to differ everywhere
WRONG = PICKLE + bytes(len(CONTENT) - 2)
HALF = len(CONTENT) // 2
PAGE = b"<!DOCTYPE html><html><body>This file is too large to be scanned for viruses.</body></html>" * 5


@dataclass
class Asked:
    """A request as the server saw it."""

    path: str
    range: str | None
    sent: int = 0  # bytes of content


Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's routes say, and notes what was asked."""

    server: Server

    def do_GET(self) -> None:
        self.asked = Asked(self.path, self.headers.get("Range"))
        self.server.asked.append(self.asked)
        behaviours = self.server.routes.get(self.path, [answers(404)])
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        with suppress(ConnectionError):  # the client has gone
            behaviour(self)

    def start(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.asked.sent += len(data)

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""


class Server(ThreadingHTTPServer):
    """Behaviours by path: the first request of a path meets the first of them, the last meets all later ones."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, list[Behaviour]] = {}
        self.asked: list[Asked] = []

    def at(self, path: str, *behaviours: Behaviour) -> str:
        """The address of a path that behaves like this."""
        self.routes[path] = list(behaviours)
        return self.at_folder(path)

    def at_folder(self, path: str) -> str:
        """The address of a path, whatever becomes of it."""
        return f"http://127.0.0.1:{self.server_port}{path}"


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def gives(content: bytes = CONTENT, *, until: int | None = None, gate: threading.Event | None = None) -> Behaviour:
    """A file, or the rest of it that was asked for; only up to byte `until`, where the connection ends or, with a
    gate, waits for it."""

    def behave(handler: Handler) -> None:
        first = int(re.sub(r"\D", "", handler.asked.range or "0"))
        if first >= len(content):
            handler.start(416, Content_Range=f"bytes */{len(content)}")
            return
        length = len(content) - first
        if handler.asked.range:
            whole = f"bytes {first}-{len(content) - 1}/{len(content)}"
            handler.start(206, Content_Length=length, Content_Range=whole)
        else:
            handler.start(200, Content_Length=length)
        handler.send(content[first:until])
        if gate is not None:
            gate.wait(60)
            if until is not None:
                handler.send(content[until:])

    return behave


def gives_all(content: bytes = CONTENT, *, length: bool = True, until: int | None = None) -> Behaviour:
    """The whole file, whatever was asked for: a server that knows no ranges, or not even the length."""

    def behave(handler: Handler) -> None:
        handler.start(200, **({"Content_Length": len(content)} if length else {}))
        handler.send(content[:until])

    return behave


def trickles(content: bytes = CONTENT, *, start: int = 0) -> Behaviour:
    """A file so slowly that nobody would wait, after `start` bytes at once."""

    def behave(handler: Handler) -> None:
        handler.start(200, Content_Length=len(content))
        handler.send(content[:start])
        for at in range(start, len(content), 100):  # 5 kB in a second
            handler.send(content[at : at + 100])
            time.sleep(0.02)

    return behave


def hangs(gate: threading.Event) -> Behaviour:
    """No answer until the gate opens."""
    return lambda handler: (gate.wait(60), handler.start(503))[-1]


def answers(status: int, content: bytes = b"", **headers: object) -> Behaviour:
    """Any answer."""

    def behave(handler: Handler) -> None:
        handler.start(status, **{"Content_Length": len(content), **headers})
        handler.send(content)

    return behave


def dead_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/dead"


def made(*told: str, content: bytes = CONTENT, **changes: Any) -> Entry:
    """An entry whose file has this content, and is known by its digest and size."""
    keys: dict[str, Any] = {
        "name": "net",
        "file": "net.pt",
        "network": "a network of tests",
        "addresses": told,
        "licence": "MIT",
        "citation": "Nobody, Nothing, 2020",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Entry(**{**keys, **changes})


def unknown(*told: str, **changes: Any) -> Entry:
    """An entry of which neither digest nor size is known."""
    return made(*told, **{"bytes": None, "sha256": None, **changes})


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def part_of(folder: Path) -> Path:
    return folder / "net" / ".net.pt.part"


def begin(folder: Path, content: bytes) -> None:
    """What an earlier fetch left behind."""
    part_of(folder).parent.mkdir(parents=True)
    part_of(folder).write_bytes(content)


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "net").iterdir()} - {".net.pt.lock"}


def ranges(server: Server) -> list[tuple[str, str | None]]:
    return [(asked.path, asked.range) for asked in server.asked]


def refused(entry: Entry, folder: Path) -> str:
    """The message of a fetch that fails, of which no file comes."""
    with pytest.raises(VidgaugeError) as caught:
        fetch_entry(entry, folder)
    assert not kept_at(entry, folder).exists()
    text = str(caught.value)
    assert "\n\n" not in text
    return text


CONFIG, VOCAB = b'{"model_type": "clip"}', b'{"a": 0, "b": 1}'
FILES = {"config.json": CONFIG, "model.bin": CONTENT, "vocab.json": VOCAB}
"""A network that is a folder: what is needed of it."""


def folder_of(server: Server, files: Mapping[str, bytes | list[Behaviour]], **changes: Any) -> Entry:
    """An entry of these files, given by a server at /net, and known by digest and size where their content is told."""
    for name, content in files.items():
        server.at(f"/net/{name}", *(content if isinstance(content, list) else [gives(content)]))
    pieces = [piece(name, server.at_folder("/net"), content) for name, content in files.items()]
    return foldered(*pieces, addresses=(server.at_folder("/net"),), **changes)


def piece(name: str, base: str = "https://x/net", content: object = None, **changes: Any) -> Piece:
    """A file of a folder, known by its digest and size where its content is told."""
    known = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} if isinstance(content, bytes) else {}
    return Piece(**{"file": name, "addresses": (f"{base}/{name}",), **known, **changes})


def foldered(*pieces: Piece, **changes: Any) -> Entry:
    """An entry that is a folder of these files."""
    keys = {"file": "net", "files": pieces, "bytes": None, "sha256": None, "addresses": ("https://x/net",)}
    return made(**{**keys, **changes})


def bring(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """A folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def refused_folder(entry: Entry, folder: Path) -> str:
    """The message of a fetch of a folder that fails."""
    with pytest.raises(VidgaugeError) as caught:
        fetch_entry(entry, folder)
    assert not is_there(kept_at(entry, folder), entry)
    text = str(caught.value)
    assert "\n\n" not in text
    return text
