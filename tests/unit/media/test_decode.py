"""Decoding: the frames asked for, the same ones whichever way they are reached, and colours as they are meant."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.make_videos import array_file, encode, frame_folder, frames, spoil
from tests.unit.media.helpers import DATA, video
from vidgauge.errors import BadVideo
from vidgauge.media import decode, resize
from vidgauge.media.decode import choose_clips, iter_frames, read_clips, read_frames, scan_probed
from vidgauge.media.demux import scan_video
from vidgauge.media.sampling import clip_indices
from vidgauge.specs import ClipSpec, Video

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}


def source(path: Path, kind: str = "file", row: int | None = None) -> Any:
    return SimpleNamespace(path=str(path), kind=kind, row=row)


def clips_of(item: Video, spec: ClipSpec, *, seed: int, draws: Sequence[int]) -> list[decode.Clip]:
    """(draw, source frames, pixels) of each clip, along the video."""
    scan = scan_probed(item)
    chosen = choose_clips(item, spec, scan, seed=seed, draws=draws)
    return [tuple(clip) for _, *clip in read_clips(item, [chosen], scan)]


def from_the_start(path: Path) -> np.ndarray:
    """All frames without any seek."""
    scan = scan_video(path)
    plain = SimpleNamespace(**{name: getattr(scan, name) for name in ("count", "pts")}, safe_pts=())
    return np.stack([image for _, image in iter_frames(source(path), range(scan.count), scan=plain)])


SEEKS = {
    "closed.mp4": {"gop": 12, "options": {"bf": "3"}},
    "open.mp4": {"options": {"x264-params": "keyint=12:min-keyint=12:open-gop=1:bframes=3:scenecut=0"}},
    "refresh.mp4": {"options": {"x264-params": "keyint=12:intra-refresh=1:scenecut=0"}},
    "closed.mkv": {"gop": 12, "options": {"bf": "3"}},
    "hevc.mp4": {
        "codec": "libx265",
        "options": {"x265-params": "log-level=none:keyint=12:min-keyint=12:open-gop=1:bframes=3:pools=1"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "gop": 12, "options": {"cpu-used": "5", "lag-in-frames": "10"}},
    "vp8.webm": {"codec": "libvpx", "gop": 12, "options": {"cpu-used": "5", "lag-in-frames": "10"}},
    "mpeg4.mp4": {"codec": "mpeg4", "gop": 12, "options": {"bf": "2"}},
    "h264.ts": {"gop": 12},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
}
CAN_SEEK = {"closed.mp4", "closed.mkv", "hevc.mp4", "vp9.webm", "vp8.webm", "mjpeg.mov"}


@pytest.mark.parametrize("name", SEEKS)
def test_a_seek_changes_no_frame(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / name, frames(60, noise=10), **SEEKS[name])
    whole = from_the_start(path)
    assert len(whole) == 60
    sought = []
    plain = decode._frames_from
    monkeypatch.setattr(decode, "_frames_from", lambda c, s, scan, at, w: sought.append(at) or plain(c, s, scan, at, w))
    for wanted in ([59], [47, 48], [0, 30, 59], [24], [13, 26, 39, 52], [58, 3, 3], list(range(20, 36))):
        assert np.array_equal(read_frames(source(path), wanted), whole[wanted]), wanted
    assert any(sought) == (name in CAN_SEEK)
    assert {0} == {x for x in sought if x < 9}


def test_a_seek_that_misses_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.mp4", frames(60), gop=12)
    whole = from_the_start(path)

    class Astray:
        def __init__(self, container: Any) -> None:
            self.container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self.container, name)

        def seek(self, offset: int, *, stream: Any) -> None:
            self.container.seek(offset + 40000, stream=stream, backward=False)

    plain = decode._frames_from
    monkeypatch.setattr(decode, "_frames_from", lambda c, *rest: plain(Astray(c), *rest))
    wanted = [2, 14, 30, 31, 45]
    assert np.array_equal(read_frames(source(path), wanted), whole[wanted])


def test_only_what_is_needed_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.mp4", frames(90), gop=90, options={"bf": "0"})
    count = 0
    plain = decode.decoded

    def counted(*args: Any, **keywords: Any) -> Any:
        nonlocal count
        for frame in plain(*args, **keywords):
            count += 1
            yield frame

    monkeypatch.setattr(decode, "decoded", counted)
    read_frames(source(path), [3, 5])
    assert count == 6


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_lossless_frames_come_back_exactly_in_any_order(tmp_path: Path, name: str) -> None:
    clip = frames(10, 47, 63)
    path = encode(tmp_path / name, clip, **LOSSLESS)
    wanted = [7, 2, 2, 9, 0]
    assert np.array_equal(read_frames(source(path), wanted), clip[wanted])


@pytest.mark.parametrize("degrees", [90, 180, -90])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_rotation_is_applied(tmp_path: Path, degrees: int, suffix: str) -> None:
    clip = frames(3, 48, 64)
    plain = read_frames(source(encode(tmp_path / f"a{suffix}", clip)), [0, 1, 2])
    turned = read_frames(source(encode(tmp_path / f"b{suffix}", clip, rotation=degrees)), [0, 1, 2])
    assert np.array_equal(turned, np.rot90(plain, degrees // 90, axes=(1, 2)))


def test_mirrors_are_applied(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames(1, 48, 64), rotation=180)
    plain = read_frames(source(path), [0])[0][::-1, ::-1]
    data = path.read_bytes()
    unit = 1 << 16
    at = data.index(b"tkhd") + 4 + 40
    for (a, b, c, d), want in {
        (-1, 0, 0, 1): plain[:, ::-1],
        (1, 0, 0, -1): plain[::-1],
        (0, 1, 1, 0): plain.swapaxes(0, 1),
        (0, -1, -1, 0): plain[::-1, ::-1].swapaxes(0, 1),
    }.items():
        matrix = np.array([a * unit, b * unit, 0, c * unit, d * unit, 0, 0, 0, 1 << 30], ">i4").tobytes()
        path.write_bytes(data[:at] + matrix + data[at + 36 :])
        assert np.array_equal(read_frames(source(path), [0])[0], want)


FORMATS = {
    "420.mp4": {},
    "444.mp4": {"pix_fmt": "yuv444p"},
    "422.mkv": {"codec": "ffv1", "pix_fmt": "yuv422p"},
    "420p10.mkv": {"codec": "ffv1", "pix_fmt": "yuv420p10le"},
    "444p16.mkv": {"codec": "ffv1", "pix_fmt": "yuv444p16le"},
    "hevc10.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none:crf=10"}},
    "yuva.mkv": {"codec": "ffv1", "pix_fmt": "yuva420p"},
    "vp9.webm": {"codec": "libvpx-vp9", "pix_fmt": "yuva420p", "options": {"crf": "8", "cpu-used": "5"}},
    "argb.mov": {"codec": "qtrle", "pix_fmt": "argb"},
    "rgba.mov": {"codec": "png", "pix_fmt": "rgba"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuva444p10le"},
    "jpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {"qmin": "1", "q": "1"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"qmin": "1", "qmax": "2"}},
    "gif.gif": {"codec": "gif", "pix_fmt": "rgb8"},
}


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (47, 63)])
@pytest.mark.parametrize("name", FORMATS)
def test_pixel_formats_and_sizes_give_the_picture(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    if (size[0] % 2 and name == "420.mp4") or (size[1] < 64 and name == "hevc10.mp4"):
        pytest.skip("x264 takes even sizes only, and x265 overruns its buffers below 64 columns")
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    smooth = np.stack([60 + 2 * x, 40 + 3 * y, 200 - x - y], -1)  # (h, w, 3), no edges for chroma to blur
    clip = np.clip(smooth[None] + 5 * np.arange(4)[:, None, None, None], 0, 255).astype(np.uint8)
    got = read_frames(source(encode(tmp_path / name, clip, **FORMATS[name])), range(4))
    assert got.shape == clip.shape
    error = np.abs(got.astype(int) - clip)
    allowed = {"gif.gif": 90, "argb.mov": 0, "rgba.mov": 0}.get(name, 10)
    assert error.mean() < allowed / 3 + 0.1, error.mean()
    assert np.quantile(error, 0.98) <= allowed


def test_grey(tmp_path: Path) -> None:
    clip = np.repeat(frames(3)[..., :1], 3, axis=3)
    path = encode(tmp_path / "a.mkv", clip, codec="ffv1", pix_fmt="gray")
    got = read_frames(source(path), range(3))
    assert np.array_equal(got[..., 0], got[..., 1])
    assert np.array_equal(got[..., 0], got[..., 2])
    assert np.abs(got.astype(int) - clip).max() <= 1


def yuv_file(path: Path, planes: tuple[int, int, int], size: tuple[int, int], **tags: int) -> Path:
    """A lossless video of one YUV colour."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=8)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame(size[1], size[0], "yuv420p")
        for plane, value in zip(frame.planes, planes, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        for name, value in tags.items():
            setattr(frame, name, value)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def rgb(planes: tuple[int, int, int], kr: float, kb: float, full: bool) -> np.ndarray:
    y, u, v = (p - o for p, o in zip(planes, (0 if full else 16, 128, 128), strict=True))
    y, u, v = y / (255 if full else 219), u / (255 if full else 224), v / (255 if full else 224)
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    return 255 * np.array([red, (y - kr * red - kb * blue) / (1 - kr - kb), blue])


BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)


