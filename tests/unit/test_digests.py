"""A set of videos has one digest, however it is listed and cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vidgauge.digests import joined, manifest_digest
from vidgauge.specs import Video


def video(name: str, content: str) -> Video:
    return Video(name, f"/{name}", "file", None, content, 1, 16, 8.0, 2.0, 8, 8, "h264", "yuv420p")


@given(
    st.dictionaries(st.text(min_size=1), st.text(), max_size=8), st.randoms(use_true_random=False), st.integers(0, 8)
)
def test_order_and_cut_do_not_show(contents: dict[str, str], random, cut: int) -> None:
    videos = [video(name, content) for name, content in contents.items()]
    whole = manifest_digest(videos)
    random.shuffle(videos)
    assert joined([manifest_digest(videos[:cut]), manifest_digest(videos[cut:])]) == whole
    assert len(whole) == 64


def test_ids_and_contents_show() -> None:
    digests = [manifest_digest([video(*pair)]) for pair in (("a", "1"), ("a", "2"), ("b", "1"), ("a1", ""), ("", "a1"))]
    assert len(set(digests)) == 5
