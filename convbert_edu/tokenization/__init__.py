"""The parts of the tokenizer: vocabulary, texts in, lengths, batch out, folders, training."""
