"""The explainer (web/explainer) with its real model: is it right, and is it quick?

Needs the page (python start.py explainer) and Chromium with its driver. Compared with Python on the same files: logits,
maps and kernels of sentences with hostile Unicode, some with masked tokens and with heads switched off; the tokens of
many such texts; and how often 16 and 8 bits name the same most probable token as float32 at masked words of held-out
text. Timed in the browser, on one thread: from opening the page to the first result, in a fresh browser each time, and
from a key to the new result. The processor time of the page stands beside both, which a busy machine changes less.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import onnxruntime
import torch
from selenium import webdriver

from common import write_json
from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.pretraining.documents import pretraining_texts

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
# The tests' helpers can be imported only from here on.
from browser.explainer import (  # noqa: E402
    OUTPUTS,
    hostile_texts,
    open_page,
    run_in_page,
    run_in_python,
    served,
    tokens_in_page,
    wait_until,
)
from browser.lab import chromium  # noqa: E402

# As `masked_passages` cuts them: as many tokens as an edit is timed with.
LENGTH = 32
WORD = "paper"
EDIT = """
const [text, done] = arguments;
const box = document.getElementById("text");
const start = performance.now();
performance.clearMarks("computed");
box.value = text;
box.dispatchEvent(new InputEvent("input", { bubbles: true }));
const wait = () => {
  const mark = performance.getEntriesByName("computed").at(-1);
  if (mark) done(mark.startTime - start);
  else setTimeout(wait, 2);
};
wait();
"""


@click.command()
@click.option("--model", default="convbert-mini", show_default=True, help="What the page was built with.")
@click.option(
    "--page",
    default=ROOT / "build" / "explainer",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the page; else build/explainer.",
)
@click.option("--sentences", default=200, show_default=True, help="Compared with Python.")
@click.option("--texts", default=2000, show_default=True, help="Whose tokens are compared.")
@click.option("--words", default=500, show_default=True, help="Masked, one in a passage.")
@click.option("--repeats", default=5, show_default=True, help="Timed openings of the page.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(
    model: str, page: Path, sentences: int, texts: int, words: int, repeats: int, output: str | None
) -> None:
    """Compare and time the explainer."""
    tokenizer = ConvBertTokenizer.from_pretrained(model)
    results: dict[str, object] = {}
    with served(page) as address:
        for weights in ("float16", "int8"):
            with fresh_browser() as driver:
                open_page(driver, f"{address}/index.html#weights={weights}")
                session = onnxruntime.InferenceSession(page / f"model-{weights}.onnx")
                results[f"largest difference, {weights}"] = differences(driver, session, sentences)
        with fresh_browser() as driver:
            open_page(driver, f"{address}/index.html")
            results["other tokens"] = other_tokens(driver, tokenizer, texts)
        for weights in ("float16", "int8"):
            results[f"milliseconds, {weights}"] = times(f"{address}/index.html#weights={weights}", repeats)
    results["same top token"] = same_top_token(model, tokenizer, page, words)
    print(json.dumps(results, indent=2))
    if output:
        write_json(output, results)


class fresh_browser:
    """A headless Chromium with an empty cache."""

    def __enter__(self) -> webdriver.Chrome:
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.browser = chromium(Path(self.folder.name))
        driver = self.browser.__enter__()
        driver.set_script_timeout(600)
        return driver

    def __exit__(self, *reason: object) -> None:
        self.browser.__exit__(*reason)
        self.folder.cleanup()


def differences(
    driver: webdriver.Chrome, session: onnxruntime.InferenceSession, count: int
) -> dict[str, float]:
    """Return for each output the largest difference between the page and Python, over `count` sentences."""
    layers, heads = session.get_inputs()[3].shape
    largest = dict.fromkeys(OUTPUTS, 0.0)
    for number, text in enumerate(hostile_texts(count, seed=1)):
        off = (
            [f"a{number % layers}.{number % heads}", f"c{(number + 1) % layers}.0"] if number % 3 == 0 else []
        )
        ids, found = run_in_page(driver, text, masked=[1] if number % 2 else [], off=off)
        for name, expected in run_in_python(session, ids, off).items():
            difference = float(np.abs(found[name] - expected.ravel()).max())
            largest[name] = max(largest[name], difference)
    return largest


def other_tokens(driver: webdriver.Chrome, tokenizer: ConvBertTokenizer, count: int) -> dict[str, int]:
    """Return how many texts have other tokens in the page than in the package; the page cuts them after 128."""
    texts = hostile_texts(count, seed=2)
    found = tokens_in_page(driver, texts)
    expected = [ids if len(ids) <= 128 else [*ids[:127], ids[-1]] for ids in tokenizer(texts)["input_ids"]]
    other = sum(page != package for page, package in zip(found, expected, strict=True))
    return {"texts": count, "with other tokens": other}


def times(address: str, repeats: int) -> dict[str, float]:
    """Return medians and worst times: of opening the page, and of edits at 32 tokens."""
    first, edits, of_first, of_edits = [], [], [], []
    text = " ".join([WORD] * (LENGTH - 2))
    for _ in range(repeats):
        with fresh_browser() as driver:
            open_page(driver, address)
            first.append(wait_until(driver, "performance.getEntriesByName('computed')[0]?.startTime"))
            of_first.append(processor_milliseconds(driver))
            driver.execute_async_script(EDIT, text)
            for number in range(4):
                # Another word in the middle each time.
                edited = text.replace(f"{WORD} {WORD}", f"{WORD} {('tin', 'can', 'open', 'bank')[number]}", 1)
                before = processor_milliseconds(driver)
                edits.append(driver.execute_async_script(EDIT, edited))
                of_edits.append(processor_milliseconds(driver) - before)
            assert f"{LENGTH} tokens" in driver.find_element("id", "status").text
    return {
        "first result, median": statistics.median(first),
        "first result, worst": max(first),
        "edit, median": statistics.median(edits),
        "edit, worst": max(edits),
        "first result, processor time, median": statistics.median(of_first),
        "edit, processor time, median": statistics.median(of_edits),
    }


def processor_milliseconds(driver: webdriver.Chrome) -> float:
    """Return the processor time of the page's process so far, all of its threads together."""
    driver.execute_cdp_cmd("Performance.enable", {})
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(each["value"] for each in metrics if each["name"] == "ProcessTime")


