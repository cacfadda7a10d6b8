"""Build the page of this folder: python web/explainer/make_page.py (or make explainer) writes build/explainer/.

The folder holds all that the page needs, the model and the lessons included, so that it works without a network:
`python -m http.server --directory build/explainer` shows it. explainer.html beside it is the same page in one file,
with the smaller of the two models, that also opens from disk.
"""

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import nbformat
from filelock import FileLock

from convbert_edu import ConvBertTokenizer
from convbert_edu.distillation.objective import MaskedLMWithDetector
from convbert_edu.extras.onnx import export_onnx, shrink_onnx
from convbert_edu.files import atomic_write
from convbert_edu.visualize import display

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "notebooks" / "tools"))
# The lessons' tools can be imported only from here on.
from pages import PageExporter, title_of  # noqa: E402

# The page reads no longer texts: pictures of more tokens than this cannot be read.
LONGEST = 128
# What the page loads from npm's packages: the name in its imports -> the file.
LIBRARIES = {
    "onnxruntime-web": "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
    "@huggingface/tokenizers": "@huggingface/tokenizers/dist/tokenizers.min.mjs",
}
RUNTIME = "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"
WEIGHTS = ("float16", "int8")
# What npm says where there is no network.
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
NO_NPM = (
    "the page needs onnxruntime-web and a tokenizer from npm, and there is no npm here; install Node.js 20 or newer "
    "(https://nodejs.org; Debian: apt-get install nodejs npm)"
)


@click.command()
@click.option("--model", default="convbert-mini", show_default=True, help="A bundled model, or a folder.")
@click.option(
    "--output",
    default=ROOT / "build" / "explainer",
    type=click.Path(file_okay=False, path_type=Path),
    help="Else build/explainer.",
)
@click.option("--lessons/--no-lessons", default=True, help="Also the lessons that the page links to.")
def main(model: str, output: Path, lessons: bool) -> None:
    """Build the page."""
    try:
        build(model, output, lessons)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"The page was not built: {error}")
    click.echo(f"wrote {output}; show it with: python -m http.server --directory {output}")


def build(model: str | Path, output: Path, lessons: bool = True) -> None:
    """Write the page for a model with both heads of pretraining into the folder `output`, which is emptied first.

    Raises FileNotFoundError without the model, ValueError for other models, and what `fetch_libraries` raises.
    """
    libraries = fetch_libraries()
    loaded = MaskedLMWithDetector.from_pretrained(model).eval()
    if loaded.config.attention_only:
        raise ValueError("the page shows kernels, and this model has none (attention_only)")
    shutil.rmtree(output, ignore_errors=True)
    (output / "libraries").mkdir(parents=True)
    for name in ("index.html", "style.css", "src"):
        copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
        copy(HERE / name, output / name)
    for path in (*LIBRARIES.values(), RUNTIME):
        shutil.copy(libraries / path, output / "libraries")
    tokenizer = ConvBertTokenizer.from_pretrained(model)
    tokenizer.save_pretrained(output / "tokenizer")
    (output / "tokenizer" / "vocab.txt").unlink(missing_ok=True)
    facts = {
        "model": model_facts(loaded, str(model)),
        "files": write_models(loaded, output),
        "longest": min(LONGEST, loaded.config.max_position_embeddings),
        "mask": tokenizer.mask_token,
        "letters": letters(tokenizer),
        "map": map_facts(),
        "lessons": lesson_facts(output if lessons else None),
    }
    write_text(output / "facts.json", json.dumps(facts, ensure_ascii=False))
    write_text(output / "explainer.html", single_file(output))


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    with atomic_write(path, "w") as file:
        file.write(text)


def fetch_libraries() -> Path:
    """Return node_modules, after npm has fetched what package-lock.json pins, if it was not there yet.

    Raises FileNotFoundError without npm, ConnectionError without a network, RuntimeError for what else npm says.
    """
    # Two tests, or two builds, may want it at the same time.
    with FileLock(HERE / ".node_modules.lock"):
        return _fetch_libraries(HERE / "node_modules")


def _fetch_libraries(folder: Path) -> Path:
    stamp = folder / ".fetched"
    pinned = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == pinned:
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(NO_NPM)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True
    )
    if done.returncode and any(code in done.stderr for code in UNREACHABLE):
        raise ConnectionError(
            f"npm cannot reach its registry to fetch the page's libraries:\n{done.stderr.strip()}"
        )
    if done.returncode:
        raise RuntimeError(f"npm could not fetch what package-lock.json names:\n{done.stderr.strip()}")
    stamp.write_text(pinned)
    return folder


