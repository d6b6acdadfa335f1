"""Network -> a feed one can trust: carry_ids, feed, pack, read, validate."""
