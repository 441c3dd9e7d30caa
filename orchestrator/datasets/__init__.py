"""Datasets: the files that they are read from, fetched, verified, unpacked and checked."""
