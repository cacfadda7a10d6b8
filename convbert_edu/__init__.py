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

# The version of the package, in one place.
__version__ = "0.1.0"

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
