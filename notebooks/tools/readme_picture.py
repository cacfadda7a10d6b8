"""Take the README's picture out of lesson 03, so that it is the one that the lesson made.

python notebooks/tools/readme_picture.py
"""

import base64
from pathlib import Path

import nbformat

from convbert_edu.files import atomic_write

NOTEBOOKS = Path(__file__).resolve().parents[1]
LESSON = NOTEBOOKS / "03_span_based_dynamic_convolution.ipynb"
PICTURE = NOTEBOOKS / "images" / "kernels_of_can.png"
BEGINNING = "Trained kernels of the word 'can' as bars"  # of the figure's description


def find_picture() -> bytes:
    """Return the PNG whose description begins as BEGINNING says; raises ValueError where there is none."""
    for cell in nbformat.read(LESSON, as_version=4).cells:
        for output in cell.get("outputs", []):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            if alt.startswith(BEGINNING):
                return base64.b64decode(output["data"]["image/png"])
    raise ValueError(f"no figure of {LESSON.name} has a description that begins with {BEGINNING!r}")


if __name__ == "__main__":
    with atomic_write(PICTURE) as file:
        file.write(find_picture())
