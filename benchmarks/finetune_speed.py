"""One epoch of fine-tuning on Rotten Tomatoes beside transformers' Trainer: same sizes, data, batch size and precision.

Both sides pad each batch to its longest text. Theirs draws batches at random, as it does by default; ours puts texts
of similar length together, which is part of what is measured (--grouped lets theirs do the same). Prints the ratio of
their times; candidates take turns.
"""

import tempfile
import warnings

import click
import transformers

from common import compare, print_table, write_json
from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification, ConvBertTokenizer
from convbert_edu.data import load_reviews
from convbert_edu.data.batching import EncodedTexts, encode_texts
from convbert_edu.device import find_device
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.training.trainer import train


@click.command()
@click.option("--model", help="Model folder; else the sizes of the tiny preset, with random weights.")
@click.option("--examples", default=6824, show_default=True, help="Sentences of an epoch.")
@click.option("--batch-size", default=32, show_default=True)
@click.option("--repeats", default=3, show_default=True, help="Timed epochs of each side.")
@click.option("--precision", default="float32", type=click.Choice(["float32", "bfloat16"]), show_default=True)
@click.option("--grouped", is_flag=True, help="Let theirs group texts by length, too.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(
    model: str | None,
    examples: int,
    batch_size: int,
    repeats: int,
    precision: str,
    grouped: bool,
    output: str | None,
) -> None:
    """Time both loops."""
    reviews = load_reviews().train[::2] + load_reviews().train[1::2]  # the file is sorted by label
    texts, labels = [e.text for e in reviews[:examples]], [e.label for e in reviews[:examples]]
    with tempfile.TemporaryDirectory() as folder:
        if model is None:
            tokenizer = ConvBertTokenizer.train(texts, vocab_size=8000)
            config = ConvBertConfig.tiny(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
            ConvBertForSequenceClassification(config).save_pretrained(folder)
        else:
            tokenizer = ConvBertTokenizer.from_pretrained(model)
            with warnings.catch_warnings(action="ignore"):  # its head is new
                ConvBertForSequenceClassification.from_pretrained(model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        encoded = encode_texts(tokenizer, texts, labels)
        settings = FinetuneSettings(epochs=1, batch_size=batch_size, precision=precision)
        ours = ConvBertForSequenceClassification.from_pretrained(folder)
        trainer = their_trainer(folder, encoded, settings, grouped)
        results = compare(
            {
                "transformers' Trainer": lambda: trainer.train(),
                "convbert_edu": lambda: train(ours, encoded, settings, find_device()),
            },
            repeats,
        )
    title = f"one epoch, {examples} sentences, batches of {batch_size}, {precision}"
    print_table(title, results, baseline="transformers' Trainer")
    if output:
        write_json(output, results)


def their_trainer(
    folder: str, encoded: EncodedTexts, settings: FinetuneSettings, grouped: bool
) -> transformers.Trainer:
    """Return a Trainer with the same model, data and recipe, that keeps no files."""
    rows = zip(encoded.input_ids, encoded.token_type_ids, encoded.labels.tolist(), strict=True)
    trainer = transformers.Trainer(
        model=transformers.ConvBertForSequenceClassification.from_pretrained(folder),
        args=transformers.TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            max_grad_norm=settings.max_grad_norm,
            warmup_steps=settings.warmup_fraction,
            bf16=settings.precision == "bfloat16",
            train_sampling_strategy="group_by_length" if grouped else "random",
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=[
            {"input_ids": ids, "token_type_ids": types, "attention_mask": [1] * len(ids), "labels": label}
            for ids, types, label in rows
        ],
        data_collator=transformers.DataCollatorWithPadding(
            transformers.AutoTokenizer.from_pretrained(folder)
        ),
    )
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


if __name__ == "__main__":
    main()
