"""Videos that are no video files: folders of images, and rows of a .npy array."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from threading import Lock
from tokenize import TokenError

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vidgauge.errors import BadVideo
from vidgauge.media.opening import MAX_PIXELS, open_file

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")  # all that Pillow tries: for others it runs programs (EPS)
_PILLOW_RAISES = (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, struct.error, zlib.error)
_warnings = Lock()  # their filters belong to all threads
_header = Lock()  # NumPy parses one as Python, which Python 3.11 cannot in two threads at once (SystemError, rarely)


def frame_paths(folder: Path) -> list[Path]:
    """The images of a frame folder in natural order (frame_2 before frame_10); hidden files are not looked at."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    return sorted(found, key=lambda p: (_natural(p.name), p.name))


def _natural(name: str) -> list[tuple[str, int]]:
    """Texts and numbers in turn, so that equal places compare with equal kinds."""
    parts = re.split(r"([0-9]+)", name)
    return [(text, int(number or 0)) for text, number in zip(parts[::2], [*parts[1::2], ""], strict=True)]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A Pillow image of at most MAX_PIXELS; anything wrong with it, while it is open too, is a BadVideo that names
    the file."""
    try:
        with _file(path) as file, _unwarned(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels")
            yield image
    except FileNotFoundError:
        raise BadVideo("missing", f"{path.name} is gone") from None
    except PermissionError:
        raise BadVideo("permission", f"{path.name} may not be read") from None
    except Image.DecompressionBombError as error:
        raise BadVideo("unsupported", f"{path.name} claims more than {MAX_PIXELS:,} pixels ({error})") from None
    except UnidentifiedImageError:
        raise BadVideo("damaged", f"{path.name} is no image") from None
    except _PILLOW_RAISES as error:
        raise BadVideo("damaged", f"{path.name} cannot be decoded ({error})") from None


def _file(path: Path) -> BufferedReader:
    """One image of a folder, opened."""
    try:
        return open_file(path)
    except BadVideo as bad:
        raise BadVideo("damaged", f"{path.name}: {bad.detail}") from None


def _unwarned(file: BufferedReader) -> Image.Image:
    """The image in a file, its header read, and no word from Pillow about its size, which is looked at next."""
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(file, formats=_FORMATS)


def rgb_from_image(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned as its EXIF data says; alpha is dropped, 16-bit grey keeps its upper 8 bits."""
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            grey = (np.asarray(upright).astype(np.uint16) >> 8).astype(np.uint8)  # (H, W)
            return np.repeat(grey[..., None], 3, axis=2)
        if upright.mode in ("I", "F"):
            raise BadVideo("unsupported", f"{path.name} has {upright.mode}-mode pixels; save it with 8 or 16 bits")
        return np.asarray(upright.convert("RGB"))


def image_facts(path: Path) -> tuple[int, int, str, str]:
    """(height, width, format, mode) as shown, from the header alone."""
    with _opened(path) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112, 1) >= 5  # Orientation: 5 to 8 change the places of x and y
        size = (width, height) if turned else (height, width)
        return *size, (image.format or "?").lower(), image.mode


def folder_frames(folder: Path, wanted: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(index, (H, W, 3)) for each wanted index, ascending. BadVideo: damaged, mixed-sizes, missing."""
    paths, size = frame_paths(folder), None
    for index in wanted:
        if index >= len(paths):
            raise BadVideo("damaged", f"frame {index} is wanted, the folder has {len(paths)}")
        image = rgb_from_image(paths[index])
        size = size or image.shape
        if image.shape != size:
            raise BadVideo("mixed-sizes", f"{paths[index].name} is {_size(image.shape)}, others are {_size(size)}")
        yield index, image


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def folder_digest(paths: Sequence[Path]) -> tuple[str, int]:
    """(sha256 over names and contents in order, hex; bytes of all)."""
    digest, size = hashlib.sha256(), 0
    for path in paths:
        with _file(path) as file:
            size += os.fstat(file.fileno()).st_size
            content = hashlib.file_digest(file, "sha256").digest()
        digest.update(path.name.encode("utf-8", "surrogateescape") + b"\0" + content)
    return digest.hexdigest(), size


def array_row(path: Path, row: int | None) -> np.ndarray:
    """(T, H, W, 3) uint8: one row of a .npy of (n, t, h, w, 3), mapped, not read. BadVideo with what is wrong."""
    try:
        open_file(path).close()  # a pipe would be waited for
        with _header:
            array = np.lib.format.open_memmap(path, mode="r")  # never an archive or a pickle
    except FileNotFoundError:
        raise BadVideo("missing", "no such file") from None
    except PermissionError:
        raise BadVideo("permission", "it may not be read") from None
    except (*_PILLOW_RAISES, TokenError, EOFError, RecursionError) as error:
        cut = "mmap length" in str(error) or "EOF: reading array" in str(error)
        raise BadVideo("truncated" if cut else "not-a-video", f"NumPy cannot map it ({error})") from None
    if array.ndim != 5 or array.shape[-1] != 3 or array.dtype != np.uint8:
        raise BadVideo("not-a-video", f"wanted (n, t, h, w, 3) uint8, found {array.shape} {array.dtype}")
    if row is None or not 0 <= row < len(array):
        raise BadVideo("missing", f"row {row} is wanted, it has {len(array)}")
    if 0 in array.shape:
        raise BadVideo("no-frames", f"its shape is {array.shape}")
    return array[row]
