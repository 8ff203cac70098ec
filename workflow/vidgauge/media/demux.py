"""Opening a file with libav, and what reading its packets tells: how many frames, when they show, where to start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import av
from av.codec.context import Flags
from av.stream import Disposition

from vidgauge.errors import BadVideo
from vidgauge.media.opening import MAX_PIXELS, open_file
from vidgauge.wording import counted

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# One shown frame for each packet, if the file begins with a keyframe; elsewhere frames are counted by decoding.
_ONE_TO_ONE = {
    "mov": "h264 hevc vp8 vp9 av1 mjpeg prores png ffv1 rawvideo dnxhd",
    "matroska": "h264 hevc vp8 vp9 av1 mjpeg prores png ffv1 rawvideo",
    "avi": "mjpeg ffv1 rawvideo huffyuv ffvhuff png",
    "gif": "gif",
    "apng": "apng",
}
DEMUXERS = (
    "3g2,3gp,apng,asf,av1,avi,dirac,dnxhd,dv,f4v,flv,gif,gxf,h261,h263,h264,hevc,ivf,m4v,matroska,mj2,mjpeg,mov,mp4,"
    "mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,vvc,webm,wtv,yuv4mpegpipe,"
    "bmp_pipe,dpx_pipe,exr_pipe,gif_pipe,j2k_pipe,jpeg_pipe,jpegls_pipe,jpegxl_anim,jpegxl_pipe,pam_pipe,pbm_pipe,"
    "pgm_pipe,png_pipe,ppm_pipe,qoi_pipe,tiff_pipe,webp_pipe,"
    "aac,flac,mp3,wav"
)
"""What libav may take a file for: containers of video, single images, and sound, so that it can be called that. None
leads to other files. Left out: playlists, session descriptions, any text as a picture, formats of single games."""

_ONLY = {"protocol_whitelist": "fd", "format_whitelist": DEMUXERS, "max_pixels": str(MAX_PIXELS)}
_PLAYLISTS = {
    b"#EXTM3U": "hls",
    b"<MPD": "dash",
    b"ffconcat": "concat",
    b"v=0": "sdp",
    b"[playlist]": "pls",
    b"[reference]": "asf",
    b"<asx": "asx",
    b"<smil": "smil",
    b"rtsptext": "rtsp",
}
_SEEKABLE = frozenset({"mov", "matroska"})
_KEYFRAME_IS_EXACT = frozenset({"vp8", "vp9", "av1", "mjpeg", "prores", "png", "ffv1", "rawvideo", "dnxhd"})
_IDR, _HEVC_IRAP = 5, range(16, 22)  # NAL unit types


@dataclass(frozen=True)
class Scan:
    """What the packets of a video stream tell. Times are in ticks of `time_base` seconds, in display order."""

    count: int  # frames that decoding gives
    pts: tuple[int, ...] | None  # one per frame, ascending; None if any is missing or two are equal
    time_base: Fraction
    duration: Fraction | None  # seconds, the last frame's included; None for still images
    safe_pts: tuple[int, ...]  # frames to start decoding from: they and all later ones come out as from the beginning
    format: str  # the container, first name
    codec: str

    @property
    def fps(self) -> Fraction | None:
        """Mean frames per second."""
        return self.count / self.duration if self.duration else None

    def seconds(self) -> list[Fraction] | None:
        """Presentation time of every frame."""
        return None if self.pts is None else [tick * self.time_base for tick in self.pts]


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream that is no cover picture, decoding set to be repeatable.

    One thread, and the decoder's bit-exact mode (MPEG-4 part 2 differs between CPUs without it). Raises BadVideo:
    missing, permission, not-a-file, folder, not-a-video, no-frames (no video stream), unsupported (no decoder).
    """
    with _open(path) as container:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise BadVideo("no-frames", "it has no video stream")
        stream = streams[0]
        context: Any = stream.codec_context
        if context is None:
            raise BadVideo("unsupported", "libav has no decoder for its codec")
        context.thread_count = 1
        context.thread_type = "NONE"
        context.flags |= Flags.bitexact
        context.options = {"max_pixels": str(MAX_PIXELS)}
        yield container, stream