def masked_passages(tokenizer: ConvBertTokenizer, count: int) -> list[tuple[list[int], int]]:
    """Return ids of held-out passages of 32 tokens, and in each the position of one masked token."""
    draw = np.random.default_rng(0)
    passages: list[tuple[list[int], int]] = []
    documents = list(pretraining_texts("test"))
    # Spread over reviews, articles and countries; some documents are too short.
    for text in documents[:: max(1, len(documents) // (2 * count))]:
        ids = tokenizer(text, truncation=True, max_length=LENGTH)["input_ids"]
        if len(ids) == LENGTH:
            position = int(draw.integers(1, LENGTH - 1))
            ids[position] = tokenizer.mask_token_id
            passages.append((ids, position))
        if len(passages) == count:
            break
    return passages


def same_top_token(model: str, tokenizer: ConvBertTokenizer, page: Path, count: int) -> dict[str, float]:
    """Return the share of masked tokens where a file names the same most probable token as float32 does."""
    passages = masked_passages(tokenizer, count)
    exact = ConvBertForMaskedLM.from_pretrained(model).eval()
    with torch.inference_mode():
        expected = [
            int(exact(torch.tensor([ids])).logits[0, position].argmax()) for ids, position in passages
        ]
    shares: dict[str, float] = {"masked tokens": len(passages)}
    for weights in ("float16", "int8"):
        session = onnxruntime.InferenceSession(page / f"model-{weights}.onnx")
        found = [top_token(session, ids, position) for ids, position in passages]
        shares[weights] = float(np.mean([a == b for a, b in zip(found, expected, strict=True)]))
    return shares


def top_token(session: onnxruntime.InferenceSession, ids: Sequence[int], position: int) -> int:
    """Return the most probable token at a position."""
    return int(run_in_python(session, ids)["logits"][0, position].argmax())


if __name__ == "__main__":
    main()
