"""How sure a number is: 95 % intervals by resampling videos, and what it would be with infinitely many of them.

docs/uncertainty.md says why it is done so, with the evidence.
"""
