"""Tasks whose outputs are a few labels: the split by label, and scores of the whole set of answers."""
