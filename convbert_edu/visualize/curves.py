"""Training curves of several runs: their mean, and its 95% interval. Lessons 08 to 13 and 15 draw them."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t as student
from torch import Tensor

from convbert_edu.visualize.display import write_description
from convbert_edu.visualize.style import STYLE, axes_for, figure_of, part_colour

# Colour and dashes of each curve, so that colour is never the only difference.
LOOKS = (
    ("query", "-"),
    ("convolution", "--"),
    ("attention", "-."),
    ("kernel", ":"),
    ("embedding", (0, (5, 1))),
    ("span_key", (0, (3, 1, 1, 1))),
)


@rc_context(STYLE)
def plot_curves(
    curves: Mapping[str, Float[Tensor, "runs points"]],
    steps: Sequence[int] | Sequence[float],
    quantity: str = "loss",
    ax: Axes | None = None,
    title: str | None = None,
    xlabel: str = "step",
) -> Figure:
    """Draw the mean of several runs over the steps, in a band that holds the true mean in 95 of 100 cases.

    curves: by name, a row for each run (seed); the band is Student's t interval, and is left out for a single run
    steps: where on the x axis each point stands
    Draws into `ax` where given, else into a new figure, and returns the figure.
    Raises ValueError for no curves or too many, and where points and steps differ in number.
    """
    if not 1 <= len(curves) <= len(LOOKS):
        raise ValueError(f"there are {len(curves)} curves; 1 to {len(LOOKS)} can be told apart")
    ax = axes_for(ax, (6.5, 3.8))
    phrases = []
    for (name, runs), (part, dashes) in zip(curves.items(), LOOKS, strict=False):
        count, points = runs.shape
        if points != len(steps):
            raise ValueError(f"curve {name!r} has {points} points but there are {len(steps)} steps")
        runs = runs.detach().cpu().double()
        mean = runs.mean(dim=0)
        ax.plot(steps, mean.tolist(), color=part_colour(part), linestyle=dashes, label=name)
        phrases.append(f"{name} goes from {float(mean[0]):.2f} to {float(mean[-1]):.2f}")
        if count > 1:
            half = student.ppf(0.975, count - 1) * runs.std(dim=0) / count**0.5
            low, high = (mean - half).tolist(), (mean + half).tolist()
            ax.fill_between(steps, low, high, color=part_colour(part), alpha=0.25, linewidth=0)
            phrases[-1] += f" (plus or minus {float(half[-1]):.2f}, {count} runs)"
    title = title or quantity.capitalize()
    ax.set(title=title, xlabel=xlabel, ylabel=quantity)
    if len(curves) > 1:
        ax.legend()
    # "steps 0 to 600", but "share of the run 0 to 0.98".
    axis = xlabel if " " in xlabel else f"{xlabel}s"
    first, last = (f"{round(steps[end], 2)}".removesuffix(".0") for end in (0, -1))
    write_description(ax, f"{title} over {axis} {first} to {last}: {'; '.join(phrases)}.")
    return figure_of(ax)
