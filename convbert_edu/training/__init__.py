"""What pretraining and fine-tuning share: the training loop, optimiser, runs in folders, several processes."""
