"""The controls of the explorer (lesson 07): text fields, lists and buttons of ipywidgets, which need no network."""

import html
from typing import Any

import ipywidgets
from ipywidgets import HTML, Dropdown, HBox, Layout, Text, ToggleButtons, VBox

from convbert_edu.visualize.coloured_tokens import colour_tokens


def controls(explorer: Any) -> ipywidgets.Widget:
    """Return controls that show what an `Explorer` has chosen, and let it choose anew."""
    return _Controls(explorer).box


class _Controls:
    def __init__(self, explorer: Any) -> None:
        self.explorer = explorer
        wide, narrow = Layout(width="98%"), Layout(width="12em")
        # A text counts when it is finished (Enter, or a click elsewhere), not letter by letter.
        self.text = Text(explorer.text, description="text", continuous_update=False, layout=wide)
        self.pair = Text(
            explorer.text_pair or "",
            description="second text",
            placeholder="(none)",
            continuous_update=False,
            layout=wide,
        )
        self.model = Dropdown(options=list(explorer.models), value=explorer.name, description="model")
        self.layer = Dropdown(description="layer", layout=narrow)
        self.head = Dropdown(description="head", layout=narrow)
        self.token = ToggleButtons(style={"button_width": "auto"})
        self.notice, self.picture, self.sentence = HTML(), HTML(), HTML()
        self.picture.add_class("convbert-explorer")
        # While options change, their values jump about and must not be followed.
        self.busy = False
        for widget in (self.text, self.pair):
            widget.observe(self._read, names="value")
        for widget in (self.model, self.layer, self.head, self.token):
            widget.observe(self._choose, names="value")
        self.box = VBox(
            [
                self.text,
                self.pair,
                HBox([self.model, self.layer, self.head], layout=Layout(flex_flow="row wrap")),
                self.token,
                self.notice,
                self.picture,
                self.sentence,
            ]
        )
        self._show()

    def _read(self, change: Any) -> None:
        """Follow a new text; an empty one leaves the picture as it is, and says so."""
        try:
            self.explorer.read(self.text.value, self.pair.value)
        except ValueError as error:
            self.notice.value = html.escape(str(error))
            return
        self._show()

    def _choose(self, change: Any) -> None:
        """Follow another model, layer, head or token. Another model may have fewer layers and heads."""
        if self.busy:
            return
        explorer, config = self.explorer, self.explorer.models[self.model.value].config
        explorer.choose(
            name=self.model.value,
            layer=min(self.layer.value, config.num_hidden_layers - 1),
            head=min(self.head.value, config.num_heads_per_branch - 1),
            position=self.token.value,
        )
        self._show()

    def _show(self) -> None:
        """Bring controls and pictures in line with what the explorer has chosen."""
        explorer, config = self.explorer, self.explorer.models[self.explorer.name].config
        self.busy = True
        _offer(self.layer, range(config.num_hidden_layers), explorer.layer)
        _offer(self.head, range(config.num_heads_per_branch), explorer.head)
        _offer(self.token, [(token, at) for at, token in enumerate(explorer.tokens)], explorer.position)
        self.busy = False
        picture, description = explorer.png()
        self.notice.value = html.escape(explorer.notice)
        source, alt = f"data:image/png;base64,{picture}", html.escape(description)
        self.picture.value = f'<img src="{source}" alt="{alt}" style="max-width:100%">'
        row = explorer.result().attentions[explorer.layer][0, explorer.head, explorer.position]
        title = f"Attention of '{explorer.tokens[explorer.position]}' (hold the pointer over a token for its weight)"
        self.sentence.value = colour_tokens(row, explorer.tokens, title)._repr_html_()


def _offer(widget: Dropdown | ToggleButtons, options: Any, value: int) -> None:
    """Set options and value of a list; options that are there already are not sent to the browser again."""
    if tuple(options) != tuple(widget.options):
        widget.options = tuple(options)
    widget.value = value
