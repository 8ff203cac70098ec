"""Files that mean harm, made from real ones: equal arguments, equal bytes, but for what the encoders vary.

from tests.hostile import corpus
paths = corpus(tmp_path / "videos", 60, seed=1)
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tests.make_videos import encode, frames

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SUFFIXES = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif")
NAMES = (
    "-rf.mp4",
    "--out=x.mp4",
    "a b  c.mp4",
    "'\"`.mp4",
    "$(touch pwned).mp4",
    "; touch pwned #.mp4",
    "line\nbreak.mp4",
    "tab\tand\rreturn.mp4",
    "\x1b[31mred.mp4",
    "{input} {wildcards} %03d %s.mp4",
    "a%03d.gif",
    "a..mp4",
    "http:x.mp4",
    "concat:a|b.mp4",
    "file:,subfile,,start,0.mp4",
    "fd:0.mp4",
    "<script>alert(1)<\u29f8script>.mp4",
    "\u202efpm.mp4",
    "\udcff not utf8.mp4",
    "n" * 251 + ".mp4",
)
"""File names; one of them is no UTF-8, and one has the 255 bytes that a name may have."""

Mutation = Callable[[bytes, np.random.Generator], bytes]


def real_files(folder: Path) -> list[Path]:
    """Small videos of several containers and codecs."""
    folder.mkdir(parents=True)
    clip = frames(8, 32, 48, noise=8)
    quick = {"cpu-used": "8", "deadline": "realtime"}
    made = [
        encode(folder / "h264.mp4", clip, gop=4),
        encode(folder / "fast.mov", clip, container={"movflags": "+faststart"}, options={"bf": "2"}),
        encode(folder / "parts.mp4", clip, gop=4, container={"movflags": "frag_keyframe+empty_moov"}),
        encode(folder / "h264.mkv", frames(4, 272, 320)),  # sizes of two bytes
        encode(folder / "vp8.webm", clip, codec="libvpx", options=quick),
        encode(folder / "vp9.webm", clip, codec="libvpx-vp9", options=quick),
        encode(folder / "mjpeg.avi", clip, codec="mjpeg", pix_fmt="yuvj420p"),
        encode(folder / "mpeg4.avi", clip, codec="mpeg4"),
        encode(folder / "gif.gif", clip, codec="gif", pix_fmt="rgb8"),
        encode(folder / "raw.h264", clip, format="h264"),
        encode(folder / "stream.ts", clip, codec="mpeg2video", fps=25, format="mpegts"),
        encode(folder / "flash.flv", clip, format="flv"),
    ]
    return made + sorted(DATA.glob("*/*9.mp4")) + sorted(DATA.glob("*/*watercolor*.mp4"))


def header(data: bytes, rng: np.random.Generator) -> bytes:
    """A few of the first bytes changed."""
    return _with_bytes(data, rng, first=min(len(data), 512), count=int(rng.integers(1, 9)))


def anywhere(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed at random."""
    return _with_bytes(data, rng, first=len(data), count=int(rng.integers(1, 65)))


def tables(data: bytes, rng: np.random.Generator) -> bytes:
    """Numbers of an mp4's tables, or of any container's first kilobytes, replaced by extreme ones."""
    start = max(data.find(b"moov"), 0)
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at = start + int(rng.integers(0, max(1, min(2000, len(data) - start - 4))))
        out[at : at + 4] = _EXTREMES[int(rng.integers(len(_EXTREMES)))]
    return bytes(out)


def moved(data: bytes, rng: np.random.Generator) -> bytes:
    """A stretch of the file taken out, doubled, or set to zero."""
    start, end = sorted(int(at) for at in rng.integers(0, len(data), 2))
    middle = (b"", data[start:end] * 2, bytes(end - start))[int(rng.integers(3))]
    return data[:start] + middle + data[end:]


