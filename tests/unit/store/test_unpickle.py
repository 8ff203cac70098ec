"""Pickles are read without being run: plain arrays come back, everything else is refused by its name."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import vidgauge
from vidgauge.errors import VidgaugeError
from vidgauge.store import unpickle
from vidgauge.store.unpickle import read_pickle

CODES = ["<f8", ">f8", "<f4", "<f2", "<i8", "<u2", "|i1", "|b1"]


def write(folder: Path, data: bytes) -> Path:
    path = folder / "x.pkl"
    path.write_bytes(data)
    return path


def refused(folder: Path, data: bytes) -> str:
    with pytest.raises(VidgaugeError) as caught:
        read_pickle(write(folder, data))
    text = str(caught.value)
    assert "x.pkl" in text
    assert "\n" not in text
    return text


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def by_name(*names: str) -> list[bytes]:
    """A call of module.name("x") by the old and the new way to name it."""
    short = [b"\x8c" + bytes([len(name)]) + name.encode() for name in names]
    return [
        b"c%s\n(S'x'\ntR." % "\n".join(names).encode(),
        b"\x80\x04" + short[0] + short[1] + b"\x93\x8c\x01x\x85R.",
    ]


def test_arrays_and_plain_values_come_back(tmp_path: Path) -> None:
    state = {
        "none": None,
        "flag": True,
        "int": -3,
        "long": 1 << 80,
        "float": 0.1,
        "text": "ä",
        "c": np.arange(6.0).reshape(2, 3),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "strided": np.arange(12, dtype=np.int16).reshape(3, 4)[:, ::2],
        "scalar": np.float64(2.5),
        "count": np.int64(7),
        "list": [np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)],
        "empty": [],
    }
    state["again"] = state["c"]
    for protocol in range(6):
        found = read_pickle(write(tmp_path, pickle.dumps(state, protocol)))
        assert list(found) == list(state), protocol
        for key, value in state.items():
            if isinstance(value, list):
                assert [item.tobytes() for item in found[key]] == [item.tobytes() for item in value]
            elif isinstance(value, np.ndarray | np.generic):
                assert found[key].dtype == value.dtype
                assert type(found[key]) is type(value)
                np.testing.assert_array_equal(found[key], value)
            else:
                assert found[key] == value
                assert type(found[key]) is type(value)


@settings(max_examples=40)
@given(st.data(), st.integers(0, 5), st.sampled_from(CODES))
def test_any_array_of_numbers_comes_back(tmp_path_factory: Any, data: st.DataObject, protocol: int, code: str) -> None:
    array = data.draw(arrays.arrays(code, arrays.array_shapes(min_dims=0, max_dims=3, max_side=4)))
    found = read_pickle(write(tmp_path_factory.mktemp("p"), pickle.dumps({"a": array}, protocol)))["a"]
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_names_of_numpy_1_are_those_of_numpy_2(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps({"a": np.arange(3.0), "s": np.float64(2)}, protocol)
    assert b"numpy._core.multiarray" in data
    found = read_pickle(write(tmp_path, data.replace(b"numpy._core.", b"numpy.core.")))
    assert found["a"].tolist() == [0, 1, 2]
    assert found["s"] == 2


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Calls(os.system, "touch {}"), f"{os.name}.system"),
        (Calls(eval, "__import__('os').system('touch {}')"), ".eval"),
        (Calls(subprocess.check_call, ["touch", "x"]), ".check_call"),
        (Calls(getattr, 1, "real"), ".getattr"),
        (Calls(np.load, "{}"), "numpy.load"),
        (Calls(np.ndarray.tofile, np.zeros(1), "{}"), ".getattr"),
        (Calls(Path, "{}"), "athlib"),
    ],
    ids=["system", "eval", "subprocess", "getattr", "numpy.load", "tofile", "Path"],
)
def test_calls_are_refused_by_name_and_never_made(tmp_path: Path, protocol: int, call: Calls, name: str) -> None:
    made = tmp_path / "made"
    function, args = call.call
    args = tuple(arg.replace("{}", str(made)) if isinstance(arg, str) else arg for arg in args)
    text = refused(tmp_path, pickle.dumps({"raw_mean": Calls(function, *args)}, protocol))
    assert name in text
    assert "Nothing of the file was run" in text
    assert ".npz" in text
    assert not made.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("posix", "system"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "_reconstruct.__class__"),
        ("numpy.dtype", "__class__"),
        ("codecs", "encode"),
        ("_codecs", "decode"),
        ("collections", "OrderedDict"),
        ("torch", "load"),
    ],
)
def test_near_names_are_refused_too(tmp_path: Path, module: str, name: str) -> None:
    for data in by_name(module, name):
        assert f"{module}.{name}" in refused(tmp_path, data)


def test_a_name_made_of_other_things_is_refused(tmp_path: Path) -> None:
    assert "no text" in refused(tmp_path, b"\x80\x04K\x01K\x02\x93.")
    long = "a" * 5000 + "\n"
    assert len(refused(tmp_path, b"\x80\x04X" + struct.pack("<I", 5001) + long.encode() + b"\x8c\x01b\x93.")) < 600


ENCODED = b"c_codecs\nencode\n(V%s\nV%s\ntR"
DTYPE = b"cnumpy\ndtype\n(V%s\nI00\nI01\ntR(I3\nV<\n%sI-1\nI-1\nI0\ntb"
F8 = DTYPE % (b"f8", b"NNN")
EIGHT = ENCODED % (b"abcdefgh", b"latin1")
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(%s(I0\nt" + ENCODED % (b"b", b"latin1") + b"tR(I1\n%s%sI00\n%stb"
KIND = b"cnumpy\nndarray\n"


def in_dictionary(value: bytes) -> bytes:
    return b"(dVa\n" + value + b"s."


def test_the_hand_made_array_is_one(tmp_path: Path) -> None:
    """What the refusals below start from is good, so that they are refused for what they change."""
    good = ARRAY % (KIND, b"(I1\nt", F8, EIGHT)
    assert read_pickle(write(tmp_path, in_dictionary(good)))["a"].tobytes() == b"abcdefgh"
    scalar = b"cnumpy.core.multiarray\nscalar\n(" + F8 + EIGHT + b"tR"
    assert read_pickle(write(tmp_path, in_dictionary(scalar)))["a"].tobytes() == b"abcdefgh"


BAD = {
    "another type to reconstruct": ARRAY % (b"cnumpy\ndtype\n", b"(I1\nt", F8, EIGHT),
    "a huge shape": ARRAY % (KIND, b"(L1000000000000L\nL1000000000000L\nt", F8, EIGHT),
    "a negative shape": ARRAY % (KIND, b"(I-1\nt", F8, EIGHT),
    "a shape that is no tuple": ARRAY % (KIND, b"I1\n", F8, EIGHT),
    "a shape of truths and texts": ARRAY % (KIND, b"(V1\nt", F8, EIGHT),
    "fewer bytes than claimed": ARRAY % (KIND, b"(I2\nt", F8, EIGHT),
    "objects": ARRAY % (KIND, b"(I1\nt", DTYPE % (b"O8", b"NNN"), b"(lI1\na"),
    "a list for numbers": ARRAY % (KIND, b"(I1\nt", F8, b"(lI1\na"),
    "fields": ARRAY
    % (KIND, b"(I1\nt", DTYPE % (b"V8", b"N(Va\nt(dVa\n(" + DTYPE % (b"O8", b"NNN") + b"I0\nts"), EIGHT),
    "a sub-array": ARRAY % (KIND, b"(I1\nt", DTYPE % (b"f8", b"(" + F8 + b"(I1\nttNN"), EIGHT),
    "text": ARRAY % (KIND, b"(I1\nt", DTYPE % (b"U2", b"NNN"), EIGHT),
    "a scalar of objects": b"cnumpy.core.multiarray\nscalar\n(" + DTYPE % (b"O8", b"NNN") + b"(lI1\natR",
    "another codec": ARRAY % (KIND, b"(I1\nt", F8, ENCODED % (b"abcdefgh", b"zlib")),
    "a dtype called as something else": b"cnumpy\ndtype\n(VO\ntR",
    "an array called": b"cnumpy\nndarray\n((I1000000000\nttR",
    "a dtype alone": F8,
    "a name alone": KIND,
    "a call on a value": b"I1\n(tR",
    "state on a name": KIND + b"(db",
    "state on a list": b"(l(db",
    "state set twice": ARRAY % (KIND, b"(I1\nt", F8, EIGHT) + b"(I1\ntb",
    "an item of an array": ARRAY % (KIND, b"(I1\nt", F8, EIGHT) + b"I0\na",
    "a dictionary in it": b"(dVa\nI1\ns",
    "a list in a list": b"(l(la",
    "a tuple": b"(I1\nt",
}


@pytest.mark.parametrize("what", BAD)
def test_admitted_names_are_used_in_one_way_only(tmp_path: Path, what: str) -> None:
    assert "Nothing of the file was run" in refused(tmp_path, in_dictionary(BAD[what]))


@pytest.mark.parametrize(
    ("data", "instruction"),
    [
        (b"Pabc\n.", "PERSID"),
        (b"\x80\x02K\x01Q.", "BINPERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02\x83\x01\x00.", "EXT2"),
        (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
        (b"(iposix\nsystem\n.", "INST"),
        (b"(cnumpy\nndarray\no.", "OBJ"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x80\x04cnumpy\nndarray\n)}\x92.", "NEWOBJ_EX"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\x80\x04\x8f.", "EMPTY_SET"),
    ],
)
def test_other_instructions_are_refused(tmp_path: Path, data: bytes, instruction: str) -> None:
    assert f"instruction {instruction} " in refused(tmp_path, data)


def test_what_is_no_dictionary_of_text_is_refused(tmp_path: Path) -> None:
    assert "type list" in refused(tmp_path, pickle.dumps([1]))
    assert "key of type int" in refused(tmp_path, pickle.dumps({1: 2}))
    assert "key of type tuple" in refused(tmp_path, pickle.dumps({(1, 2): 2}))


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested = b"\x80\x02)" + b"q\x00h\x00\x86" * 200  # a tuple of itself, twice, 200 levels deep: hashing it never ends
    assert "key of type tuple" in refused(tmp_path, b"\x80\x02}" + nested[2:] + b"K\x01s.")
    assert "type tuple" in refused(tmp_path, nested + b".")
    many = np.zeros(1000)
    assert "more bytes than the file" in refused(tmp_path, pickle.dumps({"a": [many] * 3}, 4))
    assert "no pickle" in refused(tmp_path, b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"x.")
    assert "no pickle" in refused(tmp_path, b"\x80\x04]r\xff\xff\xff\xff" + b"j\xfe\xff\xff\xff.")
    monkeypatch.setattr(unpickle, "MOST_STEPS", 100)
    assert "100 instructions" in refused(tmp_path, b"\x80\x02" + b"]" * 200 + b".")
    monkeypatch.setattr(unpickle, "MOST_BYTES", 10)
    assert "11 bytes" in refused(tmp_path, b"x" * 11)


def frombuffer(raw: bytes, rest: bytes, shape: bytes) -> bytes:
    """numpy._core.numeric._frombuffer(raw, dtype("<f8") with the rest of its state, shape, "C"), kept as memo 5."""
    dtype = b"cnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R(K\x03X\x01\0\0\0<" + rest + b"tb"
    return b"cnumpy._core.numeric\n_frombuffer\n(C" + bytes([len(raw)]) + raw + dtype + shape + b"X\x01\0\0\0CtRq\x05"


REST = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0"
HUGE = b"\x8b" + struct.pack("<i", 2_000_000) + b"\x7f" * 2_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (HUGE, "512 bits"),
        (frombuffer(b"abcdefgh", REST, b"(" + HUGE + b"q\0" + b"h\0" * 7 + b"t"), "512 bits"),
        (frombuffer(b"", REST, b"(K\0" + b"\x8a\x20" + b"\x7f" * 32 + b"t"), "no proper shape"),
        (frombuffer(b"abcdefgh", REST, b"\x88\x85"), "no proper shape"),
        (b"](" + frombuffer(b"", b"N" * 300_000, b"K\0\x85") + b"h\x05" * 100_000 + b"e", "objects, fields"),
        (b"](" + frombuffer(b"", REST, b"(" + b"K\1" * 300_000 + b"t") + b"h\x05" * 100_000 + b"e", "no proper shape"),
    ],
    ids=["integer", "shape", "empty", "truth", "type", "axes"],
)
def test_time_grows_with_the_file_and_no_faster(tmp_path: Path, value: bytes, text: str) -> None:
    """Each would take minutes, or not end: huge integers multiplied, long tuples looked through for each item."""
    began = process_time()
    assert text in refused(tmp_path, b"\x80\x05}X\1\0\0\0a" + value + b"s.")
    assert process_time() - began < 10


def test_one_list_under_many_keys_is_refused(tmp_path: Path) -> None:
    keys = b"".join(b"X\x05\0\0\0%05dh\0" % number for number in range(30_000))
    data = b"\x80\x02](" + b"N" * 300_000 + b"eq\0q\1" + b"}(X\1\0\0\0zh\0" + keys + b"u."
    assert "holds lists of more than" in refused(tmp_path, data)


def test_empty_arrays_come_back(tmp_path: Path) -> None:
    for shape in ((0, 4), (4, 0), (0,)):
        assert read_pickle(write(tmp_path, pickle.dumps({"a": np.zeros(shape)})))["a"].shape == shape


@pytest.mark.parametrize("protocol", range(6))
def test_truncated_files_are_refused(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps({"raw_mean": np.arange(20.0), "n": 5}, protocol)
    for length in range(len(data)):
        assert "x.pkl" in refused(tmp_path, data[:length])


@settings(max_examples=200)
@given(st.data())
def test_damage_gives_an_error_or_a_dictionary(tmp_path_factory: Any, data: st.DataObject) -> None:
    good = bytearray(pickle.dumps({"raw_mean": np.arange(5.0), "n": 5}, data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(VidgaugeError):  # and nothing else
        assert isinstance(read_pickle(write(tmp_path_factory.mktemp("d"), bytes(good))), dict)


def test_other_files_are_told_for_what_they_are(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html>\n<html><head><title>Page not found</title></head></html>"
    assert "web page" in refused(tmp_path, page)
    assert "Git LFS" in refused(tmp_path, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert "empty" in refused(tmp_path, b"")
    assert "no pickle" in refused(tmp_path, b"\x00\x01\x02")


def test_in_a_process_of_its_own_nothing_runs(tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = write(tmp_path, pickle.dumps({"raw_mean": Calls(os.system, f"touch {made}"), "num_items": 1}))
    command = [sys.executable, "-m", "vidgauge", "export", str(path), "--to", "npz", "--out", str(tmp_path / "out.npz")]
    environment = {**os.environ, "PYTHONPATH": str(Path(vidgauge.__file__).parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode
    assert f"asks for {os.name}.system" in done.stderr
    assert not made.exists()
    assert not (tmp_path / "out.npz").exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - the file is armed: run, it makes what was not made above
    assert made.exists()
