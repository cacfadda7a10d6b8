"""Figures of what `convbert_edu.analysis` measures: numbers of all heads by layer, receptive field, saliency.

Lesson 07 draws the measures of heads by layer; lesson 09 draws the saliency of each token.
"""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from convbert_edu.visualize.display import read_out, write_description
from convbert_edu.visualize.labels import check_range, check_tokens, label_tokens
from convbert_edu.visualize.style import (
    SEQUENTIAL_MAP,
    STYLE,
    axes_for,
    drawable,
    figure_of,
    panels_for,
    part_colour,
)

# The groups of heads differ in sign and side, too, so that colour is never the only difference.
PARTS = ("attention", "embedding", "convolution", "query")
SIGNS = ("o", "s", "^", "D")
# Powers of ten below the strongest influence that are still told apart.
FAINTEST = -6


@rc_context(STYLE)
def plot_by_layer(
    values: Mapping[str, Float[Tensor, "layers heads"]],
    quantity: str,
    ax: Axes | None = None,
    title: str | None = None,
    reference: tuple[str, float] | None = None,
    parts: Sequence[str] = PARTS,
) -> Figure:
    """Draw a sign for each head over its layer, and a line through the means, for each group of heads in `values`.

    quantity: what is measured, for the axis; reference: name and height of a dashed line to compare with
    parts: the parts of the model (see `part_colour`) whose colours the groups take, in order
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError for no group, and for more groups than there are colours or signs.
    """
    most = min(len(parts), len(SIGNS))
    if not 1 <= len(values) <= most:
        raise ValueError(f"values has {len(values)} groups; 1 to {most} can be told apart")
    ax = axes_for(ax, (6.0, 3.8))
    read = []
    for number, ((name, table), part, sign) in enumerate(zip(values.items(), parts, SIGNS, strict=False)):
        table = table.detach().cpu().float()
        shift = 0.12 * (number - (len(values) - 1) / 2)
        layers = [layer + shift for layer in range(table.shape[0])]
        for head in table.T.tolist():
            ax.plot(layers, head, sign, color=part_colour(part), alpha=0.6, markersize=6)
        means = table.mean(dim=1).tolist()
        ax.plot(layers, means, color=part_colour(part), marker=sign, markersize=3, label=name)
        read.append(f"{name}: {', '.join(f'{mean:.2f}' for mean in means)}")
    if reference is not None:
        ax.axhline(reference[1], color="black", linestyle="--", linewidth=1, label=reference[0])
        read.append(f"dashed line, {reference[0]}: {reference[1]:.2f}")
    title = title or quantity.capitalize()
    deepest = max(table.shape[0] for table in values.values())
    ax.set(title=title, xlabel="layer", ylabel=quantity, xticks=range(deepest))
    ax.margins(y=0.12)
    if len(read) > 1:
        ax.legend(loc="best")
    write_description(ax, f"{title}: mean over the heads of each layer, from layer 0 up. {'; '.join(read)}.")
    return figure_of(ax)


@rc_context(STYLE)
def plot_locality(
    distances: Mapping[str, Float[Tensor, "layers heads"]],
    masses: Mapping[str, Float[Tensor, "layers heads"]],
    window: int,
    references: tuple[float, float] | None = None,
    ax: Axes | None = None,
    parts: Sequence[str] = PARTS,
) -> Figure:
    """Draw how far heads look, by layer: their mean attended distance, and their mass inside a window.

    distances, masses: for each group of heads, such as those of two models, the two measures
    window: tokens in the window; references: distance and mass of heads that look everywhere alike
    parts: the parts of the model whose colours the groups take, in order
    With `ax` both are drawn in its place. Returns the figure. Raises ValueError as `plot_by_layer`.
    """
    left, right = panels_for(ax, 1, 2, (10.5, 3.9))[0]
    even = [None, None] if references is None else [("all tokens alike", height) for height in references]
    plot_by_layer(distances, "mean distance (tokens)", left, "How far heads look", even[0], parts)
    share = f"share inside {window} tokens"
    plot_by_layer(masses, share, right, "How much stays near", even[1], parts)
    right.set_ylim(-0.02, 1.05)
    for panel, groups in ((left, distances), (right, masses)):
        if panel.get_legend() is not None:
            _legend_below(panel, len(groups))
    return figure_of(left)


