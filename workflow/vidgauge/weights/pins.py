"""Pins: the digests of the first copy, beside what nobody states a digest of, so that another copy is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from vidgauge.errors import VidgaugeError
from vidgauge.files import write_text


def pin_of(path: Path) -> Path:
    """Where the pin of a file or folder is."""
    return path.with_name(f"{path.name}.sha256")


def read_pin(path: Path) -> str | None:
    """The pinned SHA-256 of a file, None where there is no pin. Raises VidgaugeError for a pin that is not readable."""
    pins = read_pins(path)
    return None if pins is None else next(iter(pins.values()))


def read_pins(path: Path) -> dict[str, str] | None:
    """The pinned SHA-256 of a folder's files by name, None where there is no pin. Raises as `read_pin`."""
    try:
        lines = pin_of(path).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    found = [re.fullmatch(r"([0-9a-f]{64})\s+(?:.*/)?(.*)", line) for line in lines]
    if not found or None in found:
        raise VidgaugeError(
            f"{pin_of(path)}: holds no SHA-256 as sha256sum writes it; delete it if {path.name} can be trusted"
        )
    return {match[2]: match[1] for match in found if match}


def write_pin(path: Path, sha256: str) -> None:
    """Pin a file, in sha256sum's format. Raises OSError where the folder cannot be written."""
    write_text(pin_of(path), f"{sha256}  {path.name}\n")


def write_pins(path: Path, digests: Mapping[str, str]) -> None:
    """Pin a folder by the SHA-256 of each of its files, likewise."""
    write_text(pin_of(path), "".join(f"{digests[name]}  {path.name}/{name}\n" for name in sorted(digests)))
