"""The network, loaded once: importing torch takes seconds."""

from __future__ import annotations

import pytest

from vidgauge.extractors import load
from vidgauge.specs import Network


@pytest.fixture(scope="session")
def lite0() -> Network:
    return load("efficientnet_lite0")
