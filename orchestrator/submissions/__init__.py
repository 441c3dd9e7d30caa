"""Submissions: what every run leaves in the store before a cell is trained."""
