"""The report: one HTML file that needs no network, made from the results of an evaluation."""
