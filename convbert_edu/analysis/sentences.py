"""Running a model over many sentences to average what happens inside, without a single padded token (lesson 07)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from convbert_edu.models.outputs import ModelOutput
from convbert_edu.tokenizer import ConvBertTokenizer


def look_inside(
    model: nn.Module,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int = 128,
    batch_size: int = 64,
) -> Iterator[tuple[ModelOutput, Int[Tensor, "batch seq"], Bool[Tensor, " seq"]]]:
    """Run `model` over all texts and yield (result, input_ids, maskable) for batches of sentences of equal length.

    Equal lengths because padding leaks into the convolutions, and would be measured too. The result holds attentions
    and kernels; `maskable` is false for [CLS] and [SEP]. Longer texts are cut to `max_length` tokens; texts without a
    word are left out.
    Raises ValueError without texts, and for a model in training mode, whose dropout would blur every number.
    """
    if not texts:
        raise ValueError("texts is empty; give at least one text")
    if model.training:
        raise ValueError("the model is in training mode, so dropout is on; call model.eval() first")
    by_length: dict[int, list[list[int]]] = defaultdict(list)
    for ids in tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]:
        if len(ids) > 2:
            by_length[len(ids)].append(ids)
    device = next(model.parameters()).device
    for length, rows in sorted(by_length.items()):
        maskable = torch.ones(length, dtype=torch.bool, device=device)
        maskable[[0, -1]] = False
        for at in range(0, len(rows), batch_size):
            ids = torch.tensor(rows[at : at + batch_size], device=device)
            with torch.no_grad():
                result = model(ids, output_attentions=True, output_conv_kernels=True)
            yield result, ids, maskable


def mean_over_tokens(
    values: Float[Tensor, "*heads seq"], counted: Bool[Tensor, " seq"]
) -> Float[Tensor, "*heads"]:
    """Return the mean of one number per token over the tokens that are counted.

    Raises ValueError when none is.
    """
    if not counted.any():
        raise ValueError("counted is false for every token; at least one has to take part")
    return values[..., counted].mean(dim=-1)
