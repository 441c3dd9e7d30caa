"""Figures of a grid's answers, one file per kind, in one style."""
