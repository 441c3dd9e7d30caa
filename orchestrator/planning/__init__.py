"""Planning: what a grid needs trained, what that costs, and in which packs. Writes nothing."""
