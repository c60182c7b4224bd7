"""The rows of one CREATE MODEL as batches: splits, order, encoding, progress."""
