"""The five heads in one place: what is put on top of the encoder for each kind of task. One file each."""

from convbert_edu.models.masked_lm import ConvBertForMaskedLM
from convbert_edu.models.multiple_choice import ConvBertForMultipleChoice
from convbert_edu.models.question_answering import ConvBertForQuestionAnswering
from convbert_edu.models.sequence_classification import ConvBertForSequenceClassification
from convbert_edu.models.token_classification import ConvBertForTokenClassification

__all__ = [
    "ConvBertForMaskedLM",
    "ConvBertForMultipleChoice",
    "ConvBertForQuestionAnswering",
    "ConvBertForSequenceClassification",
    "ConvBertForTokenClassification",
]