def noise(data: bytes, rng: np.random.Generator) -> bytes:
    """Random bytes alone, or after the real first ones."""
    return data[: int(rng.integers(0, 64)) * int(rng.integers(2))] + rng.bytes(int(rng.integers(1, 20000)))


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut at a fiftieth of the length."""
    return data[: len(data) * int(rng.integers(1, 50)) // 50]


MUTATIONS: tuple[Mutation, ...] = (header, anywhere, tables, moved, noise, truncated)
_EXTREMES = (bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"\1\0\0\0", b"\x10\0\0\0")


def _with_bytes(data: bytes, rng: np.random.Generator, *, first: int, count: int) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, first, count):
        out[at] = rng.integers(0, 256)
    return bytes(out)


def claims(real: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of files whose headers claim what is not there: sizes, lengths, numbers of frames, no time."""
    mp4, mkv, avi, gif = (real[name] for name in ("h264.mp4", "h264.mkv", "mjpeg.avi", "gif.gif"))
    many, long = struct.pack(">I", 50_000_000), b"\x7f\xff\xff\xff"
    for name in ("h264.mp4", "fast.mov", "parts.mp4"):
        data = real[name]
        yield f"wide-{name}", _patched(data, b"avc1", 28, b"\xff\xff\xff\xff")
        yield f"shown-{name}", _patched(data, b"tkhd", 80, b"\xff\xff\0\0\xff\xff\0\0")
        yield f"long-{name}", _patched(_patched(data, b"mvhd", 20, long), b"mdhd", 20, long)
        yield f"timeless-{name}", _patched(_patched(data, b"mvhd", 16, bytes(4)), b"mdhd", 16, bytes(4))
    yield "many-sizes.mp4", _patched(mp4, b"stsz", 8, b"\0\0\0\1" + many)
    yield "many-empty.mp4", _patched(mp4, b"stsz", 8, bytes(4) + many)
    yield "many-times.mp4", _patched(_patched(mp4, b"stts", 12, many), b"stsz", 8, b"\0\0\0\1" + many)
    yield "many-in-a-chunk.mp4", _patched(_patched(mp4, b"stsc", 16, many), b"stsz", 8, b"\0\0\0\1" + many)
    yield "elsewhere.mp4", _patched(mp4, b"stco", 12, b"\xff\xff\xff\xf0")
    yield "wide.mkv", _element(_element(mkv, b"\xb0", b"\xff\xff"), b"\xba", b"\xff\xff")
    yield "timeless.mkv", _element(mkv, b"\x2a\xd7\xb1", bytes(3))
    yield "long.mkv", _element(mkv, b"\x44\x89", struct.pack(">d", 1e300))
    yield "endless.mkv", _element(mkv, b"\x44\x89", struct.pack(">d", float("nan")))
    yield "many.avi", _patched(avi, b"avih", 24, b"\xff\xff\xff\x7f")
    yield "wide.avi", _patched(_patched(avi, b"avih", 40, b"\xff\xff\0\0" * 2), b"strf", 12, b"\xff\xff\0\0" * 2)
    yield "timeless.avi", _patched(avi, b"strh", 28, bytes(8))
    yield "wide.gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:]
    raw = real["raw.h264"]
    for side, name in ((1023, "wide.m4v"), (511, "broad.m4v")):
        yield name, b"\0\0\0\1" + parameter_set(side) + raw[raw.index(b"\0\0\0\1\x68") :]


def _patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """The first box or chunk of a name with a value written so many bytes after the name."""
    at = data.index(name) + offset
    return data[:at] + value + data[at + len(value) :]


def _element(data: bytes, name: bytes, value: bytes) -> bytes:
    """The first Matroska element of an id and of this length with another value."""
    at = data.index(name + bytes([0x80 | len(value)])) + len(name) + 1
    return data[:at] + value + data[at + len(value) :]


def parameter_set(side: int) -> bytes:
    """An H.264 sequence parameter set (7.3.2.1.1) that claims frames of side + 1 by side + 1 macroblocks, and 16 of
    them for reference."""

    def number(value: int) -> str:  # ue(v), 9.1
        bits = f"{value + 1:b}"
        return "0" * (len(bits) - 1) + bits

    wanted = [0, 0, 0, 0, 16]  # id, frame numbers, order counts and theirs, reference frames
    bits = "".join(map(number, wanted)) + "0" + number(side) * 2 + "1" + "1" + "0" + "0" + "1"
    bits += "0" * (-len(bits) % 8)
    return bytes([0x67, 66, 0, 62]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def playlists(port: int, other: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of texts that would lead libav to another file or to a port of this machine."""
    for place in (f"http://127.0.0.1:{port}/a.ts", f"tcp://127.0.0.1:{port}", str(other), f"file:{other}", "fd:"):
        name = place.split(":")[0].strip("/").split("/")[0]
        yield f"hls-{name}.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{place}\n#EXT-X-ENDLIST\n".encode()
        yield f"concat-{name}.mp4", f"ffconcat version 1.0\nfile '{place}'\n".encode()
        yield f"dash-{name}.mp4", _dash(place).encode()
        yield f"rtsp-{name}.mp4", f"rtsptext\nrtsp://127.0.0.1:{port}/{name}\n".encode()
        yield f"pls-{name}.mp4", f"[playlist]\nFile1={place}\n".encode()
    session = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
    yield "session.mp4", f"{session}a=rtpmap:96 H264/90000\n".encode()
    yield "svg.mp4", f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{other}"/></svg>'.encode()


def _dash(place: str) -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period>'
        f'<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{place}</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    )


def corpus(folder: Path, count: int, *, seed: int, port: int = 9) -> list[Path]:
    """`count` files of every kind there is, in a new folder; all claims, playlists and names if there is room.

    port: where playlists lead to, beside a pipe that nobody writes into (`folder` with .pipe after it).
    """
    made = real_files(folder.with_name(f"{folder.name}.real"))
    real = {path.name: path.read_bytes() for path in made}
    pipe = folder.with_name(f"{folder.name}.pipe")
    os.mkfifo(pipe)
    folder.mkdir()
    rng = np.random.default_rng(seed)
    fixed = [*claims(real), *playlists(port, pipe), *((name, real["h264.mp4"]) for name in NAMES)]
    if len(fixed) > count // 2:
        fixed = [fixed[at] for at in sorted(rng.choice(len(fixed), count // 2, replace=False))]
    paths = []
    for name, data in fixed:
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    for number in range(count - len(fixed)):
        source = made[number % len(made)]
        mutate = MUTATIONS[number // len(made) % len(MUTATIONS)]
        ending = SUFFIXES[rng.integers(len(SUFFIXES))] if source.suffix not in SUFFIXES or rng.random() < 0.1 else ""
        paths.append(folder / f"{mutate.__name__}-{number}-{source.stem[-20:]}{ending or source.suffix}")
        paths[-1].write_bytes(mutate(real[source.name], rng))
    return paths
