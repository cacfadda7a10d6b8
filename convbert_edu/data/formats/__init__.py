"""Readers of published formats, one a file; each gives typed examples (see data/examples.py)."""
