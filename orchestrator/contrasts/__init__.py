"""Rows against a reference row, paired by seed: what `stats` shows, in many formats."""
