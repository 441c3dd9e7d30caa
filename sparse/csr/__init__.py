"""Layers that store, train and move their active weights and nothing else."""
