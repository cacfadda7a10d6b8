"""Set everything up and run it: `python start.py lab` opens the lessons, `python start.py test` checks everything.

`python start.py help` lists the commands. Nothing but Python is needed: no make, no shell, no compiler, no git.
Every Python since 3.6 can read this file, so that an old one can say that it is too old.
"""

import argparse
import contextlib
import difflib
import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

OLDEST = (3, 11)
if sys.version_info < OLDEST:
    sys.exit(
        f"Python 3.11 or newer is needed, but this is Python {platform.python_version()} ({sys.executable}).\n"
        "Install a newer one and start again with it: python3.11 start.py lab; on Windows: py -3.11 start.py lab; "
        "with make: make lab PYTHON=python3.11"
    )

EXTRAS = ("notebooks", "dev")
# Only the tests read TensorFlow's files, so only they install it (1.6 GB).
EXTRAS_OF_TESTS = ("tensorflow",)
# It has an environment of its own (0.3 GB), so that it decides about no version here. Only its test needs it.
NBGRADER = "nbgrader==0.9.6"
# Only the book installs what makes it.
EXTRAS_OF_BOOK = ("book",)
PIP_INSTALL = ("-m", "pip", "--disable-pip-version-check", "install", "--constraint", "constraints.txt")
DATA = ("reviews", "wikipedia", "factbook", "tweets", "recipes")

