"""The controls of the explorer (lesson 07): text fields, lists and buttons of ipywidgets, which need no network."""

import html
from typing import Any

import ipywidgets
from ipywidgets import HTML, Button, Dropdown, HBox, Layout, Text, ToggleButton, ToggleButtons, VBox

from convbert_edu.visualize.coloured_tokens import CARD, colour_tokens
from convbert_edu.visualize.display import image_tag


def controls(explorer: Any) -> ipywidgets.Widget:
    """Return controls that show what an `Explorer` has chosen, and let it choose anew."""
    return _Controls(explorer).box


def both_controls(left: Any, right: Any) -> ipywidgets.Widget:
    """Return the controls of two explorers beside each other."""
    boxes = [controls(explorer) for explorer in (left, right)]
    for box in boxes:
        box.layout.width = "50%"
    return HBox(boxes)


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
        self.view = Dropdown(description="picture")
        self.token = ToggleButtons(style={"button_width": "auto"})
        self.mask = ToggleButton(description="mask this token")
        self.off = {
            branch: ToggleButton(description=f"{branch} head off", layout=Layout(width="14em"))
            for branch in explorer.kinds_of_heads
        }
        self.restore = Button(description="everything on again")
        self.notice, self.picture, self.sentence, self.prediction = HTML(), HTML(), HTML(), HTML()
        self.picture.add_class("convbert-explorer")
        # While options change, their values jump about and must not be followed.
        self.busy = False
        for widget in (self.text, self.pair):
            widget.observe(self._read, names="value")
        for widget in (self.model, self.layer, self.head, self.token, self.view):
            widget.observe(self._choose, names="value")
        for widget in (self.mask, *self.off.values()):
            widget.observe(self._switch, names="value")
        self.restore.on_click(self._restore)
        self.box = VBox(
            [
                self.text,
                self.pair,
                HBox([self.model, self.layer, self.head, self.view], layout=Layout(flex_flow="row wrap")),
                self.token,
                HBox([self.mask, *self.off.values(), self.restore], layout=Layout(flex_flow="row wrap")),
                self.notice,
                self.prediction,
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
        """Follow another model, layer, head or token. Another model may have fewer layers, heads and pictures."""
        if self.busy:
            return
        explorer, config = self.explorer, self.explorer.models[self.model.value].config
        views = explorer.views_of(self.model.value)
        explorer.choose(
            name=self.model.value,
            layer=min(self.layer.value, config.num_hidden_layers - 1),
            head=min(self.head.value, config.num_heads_per_branch - 1),
            position=self.token.value,
            view=self.view.value if self.view.value in views else views[0],
        )
        self._show()

    def _switch(self, change: Any) -> None:
        """Mask the chosen token, or switch the chosen heads off, as the buttons say."""
        if self.busy:
            return
        explorer = self.explorer
        explorer.mask(explorer.position, self.mask.value)
        for branch in explorer.branches:
            explorer.switch(branch, explorer.head, on=not self.off[branch].value)
        self._show()

    def _restore(self, button: Any) -> None:
        """Show all tokens and switch all heads on."""
        self.explorer.all_on()
        self._show()

    def _config(self) -> Any:
        return self.explorer.models[self.explorer.name].config

    def _show(self) -> None:
        """Bring controls and pictures in line with what the explorer has chosen."""
        explorer, config = self.explorer, self._config()
        self.busy = True
        _offer(self.layer, range(config.num_hidden_layers), explorer.layer)
        _offer(self.head, range(config.num_heads_per_branch), explorer.head)
        _offer(self.token, [(token, at) for at, token in enumerate(explorer.tokens)], explorer.position)
        _offer(self.view, explorer.views_of(explorer.name), explorer.view)
        self.mask.value = explorer.position in explorer.masked
        for branch, button in self.off.items():
            button.value = (explorer.layer, branch, explorer.head) in explorer.off
            button.disabled = branch not in explorer.branches
        self.busy = False
        self.picture.value = image_tag(*explorer.png(), "max-width:100%")
        self.notice.value = html.escape(
            "; ".join(filter(None, (explorer.notice, _switched_off(explorer.off))))
        )
        self.prediction.value = _table(explorer.prediction())
        row = explorer.result().attentions[explorer.layer][0, explorer.head, explorer.position]
        title = f"Attention of '{explorer.tokens[explorer.position]}' (hold the pointer over a token for its weight)"
        self.sentence.value = colour_tokens(row, explorer.tokens, title)._repr_html_()


def _switched_off(off: Any) -> str:
    places = [f"{branch} head {head} of layer {layer}" for layer, branch, head in sorted(off)]
    return f"switched off: {', '.join(places)}" if places else ""


def _table(prediction: Any) -> str:
    """Return a prediction as a small table; nothing for a model without a head."""
    if prediction is None:
        return ""
    title, answers = prediction
    rows = "".join(
        f'<tr><td style="padding-right:1em"><bdi>{html.escape(name)}</bdi></td><td>{value:.3f}</td></tr>'
        for name, value in answers
    )
    return f'<div style="{CARD};line-height:1.5"><b>{html.escape(title)}</b><table>{rows}</table></div>'


def _offer(widget: Dropdown | ToggleButtons, options: Any, value: Any) -> None:
    """Set options and value of a list; options that are there already are not sent to the browser again."""
    if tuple(options) != tuple(widget.options):
        widget.options = tuple(options)
    widget.value = value
