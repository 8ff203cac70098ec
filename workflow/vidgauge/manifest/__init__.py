"""Which videos a dataset holds: listed unopened, probed by shard, joined, screened for an evaluation."""
