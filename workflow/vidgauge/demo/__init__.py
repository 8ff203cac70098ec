"""The demo: procedural videos of known order, so that the first table a user sees can be checked by eye."""

from vidgauge.demo.make import DATASETS, make_demo

__all__ = ["DATASETS", "make_demo"]
