"""Enough seeds: which further seeds a grid asks for, from what was measured so far."""
