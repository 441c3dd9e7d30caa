"""Topology updates as dynamic methods share them: which rules, when, and what they remember."""
