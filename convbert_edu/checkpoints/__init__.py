"""Checkpoints: names, loading and saving."""
