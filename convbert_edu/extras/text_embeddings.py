"""Text embeddings: one vector for each text, with hardly any padding computed."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from convbert_edu.data.batching import batches_by_tokens, encode_rows
from convbert_edu.device import autocast
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.tokenizer import ConvBertTokenizer

# Tokens of one batch: enough to keep the processor busy, few enough for its caches.
TOKENS_AT_ONCE = 4096


@torch.inference_mode()
def embed_texts(
    model: ConvBertModel,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int | None = None,
    precision: str = "float32",
) -> Float[Tensor, "texts hidden"]:
    """Return one vector for each text, in the order of the texts: the mean of its tokens' vectors, on the CPU.

    Texts of similar length are read together, as many at once as make up TOKENS_AT_ONCE tokens. The model ends in
    eval mode. Where texts of different lengths meet, the last tokens of the shorter one see padding through the
    convolution, as in transformers, unless the configuration says mask_convolution.
    max_length: longer texts are cut to so many tokens; to what the model can read, if left out
    precision: "float32", "bfloat16", or "auto" for bfloat16 where that is fast
    Raises ValueError where there is no text, for a max_length without room and for another precision; TypeError where
    `texts` is one string.
    """
    if len(texts) == 0:
        raise ValueError("texts is empty; give at least one text")
    model.eval()
    longest = model.config.max_position_embeddings if max_length is None else max_length
    rows = encode_rows(tokenizer, texts, longest)
    vectors = torch.empty(len(rows), model.config.hidden_size)
    for batch in batches_by_tokens(rows.lengths, TOKENS_AT_ONCE):
        inputs = {name: tensor.to(model.device) for name, tensor in rows.batch(batch).items()}
        with autocast(precision, model.device):
            tokens = model(**inputs).last_hidden_state.float()
        real = inputs["attention_mask"].unsqueeze(-1)
        vectors[batch] = ((tokens * real).sum(1) / real.sum(1)).cpu()
    return vectors
