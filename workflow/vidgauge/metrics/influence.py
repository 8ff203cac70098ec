"""Arithmetic on influences: how much each row moves a value."""

from __future__ import annotations

from vidgauge.specs import Influence


def scaled(found: Influence, scale: float) -> Influence:
    """The influence on `scale` times the value."""
    reference = None if found.reference is None else scale * found.reference
    bias = None if found.bias is None else scale * found.bias
    return Influence(reference, scale * found.candidate, scale**2 * found.variance, bias)
