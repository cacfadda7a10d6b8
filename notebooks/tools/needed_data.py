"""Which lessons need more than `make setup` fetches; a run without a network leaves them out and says so."""

import functools

from convbert_edu.extras.bert_checkpoint import find_bert

# The lesson, what it needs, and how large that is.
NEEDS = {"16_from_bert_to_convbert": ("minilm", "84 MB")}


@functools.cache
def why_left_out(lesson: str) -> str:
    """Return why the lesson of this name (without .ipynb) cannot be run here; nothing where it can.

    What it needs is fetched, once, if it is not there yet.
    """
    if lesson not in NEEDS:
        return ""
    name, size = NEEDS[lesson]
    try:
        find_bert(name)
    except ConnectionError as error:
        return f"lesson {lesson} is left out: it needs {name!r} ({size}), and {error}"
    return ""