def write_models(model: MaskedLMWithDetector, output: Path) -> dict[str, dict[str, Any]]:
    """Write the model once for each kind of weights; return what the page checks the files by."""
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        export_onnx(model, exact, with_internals=True)
        for weights in WEIGHTS:
            path = output / f"model-{weights}.onnx"
            shrink_onnx(exact, path, weights)
            data = path.read_bytes()
            files[weights] = {
                "name": path.name,
                "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
    return files


def model_facts(model: MaskedLMWithDetector, name: str) -> dict[str, Any]:
    """Return the sizes that the page shows, by the letters of the course's notation where it has one."""
    config = model.config
    return {
        "name": Path(name).name,
        "parameters": model.num_parameters(),
        "L": config.num_hidden_layers,
        "h": config.num_heads_per_branch,
        "d": config.hidden_size,
        "a": config.branch_size,
        "k": config.conv_kernel_size,
        "v": config.vocab_size,
        "positions": config.max_position_embeddings,
    }


def letters(tokenizer: ConvBertTokenizer) -> dict[str, list[list[int]]]:
    """Return which characters the tokenizer drops inside a word, and at which it splits one: ranges of code points.

    The library of the page asks the browser, whose Unicode is newer, and overlooks Chinese characters above U+FFFF;
    src/text.js evens that out with these tables.
    """
    backend = tokenizer._backend
    found: dict[str, list[list[int]]] = {"dropped": [], "split": []}
    codes = [code for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000]
    for start in range(0, len(codes), 4096):
        chunk = codes[start : start + 4096]
        # Each character between two letters; one call for many is a hundred times as fast as one for each.
        text = backend.normalizer.normalize_str(" ".join(f"a{chr(code)}b" for code in chunk))
        pieces = iter(piece for piece, _ in backend.pre_tokenizer.pre_tokenize_str(text))
        for code in chunk:
            group = [next(pieces)]
            while not group[-1].endswith("b"):
                group.append(next(pieces))
            kind = "dropped" if group == ["ab"] else "split" if len(group) > 1 else None
            if kind is not None:
                _add_to_ranges(found[kind], code)
    return found


def _add_to_ranges(ranges: list[list[int]], code: int) -> None:
    if ranges and ranges[-1][1] == code - 1:
        ranges[-1][1] = code
    else:
        ranges.append([code, code])


def map_facts() -> dict[str, Any]:
    """Return the lessons' map of the model (show_model_map) as lists, so that there is one map and not two."""
    return {
        "parts": {
            name: {
                "words": part.words,
                "box": part.box,
                "colour": part.colour,
                "holds": part.holds,
            }
            for name, part in display.MAP_PARTS.items()
        },
        "details": [{"words": _plain(words), "box": box} for _, words, box in display.MAP_DETAILS],
        "arrows": [corners for _, corners in display.MAP_ARROWS],
        "shapes": [{"shape": shape, "place": place} for _, shape, place in display.MAP_SHAPES],
        "words": display.MAP_IN_WORDS,
    }


def _plain(formula: str) -> str:
    """Return a label without the signs of a formula: $W_O$ becomes W_O."""
    return formula.replace("$", "")


def lesson_facts(output: Path | None) -> dict[str, dict[str, str]]:
    """Return title and address of each lesson by its number; write the lessons, as they are stored, into `output`."""
    lessons = {}
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        lessons[path.name[:2]] = {
            "title": (title_of(notebook) or path.stem).replace(" · ", " "),
            "address": f"lessons/{path.stem}.html",
        }
        if output is not None:
            folder = output / "lessons"
            folder.mkdir(exist_ok=True)
            write_text(folder / f"{path.stem}.html", PageExporter(path.parent, folder).page(notebook))
    return lessons


def single_file(output: Path) -> str:
    """Return the page of the folder `output` as one HTML file, in which everything is embedded.

    Browsers refuse to load modules and files beside a page that was opened from disk. So each module stands in the
    import map as a data address, and each file in a script element that is no script.
    """
    html = (output / "index.html").read_text(encoding="utf-8")
    modules = {name: output / "libraries" / Path(path).name for name, path in LIBRARIES.items()}
    modules |= {f"convbert-explainer/{path.name}": path for path in sorted((output / "src").glob("*.js"))}
    imports = {
        name: "data:text/javascript;base64," + base64.b64encode(path.read_bytes()).decode()
        for name, path in modules.items()
    }
    embedded = [
        output / "facts.json",
        output / "tokenizer" / "tokenizer.json",
        output / "tokenizer" / "tokenizer_config.json",
        output / "libraries" / Path(RUNTIME).name,
        output / "model-int8.onnx",
    ]
    files = "\n".join(
        f'<script type="application/octet-stream" data-file="{path.relative_to(output).as_posix()}">'
        f"{base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()}</script>"
        for path in embedded
    )
    style = f"<style>{(output / 'style.css').read_text(encoding='utf-8')}</style>"
    html = html.replace('<link rel="stylesheet" href="style.css">', style)
    start, end = html.index('<script type="importmap">'), html.index("</script>", html.index("importmap"))
    html = f'{html[:start]}<script type="importmap">{json.dumps({"imports": imports})}{html[end:]}'
    return html.replace("<!-- files -->", files)


if __name__ == "__main__":
    main()
