"""The tokenizer: text to token ids and back (lesson 01).

tokenizer       ConvBertTokenizer: what a call does, step by step
wordpiece       the vocabulary, the library's engine that applies it, and how it is learned from texts
padding         what may be tokenised, and how long the rows become
token_ids       between tokens and ids, without looking at text
batch_encoding  what a call returns
files           a tokenizer in the files of a checkpoint
"""

from convbert_edu.tokenizer.tokenizer import ConvBertTokenizer, ConvBertTokenizerFast

__all__ = ["ConvBertTokenizer", "ConvBertTokenizerFast"]
