"""How long figures take: the grid of all layers and heads for 128 tokens, and one update of the explorer.

Both with the layers and heads of ConvBERT-base. The explorer's figure shows each layer in turn, as when
somebody changes the layer; the time that a browser takes to show it is not counted.
"""

import itertools
from io import BytesIO

import click
import torch

from common import compare, print_table, write_json
from convbert_edu import ConvBertConfig, ConvBertModel, ConvBertTokenizer
from convbert_edu.visualize import explore, plot_attention_grid, plot_kernels_grid

TOKENS = 128
WORDS = ["a", "film", "that", "is", "unforgettably", "charming", ",", "not", "great"]


@click.command()
@click.option("--repeats", default=9, help="Timed rounds.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, output: str | None) -> None:
    """Time the grids and the explorer."""
    tokenizer = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
    config = ConvBertConfig.base(vocab_size=len(tokenizer), embedding_size=64, intermediate_size=768)
    model = ConvBertModel(config).eval()
    text = " ".join(itertools.islice(itertools.cycle(WORDS), TOKENS - 2))
    batch = tokenizer(text, return_tensors="pt")
    tokens = batch.tokens()
    with torch.no_grad():
        result = model(**batch, output_attentions=True, output_conv_kernels=True)
    explorer = explore(model, tokenizer, text)
    layers = itertools.cycle(range(config.num_hidden_layers))

    def update() -> None:
        explorer.choose(layer=next(layers))
        explorer.png()

    results = compare(
        {
            "explorer: next layer": update,
            "grid of attention": lambda: plot_attention_grid(result, tokens).savefig(BytesIO()),
            "grid of kernels": lambda: plot_kernels_grid(result, tokens).savefig(BytesIO()),
        },
        repeats,
    )
    title = f"{config.num_hidden_layers} layers x {config.num_heads_per_branch} heads, {len(tokens)} tokens"
    print_table(title, results, baseline="explorer: next layer")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
