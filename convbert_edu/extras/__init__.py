"""What goes beyond the paper: conversions, ONNX, publishing, text embeddings, a check of the machine."""