@pytest.mark.parametrize(
    ("matrix", "height", "tags", "want", "full"),
    [
        ("auto", 48, {}, BT601, False),
        ("auto", 718, {}, BT601, False),
        ("auto", 720, {}, BT709, False),
        ("auto", 48, {"colorspace": 1}, BT709, False),
        ("auto", 720, {"colorspace": 5}, BT601, False),
        ("auto", 720, {"colorspace": 6}, BT601, False),
        ("auto", 48, {"colorspace": 9}, BT2020, False),
        ("bt601", 720, {"colorspace": 1}, BT601, False),
        ("bt709", 48, {"colorspace": 5}, BT709, False),
        ("auto", 48, {"color_range": 2}, BT601, True),
        ("auto", 48, {"color_range": 2, "colorspace": 1}, BT709, True),
        ("auto", 48, {"color_range": 1}, BT601, False),
    ],
)
def test_matrix_and_range(
    tmp_path: Path, matrix: Any, height: int, tags: dict[str, int], want: tuple[float, float], full: bool
) -> None:
    planes = (100, 90, 180)
    path = yuv_file(tmp_path / "a.mkv", planes, (height, 64), **tags)
    got = read_frames(source(path), [0], matrix=matrix)[0]
    assert (got == got[0, 0]).all()
    assert np.abs(got[0, 0] - rgb(planes, *want, full)).max() <= 3  # its tables round down