def _open(path: Path) -> InputContainer:
    """libav gets an open file and no name, and of all its protocols only the one for open files: whatever the file
    says, nothing else can be opened, and no name is taken for a pattern or an address."""
    try:
        with open_file(path) as file:
            try:
                options = _ONLY | {"fd": str(file.fileno())}
                return av.open("fd:", options=options, metadata_errors="replace")  # of no use here
            except av.error.FFmpegError as error:
                raise _not_a_video(file, error) from None
    except FileNotFoundError:
        raise BadVideo("missing", "no such file") from None
    except PermissionError:
        raise BadVideo("permission", "it may not be read") from None


def _not_a_video(file: BinaryIO, error: av.error.FFmpegError) -> BadVideo:
    file.seek(0)
    head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for begin, kind in _PLAYLISTS.items():
        if head.startswith(begin.lower()) or (head.startswith(b"<?xml") and begin.lower() in head):
            return BadVideo("not-a-video", f"it is a playlist ({kind}), which names other files")
    return BadVideo("not-a-video", f"libav finds no container of video in it ({error.strerror})")


def _codec(stream: VideoStream) -> str:
    """The codec's own name (av1), whichever decoder serves it (libdav1d)."""
    return stream.codec_context.codec.canonical_name


def _short_name(container: InputContainer) -> str:
    return container.format.name.split(",")[0]


def scan_video(path: Path) -> Scan:
    """Read all packets (and decode, where packets do not tell the number of frames). BadVideo as `open_video` and
    `decoded`; 'truncated' where the container's index lists frames that are not there."""
    with open_video(path) as (container, stream):
        packets = _read_packets(container, stream)
        name, codec = _short_name(container), _codec(stream)
        time_base = _fraction(stream.time_base) or Fraction(1, 1000)
        rate = _fraction(stream.average_rate) or _fraction(stream.guessed_rate)
    if not packets:
        raise BadVideo("no-frames", "its video stream is empty")
    still = name.endswith("_pipe")
    if packets[0].key and codec in _ONE_TO_ONE.get(name, "").split() and _begins_at_first(packets):
        shown = [packet for packet in packets if packet.shown]
        count, pts = len(shown), _ascending(sorted(p.pts for p in shown if p.pts is not None))
        lasting = max(shown, key=lambda p: p.pts or 0).duration if shown else 0
        safe = {p.pts for p in shown if p.safe and p.pts is not None} if name in _SEEKABLE else set()
    else:
        ticks = _decode_all(path)
        count, pts, lasting, safe = len(ticks), _ascending(ticks), packets[-1].duration, set()
    if count == 0:
        raise BadVideo("no-frames", "none of its packets gives a frame")
    duration = None if still else _duration(count, pts, lasting, time_base, rate)
    safe_pts = tuple(sorted(safe)) if pts is not None else ()
    return Scan(count, pts, time_base, duration, safe_pts, name, codec)


@dataclass(frozen=True)
class _Packet:
    pts: int | None
    duration: int  # ticks, 0: unknown
    key: bool
    shown: bool
    safe: bool


def _read_packets(container: InputContainer, stream: VideoStream) -> list[_Packet]:
    """Every packet of the stream, in decoding order."""
    codec, extradata = _codec(stream), stream.codec_context.extradata or b""
    packets: list[_Packet] = []
    if len(stream.index_entries) > container.size:
        raise BadVideo("damaged", f"its tables list {len(stream.index_entries):,} frames in {container.size:,} bytes")
    try:
        for packet in _packets(container, stream):
            if packet.size == 0:  # the flush packet at the end, or a dropped frame
                continue
            if packet.is_corrupt:
                reason = "truncated" if _short_name(container) in ("mov", "matroska", "avi") else "damaged"
                raise BadVideo(reason, f"its packet {len(packets)} is incomplete")
            if codec in ("h264", "hevc") and packet.size >= 8 and not any(memoryview(packet)[:8]):
                raise BadVideo("damaged", f"its packet {len(packets)} holds zeros: a download never filled in")
            packets.append(
                _Packet(
                    packet.pts,
                    packet.duration or 0,
                    packet.is_keyframe,
                    not packet.is_discard and _is_shown(codec, packet),
                    packet.is_keyframe and _is_safe(codec, packet, extradata),
                )
            )
    except av.error.FFmpegError as error:
        raise BadVideo("damaged", f"reading stops at its packet {len(packets)} ({error.strerror})") from None
    listed = sum(entry.size > 0 for entry in stream.index_entries) if _short_name(container) in ("mov", "avi") else 0
    if len(packets) < listed:
        raise BadVideo("truncated", f"its tables list {counted(listed, 'frame')}, {len(packets)} can be read")
    return packets


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet]:
    """All packets of a stream from where the container stands, an empty one last."""
    with suppress(IndexError):  # PyAV stumbles at the end over streams that began after the file was opened
        yield from container.demux(stream)


