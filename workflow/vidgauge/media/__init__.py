"""Videos in, uint8 RGB out: probing, frame sampling, decoding (PyAV), resizing. Nothing here imports torch on its own.

containers  hard evidence that a file was cut or overwritten, read from its container's own sizes
demux       opening a file with libav, and all that reading its packets tells (frame times, safe points to start from)
probe       one video opened once: the measured fields of a `Video`, or a `BadVideo`
sampling    which frames of a video a clip takes; pure arithmetic
colour      one decoded frame to RGB: matrix, range, rotation
decode      chosen frames of a video; all its clips in one decode
verified    the same, of a video that is still the one that was probed
images      frame folders and .npy arrays
resize      scaling and cropping, four libraries
clips       many videos in parallel, into a store
"""

from vidgauge.media.resize import resize

__all__ = ["resize"]
