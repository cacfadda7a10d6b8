"""Text to token ids and back."""

from convbert_edu.tokenizer.tokenizer import ConvBertTokenizer, ConvBertTokenizerFast

__all__ = ["ConvBertTokenizer", "ConvBertTokenizerFast"]
