"""Answers: what came out, of exactly the cells of a grid."""