def test_a_matrix_that_is_none_is_refused_until_one_is_named(tmp_path: Path) -> None:
    path = yuv_file(tmp_path / "a.mkv", (100, 90, 180), (48, 64), colorspace=8)  # YCgCo
    with pytest.raises(BadVideo, match=r"unsupported.*matrix"):
        read_frames(source(path), [0])
    assert read_frames(source(path), [0], matrix="bt709").shape == (1, 48, 64, 3)


@pytest.mark.golden("pre_decode_h264.npz")
def test_golden_h264(golden_file: Path, tmp_path: Path) -> None:
    with np.load(golden_file) as golden:
        for name in (key.removesuffix("__mp4_bytes") for key in golden.files if key.endswith("__mp4_bytes")):
            path = tmp_path / f"{name}.mp4"
            path.write_bytes(golden[f"{name}__mp4_bytes"].tobytes())
            want = golden[f"{name}__frames_thwc"]
            with av.open(str(path)) as container:  # PyAV's default differs by CPU: within 2 elsewhere
                plain = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
            assert np.abs(plain.astype(int) - want).max() <= 2
            error = np.abs(read_frames(source(path), range(len(want))).astype(int) - want)
            assert error.max() <= 4  # libswscale's portable arithmetic; its fast one is that far away
            assert error.mean() < 1


