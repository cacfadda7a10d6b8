"""What float32, bfloat16 and int8 do to accuracy on Rotten Tomatoes, to time and to the size of the file.

The bundled model is fine-tuned once; the same weights are then read in each precision, on the test split. int8 runs in
onnxruntime, so float32 is shown there as well: the two onnx lines differ in nothing but the precision.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import onnxruntime
import torch
from torch import Tensor

from common import compare, print_table, write_json
from convbert_edu import ConvBertForSequenceClassification, ConvBertTokenizer
from convbert_edu.data import load_reviews
from convbert_edu.data.batching import batches_by_length, encode_texts
from convbert_edu.device import autocast, find_device
from convbert_edu.extras.onnx import export_onnx, quantise_onnx
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.training.trainer import train

BATCH = 64


@click.command()
@click.option("--examples", default=6824, show_default=True, help="Sentences to fine-tune on.")
@click.option("--epochs", default=3, show_default=True)
@click.option("--repeats", default=7, show_default=True, help="Timed rounds over the test split.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(examples: int, epochs: int, repeats: int, output: str | None) -> None:
    """Fine-tune, evaluate and print the tables."""
    reviews, device = load_reviews(), find_device()
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    # The file is sorted by label.
    every = max(1, len(reviews.train) // examples)
    learned, test = (
        encode_texts(tokenizer, [e.text for e in split], [e.label for e in split])
        for split in (reviews.train[::every], reviews.test)
    )
    torch.manual_seed(0)
    model = ConvBertForSequenceClassification.from_pretrained("convbert-tiny", num_labels=2)
    train(model, learned, FinetuneSettings(epochs=epochs, batch_size=32, learning_rate=1e-3), device)
    model.to(device).eval()
    batches = [(rows, test.batch(rows)) for rows in batches_by_length(test.lengths, BATCH)]
    for _, batch in batches:
        del batch["labels"]

    def predictions_of(scores: Callable[[dict[str, Tensor]], Tensor]) -> Tensor:
        found = torch.empty(len(test), dtype=torch.long)
        for rows, batch in batches:
            found[rows] = scores(batch).argmax(-1)
        return found

    @torch.inference_mode()
    def in_torch(precision: str, batch: dict[str, Tensor]) -> Tensor:
        with autocast(precision, device):
            return model(**{name: tensor.to(device) for name, tensor in batch.items()}).logits.cpu()

    def in_onnxruntime(session: onnxruntime.InferenceSession, batch: dict[str, Tensor]) -> Tensor:
        inputs = {name: tensor.numpy() for name, tensor in batch.items()}
        return torch.from_numpy(session.run(["logits"], inputs)[0])

    with tempfile.TemporaryDirectory() as folder:
        exact, rounded = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        model.save_pretrained(folder)
        export_onnx(model, exact)
        quantise_onnx(exact, rounded)
        files = {"float32": Path(folder, "model.safetensors"), "onnx float32": exact, "onnx int8": rounded}
        sizes = {name: path.stat().st_size for name, path in files.items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        sessions = {
            name: onnxruntime.InferenceSession(path, options)
            for name, path in files.items()
            if "onnx" in name
        }
    scorers = {precision: partial(in_torch, precision) for precision in ("float32", "bfloat16")}
    scorers |= {name: partial(in_onnxruntime, session) for name, session in sessions.items()}
    ways = {name: partial(predictions_of, scores) for name, scores in scorers.items()}
    results = compare(ways, repeats)
    plain = ways["float32"]()
    print(f"\n{'':16}{'accuracy':>10}{'same prediction':>17}{'file ratio':>12}")
    for name, way in ways.items():
        predictions = way()
        accuracy, same = (predictions == test.labels).float().mean(), (predictions == plain).float().mean()
        # bfloat16 is what is computed in: the file holds float32.
        results[name] |= {"accuracy": float(accuracy), "same": float(same)}
        results[name]["file"] = sizes.get(name, sizes["float32"]) / sizes["float32"]
        print(f"{name:16}{accuracy:10.3f}{same:17.3f}{results[name]['file']:12.2f}")
    print_table(f"{len(test)} test sentences of Rotten Tomatoes", results, baseline="float32")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
