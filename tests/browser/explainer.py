"""The explainer's page in a browser: served for one test run, asked for its numbers, and what Python says to them."""

import base64
import functools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from selenium import webdriver

OUTPUTS = ("logits", "replaced_logits", "attentions", "conv_kernels")
# A busy machine is slow.
WAIT_SECONDS = 240

# Words, and what tokenizers stumble over: joined emoji, marks, control characters, letters of many kinds.
WORDS = (
    "the river bank can open a tin Café naïve ÉCOLE résumé İstanbul straße ﬁne ½ don't e-mail 3.14 $5 [MASK] ΟΔΟΣ ##ing"
).split()
PIECES = [
    *"\u200d\u0301\u200b\x07\t\n\u00a0\ufeff\u202e\u2028\u3000\U000111c9\ufffd",
    *"aé日本עשकि𠀀𫝆ǅ§¿—…'-,",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "שלום עולם ",
    "مرحبا بالعالم ",
]

RUN = """
const [text, options, done] = arguments;
const pack = (data) => {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let letters = "";
  for (let start = 0; start < bytes.length; start += 32768)
    letters += String.fromCharCode(...bytes.subarray(start, start + 32768));
  return btoa(letters);
};
import("convbert-explainer/main.js").then(async (page) => {
  const { ids, tokens, result } = await page.runText(text, options);
  done({ ids, tokens, raw: Object.fromEntries(Object.entries(result.raw).map(([name, data]) => [name, pack(data)])) });
}).catch((error) => done({ error: String(error) }));
"""
TOKENS = """
const [texts, done] = arguments;
import("convbert-explainer/main.js").then((page) => done(texts.map((text) => page.readTokens(text).ids)));
"""


class Handler(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as `python -m http.server` does; yield its address."""
    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def wait_until(driver: webdriver.Chrome, condition: str) -> Any:
    """Wait until a JavaScript expression is true in the page, and return its value."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        value = driver.execute_script(f"return {condition};")
        if value:
            return value
        time.sleep(0.05)
    seen = driver.execute_script("return document.body.innerText.slice(0, 2000);")
    raise TimeoutError(f"not within {WAIT_SECONDS} s: {condition}\nThe page says:\n{seen}")


def open_page(
    driver: webdriver.Chrome, address: str, expects: str = "document.body.dataset.computed"
) -> None:
    """Open the page anew, also where only the part after # differs, and wait until it has computed something."""
    driver.get("about:blank")
    driver.get(address)
    wait_until(driver, expects)


def run_in_page(
    driver: webdriver.Chrome, text: str, masked: Sequence[int] = (), off: Sequence[str] = ()
) -> tuple[list[int], dict[str, np.ndarray]]:
    """Return the ids that the page reads in a text, and what the model gives there: flat float32 arrays by name."""
    found = driver.execute_async_script(RUN, text, {"masked": list(masked), "off": list(off)})
    assert "error" not in found, found
    return found["ids"], {
        name: np.frombuffer(base64.b64decode(data), np.float32) for name, data in found["raw"].items()
    }


def run_in_python(
    session: onnxruntime.InferenceSession, ids: Sequence[int], off: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Return the same from onnxruntime in Python."""
    row = np.array([list(ids)], np.int64)
    shapes = {each.name: each.shape for each in session.get_inputs()}
    heads = {name: np.ones(shapes[name], np.float32) for name in ("attention_heads", "convolution_heads")}
    for name in off:
        layer, head = map(int, name[1:].split("."))
        heads["attention_heads" if name[0] == "a" else "convolution_heads"][layer, head] = 0
    feed = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), feed | heads), strict=True))


def tokens_in_page(driver: webdriver.Chrome, texts: Sequence[str]) -> list[list[int]]:
    """Return the ids that the page reads in each text."""
    return driver.execute_async_script(TOKENS, list(texts))


def hostile_texts(count: int, seed: int = 0) -> list[str]:
    """Return texts of words, of any characters that there are, and of what tokenizers stumble over."""
    draw = random.Random(seed)

    def text() -> str:
        kind = draw.randrange(4)
        if kind == 0:
            return " ".join(draw.choices(WORDS, k=draw.randrange(1, 15)))
        if kind == 1:
            return "".join(chr(draw.randrange(0x20, 0x3000)) for _ in range(draw.randrange(1, 40)))
        if kind == 2:
            codes = (draw.randrange(1, 0x110000) for _ in range(30))
            return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
        return "".join(
            draw.choice((draw.choice(PIECES), draw.choice(WORDS))) for _ in range(draw.randrange(1, 20))
        )

    return [text() for _ in range(count)]
