"""Keeping: whole stores merged, compared and cleaned, and single cells reproduced."""
