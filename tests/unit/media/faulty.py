"""What worker processes run where a test wants a video that ends them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from vidgauge.media.decode import PartClip
from vidgauge.media.verified import Task, verified_clips


def crashing_clips(task: Task) -> Iterator[PartClip]:
    """The second video of the set crashes after its first clip."""
    for done, clip in enumerate(verified_clips(task)):
        if done == 1 and task[0].id == "video_001.mp4":
            os.kill(os.getpid(), signal.SIGSEGV)
        yield clip
