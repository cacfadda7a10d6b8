"""How surprising is a text to a masked language model? Each token is masked in turn (lesson 13)."""

import math
from collections.abc import Sequence

from convbert_edu.data.batching import EncodedFillMask
from convbert_edu.finetuning.tasks.masked_lm import MaskedLM
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.models.heads import ConvBertForMaskedLM
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.predict import predict


def pseudo_perplexity(
    model: ConvBertForMaskedLM,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int = 128,
    batch_size: int = 64,
) -> float:
    """Return exp of the mean, over all tokens of all texts, of -log p(token | all others) (Salazar et al. 2020).

    A text of n tokens is read n times, each time with another one masked. What is longer than `max_length` is cut.
    Raises ValueError where the texts hold no tokens.
    """
    batch = tokenizer(list(texts), truncation=True, max_length=max_length, return_special_tokens_mask=True)
    rows, labels = [], []
    for ids, specials in zip(batch["input_ids"], batch["special_tokens_mask"], strict=True):
        for position in (position for position, special in enumerate(specials) if not special):
            rows.append([*ids[:position], tokenizer.mask_token_id, *ids[position + 1 :]])
            labels.append([token if at == position else IGNORE_INDEX for at, token in enumerate(ids)])
    if not rows:
        raise ValueError(f"{len(texts)} texts hold no tokens; give at least one word")
    masked = EncodedFillMask(
        input_ids=rows,
        token_type_ids=[[0] * len(row) for row in rows],
        pad_token_id=tokenizer.pad_token_id,
        labels=labels,
        example_of_row=list(range(len(rows))),
        tokenizer=tokenizer,
    )
    predictions = predict(model, masked, MaskedLM().postprocess, batch_size)
    losses = [prediction.loss for (prediction,) in predictions]
    return math.exp(sum(losses) / len(losses))
