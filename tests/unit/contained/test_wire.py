"""Objects over a socket."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidgauge.contained.wire import receive, send

VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=30)
@given(st.lists(VALUES, max_size=3), st.lists(st.integers(0, 9), max_size=4))
def test_what_is_sent_arrives(values: list[object], shape: list[int]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    one, other = socket.socketpair()
    with one, other:
        for value in values:
            send(one, (value, array))
        for value in values:
            found, rows = receive(other)
            assert found == value
            assert (rows.shape, rows.tolist()) == (array.shape, array.tolist())


def test_the_end_and_a_wait() -> None:
    one, other = socket.socketpair()
    with one, other:
        other.settimeout(0.01)
        with pytest.raises(ZeroDivisionError):
            receive(other, lambda: 1 // 0)
        one.sendall(b"\0\0")  # the beginning of a message
        one.close()
        with pytest.raises(EOFError):
            receive(other)
