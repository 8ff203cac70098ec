"""Pickled dictionaries of arrays, read without an unpickler: the file is parsed, and nothing in it is called.

A pickle is a program: it may name any function there is and have it called. Here its instructions are taken one by one
(by the standard library's parser) and only those that build plain values are known. Names and calls become records,
which are compared at the end with the few forms in which NumPy writes arrays; whatever has another form is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidgauge.errors import VidgaugeError

MOST_BYTES = 2 << 30  # of a file
MOST_STEPS = 1 << 20  # instructions of a file, each of which costs some bytes; an array takes about thirty
MOST_BITS = 512  # of an integer: time grows with the square of its length, and no count needs more
MOST_AXES = 8
LONGEST_NAME = 80  # characters of a refused name that are shown

_NDARRAY, _DTYPE, _ENCODE = "numpy.ndarray", "numpy.dtype", "_codecs.encode"
_HOMES = ("numpy.core.", "numpy._core.")  # of NumPy 1 and 2
_RECONSTRUCT, _SCALAR = ({f"{home}multiarray.{name}" for home in _HOMES} for name in ("_reconstruct", "scalar"))
_FROMBUFFER = {f"{home}numeric._frombuffer" for home in _HOMES}
ADMITTED = {_NDARRAY, _DTYPE, _ENCODE, *_RECONSTRUCT, *_SCALAR, *_FROMBUFFER}

_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_SKIPPED = {"PROTO", "FRAME"}
_DTYPE_CODE = re.compile("f[248]|[iu][1248]|b1")  # numbers and booleans; never objects, never fields
_DTYPE_REST = (None, None, None, -1, -1, 0)  # no fields, no sub-arrays, no metadata
_MARK = object()


@dataclass(frozen=True)
class _Name:
    text: str


@dataclass(eq=False)
class _Call:
    """A call that the file asks for, and the state that it then sets. It is never made."""

    name: str
    args: tuple[Any, ...]
    state: Any = None


class _Refused(Exception):  # noqa: N818 - a verdict on the file, which read_pickle words
    pass


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle: numbers, text, None, NumPy arrays and scalars, and lists of these.

    Protocols 0 to 5, arrays and names of NumPy 1 and 2. Arrays are views of the bytes read, which are never more than
    the file has. VidgaugeError, naming what was refused, for all else: other names and calls, objects, files above
    MOST_BYTES, what is damaged, and what is no pickle.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise VidgaugeError(f"{path}: has {size} bytes, pickles of up to {MOST_BYTES} are read; {_ADVICE}")
    data = path.read_bytes()
    try:
        return _plain(_parsed(data), len(data))
    except _Refused as error:
        raise VidgaugeError(f"{path}: {error}. Nothing of the file was run; {_ADVICE}") from None
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        what = _looks_like(data) or f"is no pickle, or a damaged one ({type(error).__name__}: {str(error)[:200]})"
        raise VidgaugeError(f"{path}: {what}. Nothing of the file was run; {_ADVICE}") from None


_ADVICE = (
    "wanted was a dictionary of plain NumPy arrays, as FeatureStats.save writes it. Get the file again, or let the "
    "tool that made it write its mean and covariance as .npz (mu, sigma)"
)


def _looks_like(data: bytes) -> str | None:
    head = data[:64].lstrip().lower()
    if not head:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the file itself"
    if head.startswith((b"<", b"{")):
        return "is a web page or other text, most likely a server's answer that the file was not found, kept as a file"
    return None


def _parsed(data: bytes) -> Any:
    """What the instructions leave behind: plain values, with _Name and _Call for what would be looked up and called."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    arg: Any  # of the instruction, as the parser gives it
    for step, (opcode, arg, _) in enumerate(pickletools.genops(io.BytesIO(data))):
        if step == MOST_STEPS:
            raise _Refused(f"has more than {MOST_STEPS} instructions, which no saved statistics need")
        name = opcode.name
        if name in _PUSHED:
            if isinstance(arg, int) and arg.bit_length() > MOST_BITS:
                raise _Refused(f"holds a whole number of more than {MOST_BITS} bits")
            stack.append(arg)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            stack.append(tuple(_popped(stack, _TUPLES[name])))
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "TUPLE":
            stack.append(tuple(_to_mark(stack)))
        elif name in ("EMPTY_LIST", "LIST"):
            stack.append(_to_mark(stack) if name == "LIST" else [])
        elif name in ("EMPTY_DICT", "DICT"):
            stack.append(_filled({}, _to_mark(stack) if name == "DICT" else []))
        elif name in ("APPEND", "APPENDS"):
            items = _to_mark(stack) if name == "APPENDS" else _popped(stack, 1)
            _top(stack, list, name).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = _to_mark(stack) if name == "SETITEMS" else _popped(stack, 2)
            _filled(_top(stack, dict, name), items)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else arg] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[arg])
        elif name == "GLOBAL":
            stack.append(_named(*arg.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(_named(*_popped(stack, 2)))
        elif name == "REDUCE":
            callee, args = _popped(stack, 2)
            if not isinstance(callee, _Name) or not isinstance(args, tuple):
                raise _Refused(f"calls a value of type {type(callee).__name__}")
            stack.append(_Call(callee.text, args))
        elif name == "BUILD":
            (state,) = _popped(stack, 1)
            target = _top(stack, _Call, name)
            if target.state is not None:
                raise _Refused(f"sets the state of what {target.name} gives twice")
            target.state = state
        elif name == "STOP":
            return _popped(stack, 1)[0]
        elif name not in _SKIPPED:
            raise _Refused(f"uses the instruction {name} of pickles, which plain arrays do not need")
    raise ValueError("no end")  # the parser says so first


def _popped(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count or any(item is _MARK for item in stack[len(stack) - count :]):
        raise ValueError("an instruction finds too few values")
    items = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return items


def _to_mark(stack: list[Any]) -> list[Any]:
    """The values above the last mark, which goes too."""
    at = next((at for at in range(len(stack) - 1, -1, -1) if stack[at] is _MARK), None)
    if at is None:
        raise ValueError("a mark is missing")
    items = stack[at + 1 :]
    del stack[at:]
    return items


def _top(stack: list[Any], kind: type, instruction: str) -> Any:
    found = stack[-1]
    if not isinstance(found, kind):
        raise _Refused(f"uses the instruction {instruction} on a value of type {type(found).__name__}")
    return found


def _filled(target: dict[str, Any], items: Sequence[Any]) -> dict[str, Any]:
    """Keys are text alone: hashing a tuple that nests itself takes for ever."""
    for key in items[::2]:
        if not isinstance(key, str):
            raise _Refused(f"has a dictionary with a key of type {type(key).__name__}")
    target.update(zip(items[::2], items[1::2], strict=True))
    return target


def _named(module: Any, name: Any) -> _Name:
    text = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "a name that is no text"
    if text not in ADMITTED:
        shown = text[:LONGEST_NAME].encode("unicode_escape").decode()
        raise _Refused(f"asks for {shown}, and only NumPy arrays and plain values are read")
    return _Name(text)


def _plain(found: Any, most_bytes: int) -> dict[str, Any]:
    """The dictionary with arrays in place of calls. One array or list met again and again counts each time."""
    if not isinstance(found, dict):
        raise _Refused(f"holds a value of type {type(found).__name__}")
    if sum(len(value) for value in found.values() if isinstance(value, list)) > MOST_STEPS:
        raise _Refused(f"holds lists of more than {MOST_STEPS} values, which no saved statistics need")
    left = [most_bytes]
    return {
        key: [_leaf(item, left) for item in value] if isinstance(value, list) else _leaf(value, left)
        for key, value in found.items()
    }


def _leaf(value: Any, left: list[int]) -> Any:
    if isinstance(value, _Call):
        return _array(value, left)
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise _Refused(f"holds a value of type {type(value).__name__.lstrip('_')} where an array or number was expected")


def _array(call: _Call, left: list[int]) -> Any:
    """The array, or the scalar, that a call stands for; its bytes are taken from `left`."""
    match call.name, call.args, call.state:
        case name, (_Name(text=kind), (0,), bytes() | _Call()), (
            1,
            shape,
            _Call() as dtype,
            bool() | int() as f,
            raw,
        ) if name in _RECONSTRUCT and kind == _NDARRAY:
            return _view(raw, dtype, shape, "F" if f else "C", left)
        case name, (raw, _Call() as dtype, shape, "C" | "F" as order), None if name in _FROMBUFFER:
            return _view(raw, dtype, shape, order, left)
        case name, (_Call() as dtype, raw), None if name in _SCALAR:
            return _view(raw, dtype, (), "C", left)[()]
    raise _Refused(f"calls {call.name} in a way that NumPy does not when it saves an array of numbers")


def _view(raw: Any, code: _Call, shape: Any, order: Any, left: list[int]) -> np.ndarray:
    dtype, length = _dtype(code), _length(raw)
    if (
        not isinstance(shape, tuple)
        or len(shape) > MOST_AXES
        or not all(type(n) is int and 0 <= n <= MOST_BYTES for n in shape)
    ):
        raise _Refused("holds an array of no proper shape")
    if math.prod(shape) * dtype.itemsize != length:
        raise _Refused(f"holds an array that claims {len(shape)} axes of other than the {length} bytes that it has")
    left[0] -= length
    if left[0] < 0:
        raise _Refused("holds arrays of more bytes than the file has")
    data = raw.args[0].encode("latin1") if isinstance(raw, _Call) else raw
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _dtype(call: _Call) -> np.dtype[Any]:
    match call.name, call.args, call.state:
        case name, (str() as code, False | 0, True | 1), (3, "<" | ">" | "|" as byte_order, a, b, c, d, e, f) if (
            name == _DTYPE and _DTYPE_CODE.fullmatch(code) and (a, b, c, d, e, f) == _DTYPE_REST
        ):
            return np.dtype(f"{byte_order}{code}")
    raise _Refused("holds an array of objects, fields or another type that is no plain number")


def _length(raw: Any) -> int:
    """Of bytes, or of the text that stands for them in protocols 0 to 2."""
    if isinstance(raw, bytes | bytearray):
        return len(raw)
    match raw:
        case _Call(name="_codecs.encode", args=(str() as text, "latin1"), state=None):
            return len(text)
    raise _Refused("holds an array whose values are no bytes")
