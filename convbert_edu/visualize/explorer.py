"""Looking around in a model by hand: choose a sentence, a layer, a head and a token, and see them at once.

Lesson 07 uses it. Tokens can be masked and heads switched off, to see the prediction change; two explorers can stand
side by side; and what there is to see can be kept as a page of its own, which needs no Python.
"""

import json
import os
import warnings
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.analysis.sentences import heads_multiplied
from convbert_edu.files import atomic_write
from convbert_edu.finetuning.tasks.classification import MULTI_LABEL, REGRESSION, problem_of_head
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.outputs import (
    MaskedLMOutput,
    ModelOutput,
    PreTrainingOutput,
    QuestionAnsweringOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.visualize.display import describe, image_tag
from convbert_edu.visualize.grids import plot_attention_grid, plot_kernels_grid
from convbert_edu.visualize.labels import check_range
from convbert_edu.visualize.mixed_attention import draw_token, plot_token

# What the figure shows.
VIEWS = ("one token", "all attention heads", "all kernels")
# The two kinds of heads, in the order in which W_O reads them.
BRANCHES = ("attention", "convolution")
# A head of a layer: layer, branch, head.
HeadPlace = tuple[int, str, int]
# Answers, labels or tokens with their probabilities, below a title.
Prediction = tuple[str, list[tuple[str, float]]]

PAGE = Path(__file__).with_name("explorer_page.html")
# A saved page holds all maps; those of a longer text would make it too large, and nobody could read them.
LONGEST_PAGE = 128
# Answers to a question have at most so many tokens.
MAX_ANSWER_LENGTH = 30


def explore(
    model: PretrainedModel | Mapping[str, PretrainedModel],
    tokenizer: ConvBertTokenizer,
    text: str,
    text_pair: str | None = None,
    layer: int = 0,
    head: int = 0,
    position: int = 1,
) -> "Explorer":
    """Return an explorer of `text` (or of a pair), which a notebook shows at the end of a cell, with controls.

    model: one model, or several by name to switch between, such as a pretrained, a random and a fine-tuned one. One
    with a head shows its prediction, too: masked tokens, classes, labels, an answer (text: question; text_pair:
    passage), or which tokens look replaced
    layer, head, position: what is chosen at first; the position of [CLS] is 0
    Where there are no controls (no ipywidgets, a printed page) it is the figure of that choice.
    A text that is too long for a model is cut, with a warning that says how much.
    Raises ValueError for an empty text, no model, a model in training mode, and choices that the model does not have.
    """
    models = dict(model) if isinstance(model, Mapping) else {"model": model}
    explorer = Explorer(models, tokenizer)
    explorer.read(text, text_pair)
    explorer.choose(layer=layer, head=head, position=position)
    if explorer.notice:
        warnings.warn(explorer.notice, stacklevel=2)
    return explorer


class Explorer:
    """What is chosen, and what there is to see. `figure()` draws it; a notebook adds controls."""

    kinds_of_heads = BRANCHES

    def __init__(self, models: dict[str, PretrainedModel], tokenizer: ConvBertTokenizer) -> None:
        if not models:
            raise ValueError("model is an empty dictionary; give at least one model")
        for name, model in models.items():
            if model.training:
                raise ValueError(f"{name!r} is in training mode, so dropout is on; call .eval() on it first")
        self.models, self.tokenizer = models, tokenizer
        self.name, self.view = next(iter(models)), VIEWS[0]
        self.layer = self.head = self.position = 0
        self.masked: set[int] = set()
        self.off: set[HeadPlace] = set()
        # The last figure, and what its labels are about.
        self._drawn: tuple[tuple, Figure] | None = None
        # What the reader should know about the text.
        self.notice = ""

    def read(self, text: str, text_pair: str | None = None) -> None:
        """Take another text, or pair of texts, of which nothing is masked. ValueError where there is no word in it."""
        if not text.strip():
            raise ValueError("text is empty; give a sentence with at least one word")
        self.text, self.text_pair = text, text_pair or None
        longest = min(model.config.max_position_embeddings for model in self.models.values())
        length = len(self.tokenizer(self.text, self.text_pair)["input_ids"])
        self.notice = (
            f"the text has {length} tokens and was cut at its end to the {longest} that the model reads"
            if length > longest
            else ""
        )
        self.batch = self.tokenizer(
            self.text, self.text_pair, truncation=True, max_length=longest, return_tensors="pt"
        )
        self.words = self.batch.tokens()
        self.position = min(self.position, len(self.words) - 1)
        self.masked = set()
        self._results: dict[str, ModelOutput] = {}

    @property
    def tokens(self) -> list[str]:
        """The tokens as the model reads them."""
        mask = self.tokenizer.mask_token
        return [mask if at in self.masked else word for at, word in enumerate(self.words)]

    @property
    def branches(self) -> tuple[str, ...]:
        """The kinds of heads that the chosen model has."""
        return BRANCHES[:1] if self.models[self.name].config.attention_only else BRANCHES

    def views_of(self, name: str) -> tuple[str, ...]:
        """Return the pictures that there are of a model: without convolution it has no kernels."""
        return VIEWS[:2] if self.models[name].config.attention_only else VIEWS

    def choose(self, **choices: str | int) -> None:
        """Choose name, layer, head, position or view. ValueError for what there is not; then nothing is changed."""
        wanted = {
            "name": self.name,
            "layer": self.layer,
            "head": self.head,
            "position": self.position,
            "view": self.view,
        }
        unknown = choices.keys() - wanted.keys()
        if unknown:
            raise ValueError(f"there is no {min(unknown)!r} to choose; there are {', '.join(wanted)}")
        wanted |= choices
        if wanted["name"] not in self.models:
            raise ValueError(f"there is no model {wanted['name']!r}; choose one of {', '.join(self.models)}")
        views = self.views_of(wanted["name"])
        if wanted["view"] not in views:
            raise ValueError(f"view is {wanted['view']!r}; choose one of {', '.join(views)}")
        config = self.models[wanted["name"]].config
        check_range("layer", wanted["layer"], config.num_hidden_layers)
        check_range("head", wanted["head"], config.num_heads_per_branch)
        check_range("position", wanted["position"], len(self.tokens))
        self.name, self.layer, self.head, self.position, self.view = wanted.values()

    def mask(self, position: int, masked: bool = True) -> None:
        """Put [MASK] in the place of a token, or the token back.

        Raises ValueError for a position that is not there, and where the tokenizer has no [MASK].
        """
        check_range("position", position, len(self.words))
        if self.tokenizer.mask_token is None:
            raise ValueError(
                "this tokenizer has no mask_token; take one that has, or leave the tokens as they are"
            )
        (self.masked.add if masked else self.masked.discard)(position)
        self._results = {}

    def switch(self, branch: str, head: int, layer: int | None = None, on: bool = False) -> None:
        """Switch a head off, so that its output is zero, or on again; in the chosen layer, where none is named.

        branch: "attention" or "convolution". All models are without it. Raises ValueError for a head that the chosen
        model does not have.
        """
        config, layer = self.models[self.name].config, self.layer if layer is None else layer
        if branch not in self.branches:
            raise ValueError(f"branch is {branch!r}; choose one of {', '.join(self.branches)}")
        check_range("layer", layer, config.num_hidden_layers)
        check_range("head", head, config.num_heads_per_branch)
        (self.off.discard if on else self.off.add)((layer, branch, head))
        self._results = {}

    def all_on(self) -> None:
        """Put all tokens back and switch all heads on."""
        self.masked, self.off, self._results = set(), set(), {}

    def result(self) -> ModelOutput:
        """Return what the chosen model gives, its internals included; each model reads a text once."""
        if self.name not in self._results:
            model = self.models[self.name]
            encoder = getattr(model, "encoder", model)
            # Multiple choice reads several texts at once; of one text only the encoder can say something.
            reader = encoder if hasattr(model, "choice_scorer") else model
            # Copies: the text itself stays on the CPU, where `_answers` looks for the passage.
            batch = {name: value.to(model.device, copy=True) for name, value in self.batch.items()}
            for position in self.masked:
                batch["input_ids"][0, position] = self.tokenizer.mask_token_id
            with torch.no_grad(), heads_multiplied(encoder, *self._factors(model.device)):
                self._results[self.name] = reader(**batch, output_attentions=True, output_conv_kernels=True)
        return self._results[self.name]

    def _factors(self, device: torch.device) -> list[Tensor | None]:
        """Return for each kind of heads 0 where one is off and 1 elsewhere [layers, heads]; None for a missing kind.

        Heads that are off and that the chosen model does not have are passed over.
        """
        config = self.models[self.name].config
        size = (config.num_hidden_layers, config.num_heads_per_branch)
        factors = {branch: torch.ones(size, device=device) for branch in self.branches}
        for layer, branch, head in self.off:
            if branch in factors and layer < size[0] and head < size[1]:
                factors[branch][layer, head] = 0
        return [factors.get(branch) for branch in BRANCHES]

    def prediction(self, position: int | None = None) -> Prediction | None:
        """Return what the chosen model predicts, at a position where its head scores tokens; None without a head.

        A title, and answers with their probabilities, the likeliest first (in a regression one value).
        """
        position = self.position if position is None else position
        result, config, token = self.result(), self.models[self.name].config, self.tokens[position]
        labels = list(config.id2label.values())
        if isinstance(result, MaskedLMOutput):
            # A vocabulary may have been made longer than the tokenizer's, to a round number.
            best = result.logits[0, position].softmax(-1)[: len(self.tokenizer)].topk(5)
            tokens = self.tokenizer.convert_ids_to_tokens(best.indices.tolist())
            return f"What fits where {token!r} stands", list(zip(tokens, best.values.tolist(), strict=True))
        if isinstance(result, PreTrainingOutput):
            replaced = result.logits[0, position].sigmoid().item()
            return f"Was {token!r} replaced?", [("replaced", replaced), ("original", 1 - replaced)]
        if isinstance(result, TokenClassifierOutput):
            return f"The label of {token!r}", likeliest(result.logits[0, position].softmax(-1), labels)
        if isinstance(result, SequenceClassifierOutput):
            problem = problem_of_head(config)
            if problem == REGRESSION:
                return "The value of the text", [("value", result.logits[0, 0].item())]
            several = problem == MULTI_LABEL
            probs = result.logits[0].sigmoid() if several else result.logits[0].softmax(-1)
            return f"The {'labels' if several else 'class'} of the text", likeliest(probs, labels)
        if isinstance(result, QuestionAnsweringOutput):
            return "The answer", self._answers(result)
        return None

    def _answers(self, result: QuestionAnsweringOutput) -> list[tuple[str, float]]:
        """Return the likeliest spans of the second text, or of the only one."""
        inside = (
            self.batch["token_type_ids"][0].bool() if self.text_pair else torch.ones(len(self.words)).bool()
        )
        inside &= torch.tensor([word not in self.tokenizer.all_special_tokens for word in self.words])
        first, last = (
            logits[0].cpu().masked_fill(~inside, -torch.inf).softmax(-1)
            for logits in (result.start_logits, result.end_logits)
        )
        spans = (first[:, None] * last).triu().tril(MAX_ANSWER_LENGTH - 1)
        best = spans.flatten().topk(min(3, spans.numel()))
        pairs = [divmod(at, len(self.words)) for at in best.indices.tolist()]
        ids = self.batch["input_ids"][0]
        texts = [self.tokenizer.decode(ids[start : end + 1].tolist()) for start, end in pairs]
        return list(zip(texts, best.values.tolist(), strict=True))

    def figure(self) -> Figure:
        """Draw what is chosen."""
        if self.view == VIEWS[1]:
            return plot_attention_grid(self.result(), self.tokens)
        if self.view == VIEWS[2]:
            return plot_kernels_grid(self.result(), self.tokens)
        return plot_token(self.result(), self.tokens, self.position, self.layer, self.head)

    def png(self) -> tuple[str, str]:
        """Return the figure as the letters of a PNG file (base64), and its description."""
        figure, buffer = self._laid_out(), BytesIO()
        # savefig would draw everything twice: the first time to lay it out.
        figure.canvas.print_png(buffer)
        return b64encode(buffer.getvalue()).decode("ascii"), describe(figure)

    def _laid_out(self) -> Figure:
        """Draw what is chosen, where only layer or head are new into the figure of before.

        Its labels are the same then: to make them anew and find room for them would take most of the time.
        """
        labels = (self.view, self.name, self.position, *self.tokens)
        if self.view == VIEWS[0] and self._drawn and self._drawn[0] == labels:
            figure = self._drawn[1]
            draw_token(figure.axes, self.result(), self.tokens, self.position, self.layer, self.head)
            return figure
        figure = self.figure()
        figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")
        self._drawn = (labels, figure)
        return figure

    def save_html(self, path: str | os.PathLike) -> None:
        """Write a page with all layers, heads and tokens of the chosen model; it opens in any browser, without network.

        A folder that is not there is made. Raises ValueError for a text of more than 128 tokens.
        """
        if len(self.tokens) > LONGEST_PAGE:
            raise ValueError(
                f"the text has {len(self.tokens)} tokens; a page shows at most {LONGEST_PAGE}: take a shorter text"
            )
        result = self.result()
        kernels = result.conv_kernels
        page = {
            "model": self.name,
            "off": [f"{branch} head {head} of layer {layer}" for layer, branch, head in sorted(self.off)],
            "tokens": self.tokens,
            "chosen": {"layer": self.layer, "head": self.head, "position": self.position},
            "attention": [_thousandths(each[0]) for each in result.attentions],
            "kernels": None if kernels is None else [_thousandths(each[0]) for each in kernels],
            "predictions": [self.prediction(at) for at in range(len(self.tokens))],
        }
        # "<" as an escape, so that no token can end the script or begin another.
        data = json.dumps(page).replace("<", "\\u003c")
        with atomic_write(path, "w") as file:
            file.write(PAGE.read_text(encoding="utf-8").replace("{{DATA}}", data))

    def __repr__(self) -> str:
        return (
            f"Explorer of {len(self.tokens)} tokens: {self.name}, layer {self.layer}, head {self.head}, "
            f"token {self.position} '{self.tokens[self.position]}'; .figure() draws it"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Give a notebook both the controls and the figure; it shows the best that it can."""
        picture, description = self.png()
        data = {"image/png": picture, "text/plain": repr(self)}
        try:
            from convbert_edu.visualize.explorer_controls import controls
        except ImportError:
            # There is no ipywidgets here.
            return data, {"image/png": {"alt": description}}
        return controls(self)._repr_mimebundle_() | data, {"image/png": {"alt": description}}


class SideBySide:
    """Two explorers beside each other, of two sentences or two models: `side_by_side(explore(...), explore(...))`."""

    def __init__(self, left: Explorer, right: Explorer) -> None:
        self.explorers = (left, right)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.explorers))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Give a notebook the controls of both, and both figures where there are no controls."""
        pictures = [explorer.png() for explorer in self.explorers]
        images = (image_tag(*each, "width:49%") for each in pictures)
        data: dict[str, Any] = {"text/html": " ".join(images), "text/plain": repr(self)}
        try:
            from convbert_edu.visualize.explorer_controls import both_controls
        except ImportError:
            return data
        return both_controls(*self.explorers)._repr_mimebundle_() | data


def side_by_side(left: Explorer, right: Explorer) -> SideBySide:
    """Show two explorers beside each other: the same word in two sentences, or one sentence in two models."""
    return SideBySide(left, right)


def likeliest(probs: Tensor, names: list[str], count: int = 5) -> list[tuple[str, float]]:
    """Return the names with the highest probabilities [names], the highest first."""
    best = probs.topk(min(count, len(names)))
    return [(names[at], prob) for prob, at in zip(best.values.tolist(), best.indices.tolist(), strict=True)]


def _thousandths(weights: Tensor) -> list:
    """Return weights as whole thousandths, which take less room in a page."""
    return (weights * 1000).round().int().tolist()
