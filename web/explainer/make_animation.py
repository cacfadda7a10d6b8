"""Take the README's moving picture of the explainer: python web/explainer/make_animation.py

Needs the page (python start.py explainer) and Chromium with its driver. Each frame is a state of the page, opened by
its address; what explains the views is left out, so that the letters stay readable.
"""

import io
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

from convbert_edu.files import atomic_write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))
# The tests' helpers can be imported only from here on.
from browser.explainer import open_page, served  # noqa: E402
from browser.lab import chromium  # noqa: E402

PAGE, PICTURE = ROOT / "build" / "explainer", HERE / "animation.gif"
TEXT = "Mix the flour, the sugar and the senators in a bowl."
# Token 9 is "senators"; each frame, and how many seconds it stays.
FRAMES = [
    ({"layer": 2, "head": 0, "token": 9}, 3),
    ({"layer": 2, "head": 0, "token": 3}, 2),
    ({"layer": 2, "head": 0, "token": 12}, 2),
    ({"layer": 1, "head": 4, "token": 12}, 2),
    ({"layer": 5, "head": 2, "token": 9}, 2),
    ({"layer": 5, "head": 2, "token": 9, "mask": 9}, 3),
]
WIDTH, HEIGHT = 1000, 1600
SHOWN = 800
# Lines that explain, and views that no frame needs.
LEFT_OUT = """
const style = document.createElement("style");
style.textContent = "header, section > p, figure p, figcaption ~ p, details, #view-text, #view-heads, #view-compare, " +
  "#view-map, footer { display: none !important } html { overflow: hidden }";
document.head.append(style);
window.scrollTo(0, 0);
"""


def take_frames() -> list[Image.Image]:
    """Return a picture of each state, all of one size."""
    frames = []
    with tempfile.TemporaryDirectory() as scratch, served(PAGE) as address, chromium(Path(scratch)) as driver:
        driver.set_window_size(WIDTH, HEIGHT)
        for state, _ in FRAMES:
            open_page(driver, f"{address}/#{urlencode({'text': TEXT, **state})}")
            driver.execute_script(LEFT_OUT)
            frames.append(Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB"))
        bottom = driver.execute_script(
            "return document.getElementById('view-prediction').getBoundingClientRect().bottom"
        )
    height = min(int(bottom) + 8, frames[0].height)
    size = (SHOWN, round(height * SHOWN / frames[0].width))
    return [frame.crop((0, 0, frame.width, height)).resize(size, Image.LANCZOS) for frame in frames]


def main() -> None:
    """Write the picture."""
    if not (PAGE / "index.html").is_file():
        raise SystemExit(f"{PAGE} has no page; build it first: python start.py explainer")
    first, *others = (frame.quantize(64, dither=Image.Dither.NONE) for frame in take_frames())
    durations = [1000 * seconds for _, seconds in FRAMES]
    with atomic_write(PICTURE) as file:
        first.save(file, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
    print(f"wrote {PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
