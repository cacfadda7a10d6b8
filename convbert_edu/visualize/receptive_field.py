"""How far a vector hears: its dependence on every token, layer by layer."""

from collections.abc import Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.canvas import axes_for, figure_of
from convbert_edu.visualize.description import read_out, write_description
from convbert_edu.visualize.fonts import drawable
from convbert_edu.visualize.labels import check_tokens, label_tokens
from convbert_edu.visualize.style import SEQUENTIAL_MAP, STYLE

FAINTEST = -6  # powers of ten below the strongest influence that are still told apart


@rc_context(STYLE)
def plot_receptive_field(
    influence: Float[Tensor, "layers seq"],
    tokens: Sequence[str],
    place: int,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw how strongly the vector at `place` depends on each token after each layer, on a logarithmic scale.

    influence: as `convbert_edu.analysis.receptive_field` returns it; each row is divided by its largest number.
    Grey is exactly zero: nothing arrives from there.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and columns differ in number, or `place` is outside the sentence.
    """
    layers, length = influence.shape
    check_tokens(tokens, {"columns of influence": length})
    if not 0 <= place < length:
        raise ValueError(f"place is {place}; it must be 0 to {length - 1}")
    influence = influence.detach().cpu().float()
    shares = influence / influence.amax(dim=1, keepdim=True).clamp(min=1e-30)
    powers = shares.log10().clamp(min=FAINTEST).masked_fill(influence == 0, float("nan"))
    ax = axes_for(ax, (min(max(4.5, 0.22 * length + 2.0), 10.0), 0.35 * layers + 2.2))
    ax.set_facecolor("0.75")  # shines through where the influence is zero
    image = ax.imshow(
        powers.numpy(), cmap=SEQUENTIAL_MAP, vmin=FAINTEST, vmax=0, aspect="auto", interpolation="nearest"
    )
    ax.axvline(place - 0.5, color="black", linewidth=1)
    ax.axvline(place + 0.5, color="black", linewidth=1)
    title = title or f"What the vector of '{tokens[place]}' depends on"
    ax.set(title=drawable([title])[0], xlabel="token", ylabel="after layer", yticks=range(layers))
    figure_of(ax).colorbar(image, ax=ax, label="influence, powers of 10")
    label_tokens(ax.xaxis, tokens)
    reached = (influence > 0).sum(dim=1).tolist()
    write_description(
        ax,
        f"{title}: a row for each layer, a column for each of {read_out(tokens)}. From layer 0 up it depends on "
        f"{', '.join(map(str, reached))} of {length} tokens.",
    )
    return figure_of(ax)
