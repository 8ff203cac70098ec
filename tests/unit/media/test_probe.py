"""Probing: what healthy files measure, and the reason that each kind of broken one gets."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.make_videos import array_file, cut, encode, frame_folder, frames, spoil
from tests.unit.media.helpers import DATA
from vidgauge.errors import BadVideo
from vidgauge.media.demux import open_video
from vidgauge.media.probe import REASONS, Probe, probe

KINDS = {
    "h264.mp4": {"options": {"bf": "3"}, "gop": 10},
    "open_gop.mp4": {"options": {"x264-params": "keyint=8:min-keyint=8:open-gop=1:bframes=3:scenecut=0"}},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}, "gop": 5},
    "faststart.mp4": {"container": {"movflags": "+faststart"}},
    "h264.mov": {},
    "h264.mkv": {},
    "live.mkv": {"container": {"live": "1"}},
    "h264.ts": {},
    "raw.264": {"format": "h264", "fps": 25},
    "hevc10.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "5"}},
    "vp8.webm": {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "5"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4_b.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "fps": 25, "options": {"bf": "2"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "ffv1.mkv": {"codec": "ffv1", "pix_fmt": "yuv420p10le"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuva444p10le"},
    "qtrle.mov": {"codec": "qtrle", "pix_fmt": "argb"},
    "palette.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "444.mp4": {"pix_fmt": "yuv444p"},
}


def fails(path: Path, reason: str, kind: str = "file", row: int | None = None) -> str:
    with pytest.raises(BadVideo) as caught:
        probe(path, kind, row)
    assert caught.value.reason == reason, caught.value
    assert reason in REASONS
    return caught.value.detail


@pytest.mark.parametrize("name", KINDS)
def test_the_count_is_the_number_of_decoded_frames(tmp_path: Path, name: str) -> None:
    options = {"fps": 8} | KINDS[name]
    path = encode(tmp_path / name, frames(21), **options)
    with av.open(str(path)) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    found = probe(path)
    assert found.frames == decoded == 21
    assert found.fps == pytest.approx(options["fps"], rel=0.01)
    assert found.duration == pytest.approx(21 / options["fps"], rel=0.01)
    assert (found.height, found.width, found.bytes) == (48, 64, path.stat().st_size)
    assert found.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("suffix", "fps"), [(".mp4", 30), (".mkv", 30), (".mp4", 30000 / 1001), (".mkv", 24), (".mkv", 7)]
)
def test_constant_rates_are_exact_in_spite_of_rounded_times(tmp_path: Path, suffix: str, fps: float) -> None:
    found = probe(encode(tmp_path / f"a{suffix}", 16, fps=fps))
    assert (found.fps, found.duration) == (pytest.approx(fps, rel=1e-12), pytest.approx(16 / fps, rel=1e-12))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_rate_has_its_mean(tmp_path: Path, suffix: str) -> None:
    found = probe(encode(tmp_path / f"a{suffix}", 6, pts=[0, 40, 80, 500, 540, 1200]))
    assert found.duration is not None
    assert 1.2 < found.duration <= 1.9  # the last frame's own duration is the writer's guess
    assert found.fps == pytest.approx(6 / found.duration)


def test_one_frame(tmp_path: Path) -> None:
    found = probe(encode(tmp_path / "a.mp4", 1, fps=10))
    assert (found.frames, found.fps, found.duration) == (1, 10, 0.1)


def test_a_still_image_is_a_video_of_one_frame_without_times(tmp_path: Path) -> None:
    Image.fromarray(frames(1)[0]).save(tmp_path / "a.png")
    found = probe(tmp_path / "a.png")
    assert (found.frames, found.fps, found.duration, found.codec) == (1, None, None, "png")


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_sizes_are_those_shown(tmp_path: Path, degrees: int) -> None:
    found = probe(encode(tmp_path / "a.mp4", 3, rotation=degrees))
    assert (found.height, found.width) == ((48, 64) if degrees == 180 else (64, 48))


def edit_list(path: Path, *, skip: int, share: float) -> Path:
    """Patch an mp4's edit list: begin `skip` frames (of 1/8 s at 1/16384) later and last `share` of the time."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    _, entries, duration, media_time, _ = struct.unpack(">IIIiI", data[at : at + 20])
    assert entries == 1
    data[at + 8 : at + 16] = struct.pack(">Ii", int(duration * share), media_time + 2048 * skip)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("skip", "share"), [(5, 0.5), (12, 0.3), (3, 0.7)])
