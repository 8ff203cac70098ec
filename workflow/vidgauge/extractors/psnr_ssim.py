"""PSNR and SSIM of each frame against that of the video's own reference. No network, no weights, no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup

if TYPE_CHECKING:
    import numpy as np

INPUT = InputSpec("frame", None, "none: frames are compared in their own size", "0..255")
COLUMNS = (
    Column("psnr", "higher", "dB, 0 and more", "identical frames; psnr_cmq counts them as 100"),
    Column("psnr_cmq", "higher", "dB, 0..100: identical frames count as 100, as in common_metrics"),
    Column("ssim", "higher", "-1..1", "frames below 11 pixels"),
)


def build(setup: Setup) -> Network:  # noqa: ARG001 - every extractor's argument
    """The function itself: it has no weights, runs on the CPU, and is exact at any precision."""
    return psnr_ssim


def psnr_ssim(clips: np.ndarray, partners: np.ndarray) -> dict[str, np.ndarray]:
    """Two (b, t, h, w, 3) uint8 -> scores (b * t, 3) float32: psnr, psnr_cmq, ssim of each frame.

    psnr is NaN for identical frames, for it is infinite, ssim where a side is below 11 pixels. Raises ValueError for
    what are no clips, and for partners of another shape.
    """
    import numpy as np

    from vidgauge.extractors._pairs import frame_pairs
    from vidgauge.metrics import fidelity_pairs

    pairs = frame_pairs(clips, partners, INPUT)
    frames, reference = pairs[:, 0], pairs[:, 1]
    psnr = fidelity_pairs.psnr(frames, reference)
    columns = (
        np.where(np.isinf(psnr), np.nan, psnr),
        fidelity_pairs.psnr_capped(frames, reference),
        fidelity_pairs.ssim(frames, reference),
    )
    return {"scores": np.stack(columns, axis=1).astype(np.float32)}


EXTRACTOR = ExtractorSpec(
    name="psnr_ssim",
    build=build,
    input=INPUT,
    arrays={"scores": ArraySpec(len(COLUMNS), "frame", "nearness to the reference's frame", columns=COLUMNS)},
    version=1,
    source="Wang et al. 2004 (SSIM, the valid region only); psnr_cmq: common_metrics_on_video_quality",
    licence="Apache-2.0",
    batch=1,
    uses_gpu=False,
    pair=True,
    libraries=("scipy",),
)
