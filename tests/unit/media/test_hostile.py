"""Files that would lead to other files, to a network, to a wait without end or to all memory are refused by name."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.hostile import NAMES, claims, parameter_set, playlists, real_files
from tests.make_videos import encode, frame_folder, frames
from vidgauge.errors import BadVideo
from vidgauge.media.containers import container_fault
from vidgauge.media.demux import DEMUXERS, open_video, scan_video
from vidgauge.media.images import SUFFIXES, array_row, folder_digest, image_facts, rgb_from_image
from vidgauge.media.opening import MAX_PIXELS, open_file
from vidgauge.media.probe import probe


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in real_files(tmp_path_factory.mktemp("real") / "files")}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this machine that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):  # no call waits
            server.accept()


def refused(path: Path, reason: str) -> str:
    with pytest.raises(BadVideo) as caught:
        probe(path)
    assert caught.value.reason == reason, caught.value
    return caught.value.detail


def test_playlists_open_nothing(tmp_path: Path, listener: socket.socket) -> None:
    """A pipe that nobody writes into would be waited for, and a port would see the call."""
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    kinds = {"hls", "concat", "dash", "rtsp", "pls"}
    for name, content in playlists(listener.getsockname()[1], pipe):
        for ending in ("", ".m3u8", ".sdp", ".mpd"):
            path = tmp_path / f"{name}{ending}"
            path.write_bytes(content)
            detail = refused(path, "not-a-video")
            assert name.split("-")[0] not in kinds or f"playlist ({name.split('-')[0]})" in detail


def test_libav_would_have_followed_them(tmp_path: Path) -> None:
    """The test above is of use: without what is refused here, libav opens the other file."""
    encode(tmp_path / "other.mp4", 3)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    with av.open(str(tmp_path / "list.mp4"), options={"protocol_whitelist": "file"}) as container:
        assert len(list(container.decode(video=0))) == 3
    assert "concat" in refused(tmp_path / "list.mp4", "not-a-video")


def test_a_movie_that_refers_to_another_file_is_read_alone(tmp_path: Path, real: dict[str, bytes]) -> None:
    """An mp4 may name the file that holds its frames (dref): it is taken for its own."""
    path = tmp_path / "a.mp4"
    data = real["h264.mp4"]
    at = data.index(b"url \0\0\0\1")
    path.write_bytes(data[: at + 4] + bytes(4) + data[at + 8 :])  # no longer "in this file"
    assert probe(path).frames == 8


def test_while_a_file_is_read_only_it_is_open(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", 3)
    before = {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    with open_video(path):
        during = {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    files = {found for found in during - before if found.is_file()}
    assert files == {path}


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_nothing_but_a_name(name: str, tmp_path: Path, real: dict[str, bytes]) -> None:
    (tmp_path / name).write_bytes(real["h264.mp4"])
    assert probe(tmp_path / name).frames == 8


def test_the_ending_of_a_name_means_nothing(tmp_path: Path, real: dict[str, bytes]) -> None:
    found = set()
    for ending in ("mp4", "m3u8", "mpd", "sdp", "png", "txt", "concat", "jpg"):
        (tmp_path / f"a.{ending}").write_bytes(real["vp9.webm"])
        found.add(probe(tmp_path / f"a.{ending}"))
    assert len(found) == 1


def test_every_container_that_may_be_opened_is_known_to_libav(real: dict[str, bytes], tmp_path: Path) -> None:
    known = {part for name in av.formats_available for part in name.split(",")}
    allowed = set(DEMUXERS.split(","))
    assert allowed - known <= {"obu", "jpegxl_anim", "vvc"}  # of newer versions
    assert not allowed & {
        "hls",
        "dash",
        "concat",
        "image2",
        "sdp",
        "rtsp",
        "lavfi",
        "tty",
        "svg_pipe",
        "webm_dash_manifest",
    }
    for name, data in real.items():
        (tmp_path / name).write_bytes(data)
        assert scan_video(tmp_path / name).count >= 4, name


@pytest.mark.parametrize("make", ["pipe", "socket", "device", "link"])
def test_what_is_no_file_is_never_opened(make: str, tmp_path: Path) -> None:
    """Opening a pipe that nobody writes into would wait for ever."""
    path = tmp_path / "a.mp4"
    if make == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe" if make == "link" else path)
        if make == "link":
            path.symlink_to("pipe")
    with pytest.raises(BadVideo, match="not-a-file"):
        open_file(path)
    with pytest.raises(BadVideo, match="not-a-file"), open_video(path):
        pass
    with pytest.raises(BadVideo, match="not-a-file"):
        container_fault(path)
    with pytest.raises(BadVideo, match="not-a-file"):
        array_row(path, 0)
    with pytest.raises(BadVideo, match=r"damaged: a\.mp4"):
        rgb_from_image(path)
    with pytest.raises(BadVideo, match=r"damaged: a\.mp4"):
        folder_digest([path])
    with pytest.raises(BadVideo):
        probe(path)


def test_links_in_a_circle_are_missing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    with pytest.raises(BadVideo):
        probe(tmp_path / "a.mp4")


def test_claims(tmp_path: Path, real: dict[str, bytes]) -> None:
    """Used as what they are, or refused; what libav puts right in its own way is refused too."""
    words = {"timeless": "1/0 second", "many-sizes": "do not fit", "many-times": "do not fit", "many-in": "do not fit"}
    for name, data in claims(real):
        if name == "broad.m4v":  # takes seconds; it is among those of test_hostile_corpus
            continue
        path = tmp_path / name
        path.write_bytes(data)
        wanted = next((said for start, said in words.items() if name.startswith(start)), None)
        if wanted and path.suffix in (".mp4", ".mov"):
            assert wanted in refused(path, "damaged"), name
            continue
        try:
            found = probe(path)
        except BadVideo as bad:
            assert bad.detail  # noqa: PT017
        else:  # the frames say what they are, whatever the header says
            assert (found.frames, found.width) in ((8, 48), (4, 320)), name


def test_frames_beyond_the_limit_are_not_decoded(tmp_path: Path, real: dict[str, bytes]) -> None:
    raw = real["raw.h264"]
    path = tmp_path / "a.h264"
    path.write_bytes(b"\0\0\0\1" + parameter_set(1023) + raw[raw.index(b"\0\0\0\1\x68") :])
    assert MAX_PIXELS < (16 * 1024) ** 2
    with pytest.raises(BadVideo):
        probe(path)


def test_names_and_tags_in_no_known_encoding_do_not_matter(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.avi", 3, codec="mjpeg", pix_fmt="yuvj420p")
    data = path.read_bytes()
    at = data.index(b"Lavf")
    path.write_bytes(data[:at] + b"\xff\xfe" + data[at + 2 :])
    assert probe(path).frames == 3


def test_pillow_runs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow hands EPS to Ghostscript, whatever the file's name."""
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(pwned) print\n%%EOF\n")
    with Image.open(path) as image:
        assert image.format == "EPS"  # as it would be
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
    with pytest.raises(BadVideo, match=r"a\.png is no image"):
        rgb_from_image(path)
    assert not started
    Image.fromarray(frames(1)[0]).save(path, format="GIF")
    with pytest.raises(BadVideo, match="no image"):
        image_facts(path)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_images_are_known_by_content(suffix: str, tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "BMP", "WEBP", "TIFF"):
        Image.fromarray(frames(1)[0]).save(tmp_path / f"a{suffix}", format=kind)
        assert rgb_from_image(tmp_path / f"a{suffix}").shape == (48, 64, 3)