def test_what_an_edit_list_hides_does_not_count(tmp_path: Path, skip: int, share: float) -> None:
    path = edit_list(encode(tmp_path / "a.mp4", 30, gop=10, options={"bf": "2"}), skip=skip, share=share)
    with av.open(str(path)) as container:
        shown = sum(1 for _ in container.decode(video=0))
    assert probe(path).frames == shown < 30


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.mkv", "a.mov", "a.avi", "a.webm", "a.gif", "fast.mp4", "frag.mp4", "live.mkv"]
)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_cut_files_are_truncated(tmp_path: Path, name: str, share: float) -> None:
    options = {
        "a.avi": {"codec": "mpeg4"},
        "a.webm": {"codec": "libvpx", "options": {"cpu-used": "8", "deadline": "realtime"}},
        "a.gif": {"codec": "gif", "pix_fmt": "rgb8"},
        "fast.mp4": {"container": {"movflags": "+faststart"}},
        "frag.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}, "gop": 5},
        "live.mkv": {"container": {"live": "1"}},
    }
    whole = encode(tmp_path / name, frames(16, noise=20), **options.get(name, {}))
    probe(whole)
    fails(cut(whole, tmp_path / f"cut_{name}", share=share), "truncated")


def test_an_mp4_without_its_tables_is_truncated(tmp_path: Path) -> None:
    data = encode(tmp_path / "a.mp4", 4).read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: data.index(b"moov") - 4])
    assert "moov" in fails(tmp_path / "b.mp4", "truncated")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif"])
def test_trailing_bytes_are_no_fault(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / name, 4, **({"codec": "gif", "pix_fmt": "rgb8"} if name == "a.gif" else {}))
    path.write_bytes(path.read_bytes() + bytes(100))
    assert probe(path).frames == 4


def test_simple_reasons(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello world\n" * 500)
    (tmp_path / "tty.txt").write_text("hello world\n" * 500)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "folder.mp4").mkdir()
    fails(tmp_path / "none.mp4", "missing")
    fails(tmp_path / "empty.mp4", "empty")
    fails(tmp_path / "folder.mp4", "folder")
    for name in ("text.mp4", "tty.txt", "noise.mp4"):
        fails(tmp_path / name, "not-a-video")


def test_playlists_do_not_lead_to_other_files(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", 4)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile a.mp4\n")
    fails(tmp_path / "list.mp4", "not-a-video")


