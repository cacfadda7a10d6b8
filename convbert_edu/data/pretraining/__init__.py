"""From text to the batches of pretraining: documents, sequences, hidden words."""
