"""Training: optimiser, loop, pretraining."""
