"""ConvBERT, step by step: embeddings, self-attention, span-based dynamic convolution, mixed attention."""

from convbert_edu.config import ConvBertConfig
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import (
    ConvBertForMaskedLM,
    ConvBertForMultipleChoice,
    ConvBertForPreTraining,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertForTokenClassification,
)
from convbert_edu.tokenizer import ConvBertTokenizer, ConvBertTokenizerFast
from convbert_edu.version import __version__

__all__ = [
    "ConvBertConfig",
    "ConvBertForMaskedLM",
    "ConvBertForMultipleChoice",
    "ConvBertForPreTraining",
    "ConvBertForQuestionAnswering",
    "ConvBertForSequenceClassification",
    "ConvBertForTokenClassification",
    "ConvBertModel",
    "ConvBertTokenizer",
    "ConvBertTokenizerFast",
    "__version__",
]
