"""Evidence in a container's own structure that a file was cut short or overwritten. Plain bytes, no libav.

Only what cannot be otherwise counts: a size that reaches beyond the end of the file, a missing trailer, more frames
than bytes, time without a unit. What is unknown (another container, a live stream of unknown size, trailing bytes
after the last part) is no evidence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vidgauge.media.opening import open_file

Fault = tuple[str, str]
"""(reason, detail) as BadVideo takes them."""

_BOXES = frozenset(
    b"ftyp moov mdat free skip wide moof mfra sidx styp uuid meta pnot udta emsg prft ssix pdin junk".split()
)
_TABLES = {  # boxes by the one that holds them: neither deeper nor in a circle
    b"moov": (b"mvhd", b"trak"),
    b"trak": (b"mdia",),
    b"mdia": (b"mdhd", b"minf"),
    b"minf": (b"stbl",),
    b"stbl": (b"stsz",),
}
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675


def container_fault(path: Path) -> Fault | None:
    """('truncated' or 'damaged', why), or None where the file's structure shows nothing wrong. OSError is left to
    rise, and so is BadVideo for what is no file.

    Reads headers only (of each frame in Matroska and GIF, of each part elsewhere): no frame data.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        file.seek(0)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"):
            return _mp4_fault(file, size)
        if head[:4] == b"RIFF":
            return _riff_fault(file, size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _matroska_fault(file, size)
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return _gif_fault(file, size)
    return None


def _beyond(what: str, end: int, size: int) -> Fault:
    return "truncated", f"its {what} should end at byte {end:,}, the file has {size:,}"


def _mp4_fault(file: BinaryIO, size: int) -> Fault | None:
    """Top-level boxes: each must end inside the file, and one of them must hold the tables (moov or moof)."""
    seen = set()
    for name, first, end in _boxes(file, 0, size):
        if name not in _BOXES:  # bytes after the last box
            break
        seen.add(name)
        if end < first:
            return "damaged", f"its {name.decode()} box at byte {first - 8:,} claims to end at byte {end:,}"
        if end > size:
            return _beyond(f"{name.decode()} box", end, size)
        if name == b"moov" and (fault := _table_fault(file, name, first, end, size)):
            return fault
    if not seen & {b"moov", b"moof"}:
        return "truncated", "it has no moov box (the frame tables): it was cut, or its writer did not finish"
    return None


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of its content, one past its last) of boxes one after the other; stops at one of no length."""
    while start + 8 <= end:
        file.seek(start)
        header = file.read(16)
        length, first = int.from_bytes(header[:4], "big"), start + 8
        if length == 1:
            length, first = int.from_bytes(header[8:16], "big"), start + 16
        last = start + length if length else end  # 0: to the end
        yield header[4:8], first, last
        if last < first:
            return
        start = last


def _table_fault(file: BinaryIO, holder: bytes, start: int, end: int, size: int) -> Fault | None:
    """Claims in the tables of an mp4 that libav would believe, or quietly put right in its own way."""
    for name, first, last in _boxes(file, start, end):
        file.seek(first)
        head = file.read(24)
        if name in _TABLES[holder] and last <= end:
            if name in _TABLES:
                if fault := _table_fault(file, name, first, last, size):
                    return fault
            elif name == b"stsz":  # version and flags, the size of all samples or 0, how many
                each, count = (int.from_bytes(head[at : at + 4], "big") for at in (4, 8))
                if max(each, 1) * count > size:
                    return "damaged", f"its tables list {count:,} frames, which do not fit into its {size:,} bytes"
            elif not int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big"):
                return "damaged", f"its {name.decode()} box counts time in units of 1/0 second"
    return None


def _riff_fault(file: BinaryIO, size: int) -> Fault | None:
    """RIFF chunks (AVI has more than one beyond 1 GB). Sizes 0 and 2**32 - 1 stand for a writer that never knew."""
    start = 0
    while start + 12 <= size:
        file.seek(start)
        header = file.read(8)
        length = int.from_bytes(header[4:8], "little")
        if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        end = start + 8 + length
        if end > size:
            return _beyond("RIFF chunk", end, size)
        start = end + length % 2
    return None


def _gif_fault(file: BinaryIO, size: int) -> Fault | None:
    """Blocks up to the trailer."""

    def colours(flags: int) -> int:
        return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0

    def skip_blocks() -> bool:
        while length := file.read(1):
            if length == b"\0":
                return True
            file.seek(length[0], os.SEEK_CUR)
        return False

    head = file.read(13)
    file.seek(13 + colours(head[10] if len(head) > 10 else 0))
    while kind := file.read(1):
        if kind == b";":
            return None
        if kind == b"!":
            file.seek(1, os.SEEK_CUR)
        elif kind == b",":
            descriptor = file.read(9)
            file.seek(colours(descriptor[8] if len(descriptor) == 9 else 0) + 1, os.SEEK_CUR)
        elif kind != b"\0":
            return "damaged", f"byte {file.tell() - 1:,} is no GIF block"
        if kind != b"\0" and not skip_blocks():
            break
    return "truncated", f"it ends at byte {size:,} without the GIF trailer"


def _matroska_fault(file: BinaryIO, size: int) -> Fault | None:
    """Elements one after the other, into segments and clusters: each must end inside the file, and inside its cluster.

    A live recording does not know the sizes of its segment and clusters, but those of its frames.
    """
    start, segment_end, cluster_end, sized = 0, size, size, False
    while start < segment_end:
        element = _element(file, start)
        if start >= cluster_end:
            cluster_end = segment_end
        if element is None:
            return ("damaged", f"byte {start:,} begins no Matroska element") if sized else None
        name, first, end = element
        if end is not None and end > size and not sized:
            return _beyond({_SEGMENT: "segment", _CLUSTER: "cluster"}.get(name, "last element"), end, size)
        if end is not None and end > cluster_end:
            return "damaged", f"the element at byte {start:,} reaches beyond the one that holds it"
        if name == _SEGMENT:
            segment_end = cluster_end = end or size
            sized = end is not None
        elif name == _CLUSTER:
            cluster_end = end or segment_end
        elif end is None:
            return None
        start = first if name in (_SEGMENT, _CLUSTER) else end or size
    return None


def _element(file: BinaryIO, start: int) -> tuple[int, int, int | None] | None:
    """(id, first byte of its content, one past the last or None if unknown) of an EBML element; None if it is none."""
    file.seek(start)
    header = file.read(12)
    id_length = 9 - header[0].bit_length() if header else 9
    length_byte = header[id_length] if id_length <= 4 and len(header) > id_length else 0
    length_length = 9 - length_byte.bit_length()
    if id_length > 4 or length_byte == 0 or len(header) < id_length + length_length:
        return None
    mask = (1 << 7 * length_length) - 1
    first = start + id_length + length_length
    length = int.from_bytes(header[id_length : id_length + length_length], "big") & mask
    return int.from_bytes(header[:id_length], "big"), first, None if length == mask else first + length
