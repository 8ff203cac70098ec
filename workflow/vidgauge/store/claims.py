"""How much a file may claim to hold: what unpacks to far more than the file has is refused before memory is taken."""

from __future__ import annotations

MOST_BYTES = 2 << 30  # that any file may claim
MOST_TIMES = 64  # its own size: beyond that no features, which hardly compress, and no covariance worth a comparison


def check_claim(claimed: int, size: int) -> None:
    """Raise ValueError where a file of `size` bytes claims to hold more bytes than is believed."""
    if claimed > max(MOST_BYTES, MOST_TIMES * size):
        raise ValueError(f"claims to unpack to {claimed} bytes, {MOST_TIMES} times the file's {size} or more")
