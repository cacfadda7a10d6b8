"""Looking around in a model by hand: choose a sentence, a layer, a head and a token, and see them at once.

Lesson 07 uses it.
"""

import warnings
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import torch
from matplotlib.figure import Figure

from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.outputs import EncoderOutput
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.visualize.display import describe
from convbert_edu.visualize.labels import check_range
from convbert_edu.visualize.mixed_attention import plot_token


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

    model: one model, or several by name to switch between, such as a pretrained, a random and a fine-tuned one
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

    def __init__(self, models: dict[str, PretrainedModel], tokenizer: ConvBertTokenizer) -> None:
        if not models:
            raise ValueError("model is an empty dictionary; give at least one model")
        for name, model in models.items():
            if model.training:
                raise ValueError(f"{name!r} is in training mode, so dropout is on; call .eval() on it first")
        self.models, self.tokenizer = models, tokenizer
        self.name = next(iter(models))
        self.layer = self.head = self.position = 0
        # What the reader should know about the text.
        self.notice = ""

    def read(self, text: str, text_pair: str | None = None) -> None:
        """Take another text, or pair of texts. Raises ValueError where there is no word in it."""
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
        self.tokens = self.batch.tokens()
        self.position = min(self.position, len(self.tokens) - 1)
        self._results: dict[str, EncoderOutput] = {}

    def choose(self, **choices: str | int) -> None:
        """Choose name, layer, head or position. Raises ValueError for what there is not; then nothing is changed."""
        wanted = {
            "name": self.name,
            "layer": self.layer,
            "head": self.head,
            "position": self.position,
        } | choices
        if wanted["name"] not in self.models:
            raise ValueError(f"there is no model {wanted['name']!r}; choose one of {', '.join(self.models)}")
        config = self.models[wanted["name"]].config
        check_range("layer", wanted["layer"], config.num_hidden_layers)
        check_range("head", wanted["head"], config.num_heads_per_branch)
        check_range("position", wanted["position"], len(self.tokens))
        self.name, self.layer, self.head, self.position = wanted.values()

    def result(self) -> EncoderOutput:
        """Return what goes on inside the chosen model; each model reads a text once."""
        if self.name not in self._results:
            model = self.models[self.name]
            encoder = getattr(model, "encoder", model)
            with torch.no_grad():
                self._results[self.name] = encoder(
                    **self.batch.to(model.device), output_attentions=True, output_conv_kernels=True
                )
        return self._results[self.name]

    def figure(self) -> Figure:
        """Draw what is chosen."""
        return plot_token(self.result(), self.tokens, self.position, self.layer, self.head)

    def png(self) -> tuple[str, str]:
        """Return the figure as the letters of a PNG file (base64), and its description."""
        figure, buffer = self.figure(), BytesIO()
        figure.get_layout_engine().execute(figure)
        # It is laid out once: savefig would do it again, and double the time.
        figure.set_layout_engine("none")
        figure.savefig(buffer, format="png")
        return b64encode(buffer.getvalue()).decode("ascii"), describe(figure)

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
