"""Scores of an untrained network's weights, and the masks that they leave."""
