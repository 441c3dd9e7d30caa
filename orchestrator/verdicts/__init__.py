"""Verdicts: claims with rules that were fixed beforehand, judged by the results of grids."""
