"""Pretraining without labels: masked tokens and replaced tokens (lesson 08)."""