def test_an_audio_file_has_no_frames(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        out.mux(stream.encode(sound))
    fails(tmp_path / "a.wav", "no-frames")


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_trouble_of_the_machine_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Images of a disk that fails for a moment: the next probe may find them whole."""
    folder = frame_folder(tmp_path / "a", frames(2))

    def fails_for_now(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(Image, "open", fails_for_now)
        assert os.strerror(number) in fails(folder, "unreadable", "frames")
    assert probe(folder, "frames").frames == 2


def test_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.mp4", 2)

    def refuse(*args: object, **keywords: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        fails(path, "permission")

    monkeypatch.setattr("vidgauge.media.opening.os.open", refuse)
    with pytest.raises(BadVideo, match="permission"), open_video(path):
        pass


def test_damage(tmp_path: Path) -> None:
    clip = frames(30, noise=30)
    path = encode(tmp_path / "a.mp4", clip, container={"movflags": "+faststart"})
    fails(spoil(path, tmp_path / "zeros.mp4", start=0.5, share=0.4, value=0), "damaged")
    start = path.read_bytes().index(b"mdat") + 4
    data = bytearray(path.read_bytes())
    data[start : start + 2000] = np.random.default_rng(0).bytes(2000)
    (tmp_path / "first.mp4").write_bytes(data)
    fails(tmp_path / "first.mp4", "damaged")
    whole = encode(tmp_path / "b.avi", clip, codec="mpeg4", pix_fmt="yuv420p")  # its first 8 kB are padding
    with pytest.raises(BadVideo, match=r"damaged|truncated"):  # chunks that the index lists may be gone too
        probe(spoil(whole, tmp_path / "b2.avi", start=0.8, share=0.1))
    for name, options in {"c.mkv": {}, "c.gif": {"codec": "gif", "pix_fmt": "rgb8"}}.items():
        whole = encode(tmp_path / name, clip, **options)
        fails(spoil(whole, tmp_path / f"bad_{name}", start=0.45, share=0.2), "damaged")


def test_odd_names(tmp_path: Path) -> None:
    whole = encode(tmp_path / "a.mp4", 2).read_bytes()
    for name in ("http:x.mp4", "ü ä,'\"%03d.mp4", "line\nbreak.mp4", "\udcff.mp4"):
        (tmp_path / name).write_bytes(whole)
        assert probe(tmp_path / name).frames == 2


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_frame_folders(tmp_path: Path, suffix: str) -> None:
    clip = frames(12)
    folder = frame_folder(tmp_path / "f", clip, suffix=suffix)
    (folder / "notes.txt").write_text("not a frame")
    found = probe(folder, "frames")
    assert (found.frames, found.height, found.width, found.fps, found.duration) == (12, 48, 64, None, None)
    assert found.bytes == sum(p.stat().st_size for p in folder.glob(f"*{suffix}"))
    Image.fromarray(clip[0]).save(folder / f"frame_3{suffix}")
    assert probe(folder, "frames").fingerprint != found.fingerprint


def test_bad_frame_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "empty", "no-frames", "frames")
    fails(tmp_path / "none", "missing", "frames")
    fails(encode(tmp_path / "a.mp4", 2), "not-a-video", "frames")
    mixed = frame_folder(tmp_path / "mixed", frames(3))
    Image.fromarray(frames(1, 20, 20)[0]).save(mixed / "frame_2.png")
    assert "frame_2.png is 20x20" in fails(mixed, "mixed-sizes", "frames")
    broken = frame_folder(tmp_path / "broken", frames(3))
    (broken / "frame_1.png").write_bytes(b"no image")
    assert "frame_1.png" in fails(broken, "damaged", "frames")
    first = frame_folder(tmp_path / "first", frames(2))
    cut(first / "frame_0.png", first / "frame_0.png", share=0.5)
    assert "frame_0.png" in fails(first, "damaged", "frames")


def test_arrays(tmp_path: Path) -> None:
    clips = [frames(5, seed=i) for i in range(3)]
    path = array_file(tmp_path / "a.npy", clips)
    digest = hashlib.sha256(clips[1].tobytes()).hexdigest()
    assert probe(path, "array", 1) == Probe(digest, clips[1].nbytes, 5, None, None, 48, 64, "npy", "rgb24")
    fails(path, "missing", "array", 3)
    fails(cut(path, tmp_path / "b.npy"), "truncated", "array", 0)
    np.save(tmp_path / "c.npy", np.zeros((2, 3, 4, 5, 3), np.float32))
    fails(tmp_path / "c.npy", "not-a-video", "array", 0)
    np.save(tmp_path / "d.npy", np.array([{"pickled": 1}]), allow_pickle=True)
    fails(tmp_path / "d.npy", "not-a-video", "array", 0)
    (tmp_path / "e.npy").write_text("text")
    fails(tmp_path / "e.npy", "not-a-video", "array", 0)
    np.save(tmp_path / "f.npy", np.zeros((2, 0, 4, 5, 3), np.uint8))
    fails(tmp_path / "f.npy", "no-frames", "array", 0)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no {DATA}")
def test_real_files() -> None:
    wanted = {
        "video1.mp4": (282, 24.0, 360, 640),
        "video2.mp4": (556, 24.0, 640, 480),
        "cogvideox_0.mp4": (81, 16.0, 768, 1360),
    }
    for path in sorted(DATA.glob("*/*.mp4")):
        found = probe(path)
        measured = (found.frames, found.fps, found.height, found.width)
        assert measured == wanted.get(path.name, measured)
        if path.parent.name == "lavie":
            assert measured == (16, 8.0, 512, 512)
