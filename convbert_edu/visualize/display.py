"""Showing figures and source code in a notebook so that everyone can read them: all lessons, from 00 on, use `show`.

Each figure of this package carries a description in words, written from the numbers that it draws.
"""

import html
import inspect
import io
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PACKAGE_FOLDER = Path(__file__).parent.parent
# Tokens that are read out one by one.
LONGEST_LIST = 12


def show(fig: Figure, alt: str | None = None) -> None:
    """Show a figure once, as an opaque PNG, with `alt` as its description in words; then close it.

    A figure of this package brings its own description (see `describe`), which stands where no `alt` is given.

    The description is stored with the picture for programs that read alternative texts, and stands folded up
    below it for everyone else, because JupyterLab drops alternative texts of pictures made by code.
    Outside a notebook only the figure is closed. Raises ValueError when `alt` is empty, or missing and nobody knows
    what the figure shows.
    """
    if alt is None:
        alt = describe(fig)
    if not alt.strip():
        raise ValueError(
            f"alt is {alt!r}; describe in a sentence what the figure shows, for those who cannot see it"
        )
    if _in_notebook():
        from IPython.display import HTML, display

        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", facecolor="white", transparent=False, bbox_inches="tight")
        picture = {"image/png": b64encode(buffer.getvalue()).decode("ascii"), "text/plain": alt}
        display(picture, raw=True, metadata={"image/png": {"alt": alt}})
        display(HTML(f"<details><summary>The figure in words</summary>{html.escape(alt)}</details>"))
    # Otherwise the notebook would show it a second time at the end of the cell.
    plt.close(fig)


def describe(fig: Figure) -> str:
    """Return a figure in words, for those who cannot see it: what is drawn, and the numbers that stand out.

    Raises ValueError for a figure that was not drawn by this package.
    """
    texts = [getattr(ax, "convbert_description", "") for ax in fig.axes]
    if not any(texts):
        raise ValueError(
            "this figure was not drawn by convbert_edu.visualize, so nobody knows what it shows; describe it "
            'yourself: show(fig, alt="...")'
        )
    return " ".join(text for text in texts if text)


def write_description(ax: Axes, text: str) -> None:
    """Keep `text` as the description of what is drawn in `ax`."""
    ax.convbert_description = text


def read_out(tokens: Sequence[str]) -> str:
    """Return tokens as a phrase: all of a short sentence, the beginning and the end of a long one."""
    if len(tokens) <= LONGEST_LIST:
        return f"{len(tokens)} {'token' if len(tokens) == 1 else 'tokens'} ({' '.join(tokens)})"
    return f"{len(tokens)} tokens ({' '.join(tokens[:4])} ... {' '.join(tokens[-2:])})"


def show_source(thing: type | Callable) -> None:
    """Show the source of a class or function of this package under the name of its file.

    Shown, not pasted: the lesson cannot drift away from the package. Outside a notebook it is printed.
    Raises ValueError when `thing` is not defined in this package.
    """
    thing = inspect.unwrap(thing)
    path = Path(inspect.getsourcefile(thing) or "")
    if PACKAGE_FOLDER not in path.parents:
        raise ValueError(f"{thing!r} is not defined in convbert_edu; give a class or function of the package")
    name = f"convbert_edu/{path.relative_to(PACKAGE_FOLDER).as_posix()}"
    source = inspect.getsource(thing).rstrip()
    if _in_notebook():
        from IPython.display import display

        shown = {
            "text/markdown": f"`{name}`\n\n```python\n{source}\n```",
            "text/plain": f"{name}\n\n{source}",
        }
        display(shown, raw=True)
    else:
        print(f"{name}\n\n{source}")


def _in_notebook() -> bool:
    """Say whether IPython runs this code, without importing IPython where it does not."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