@pytest.mark.parametrize("side", [9500, 12000, 60000])  # of Pillow's warning, above our limit, of its error
def test_an_image_that_claims_to_be_huge(side: int, tmp_path: Path) -> None:
    Image.fromarray(frames(1)[0]).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = PngImagePlugin._crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(data))
    said = "damaged: a.png cannot be decoded" if side**2 <= MAX_PIXELS else "unsupported: a.png claims more than"
    with pytest.raises(BadVideo, match=said):  # and no warning
        image_facts(tmp_path / "a.png")


def test_mutated_images_and_arrays_are_one_of_two(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    folder = frame_folder(tmp_path / "f", frames(1))
    for suffix in (".png", ".jpg", ".bmp", ".webp", ".tif"):
        Image.fromarray(frames(1)[0]).save(folder / f"a{suffix}")
        data = (folder / f"a{suffix}").read_bytes()
        for number in range(12):
            broken = bytearray(data)
            for at in rng.integers(0, min(len(data), 400 if number % 2 else len(data)), 4):
                broken[at] = rng.integers(0, 256)
            path = folder / f"b{suffix}"
            path.write_bytes(bytes(broken))
            one_of_two(lambda path=path: (image_facts(path), rgb_from_image(path)))
    np.save(tmp_path / "a.npy", np.zeros((1, 2, 4, 4, 3), np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    for _ in range(60):
        broken = bytearray(data)
        for at in rng.integers(0, 128, 2):
            broken[at] = rng.integers(0, 256)
        (tmp_path / "b.npy").write_bytes(bytes(broken))
        one_of_two(lambda: array_row(tmp_path / "b.npy", 0))


def test_headers_of_arrays_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy reads them with `ast`, which some versions of Python fail at where two threads do it together."""
    np.save(tmp_path / "a.npy", np.zeros((1, 2, 4, 4, 3), np.uint8))
    reading, most, read = 0, 0, np.lib.format.open_memmap

    def counted(*args, **options):
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        time.sleep(0.01)  # long enough for any other thread to come in
        reading -= 1
        return read(*args, **options)

    monkeypatch.setattr(np.lib.format, "open_memmap", counted)
    with ThreadPoolExecutor(8) as threads:
        rows = list(threads.map(lambda _: array_row(tmp_path / "a.npy", 0), range(8)))
    assert (most, len(rows)) == (1, 8)


def one_of_two(read) -> None:
    try:
        read()
    except BadVideo as bad:
        assert bad.detail  # noqa: PT017
    except (UserWarning, DeprecationWarning, RuntimeWarning):  # Pillow's and NumPy's word on metadata: pytest raises it
        pass
