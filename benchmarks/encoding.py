"""From 10,000 film reviews of mixed length to a vector each, beside transformers with its fast tokenizer.

Theirs as it is commonly used: batches of 32 in file order, padded to the longest.
Ours: convbert_edu.extras.text_embeddings.
Same weights, same threads, same limit of tokens; candidates take turns.
"""

import random
import tempfile
from collections.abc import Callable

import click
import torch
import transformers

from common import compare, print_table, write_json
from convbert_edu import ConvBertConfig, ConvBertModel, ConvBertTokenizer
from convbert_edu.data import load_reviews
from convbert_edu.device import find_device
from convbert_edu.extras.text_embeddings import embed_texts

BATCH = 32


@click.command()
@click.option(
    "--texts", "count", default=10_000, show_default=True, help="Reviews to encode, long and short ones."
)
@click.option(
    "--model", default="convbert-tiny", show_default=True, help="A model, or 'small' for that preset."
)
@click.option(
    "--max-length", default=512, show_default=True, help="Longer reviews are cut to so many tokens."
)
@click.option("--repeats", default=7, show_default=True, help="Timed rounds.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(count: int, model: str, max_length: int, repeats: int, output: str | None) -> None:
    """Time both on the same reviews."""
    texts = mixed_reviews(count)
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    if model == "small":
        torch.manual_seed(0)
        ours = ConvBertModel(
            ConvBertConfig.small(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
        )
    else:
        ours = ConvBertModel.from_pretrained(model)
        tokenizer = ConvBertTokenizer.from_pretrained(model)
    max_length = min(max_length, ours.config.max_position_embeddings)
    ours.to(find_device())
    with tempfile.TemporaryDirectory() as folder:
        ours.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        theirs = in_file_order(folder, max_length)
    # Each text alone, so that neither sees padding.
    for text in texts[:5]:
        torch.testing.assert_close(
            embed_texts(ours, tokenizer, [text], max_length), theirs([text]), atol=1e-4, rtol=0
        )
    results = compare(
        {
            "transformers": lambda: theirs(texts),
            "convbert_edu": lambda: embed_texts(ours, tokenizer, texts, max_length),
        },
        repeats,
    )
    title = f"{len(texts)} reviews to vectors, {model}, at most {max_length} tokens"
    print_table(title, results, baseline="transformers")
    if output:
        write_json(output, {title: results})


def mixed_reviews(count: int) -> list[str]:
    """Return reviews of both sites, half of them single sentences, in an order drawn once for all."""
    sites = [load_reviews(site).train for site in ("rotten_tomatoes", "imdb")]
    texts = [
        example.text for site in sites for example in site[:: max(1, 2 * len(site) // count)][: count // 2]
    ]
    return random.Random(0).sample(texts, len(texts))


def in_file_order(folder: str, max_length: int) -> Callable[[list[str]], torch.Tensor]:
    """Return what encodes texts with transformers: batch after batch, the mean of the real tokens' vectors."""
    model = transformers.ConvBertModel.from_pretrained(folder).to(find_device()).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    @torch.inference_mode()
    def encode(texts: list[str]) -> torch.Tensor:
        vectors = []
        for at in range(0, len(texts), BATCH):
            batch = tokenizer(
                texts[at : at + BATCH],
                padding=True,
                truncation=True,
                max_length=max_length,
                return_tensors="pt",
            ).to(model.device)
            tokens = model(**batch).last_hidden_state
            real = batch["attention_mask"].unsqueeze(-1)
            vectors.append(((tokens * real).sum(1) / real.sum(1)).cpu())
        return torch.cat(vectors)

    return encode


if __name__ == "__main__":
    main()
