"""Scores of single videos: one line for each, which are the worst, and whether they agree with people."""
