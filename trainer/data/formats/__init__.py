"""Readers of file formats, which know no dataset: bytes or a path in, arrays out.

Nothing that is read is ever executed.
"""