def test_folders_and_arrays(tmp_path: Path) -> None:
    clip = frames(12)
    folder = source(frame_folder(tmp_path / "f", clip), "frames")
    array = source(array_file(tmp_path / "a.npy", [clip[::-1], clip]), "array", 1)
    for wanted in ([11, 2, 10, 2], [0]):
        assert np.array_equal(read_frames(folder, wanted), clip[wanted])
        assert np.array_equal(read_frames(array, wanted), clip[wanted])
    for where in (folder, array):
        with pytest.raises(BadVideo, match="damaged: frame 12 is wanted"):
            read_frames(where, [12])


def test_images_of_other_modes(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    clip = frames(1)
    rgba = np.concatenate([clip[0], np.full((48, 64, 1), 9, np.uint8)], axis=2)
    Image.fromarray(rgba).save(folder / "0.png")
    Image.fromarray(clip[0, ..., 0].astype(np.uint16) * 257).save(folder / "1.png")
    Image.fromarray(clip[0]).convert("P").save(folder / "2.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(np.rot90(clip[0])).save(folder / "3.png", exif=exif)
    got = read_frames(source(folder, "frames"), range(4))
    assert np.array_equal(got[0], clip[0])
    assert np.array_equal(got[1], np.repeat(clip[0, ..., :1], 3, axis=2))
    assert np.array_equal(got[3], clip[0])


def test_faults_have_reasons(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames(30, noise=30), container={"movflags": "+faststart"})
    with pytest.raises(BadVideo, match="damaged: frame 30 is wanted"):
        read_frames(source(path), [30])
    with pytest.raises(ValueError, match="count from 0"):
        read_frames(source(path), [-1])
    with pytest.raises(ValueError, match="empty"):
        read_frames(source(path), [])
    broken = spoil(path, tmp_path / "b.mp4", start=0.5, share=0.2)
    assert read_frames(source(broken), [0]).shape == (1, 48, 64, 3)
    with pytest.raises(BadVideo, match="damaged"):
        read_frames(source(broken), [29])
    folder = frame_folder(tmp_path / "f", frames(3))
    Image.fromarray(frames(1, 20, 20)[0]).save(folder / "frame_1.png")
    with pytest.raises(BadVideo, match="mixed-sizes"):
        read_frames(source(folder, "frames"), [0, 1])


def test_a_size_that_changes_is_named(tmp_path: Path) -> None:
    sizes = [(48, 64), (64, 80)]
    parts = [encode(tmp_path / f"{i}.264", frames(5, *size), format="h264") for i, size in enumerate(sizes)]
    (tmp_path / "a.264").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert len(read_frames(source(tmp_path / "a.264"), range(5))) == 5
    with pytest.raises(BadVideo, match="mixed-sizes: its size changes from 64x48 to 80x64 by frame 5"):
        read_frames(source(tmp_path / "a.264"), range(10))


def test_clips_of_several_draws_are_those_of_each_alone(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames(60), gop=12)
    item, spec = video(path), ClipSpec(frames=4, stride=2, size=(24, 32))
    together = clips_of(item, spec, seed=7, draws=[0, 1, 2, 5])
    assert sorted(draw for draw, _, _ in together) == [0, 1, 2, 5]
    assert [index for _, index, _ in together] == sorted(index for _, index, _ in together)
    for draw, index, clip in together:
        assert {draw: index} == clip_indices(spec, 60, seed=7, video_id="a.mp4", draws=[draw])
        assert np.array_equal(clip, resize(read_frames(source(path), index), (24, 32)))
        alone = clips_of(item, spec, seed=7, draws=[draw])[0]
        assert np.array_equal(alone[2], clip)


def test_clips_of_each_start_share_one_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = frames(9, 47, 63)
    item = video(encode(tmp_path / "a.mkv", clip, **LOSSLESS))
    read = []
    plain = decode._iter_shown
    monkeypatch.setattr(decode, "_iter_shown", lambda *a, **k: (read.append(f[0]) or f for f in plain(*a, **k)))
    spec = ClipSpec(frames=3, stride=2, size="native", start="each", clips_per_video="all")
    found = clips_of(item, spec, seed=7, draws=range(16))
    assert read == list(range(9))
    assert [index for _, index, _ in found] == [[start, start + 2, start + 4] for start in range(5)]
    assert all(np.array_equal(got, clip[index]) for _, index, got in found)
    assert sorted(draw for draw, _, _ in found) == list(range(5))


def test_frames_are_let_go_once_no_clip_needs_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = video(array_file(tmp_path / "a.npy", [frames(40, 8, 8)]), "array", 0)
    small: list[weakref.ref[np.ndarray]] = []
    plain = decode.Resizer.__call__

    def watched(resizer: decode.Resizer, clip: np.ndarray) -> np.ndarray:
        out = plain(resizer, clip).copy()
        small.append(weakref.ref(out))
        return out

    monkeypatch.setattr(decode.Resizer, "__call__", watched)
    spec = ClipSpec(frames=3, stride=2, size=(4, 4), start="each")
    for _ in read_clips(item, [choose_clips(item, spec, None, seed=0, draws=range(64))]):
        assert sum(ref() is not None for ref in small) <= spec.span


def test_clips_by_time(tmp_path: Path) -> None:
    clip = frames(6, 47, 63)
    path = encode(tmp_path / "a.mkv", clip, pts=[0, 40, 80, 500, 540, 1200], **LOSSLESS)
    spec = ClipSpec(frames=13, fps=10, start="first", size=(47, 63))
    ((draw, index, got),) = clips_of(video(path), spec, seed=0, draws=[3])
    assert (draw, index) == (3, [0, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 5])
    assert np.array_equal(got, clip[index])
    trimmed = ClipSpec(frames=40, fps=10, max_seconds=0.6, start="first", short="loop", size=(47, 63))
    assert clips_of(video(path), trimmed, seed=0, draws=[0])[0][1][:8] == [0, 2, 2, 2, 2, 3, 0, 2]


def test_exactly_as_many_frames_as_needed_and_one_too_few(tmp_path: Path) -> None:
    item = video(encode(tmp_path / "a.mp4", 16))
    assert clips_of(item, ClipSpec(frames=16, size=(48, 64)), seed=0, draws=[3])[0][1] == list(range(16))
    with pytest.raises(BadVideo, match="too-short: has 16 frames, clip spec needs 17"):
        choose_clips(item, ClipSpec(frames=17), scan_probed(item), seed=0, draws=[0])
    encode(tmp_path / "a.mp4", 18)
    with pytest.raises(BadVideo, match="had 16 frames when it was probed, now 18"):
        choose_clips(item, ClipSpec(frames=16), scan_probed(item), seed=0, draws=[0])


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no {DATA}")
def test_real_files_by_seek_and_from_the_start() -> None:
    path = DATA / "camera" / "video4.mp4"
    item = video(path)
    wanted = [0, 200, 201, 640]
    scan = scan_video(path)
    plain = SimpleNamespace(count=scan.count, pts=scan.pts, safe_pts=())
    whole = [image for _, image in iter_frames(item, wanted, scan=plain)]
    assert np.array_equal(read_frames(item, wanted), np.stack(whole))