def _is_shown(codec: str, packet: Packet) -> bool:
    """False for VP8's hidden reference frames: they have packets of their own, in VP9 and AV1 a shown one is inside."""
    return codec != "vp8" or bool(memoryview(packet)[0] & 0x10)


def _is_safe(codec: str, packet: Packet, extradata: bytes) -> bool:
    """Whether a keyframe resets the decoder. H.264 flags recovery points too, which need not be exact: only IDR."""
    if codec in _KEYFRAME_IS_EXACT:
        return True
    if codec == "h264" and len(extradata) > 6 and extradata[0] == 1:
        first_slice = (kind for kind in _nal_types(packet, (extradata[4] & 3) + 1, 0x1F, 0) if 1 <= kind <= 5)
        return next(first_slice, 0) == _IDR
    if codec == "hevc" and len(extradata) > 22 and extradata[0] == 1:
        first_slice = (kind for kind in _nal_types(packet, (extradata[21] & 3) + 1, 0x3F, 1) if kind < 32)
        return next(first_slice, 0) in _HEVC_IRAP
    return False


def _nal_types(packet: Packet, length_size: int, mask: int, shift: int) -> Iterator[int]:
    """NAL unit types of a packet of length-prefixed units (mp4, Matroska)."""
    data, at = memoryview(packet), 0
    while at + length_size < len(data):
        yield data[at + length_size] >> shift & mask
        at += length_size + int.from_bytes(data[at : at + length_size], "big")


def _begins_at_first(packets: list[_Packet]) -> bool:
    """No frame shows before the first packet's: such ones refer to what was cut away, and decoders drop them."""
    first = packets[0].pts
    return first is not None and all(p.pts is not None and p.pts >= first for p in packets)


def _ascending(ticks: Sequence[int | None]) -> tuple[int, ...] | None:
    known = tuple(tick for tick in ticks if tick is not None)
    rising = all(a < b for a, b in pairwise(known))
    return known if rising and len(known) == len(ticks) else None


def _decode_all(path: Path) -> list[int | None]:
    """The time of every frame that decoding gives."""
    with open_video(path) as (container, stream):
        return [frame.pts for frame in decoded(container, stream)]


def decoded(container: InputContainer, stream: VideoStream, since: int | None = None) -> Iterator[VideoFrame]:
    """Frames in display order from where the container stands, leaving out those before the time `since` (ticks):
    after a seek they may refer to what was skipped. BadVideo('damaged') at the first fault."""
    number = 0
    try:
        for packet in _packets(container, stream):
            if packet.size == 0 and packet.dts is not None:  # an empty packet would be taken for the end
                continue
            for frame in packet.decode():
                if since is not None and frame.pts is not None and frame.pts < since:
                    continue
                if frame.is_corrupt:
                    raise BadVideo("damaged", f"the decoder had to guess parts of a frame (number {number} it gave)")
                number += 1
                yield frame
    except av.error.FFmpegError as error:
        raise BadVideo("damaged", f"the decoder stopped after {counted(number, 'frame')} ({error.strerror})") from None


def _duration(
    count: int, pts: tuple[int, ...] | None, lasting: int, time_base: Fraction, rate: Fraction | None
) -> Fraction | None:
    """Seconds from the first frame to the end of the last. A constant rate that explains it within rounding wins."""
    if pts is None or (count == 1 and not lasting):
        return count / rate if rate else None
    gaps = Counter(b - a for a, b in pairwise(pts))
    seconds = (pts[-1] - pts[0] + (lasting or gaps.most_common(1)[0][0])) * time_base
    if rate and abs(count / rate - seconds) <= 2 * time_base:
        return count / rate
    return seconds


def _fraction(ratio: Any) -> Fraction | None:
    """PyAV 18 gives Fractions, 19 its own type; 0 and 1/0 mean unknown."""
    if ratio is None or not ratio.denominator or not ratio.numerator:
        return None
    return Fraction(ratio.numerator, ratio.denominator)
