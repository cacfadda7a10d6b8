"""Several ways to compute one part of a layer, side by side: why the layers are written as they are.

    python benchmarks/parts.py [--only windows] [--output parts.json]

Every way gives the same numbers (checked before it is timed, unless it draws some at random). Times of a forward pass
without gradients and of a training step (forward and backward), as ratios to the way that the package takes.
"""

import math
from collections.abc import Callable, Iterator

import click
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from common import compare, write_json
from convbert_edu.device import find_device, supports_bfloat16
from convbert_edu.layers import Dropout
from convbert_edu.layers.apply_kernels import apply_kernels, dynamic_conv

Way = Callable[..., Tensor]
# Name, the ways with the package's first, inputs.
Part = tuple[str, dict[str, Way], list[Tensor]]
# Batch, tokens, heads of a branch, width of a head.
SHAPES = {"base": (8, 128, 6, 64), "tiny": (32, 128, 2, 32)}
WINDOW = 9
# Of BERT's word pieces, and of each score's vector; one token of so many is masked.
VOCABULARY, EMBEDDING, MASKED = 30_522, 128, 7


def attention(dropout: float) -> dict[str, Way]:
    """Fused attention and its steps."""
    drop = Dropout(dropout)

    def steps(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        return drop(torch.softmax(scores, dim=-1)) @ value

    def fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)

    return {"fused": fused, "step by step": steps}


def unfolded(values: Tensor, kernels: Tensor) -> Tensor:
    """Build all windows, k times as large as the values, and multiply: what transformers does."""
    reach = WINDOW // 2
    windows = F.pad(values, (0, 0, 0, 0, reach, reach)).unfold(1, WINDOW, 1).contiguous()
    return (windows @ kernels.unsqueeze(-1)).squeeze(-1)


def span_filter(hidden_states: Tensor, filters: Tensor) -> Tensor:
    """The depthwise filter of the span-aware key as a convolution of a picture one pixel high."""
    picture, filters = hidden_states.transpose(1, 2).unsqueeze(2), filters[:, None, None, :]
    filtered = F.conv2d(picture, filters, padding=(0, WINDOW // 2), groups=filters.shape[0])
    return filtered.squeeze(2).transpose(1, 2)


def span_filter_lower(hidden_states: Tensor, filters: Tensor) -> Tensor:
    """The same in bfloat16, as autocast would have it."""
    return span_filter(hidden_states.bfloat16(), filters.bfloat16()).to(hidden_states.dtype)


def span_filter_1d(hidden_states: Tensor, filters: Tensor) -> Tensor:
    """The same as a convolution of a line, which wants the channels before the tokens."""
    line = hidden_states.transpose(1, 2)
    return F.conv1d(line, filters[:, None, :], padding=WINDOW // 2, groups=len(filters)).transpose(1, 2)


def apart(inputs: Tensor, *weights: Tensor) -> Tensor:
    """Query, key and both values, one product each."""
    return torch.cat([F.linear(inputs, weight) for weight in weights], dim=-1)


def together(inputs: Tensor, *weights: Tensor) -> Tensor:
    """All four as one product with the weights laid side by side."""
    return F.linear(inputs, torch.cat(weights))


def scores_at_masked_tokens(vectors: Tensor, vocabulary: Tensor) -> Tensor:
    """Log-probabilities of the vocabulary's entries where a token is masked: pick the vectors, then score."""
    return (vectors[:, ::MASKED] @ vocabulary.T).log_softmax(dim=-1)


def scores_at_all_tokens(vectors: Tensor, vocabulary: Tensor) -> Tensor:
    """The same: score all, then pick."""
    return (vectors @ vocabulary.T).log_softmax(dim=-1)[:, ::MASKED]


def parts(device: torch.device) -> Iterator[Part]:
    """Yield every part with its ways and inputs."""
    dtypes = [torch.float32] + [torch.bfloat16] * supports_bfloat16(device)
    for size, (batch, seq, heads, width) in SHAPES.items():
        hidden = 2 * heads * width

        def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.randn(shape, device=device, dtype=dtype)

        for dtype in dtypes:
            kind = f"{size}, {str(dtype).removeprefix('torch.')}"
            values = numbers(batch, seq, heads, width, dtype=dtype)
            kernels = torch.softmax(numbers(batch, seq, heads, WINDOW), dim=-1).to(dtype)
            ways = {"by hand": apply_kernels, "traced": dynamic_conv, "unfolded": unfolded}
            yield f"windows, {kind}", ways, [values, kernels]
            ways = {"four a draw": Dropout(0.1), "one a draw": nn.Dropout(0.1)}
            yield f"dropout 0.1, {kind}", ways, [numbers(batch, seq, hidden, dtype=dtype)]
            for tokens in (seq, 4 * seq):
                shape = batch * seq // tokens, heads, tokens, width
                for dropout in (0.0, 0.1):
                    name = f"attention, {kind}, {tokens} tokens, dropout {dropout}"
                    yield name, attention(dropout), [numbers(*shape, dtype=dtype) for _ in range(3)]
        ways = {"picture": span_filter, "picture, bfloat16": span_filter_lower, "line": span_filter_1d}
        yield f"span filter, {size}", ways, [numbers(batch, seq, hidden), numbers(hidden, WINDOW)]
        ways = {"at masked tokens": scores_at_masked_tokens, "at all tokens": scores_at_all_tokens}
        yield (
            f"masked-LM head, {size}",
            ways,
            [numbers(batch, seq, EMBEDDING), numbers(VOCABULARY, EMBEDDING)],
        )
        weights = [numbers(hidden // 2, hidden) for _ in range(4)]
        yield (
            f"projections, {size}",
            {"apart": apart, "together": together},
            [numbers(batch, seq, hidden), *weights],
        )


def measure(ways: dict[str, Way], inputs: list[Tensor], repeats: int) -> dict[str, dict[str, float]]:
    """Return the median seconds of every way, without and with gradients."""

    def forward(way: Way) -> Callable[[], None]:
        def run() -> None:
            with torch.inference_mode():
                way(*inputs)

        return run

    def step(way: Way) -> Callable[[], None]:
        learning = [each.detach().requires_grad_() for each in inputs]

        def run() -> None:
            out = way(*learning)
            out.backward(torch.ones_like(out))

        return run

    found = {}
    for name, make in (("forward", forward), ("training", step)):
        times = compare({key: make(way) for key, way in ways.items()}, repeats)
        found[name] = {key: each["median"] for key, each in times.items()}
    return found


@click.command()
@click.option("--repeats", default=9, show_default=True, help="Timed rounds of each way.")
@click.option("--only", default="", help="Only parts with this in their name.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, only: str, output: str | None) -> None:
    """Time every way of every part."""
    torch.manual_seed(0)
    results = {}
    for name, ways, inputs in parts(find_device()):
        if only not in name:
            continue
        if "dropout 0.1" not in name:
            first, *others = (way(*inputs) for way in ways.values())
            for other in others:
                torch.testing.assert_close(other, first, atol=0.1, rtol=0.02)
        found = results[name] = measure(ways, inputs, repeats)
        print(name)
        base = next(iter(ways))
        for way in ways:
            ratios = "".join(f"{kind:>11} {each[way] / each[base]:6.2f}" for kind, each in found.items())
            print(f"    {way:20}{ratios}", flush=True)
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
