"""Units of layers, the chains they make, and methods' pruning of whole units."""
