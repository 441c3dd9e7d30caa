"""Watching: how far cells are and why, judged from evidence by whoever asks."""