# Lessons run the same everywhere: two threads, a fixed hash seed,
# no progress bars, text in UTF-8, figures inside the notebook.
QUIET = {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1", "PYTHONUTF8": "1"}
LEFT_OUT = ("MPLBACKEND",)
# Some cells train a minute where the processor has bfloat16 units, and six where it has not.
SECONDS_OF_A_CELL = 900
NBVAL = (
    # A lesson that is left out is named, with the reason.
    "-rs",
    "--nbval",
    "--nbval-current-env",
    f"--nbval-cell-timeout={SECONDS_OF_A_CELL}",
    "--nbval-sanitize-with",
    "tests/notebooks/sanitize.cfg",
)
# Two processes on two cores; the tests of a file share what they prepare. Files come in the order of their names: the
# other order keeps those with few, long tests for the end. The lessons ask for two threads each, and threads that
# outnumber the cores must not wait actively: they would take eight times as long. (OMP_THREAD_LIMIT=1 is no way out:
# PyTorch does not look at it, and gradients of convolutions become wrong; see extras/doctor.py.)
SIDE_BY_SIDE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
SHARED_CORES = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
TIMINGS = (
    "speed", "memory", "parts", "encoding", "import_time", "finetune_speed", "loading", "pretraining_step",
    "drawing",
)  # fmt: skip

TORCH_INDEX = "CONVBERT_EDU_TORCH_INDEX"
PYTORCH = "https://download.pytorch.org/whl/"
# Of torch 2.13.0 for Linux and Python 3.11, as pip showed them.
WITH_CUDA, WITHOUT_CUDA = "2.7 GB", "0.2 GB"

PROBE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"


def run_process(
    command: Sequence[str], folder: Path, environment: dict[str, str] | None = None, silent: bool = False
) -> int:
    """Run a command and return its exit code; it is never left behind.

    Ctrl-C reaches the command as well, which may have something to save or to ask: it is waited for, and only then
    KeyboardInterrupt is raised. Raises OSError for a program that is not there.
    """
    output = subprocess.DEVNULL if silent else None
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    interrupted = False
    try:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    finally:
        if process.returncode is None:
            process.terminate()
    if interrupted:
        raise KeyboardInterrupt
    # A program that was killed by a signal has a negative code here, which no exit code can be.
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def python_of(environment: Path, system: str = os.name) -> Path:
    """Return where the Python of a virtual environment stands; Windows ("nt") has another layout."""
    return environment / ("Scripts/python.exe" if system == "nt" else "bin/python")


def torch_index_address(index: str) -> str:
    """Return the address of an index: itself, or for a name such as cpu or cu126 the one of PyTorch.

    Raises SystemExit for a text that is neither.
    """
    if "://" in index:
        return index
    if index.isascii() and index.replace(".", "").replace("/", "").isalnum():
        return PYTORCH + index
    sys.exit(f"--torch-index is {index!r}; give an address (https://...) or a name such as cpu or cu126")


def cuda_hint(system: str, has_card: bool) -> str:
    """Return what to know before torch is fetched; nothing where a GPU is there, or no CUDA would come along."""
    if system != "Linux" or has_card:
        return ""
    return (
        "No NVIDIA GPU is seen here. The usual torch for Linux brings the libraries for one along: about "
        f"{WITH_CUDA} to fetch.\nA torch without them is about {WITHOUT_CUDA}: stop this with Ctrl-C and start "
        f"again with --torch-index cpu, or with the environment variable {TORCH_INDEX}=cpu.\n"
        "(If pip is set up here to use an index of your own, that index decides which of the two it is.)"
    )


def has_nvidia_card() -> bool:
    """Say whether this machine shows an NVIDIA GPU: its tool, or its device files."""
    return shutil.which("nvidia-smi") is not None or any(Path("/dev").glob("nvidia*"))


class Project:
    """The folder of the project, the virtual environment in it, and what was installed there.

    `.venv/.installed` says what an install brought that ended well. It is written last, so that one that failed is
    tried again next time; `.venv/.unfinished` stands there while one is under way.
    """

    def __init__(
        self, root: Path, torch_index: str | None = None, run: Callable[..., int] = run_process
    ) -> None:
        self.root = root
        self.torch_index = torch_index and torch_index_address(torch_index)
        self.run = run
        self.environment = root / ".venv"
        self.stamp = self.environment / ".installed"
        self.unfinished = self.environment / ".unfinished"

    def call(
        self, *words: str, folder: str = ".", quiet: bool = True, more: Mapping[str, str] | None = None
    ) -> None:
        """Run the environment's Python with `words` in a folder of the project; an error of it ends everything.

        quiet: with the settings under which lessons run the same everywhere; `more` are added to them
        """
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        print("$ python", shlex.join(words), flush=True)
        command = [str(python_of(self.environment)), *words]
        code = self.run(command, self.root / folder, kept | QUIET | (more or {}) if quiet else None)
        if code:
            sys.exit(code)

    def call_pytest(self, *words: str) -> None:
        """Run tests in two processes side by side."""
        self.call("-m", "pytest", *SIDE_BY_SIDE, *words, more=SHARED_CORES)

    def prepare(self, extras: Sequence[str] = EXTRAS) -> None:
        """Make the environment where there is none that works, and install what is missing in it.

        Raises SystemExit, saying what to do, where that fails.
        """
        reason = self._why_anew()
        if reason:
            self._make_environment(reason)
        before = self._state()
        index = self.torch_index or before.get("torch_index")
        state = {"folder": str(self.root), "versions": self._versions(), "torch_index": index}
        known = before.get("extras", []) if all(before.get(name) == state[name] for name in state) else []
        if set(extras) <= set(known):
            return
        hint = cuda_hint(platform.system(), has_nvidia_card())
        if hint and not before and not index:
            print(hint, flush=True)
        self._install(extras, index)
        self.stamp.write_text(json.dumps({**state, "extras": sorted({*known, *extras})}), encoding="utf-8")

    def prepare_nbgrader(self) -> None:
        """Give nbgrader an environment in .venv/nbgrader; the kernel that it starts is this project's Python.

        Raises SystemExit, saying what to do, where that fails.
        """
        home = self.environment / "nbgrader"
        stamp, wanted = home / ".installed", f"{NBGRADER} {self._versions()}"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        for python, words in (
            (Path(sys.executable), ["-m", "venv", str(home)]),
            (python_of(home), [*PIP_INSTALL, NBGRADER]),
            (python_of(self.environment), ["-m", "ipykernel", "install", "--prefix", str(home)]),
        ):
            print("$ python", shlex.join(words), flush=True)
            if self.run([str(python), *words], self.root):
                sys.exit(
                    f"The environment {home} could not be made; the reason stands above. Without a network nothing "
                    "can be fetched. Start the same command again when the reason is gone."
                )
        stamp.write_text(wanted, encoding="utf-8")

    def _why_anew(self) -> str:
        """Return why the environment has to be made (again); nothing where it can stay."""
        python = python_of(self.environment)
        before = self._state()
        if not self.environment.exists():
            return "it is not there yet"
        try:
            works = self.run([str(python), "-c", PROBE], self.root, silent=True) == 0
        except OSError:
            works = False
        if not works:
            return "its Python does not start, is older than 3.11, or has no pip"
        if self.unfinished.exists():
            return "an install in it was interrupted, and may have left half a package behind"
        if before.get("folder", str(self.root)) != str(self.root):
            return f"it was made for another folder ({before['folder']})"
        if before and self.torch_index not in (None, before.get("torch_index")):
            return "its torch comes from another index"
        return ""

    def _make_environment(self, reason: str) -> None:
        print(f"Making the virtual environment {self.environment}: {reason}.", flush=True)
        if Path(sys.prefix).resolve() == self.environment:
            sys.exit(
                "It is in use at this moment: leave it (`deactivate`) and start again with another Python."
            )
        self._mark_unfinished()
        if self.run([sys.executable, "-m", "venv", "--clear", str(self.environment)], self.root):
            sys.exit(
                "The environment could not be made; the reason stands above. On Debian and Ubuntu the package "
                "python3-venv may be missing."
            )

    def _install(self, extras: Sequence[str], index: str | None) -> None:
        """Install the package with some extras; torch first, where it shall come from an index of its own."""
        wanted = [["--editable", f".[{','.join(extras)}]"]]
        if index:
            # Without its dependencies: they come from the usual index, in the pinned versions.
            wanted.insert(0, ["--no-deps", "--index-url", index, "torch"])
        self._mark_unfinished()
        for words in wanted:
            # The paths are relative, so that no letter in the name of the folder matters.
            command = [str(python_of(self.environment)), *PIP_INSTALL, *words]
            print("$ python", shlex.join(command[1:]), flush=True)
            if self.run(command, self.root):
                self.unfinished.unlink()
                sys.exit(
                    "The install failed; the reason stands above.\n"
                    "Without a network nothing can be fetched, and about 3 GB of free disk are needed. The pinned "
                    "versions exist for Python 3.11 to 3.14 on 64-bit systems, and this is Python "
                    f"{platform.python_version()} on {platform.system()} {platform.machine()}.\n"
                    "Start the same command again when the reason is gone: what was fetched is not fetched again."
                )
        self.unfinished.unlink()

    def _mark_unfinished(self) -> None:
        """Write the mark of an install that is under way; SystemExit where nothing can be written."""
        try:
            self.environment.mkdir(exist_ok=True)
            self.unfinished.touch()
        except OSError as error:
            sys.exit(
                f"The folder {self.root} cannot be written ({error.strerror}).\n"
                "Copy the project to a folder of your own, outside of any archive, and start again there."
            )

    def _state(self) -> dict:
        """Return what the stamp says; nothing where there is none that can be read."""
        try:
            state = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _versions(self) -> str:
        """Return a text that changes with the files that say what is installed."""
        files = [(self.root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
        return hashlib.sha256(b"\0".join(files)).hexdigest()


def setup(project: Project) -> None:
    """Create .venv, install the package with its tools, fetch the data (every command below does this)."""
    project.prepare()
    project.call("-m", "convbert_edu", "data", "fetch", *DATA, quiet=False)


def lab(project: Project) -> None:
    """Open the lessons in JupyterLab."""
    setup(project)
    # In a container one is often root, which Jupyter otherwise refuses.
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # Ctrl-C is how JupyterLab is stopped.
    with contextlib.suppress(KeyboardInterrupt):
        project.call("-m", "jupyterlab", *as_root, "00_start_here.ipynb", folder="notebooks", quiet=False)


def walkthrough(project: Project) -> None:
    """Run all lessons without a browser and write them as web pages: build/walkthrough/index.html."""
    setup(project)
    project.call("notebooks/tools/walkthrough.py")


def book(project: Project) -> None:
    """Make the book, with lessons as they are stored: build/book/html/index.html, and an EPUB."""
    project.prepare()
    project.prepare(EXTRAS_OF_BOOK)
    project.call("book/make_book.py")


def slides(project: Project) -> None:
    """Make slides of lessons 00 to 04: build/slides/index.html."""
    setup(project)
    project.call("slides/make_slides.py")


def offline_bundle(project: Project) -> None:
    """Pack packages, texts, models and lessons for a machine without a network: build/offline-bundle/."""
    setup(project)
    project.call("offline/make_bundle.py")


def test(project: Project) -> None:
    """Run all checks: style, unit tests, and each lesson run again and compared with its outputs."""
    lint(project)
    setup(project)
    project.prepare(EXTRAS_OF_TESTS)
    project.prepare_nbgrader()
    project.call_pytest("tests")
    project.call_pytest(*NBVAL, "notebooks")


def test_fast(project: Project) -> None:
    """Run the quick checks: no notebook kernel is started."""
    lint(project)
    setup(project)
    project.call_pytest("-m", "not slow", "tests")


def test_machines(project: Project) -> None:
    """Run numerical tests and lessons 00 to 05 as other processors and thread counts compute them."""
    setup(project)
    project.call("tests/machines.py", quiet=False)


def test_browser(project: Project) -> None:
    """Run lessons, explainer and book in a headless Chromium; screenshots go to build/browser/."""
    setup(project)
    project.prepare(EXTRAS_OF_BOOK)
    files = [f"tests/browser/{name}_in_chromium.py" for name in ("lessons", "explainer", "book")]
    project.call_pytest("-rs", *files)


def explainer(project: Project) -> None:
    """Build the web page that shows ConvBERT at work: build/explainer/ (needs npm)."""
    setup(project)
    project.call("web/explainer/make_page.py")


def lint(project: Project) -> None:
    """Check the style."""
    project.prepare()
    project.call("-m", "ruff", "check", ".", quiet=False)


def notebooks(project: Project) -> None:
    """Run the lessons, and the solutions of the exercises, again and store their new outputs."""
    setup(project)
    lessons = sorted(f"notebooks/{path.name}" for path in (project.root / "notebooks").glob("*.ipynb"))
    project.call(
        "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace",
        f"--ExecutePreprocessor.timeout={SECONDS_OF_A_CELL}",
        "--ExecutePreprocessor.extra_arguments=--log-level=ERROR", *lessons,
    )  # fmt: skip
    project.call("notebooks/tools/normalise.py", *lessons, quiet=False)
    project.call("notebooks/tools/exercise_notebooks.py")


def course(project: Project) -> None:
    """Write the exercises for a course, and grade what lies in course/submitted/NAME/NN_exercises.ipynb."""
    setup(project)
    project.call("notebooks/tools/course.py", "all", "course", quiet=False)


def bench(project: Project) -> None:
    """Time this package beside transformers."""
    setup(project)
    (project.root / "build/bench").mkdir(parents=True, exist_ok=True)
    for name in TIMINGS:
        project.call(f"benchmarks/{name}.py", "--output", f"build/bench/{name}.json", quiet=False)


def gpu(project: Project) -> None:
    """Run and measure everything on this machine's GPU: benchmarks/results/gpu-CARD.json (benchmarks/gpu.py)."""
    setup(project)
    project.call("benchmarks/gpu.py", "--limit-minutes", "30", quiet=False)


def gpu_rehearsal(project: Project) -> None:
    """Try every stage of `gpu` on the CPU, in tiny sizes; what it writes goes to build/gpu-rehearsal/."""
    setup(project)
    project.call("benchmarks/gpu.py", "--rehearse", quiet=False)


def gpu_pack(project: Project) -> None:
    """Pack what must travel to a machine with a GPU and no network: build/gpu-pack/, with all sizes."""
    setup(project)
    project.call("benchmarks/gpu.py", "--list", quiet=False)
    project.call("benchmarks/gpu_pack.py", quiet=False)


def bundled_models(project: Project) -> None:
    """Make the models of convbert_edu/bundled again (about five hours on two cores, in pieces if stopped)."""
    setup(project)
    scores = "build/bundled/scores.json"
    project.call("benchmarks/bundled_models.py", "train", "build/bundled", quiet=False)
    project.call("benchmarks/bundled_models.py", "bundle", "build/bundled")
    project.call("benchmarks/pretrained_vs_scratch.py", "--model", "convbert-tiny", "--output", scores)
    project.call("benchmarks/bundled_models.py", "measure", scores)
    project.call("benchmarks/bundled_mini.py", "train", "build/mini", quiet=False)
    project.call("benchmarks/bundled_mini.py", "bundle", "build/mini")
    project.call("benchmarks/bundled_mini.py", "measure", "--scores", "benchmarks/finetune_all.json")


def clean(project: Project) -> None:
    """Remove what was built; .venv and the fetched data stay."""
    for pattern in ("build", "dist", "*.egg-info", ".pytest_cache", ".ruff_cache", ".hypothesis"):
        for path in project.root.glob(pattern):
            shutil.rmtree(path)
    for name in ("benchmarks", "book", "convbert_edu", "notebooks", "offline", "slides", "tests", "web"):
        for path in list((project.root / name).rglob("__pycache__")):
            shutil.rmtree(path)


COMMANDS: dict[str, Callable[[Project], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        setup, lab, book, slides, walkthrough, explainer, test, test_fast, test_machines, test_browser, lint,
        notebooks, course, bench, gpu, gpu_rehearsal, gpu_pack, bundled_models, offline_bundle, clean,
    )
}  # fmt: skip


def main(arguments: Sequence[str], root: Path, run: Callable[..., int] = run_process) -> None:
    """Carry out what the command line says; raises SystemExit with a message or an exit code where that fails."""
    parser = argparse.ArgumentParser(
        prog="python start.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="The commands:\n"
        + "\n".join(f"  {name:<15} {command.__doc__}" for name, command in COMMANDS.items()),
    )
    parser.add_argument("command", nargs="?", default="help", metavar="COMMAND", help="one of the list above")
    parser.add_argument(
        "--torch-index",
        metavar="INDEX",
        default=os.environ.get(TORCH_INDEX) or None,
        help=f"fetch torch from here: an address, or a name such as cpu or cu126 for {PYTORCH}NAME; else the "
        f"variable {TORCH_INDEX}, and without that pip's own index",
    )
    options = parser.parse_args(arguments)
    if options.command == "help":
        parser.print_help()
        return
    if options.command not in COMMANDS:
        near = difflib.get_close_matches(options.command, COMMANDS, n=1)
        parser.error(
            f"there is no command {options.command!r}; {f'did you mean {near[0]!r}? ' if near else ''}"
            f"The commands are {', '.join(COMMANDS)}"
        )
    try:
        COMMANDS[options.command](Project(root, options.torch_index, run))
    except KeyboardInterrupt:
        print("\nInterrupted. Start the same command again: it goes on from here.", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        sys.exit(f"The command {options.command} stopped: {error}")


if __name__ == "__main__":
    # Whoever ends this ends the command that it runs, too (see run_process).
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        # A letter that this terminal does not know must not stop the work.
        stream.reconfigure(errors="backslashreplace")
    main(sys.argv[1:], Path(__file__).resolve().parent)
