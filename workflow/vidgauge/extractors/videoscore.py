"""VideoScore: five scores of a video and its text, learnt from people's ratings (TIGER-Lab/VideoScore).

He et al., VideoScore: Building Automatic Metrics to Simulate Fine-grained Human Feedback for Video Generation, 2024,
arXiv 2406.15252. Idefics2-8B with a linear head, in bfloat16 as published. Its prompt is text of others (MIT): it is
read from prompt.txt in the folder of the weights, which is the published examples/run_videoscore.py or the prompt in
it, and must be that prompt to the byte. Frames keep their size here and are resized by Pillow as the folder says.
"""

from __future__ import annotations

from vidgauge.specs import ArraySpec, Column, ExtractorSpec, InputSpec, Network, Setup, Takes

NAMES = (
    "visual_quality",
    "temporal_consistency",
    "dynamic_degree",
    "text_to_video_alignment",
    "factual_consistency",
)  # in the order of the head's outputs


def build(setup: Setup) -> Network:
    """The network as a function of clips and one text for each."""
    return network(setup, EXTRACTOR)


def network(setup: Setup, spec: ExtractorSpec) -> Network:
    """The network of either version: what differs is in the folder of its weights."""
    from vidgauge.extractors._videoscore import VideoScore

    return VideoScore(setup, spec)


EXTRACTOR = ExtractorSpec(
    name="videoscore",
    build=build,
    input=InputSpec(
        "clip",
        None,
        "bilinear by Pillow: the longer side to at most 980, then the shorter to at least 378",
        "0..1, then mean and deviation 0.5",
        min_frames=1,
        max_frames=16,
    ),
    arrays={
        "scores": ArraySpec(
            len(NAMES),
            "clip",
            "the regression head at the last token of prompt, text and frames",
            columns=tuple(Column(name, "higher", "about 1 to 4", "the text is empty") for name in NAMES),
        )
    },
    version=1,
    source="He et al. 2024, VideoScore, arXiv 2406.15252; transformers Idefics2Model, head and prompt of TIGER-AI-Lab",
    known_as="VideoScore",
    weights={"videoscore": Takes(folder=True)},
    batch=1,  # clips; each is run alone
    gpu_batch=1,
    text=True,
    libraries=("torch", "transformers", "tokenizers", "pillow"),
    note="videoscore: published scores are bfloat16, whose steps are 1/64 from 2 to 4",
)
