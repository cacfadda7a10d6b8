"""Readers of published formats, one a file; each gives typed examples (see data/examples.py).

Lessons 09 to 13 use them; `common` holds what all of them share.
"""
