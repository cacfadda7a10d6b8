"""How well do masked language models with different vocabularies fill in words?

Twenty prompts with a list of fitting words for each (fill_mask_prompts.json, written before any model had answered
them): a prompt counts where one of the five most probable tokens fits. And held-out text, word by word, so that a
vocabulary of 8,000 and one of 30,522 can be compared: the same words are masked for every model, each by as many
[MASK] as the model's tokenizer cuts it into; a word is right where all its pieces are, and its loss is the sum of
theirs. Words that some vocabulary cannot spell are left alone.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch

from common import write_json
from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.pretraining.documents import pretraining_texts

PROMPTS = Path(__file__).with_name("fill_mask_prompts.json")
WORD = re.compile(r"\w+|[^\w\s]")
LONGEST = 60  # words of a passage, so that no tokenizer makes more than 128 tokens of it
SHARE = 0.15  # of the words of a passage that are masked, as in pretraining
BATCH = 32


class WordModel:
    """A masked language model that is asked for whole words. `name`: a bundled model, or a folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.model = ConvBertForMaskedLM.from_pretrained(name).eval()
        self.tokenizer = ConvBertTokenizer.from_pretrained(name)
        self._pieces: dict[str, list[int]] = {}

    def pieces(self, word: str) -> list[int]:
        """Return the token ids of a word."""
        if word not in self._pieces:
            self._pieces[word] = self.tokenizer(word, add_special_tokens=False)["input_ids"]
        return self._pieces[word]

    def can_spell(self, word: str) -> bool:
        """Say whether the vocabulary has pieces for all of a word."""
        return self.tokenizer.unk_token_id not in self.pieces(word)

    def top_five(self, prompt: str) -> list[str]:
        """Return the five most probable tokens in the place of [MASK]."""
        batch = self.tokenizer(prompt, return_tensors="pt")
        position = (batch["input_ids"][0] == self.tokenizer.mask_token_id).nonzero().item()
        with torch.inference_mode():
            best = self.model(**batch).logits[0, position].topk(5).indices
        return self.tokenizer.convert_ids_to_tokens(best.tolist())

    def score_words(self, passages: Sequence[list[str]], masked: Sequence[set[int]]) -> np.ndarray:
        """Return [masked words, 2] for passages of words: the loss of each masked word, and 1 where it was right."""
        scores = []
        for first in range(0, len(passages), BATCH):
            rows = [
                self._row(words, positions)
                for words, positions in zip(
                    passages[first : first + BATCH], masked[first : first + BATCH], strict=True
                )
            ]
            length = max(len(ids) for ids, _ in rows)
            ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
            for number, (row, _) in enumerate(rows):
                ids[number, : len(row)] = torch.tensor(row)
            with torch.inference_mode():
                states = self.model.encoder(
                    ids, (ids != self.tokenizer.pad_token_id).long()
                ).last_hidden_state
                for number, (_, targets) in enumerate(rows):
                    for start, pieces in targets:
                        logits = self.model.score(states[number : number + 1, start : start + len(pieces)])[0]
                        wanted = torch.tensor(pieces)
                        loss = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum")
                        scores.append((loss.item(), float((logits.argmax(-1) == wanted).all())))
        return np.array(scores)

    def _row(self, words: list[str], masked: set[int]) -> tuple[list[int], list[tuple[int, list[int]]]]:
        ids, targets = [self.tokenizer.cls_token_id], []
        for number, word in enumerate(words):
            pieces = self.pieces(word)
            if number in masked:
                targets.append((len(ids), pieces))
                pieces = [self.tokenizer.mask_token_id] * len(pieces)
            ids += pieces
        return [*ids, self.tokenizer.sep_token_id], targets


def answer_prompts(model: WordModel) -> list[dict]:
    """Return for each prompt what the model says and whether a word of the list is among it."""
    prompts: dict[str, list[str]] = json.loads(PROMPTS.read_text(encoding="utf-8"))
    answers = []
    for prompt, fitting in prompts.items():
        said = model.top_five(prompt)
        answers.append({"prompt": prompt, "top five": said, "fits": bool(set(said) & set(fitting))})
    return answers


def choose_words(
    models: Sequence[WordModel], count: int, seed: int = 0
) -> tuple[list[list[str]], list[set[int]]]:
    """Return `count` passages of the test splits as words, and which words of each are masked."""
    random = np.random.default_rng(seed)
    texts = list(pretraining_texts("test"))
    passages, masked = [], []
    for number in random.permutation(len(texts)):
        words = WORD.findall(texts[number])[:LONGEST]
        known = [
            position for position, word in enumerate(words)
            if word.isalpha() and all(model.can_spell(word) for model in models)
        ]  # fmt: skip
        wanted = round(SHARE * len(known))
        if wanted:
            passages.append(words)
            masked.append(set(random.choice(known, wanted, replace=False).tolist()))
        if len(passages) == count:
            break
    return passages, masked


def compare_models(names: Sequence[str], count: int) -> dict[str, dict]:
    """Return accuracy and perplexity per word with 95% bootstrap intervals, and the answers to the prompts."""
    models = [WordModel(name) for name in names]
    passages, masked = choose_words(models, count)
    results = {}
    for model in models:
        scores = model.score_words(passages, masked)
        means = _resampled_means(scores)
        answers = answer_prompts(model)
        results[model.name] = {
            "words": len(scores),
            "accuracy": round(float(scores[:, 1].mean()), 4),
            "accuracy_interval": [round(float(x), 4) for x in np.quantile(means[:, 1], (0.025, 0.975))],
            "perplexity": round(float(np.exp(scores[:, 0].mean())), 2),
            "perplexity_interval": [
                round(float(x), 2) for x in np.exp(np.quantile(means[:, 0], (0.025, 0.975)))
            ],
            "prompts": sum(answer["fits"] for answer in answers),
            "answers": answers,
        }
    return results


def _resampled_means(scores: np.ndarray, times: int = 1000) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.stack(
        [scores[random.integers(len(scores), size=len(scores))].mean(axis=0) for _ in range(times)]
    )


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--passages", default=1000, show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures here (JSON)."
)
def main(models: tuple[str, ...], passages: int, output: Path | None) -> None:
    """Measure MODELS, names or folders, on the same words."""
    results = compare_models(models, passages)
    for name, found in results.items():
        for answer in found["answers"]:
            print("fits " if answer["fits"] else "     ", answer["prompt"], " ".join(answer["top five"]))
        print(
            f"{name}: {found['prompts']} of {len(found['answers'])} prompts; {found['words']:,} words: "
            f"accuracy {found['accuracy']}, perplexity per word {found['perplexity']}"
        )
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