@rc_context(STYLE)
def plot_kernel_shape(
    entropies: Float[Tensor, "layers heads"],
    centres: Float[Tensor, "layers heads"],
    ax: Axes | None = None,
) -> Figure:
    """Draw the shape of the kernels by layer: their entropy (1: all words alike) and their centre of mass.

    With `ax` both are drawn in its place. Returns the figure.
    """
    left, right = panels_for(ax, 1, 2, (10.0, 3.6))[0]
    plot_by_layer(
        {"convolution heads": entropies},
        "entropy / largest",
        left,
        "How spread out kernels are",
        parts=["convolution"],
    )
    left.set_ylim(0, 1.05)
    plot_by_layer(
        {"convolution heads": centres},
        "centre of mass (tokens)",
        right,
        "To which side they lean",
        ("the word itself", 0.0),
        ["convolution"],
    )
    return figure_of(left)


def _legend_below(ax: Axes, columns: int) -> None:
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=min(2, columns), frameon=False)


@rc_context(STYLE)
def plot_receptive_field(
    influence: Float[Tensor, "layers seq"],
    tokens: Sequence[str],
    position: int,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw how strongly the vector at `position` depends on each token after each layer, on a logarithmic scale.

    influence: as `convbert_edu.analysis.receptive_field` returns it; each row is divided by its largest number.
    Grey is exactly zero: nothing arrives from there.
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and columns differ in number, or `position` is outside the sentence.
    """
    layers, length = influence.shape
    check_tokens(tokens, {"columns of influence": length})
    check_range("position", position, length)
    influence = influence.detach().cpu().float()
    shares = influence / influence.amax(dim=1, keepdim=True).clamp(min=1e-30)
    powers = shares.log10().clamp(min=FAINTEST).masked_fill(influence == 0, float("nan"))
    ax = axes_for(ax, (min(max(4.5, 0.22 * length + 2.0), 10.0), 0.35 * layers + 2.2))
    # The background shines through where the influence is zero.
    ax.set_facecolor("0.75")
    image = ax.imshow(
        powers.numpy(), cmap=SEQUENTIAL_MAP, vmin=FAINTEST, vmax=0, aspect="auto", interpolation="nearest"
    )
    ax.axvline(position - 0.5, color="black", linewidth=1)
    ax.axvline(position + 0.5, color="black", linewidth=1)
    title = title or f"What the vector of '{tokens[position]}' depends on"
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


@rc_context(STYLE)
def plot_saliency(
    saliency: Float[Tensor, " seq"],
    tokens: Sequence[str],
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one number per token as bars; those below zero point down.

    saliency: as `convbert_edu.analysis.token_saliency` returns it, or any other number per token
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError where tokens and numbers differ in number.
    """
    check_tokens(tokens, {"numbers": saliency.shape[0]})
    heights = saliency.detach().cpu().float()
    ax = axes_for(ax, (min(max(5.0, 0.3 * len(tokens) + 1.2), 10.0), 3.2))
    ax.bar(range(len(tokens)), heights.tolist(), color=part_colour("embedding"))
    ax.axhline(0, color="black", linewidth=0.8)
    title = title or "How fast the score changes with each token"
    ax.set(title=title, xlabel="token", ylabel="length of the gradient", xlim=(-0.6, len(tokens) - 0.4))
    label_tokens(ax.xaxis, tokens)
    order = heights.abs().argsort(descending=True)[:3].tolist()
    strongest = ", ".join(f"'{tokens[position]}' {float(heights[position]):.2f}" for position in order)
    write_description(ax, f"{title}: a bar for each of {read_out(tokens)}. The longest: {strongest}.")
    return figure_of(ax)
