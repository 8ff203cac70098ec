"""The reductions: one module each, found by `vidgauge.metrics.registry`. They import NumPy only when called."""
