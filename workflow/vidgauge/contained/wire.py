"""Python objects over a socket: pickles whose large buffers (of arrays) travel beside them, uncopied."""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any


def send(end: socket.socket, value: Any) -> None:
    """Send one object; waits while the other end does not read. Raises OSError where that end is closed."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    end.sendall(struct.pack(f"!I{len(parts)}Q", len(parts), *(part.nbytes for part in parts)))
    for part in parts:
        end.sendall(part)


def receive(end: socket.socket, idle: Callable[[], None] = lambda: None) -> Any:
    """Receive one object, from a process of ours: pickles run code. Raises EOFError where the other end is closed.

    idle: called whenever nothing came for the socket's timeout; it may raise.
    """
    (count,) = struct.unpack("!I", _read(end, 4, idle))
    sizes = struct.unpack(f"!{count}Q", _read(end, 8 * count, idle))
    pickled, *buffers = [_read(end, size, idle) for size in sizes]
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301 - sent by `send`


def _read(end: socket.socket, size: int, idle: Callable[[], None]) -> bytearray:
    data = bytearray(size)
    left = memoryview(data)
    while left:
        try:
            count = end.recv_into(left)
        except TimeoutError:
            idle()
        except ConnectionResetError:
            raise EOFError from None
        else:
            if not count:
                raise EOFError
            left = left[count:]
    return data
